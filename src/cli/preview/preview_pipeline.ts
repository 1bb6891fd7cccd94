/**
 * The processors of one pipeline for a look at what they do: real, with the real configuration, but
 * with a state folder that is gone afterwards and with nothing behind the last of them.
 *
 * Invariant: no receiver and no exporter is made, so nothing is read, sent or stored.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Meter } from "@opentelemetry/api";
import { createNoopMeter } from "@opentelemetry/api";
import type { Config as DetectorConfig } from "../../../processors/pii_detect/config.ts";
import type { Explanation } from "../../../processors/pii_detect/explain.ts";
import { Explainer } from "../../../processors/pii_detect/explain.ts";
import type { LogsConsumer, Processor } from "../../component/component.ts";
import type { CreateDetector } from "../../component/detector.ts";
import type { ComponentId, LogAttributes, Settings } from "../../component/settings.ts";
import { formatComponentId } from "../../component/settings.ts";
import type { LogBatch } from "../../data/log_batch.ts";
import type { LogRecord } from "../../data/log_record.ts";
import { makePrivateDirectory } from "../../lib/durable_file.ts";
import { systemClock, systemRandom } from "../../lib/system_clock.ts";
import type { GraphPlan, PipelinePlan } from "../../pipeline/graph.ts";
import { withholdUntreated } from "../../pipeline/meters.ts";
import { ThrowawayKeys } from "./throwaway_keys.ts";

/** Processors that change nothing in a record and only make it wait. */
const WAITING = new Set(["batch", "memory_limiter"]);
/** The counter with which `pii_detect` tells what it found. */
const FINDINGS = "vouchsafe_pii_findings";

export interface FoundCount {
  readonly entity: string;
  readonly action: string;
  readonly count: number;
  /** The places, as the detector explains them. */
  readonly where: readonly Explanation[];
}

export interface Outcome {
  readonly before: LogRecord;
  /** None when it was stopped; most often one. */
  readonly after: readonly LogRecord[];
  readonly found: readonly FoundCount[];
  /** The id of the processor behind which nothing of the record came out. */
  readonly stoppedBy: string | undefined;
}

export interface PreviewOptions {
  readonly throwawayKeys: boolean;
  readonly createDetector: CreateDetector | undefined;
  /** Told what a component warns of. */
  readonly onWarning: (component: string, message: string, attributes: LogAttributes) => void;
}

interface Stage {
  readonly id: string;
  readonly processor: Processor;
  /** Records that came out while the record under way was inside. */
  passed: number;
}

export class PreviewPipeline {
  readonly #directory: string;
  readonly #options: PreviewOptions;
  readonly #stages: Stage[] = [];
  readonly #after: LogRecord[] = [];
  readonly #found = new Map<string, number>();
  #explanations: Explanation[] = [];
  #head: LogsConsumer;

  private constructor(directory: string, options: PreviewOptions) {
    this.#directory = directory;
    this.#options = options;
    const end: LogsConsumer = {
      consumeLogs: async ({ records }) => {
        this.#after.push(...records);
      },
    };
    this.#head = withholdUntreated(end, () => {});
  }

  /** Rejects with the `AgentError` of a processor that cannot start, such as for want of a key. */
  static async start(
    plan: GraphPlan,
    pipeline: PipelinePlan,
    options: PreviewOptions,
  ): Promise<PreviewPipeline> {
    const directory = await mkdtemp(join(tmpdir(), "vouchsafe-preview-"));
    const preview = new PreviewPipeline(directory, options);
    try {
      await preview.#build(plan, pipeline);
      for (const { processor } of preview.#stages) await processor.start();
    } catch (error) {
      await preview.close();
      throw error;
    }
    return preview;
  }

  async run(before: LogRecord): Promise<Outcome> {
    this.#after.length = 0;
    this.#found.clear();
    this.#explanations = [];
    for (const stage of this.#stages) stage.passed = 0;
    await this.#head.consumeLogs({ records: [before] });
    const stopped = this.#stages.find(({ passed }) => passed === 0);
    const found = [...this.#found].map(([key, count]): FoundCount => {
      const [entity, action] = key.split(" ");
      const where = this.#explanations.filter((explanation) => explanation.entity === entity);
      return { entity: entity!, action: action!, count, where };
    });
    const after = [...this.#after];
    return { before, after, found, stoppedBy: after.length === 0 ? stopped?.id : undefined };
  }

  async close(): Promise<void> {
    for (const { processor } of this.#stages) await processor.shutdown(AbortSignal.abort());
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #build(plan: GraphPlan, pipeline: PipelinePlan): Promise<void> {
    const keys = new ThrowawayKeys(this.#directory, systemClock, systemRandom);
    const downstream = pipeline.exporters.map((key) => plan.exporters.get(key)!.id.type);
    for (const key of pipeline.processors.toReversed()) {
      const { id, factory, config } = plan.processors.get(key)!;
      const settings = this.#settings(id, pipeline.id, [...downstream]);
      downstream.unshift(id.type);
      if (WAITING.has(id.type)) continue;
      const used = this.#options.throwawayKeys ? await keys.in(config) : config;
      // A preview has seen no registry before this one, so there are no changes to record.
      const quiet = id.type === "consent" ? { ...(used as object), record_changes: false } : used;
      const next = this.#head;
      const stage: Stage = {
        id: formatComponentId(id),
        processor: factory.create(quiet as never, settings, {
          consumeLogs: (batch: LogBatch) => {
            stage.passed += batch.records.length;
            return next.consumeLogs(batch);
          },
        }),
        passed: 0,
      };
      this.#stages.unshift(stage);
      this.#head = id.type === "pii_detect" ? this.#explaining(stage, config) : stage.processor;
    }
  }

  #explaining({ processor }: Stage, config: unknown): LogsConsumer {
    const explainer = new Explainer(config as DetectorConfig);
    return {
      consumeLogs: (batch) => {
        try {
          for (const record of batch.records) this.#explanations.push(...explainer.explain(record));
        } catch {
          // A value that cannot be looked at: the processor withholds the record, and that shows.
        }
        return processor.consumeLogs(batch);
      },
    };
  }

  #settings(id: ComponentId, pipeline: string, downstream: readonly string[]): Settings {
    const folder = async (...names: string[]): Promise<string> => {
      const path = join(this.#directory, "state", ...names);
      await makePrivateDirectory(path);
      return path;
    };
    const warn = (message: string, attributes: LogAttributes = {}): void =>
      this.#options.onWarning(formatComponentId(id), message, attributes);
    return {
      id,
      pipeline,
      downstream,
      logger: { debug: () => {}, info: () => {}, warn, error: warn },
      meter: this.#meter(),
      clock: systemClock,
      random: systemRandom,
      stateDirectory: () => folder(`${id.type}~${id.name}`, pipeline.replaceAll("/", "~")),
      sharedStateDirectory: (type = id.type) => folder(type),
      createDetector: this.#options.createDetector,
      reportStatus: () => {},
    };
  }

  #meter(): Meter {
    const noop = createNoopMeter();
    const meter: Meter = Object.create(noop);
    meter.createCounter = (name, options) => {
      if (name !== FINDINGS) return noop.createCounter(name, options);
      return {
        add: (count, labels) => {
          const key = `${labels?.entity} ${labels?.action}`;
          this.#found.set(key, (this.#found.get(key) ?? 0) + count);
        },
      };
    };
    return meter;
  }
}
