/**
 * The counters of the pipelines, named and labelled as the Collector's.
 *
 * Invariant: they are called once a batch and build no label set then; a label set is made once for
 * each component.
 */
import type { Attributes, Meter } from "@opentelemetry/api";
import type { ComponentId } from "../component/settings.ts";
import { formatComponentId } from "../component/settings.ts";

export interface ObservedBranch {
  readonly name: string;
  /** Age of the oldest undelivered batch in milliseconds; 0 when there is none. */
  readonly pendingMs: number;
}

/** Has the shape of `PipelineInstruments` of src/pipeline. */
export interface Instruments {
  receiverAccepted(receiver: ComponentId, records: number): void;
  receiverRefused(receiver: ComponentId, records: number): void;
  processorIncoming(processor: ComponentId, pipeline: string, records: number): void;
  processorOutgoing(processor: ComponentId, pipeline: string, records: number): void;
  exporterSent(exporter: ComponentId, records: number): void;
  exporterFailed(exporter: ComponentId, records: number): void;
  withheld(pipeline: string, reason: string, records: number): void;
  observeBranches(branches: readonly ObservedBranch[]): void;
}

export function createPipelineInstruments(meter: Meter): Instruments {
  const count = (name: string, description: string) => meter.createCounter(name, { description });
  const accepted = count(
    "otelcol_receiver_accepted_log_records",
    "Log records that every pipeline of the receiver took.",
  );
  const refused = count(
    "otelcol_receiver_refused_log_records",
    "Log records that some pipeline refused; the receiver keeps them or tells its client.",
  );
  const incoming = count("otelcol_processor_incoming_items", "Records given to the processor.");
  const outgoing = count("otelcol_processor_outgoing_items", "Records the processor handed on.");
  const sent = count("otelcol_exporter_sent_log_records", "Log records delivered.");
  const failed = count(
    "otelcol_exporter_send_failed_log_records",
    "Log records in attempts that failed; a record tried again counts again.",
  );
  const withheld = count(
    "vouchsafe_withheld_log_records",
    "Log records that did not leave, by reason.",
  );
  let observed: readonly ObservedBranch[] = [];
  const blocked = meter.createObservableGauge("vouchsafe_branch_blocked_seconds", {
    description: "Age of the oldest batch that a branch has not delivered.",
    unit: "s",
  });
  blocked.addCallback((result) => {
    for (const { name, pendingMs } of observed) result.observe(pendingMs / 1000, { branch: name });
  });
  const labels = labelCache();
  return {
    receiverAccepted: (id, records) => accepted.add(records, labels(id, undefined)),
    receiverRefused: (id, records) => refused.add(records, labels(id, undefined)),
    processorIncoming: (id, pipeline, records) => incoming.add(records, labels(id, pipeline)),
    processorOutgoing: (id, pipeline, records) => outgoing.add(records, labels(id, pipeline)),
    exporterSent: (id, records) => sent.add(records, labels(id, undefined)),
    exporterFailed: (id, records) => failed.add(records, labels(id, undefined)),
    withheld: (pipeline, reason, records) => withheld.add(records, { pipeline, reason }),
    observeBranches: (branches) => {
      observed = branches;
    },
  };
}

/** `receiver`, `processor` or `exporter`; for a processor also its signal and its pipeline. */
export function componentLabels(id: ComponentId, pipeline: string | undefined): Attributes {
  const label = { [id.kind]: formatComponentId(id) };
  return pipeline === undefined ? label : { ...label, "otel.signal": "logs", pipeline };
}

function labelCache(): (id: ComponentId, pipeline: string | undefined) => Attributes {
  const byPipeline = new Map<string | undefined, WeakMap<ComponentId, Attributes>>();
  return (id, pipeline) => {
    let byId = byPipeline.get(pipeline);
    if (byId === undefined) {
      byId = new WeakMap();
      byPipeline.set(pipeline, byId);
    }
    let labels = byId.get(id);
    if (labels === undefined) {
      labels = componentLabels(id, pipeline);
      byId.set(id, labels);
    }
    return labels;
  };
}
