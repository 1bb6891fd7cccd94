/** Consumers that count what passes, once a batch, around the components of a pipeline. */
import type { LogsConsumer } from "../component/component.ts";
import type { LogBatch } from "../data/log_batch.ts";
import { mapRecords } from "../data/log_batch.ts";
import type { LogRecord } from "../data/log_record.ts";

/** Adds a number of records to a counter. */
export type Count = (records: number) => void;

/** Counts when the call settles: delivered, or refused to the one who handed the batch on. */
export function countOutcome(next: LogsConsumer, taken: Count, refused: Count): LogsConsumer {
  return {
    async consumeLogs(batch: LogBatch): Promise<void> {
      try {
        await next.consumeLogs(batch);
      } catch (error) {
        refused(batch.records.length);
        throw error;
      }
      taken(batch.records.length);
    },
  };
}

/** Counts what passes, before it is handed on. */
export function countPassing(next: LogsConsumer, passing: Count): LogsConsumer {
  return {
    consumeLogs(batch: LogBatch): Promise<void> {
      passing(batch.records.length);
      return next.consumeLogs(batch);
    },
  };
}

/**
 * The last gate before the exporters of a pipeline: a record with a finding that no processor
 * treated does not pass, and no canary either. Nothing of the configuration can open it.
 */
export function withholdUntreated(
  next: LogsConsumer,
  withheld: (reason: "untreated_finding" | "canary", records: number) => void,
): LogsConsumer {
  return {
    consumeLogs(batch: LogBatch): Promise<void> {
      const treated = mapRecords(batch, passTreated);
      if (treated !== batch) {
        const canaries = batch.records.filter(({ canary }) => canary !== undefined).length;
        const findings = batch.records.length - treated.records.length - canaries;
        if (findings > 0) withheld("untreated_finding", findings);
        if (canaries > 0) withheld("canary", canaries);
      }
      return treated.records.length > 0 ? next.consumeLogs(treated) : Promise.resolve();
    },
  };
}

function passTreated(record: LogRecord): LogRecord | undefined {
  return record.findings === undefined && record.canary === undefined ? record : undefined;
}
