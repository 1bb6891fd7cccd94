/** Metrics of the receiver: the Collector's names where it has them. The agent adds its id. */
import type { Settings } from "../../src/component/settings.ts";

export interface Gauges {
  readonly openFiles: () => number;
  readonly readingFiles: () => number;
  /** Bytes on disk that are not read yet. */
  readonly lagBytes: () => number;
  /** Of each file with unread bytes. */
  readonly lagOfFiles: () => readonly { readonly path: string; readonly lagBytes: number }[];
  readonly inFlightBytes: () => number;
}

/** Paths are labels, and each label costs memory here and in whatever stores the metrics. */
const FILES_SHOWN_MAX = 20;

export interface Instruments {
  oversized(count: number): void;
  refused(records: number): void;
  operatorFailed(operator: string): void;
}

export function createInstruments({ meter }: Pick<Settings, "meter">, gauges: Gauges): Instruments {
  const observe = (name: string, description: string, unit: string, read: () => number): void => {
    const gauge = meter.createObservableGauge(name, { description, unit });
    gauge.addCallback((result) => result.observe(read()));
  };
  observe("otelcol_fileconsumer_open_files", "Open files.", "1", gauges.openFiles);
  observe("otelcol_fileconsumer_reading_files", "Files being read.", "1", gauges.readingFiles);
  observe("vouchsafe_file_log_lag_bytes", "Bytes that are not read yet.", "By", gauges.lagBytes);
  meter
    .createObservableGauge("vouchsafe_file_log_file_lag_bytes", {
      description: "Bytes that are not read yet, of the 20 files that are most behind, by path.",
      unit: "By",
    })
    .addCallback((result) => {
      const files = [...gauges.lagOfFiles()].sort((a, b) => b.lagBytes - a.lagBytes);
      for (const { path, lagBytes } of files.slice(0, FILES_SHOWN_MAX)) {
        result.observe(lagBytes, { path });
      }
    });
  observe(
    "vouchsafe_file_log_in_flight_bytes",
    "Bytes that are read and not acknowledged yet.",
    "By",
    gauges.inFlightBytes,
  );
  const oversized = meter.createCounter("vouchsafe_file_log_oversized_logs", {
    description: "Logs longer than max_log_size: pieces of split ones, or truncated ones.",
  });
  const refused = meter.createCounter("vouchsafe_file_log_refused_records", {
    description: "Records that a pipeline refused for good.",
  });
  const failed = meter.createCounter("vouchsafe_file_log_operator_errors", {
    description: "Lines that an operator could not treat.",
  });
  return {
    oversized: (count) => oversized.add(count),
    refused: (records) => refused.add(records),
    operatorFailed: (operator) => failed.add(1, { operator }),
  };
}
