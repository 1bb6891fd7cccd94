/**
 * The running agent: every component of a checked configuration, wired up.
 *
 *     receiver -> fan-out to its pipelines -> processors -> gate -> fan-out to the exporters
 *
 * Receivers and exporters are shared between pipelines; a processor has one instance a pipeline.
 * Invariant: components start from the exporters backwards and stop from the receivers forwards, so
 * that whoever hands records on always finds the next one at work.
 */
import type { Component, Exporter, LogsConsumer, Receiver } from "../component/component.ts";
import { describeError } from "../component/errors.ts";
import type {
  AnyExporterFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from "../component/factory.ts";
import type { ComponentId, Settings } from "../component/settings.ts";
import { Branch } from "./branch.ts";
import type { GraphEnvironment } from "./environment.ts";
import { FanOut } from "./fan_out.ts";
import { countOutcome, countPassing, withholdUntreated } from "./meters.ts";
import { DurableQueue } from "./queue/durable_queue.ts";
import { watchBranches } from "./watch.ts";

/** A component of the configuration file, checked: `config` is what its factory's schema gave. */
export interface ConfiguredComponent<Factory> {
  readonly id: ComponentId;
  readonly factory: Factory;
  readonly config: unknown;
}

/** One pipeline; the strings are component ids as in the maps of {@link GraphPlan}. */
export interface PipelinePlan {
  readonly id: string;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** What to build. The checked configuration has this shape. */
export interface GraphPlan {
  readonly receivers: ReadonlyMap<string, ConfiguredComponent<AnyReceiverFactory>>;
  readonly processors: ReadonlyMap<string, ConfiguredComponent<AnyProcessorFactory>>;
  readonly exporters: ReadonlyMap<string, ConfiguredComponent<AnyExporterFactory>>;
  readonly pipelines: readonly PipelinePlan[];
}

interface Started {
  readonly id: ComponentId;
  readonly pipeline: string | undefined;
  readonly component: Component;
}

export class Graph {
  readonly #environment: GraphEnvironment;
  /** In the order of the data: receivers, processors of each pipeline, exporters. */
  readonly #components: readonly Started[];
  readonly #branches: readonly Branch[];
  readonly #stop: AbortController;
  #stopWatching: (() => void) | undefined;

  private constructor(
    environment: GraphEnvironment,
    components: readonly Started[],
    branches: readonly Branch[],
    stop: AbortController,
  ) {
    this.#environment = environment;
    this.#components = components;
    this.#branches = branches;
    this.#stop = stop;
  }

  /** Creates every component that a pipeline uses. Nothing is opened or started yet. */
  static build(plan: GraphPlan, environment: GraphEnvironment): Graph {
    const builder = new GraphBuilder(plan, environment);
    const components = builder.build();
    return new Graph(environment, components, builder.branches, builder.stop);
  }

  /** Starts all, exporters first. When one cannot, those already started are stopped again. */
  async start(): Promise<void> {
    const started: Started[] = [];
    try {
      for (const entry of this.#components.toReversed()) {
        started.unshift(entry);
        await entry.component.start();
        this.#report(entry, "ok");
      }
    } catch (error) {
      const failed = started[0]!;
      this.#report(failed, "failed", describeError(error));
      this.#stop.abort();
      await shutdownInOrder(started, AbortSignal.abort(), this.#environment);
      throw error;
    }
    this.#stopWatching = watchBranches(this.#branches, this.#environment);
  }

  /**
   * Stops all, receivers first, so that what is under way is delivered. When `deadline` aborts,
   * what is left is given back to the receivers as not delivered: they read or get it again.
   */
  async shutdown(deadline: AbortSignal): Promise<void> {
    const stop = (): void => this.#stop.abort();
    deadline.addEventListener("abort", stop, { once: true });
    if (deadline.aborted) stop();
    await shutdownInOrder(this.#components, deadline, this.#environment);
    deadline.removeEventListener("abort", stop);
    stop();
    this.#stopWatching?.();
  }

  #report(entry: Started, status: "ok" | "failed", reason?: string): void {
    this.#environment.reportStatus(entry.id, entry.pipeline, status, reason);
  }
}

async function shutdownInOrder(
  components: readonly Started[],
  deadline: AbortSignal,
  environment: GraphEnvironment,
): Promise<void> {
  for (const { id, pipeline, component } of components) {
    try {
      await component.shutdown(deadline);
      environment.reportStatus(id, pipeline, "stopped");
    } catch (error) {
      const logger = environment.loggerFor(id, pipeline);
      logger.error("shutdown failed", { error: describeError(error) });
    }
  }
}

class GraphBuilder {
  readonly branches: Branch[] = [];
  readonly stop = new AbortController();
  readonly #plan: GraphPlan;
  readonly #environment: GraphEnvironment;
  readonly #exporters = new Map<string, LogsConsumer>();
  readonly #exporterComponents: Started[] = [];
  readonly #processorComponents: Started[] = [];
  /** In which an exact number of records is itself private. */
  readonly #privatePipelines = new Set<string>();

  constructor(plan: GraphPlan, environment: GraphEnvironment) {
    this.#plan = plan;
    this.#environment = environment;
  }

  build(): Started[] {
    const heads = new Map<string, LogsConsumer>();
    for (const pipeline of this.#plan.pipelines) heads.set(pipeline.id, this.#pipeline(pipeline));
    const receivers: Started[] = [];
    for (const [key, configured] of this.#plan.receivers) {
      const pipelines = this.#plan.pipelines.filter(({ receivers }) => receivers.includes(key));
      if (pipelines.length === 0) continue;
      const next = this.#fanOut(
        pipelines.map(({ id }) => this.#branch(`${key} -> ${id}`, heads.get(id)!)),
      );
      const ids = pipelines.map(({ id }) => id);
      receivers.push(this.#receiver(configured, ids, next));
    }
    return [...receivers, ...this.#processorComponents, ...this.#exporterComponents];
  }

  #receiver(
    configured: ConfiguredComponent<AnyReceiverFactory>,
    pipelines: readonly string[],
    next: LogsConsumer,
  ): Started {
    const { instruments } = this.#environment;
    const id = configured.id;
    const counted = countOutcome(
      next,
      (records) => instruments.receiverAccepted(id, records),
      (records) => instruments.receiverRefused(id, records),
    );
    const arePrivate = pipelines.every((pipeline) => this.#privatePipelines.has(pipeline));
    const settings = { ...this.#environment.settingsFor(id, undefined, []), pipelines };
    const component: Receiver = configured.factory.create(
      configured.config as never,
      settings,
      arePrivate ? next : counted,
    );
    return { id, pipeline: undefined, component };
  }

  /** Builds a pipeline from its end to its head, and returns the head. */
  #pipeline(pipeline: PipelinePlan): LogsConsumer {
    const { instruments } = this.#environment;
    const exporters = pipeline.exporters.map((key) =>
      this.#branch(`${pipeline.id} -> ${key}`, this.#exporter(key)),
    );
    const out = named(this.#fanOut(exporters), pipeline.id);
    let next = withholdUntreated(out, (reason, records) =>
      instruments.withheld(pipeline.id, reason, records),
    );
    const downstream = pipeline.exporters.map((key) => this.#plan.exporters.get(key)!.id.type);
    const components: Started[] = [];
    // From the end: what is before a processor whose counts are private counts nothing either.
    let count = true;
    for (const key of pipeline.processors.toReversed()) {
      const { id, factory, config } = this.#plan.processors.get(key)!;
      const settings = this.#environment.settingsFor(id, pipeline.id, [...downstream]);
      if (factory.countsArePrivate === true) {
        count = false;
        this.#privatePipelines.add(pipeline.id);
      }
      const outgoing = countPassing(next, (records) =>
        instruments.processorOutgoing(id, pipeline.id, records),
      );
      const processor = factory.create(config as never, settings, count ? outgoing : next);
      const incoming = countPassing(processor, (records) =>
        instruments.processorIncoming(id, pipeline.id, records),
      );
      next = count ? incoming : processor;
      components.unshift({ id, pipeline: pipeline.id, component: processor });
      downstream.unshift(id.type);
    }
    this.#processorComponents.push(...components);
    return next;
  }

  /** The one instance of an exporter, whichever pipelines use it. */
  #exporter(key: string): LogsConsumer {
    const known = this.#exporters.get(key);
    if (known !== undefined) return known;
    const { instruments } = this.#environment;
    const configured = this.#plan.exporters.get(key);
    if (configured === undefined) throw new Error(`the checked plan has no exporter ${key}`);
    const { id, factory, config } = configured;
    const settings: Settings = this.#environment.settingsFor(id, undefined, []);
    const exporter: Exporter = factory.create(config as never, settings);
    const counted = countOutcome(
      exporter,
      (records) => instruments.exporterSent(id, records),
      (records) => instruments.exporterFailed(id, records),
    );
    const options = factory.queue?.(config as never);
    const queue = options && new DurableQueue({ options, settings, exporter, next: counted });
    if (queue !== undefined) this.branches.push(queue.branch);
    this.#exporters.set(key, queue ?? counted);
    this.#exporterComponents.push({ id, pipeline: undefined, component: queue ?? exporter });
    return queue ?? counted;
  }

  #branch(name: string, next: LogsConsumer): Branch {
    const branch = new Branch(name, next, this.#environment.clock, this.stop.signal);
    this.branches.push(branch);
    return branch;
  }

  #fanOut(branches: readonly Branch[]): LogsConsumer {
    return branches.length === 1 ? branches[0]! : new FanOut(branches);
  }
}

/** Tells exporters, which several pipelines may share, from which one a batch comes. */
function named(next: LogsConsumer, pipeline: string): LogsConsumer {
  return { consumeLogs: (batch) => next.consumeLogs({ ...batch, pipeline }) };
}
