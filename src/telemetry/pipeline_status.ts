/**
 * What the pipelines are and how much went through them, for the status page.
 *
 * Invariant: it knows no more than the metrics do: a pipeline whose counts are private has none.
 */
import type { ComponentId } from "../component/settings.ts";
import { formatComponentId } from "../component/settings.ts";
import type { Instruments, ObservedBranch } from "./instruments.ts";

/** Ids of components, in the order of the data. */
export interface PipelineShape {
  readonly id: string;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

type Counts = Record<string, number>;

export class PipelineStatus {
  #shapes: readonly PipelineShape[] = [];
  #branches: readonly ObservedBranch[] = [];
  readonly #counts = new Map<string, Counts>();

  /** The pipelines that run from now on. What was counted stays, as in the metrics. */
  show(shapes: readonly PipelineShape[]): void {
    this.#shapes = shapes;
    this.#branches = [];
  }

  /** Passes everything on and keeps the sums. */
  counting(next: Instruments): Instruments {
    const add = (key: string, name: string, records: number): void => {
      const counts = this.#counts.get(key) ?? {};
      counts[name] = (counts[name] ?? 0) + records;
      this.#counts.set(key, counts);
    };
    const shared =
      (method: SharedCount, name: string) =>
      (id: ComponentId, records: number): void => {
        add(`${id.kind}:${formatComponentId(id)}`, name, records);
        next[method](id, records);
      };
    const ofProcessor =
      (method: "processorIncoming" | "processorOutgoing", name: string) =>
      (id: ComponentId, pipeline: string, records: number): void => {
        add(`${id.kind}:${formatComponentId(id)}@${pipeline}`, name, records);
        next[method](id, pipeline, records);
      };
    return {
      receiverAccepted: shared("receiverAccepted", "accepted"),
      receiverRefused: shared("receiverRefused", "refused"),
      processorIncoming: ofProcessor("processorIncoming", "incoming"),
      processorOutgoing: ofProcessor("processorOutgoing", "outgoing"),
      exporterSent: shared("exporterSent", "sent"),
      exporterFailed: shared("exporterFailed", "failed"),
      withheld: (pipeline, reason, records) => {
        add(pipeline, reason, records);
        next.withheld(pipeline, reason, records);
      },
      observeBranches: (branches) => {
        this.#branches = branches;
        next.observeBranches(branches);
      },
    };
  }

  /** For JSON; `states` are those of the health page, by its keys. */
  describe(states: Readonly<Record<string, object>>): object {
    const component = (key: string, id: string): object => ({
      id,
      ...states[key],
      ...this.#counts.get(key),
    });
    return {
      pipelines: this.#shapes.map(({ id, receivers, processors, exporters }) => ({
        id,
        withheld: this.#counts.get(id) ?? {},
        receivers: receivers.map((name) => component(`receiver:${name}`, name)),
        processors: processors.map((name) => component(`processor:${name}@${id}`, name)),
        exporters: exporters.map((name) => component(`exporter:${name}`, name)),
      })),
      branches: this.#branches.map(({ name, pendingMs }) => ({
        name,
        blocked_seconds: pendingMs / 1000,
      })),
    };
  }
}

type SharedCount = "receiverAccepted" | "receiverRefused" | "exporterSent" | "exporterFailed";
