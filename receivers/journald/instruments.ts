/** Metrics of the receiver. The agent adds its id. */
import type { Settings } from "../../src/component/settings.ts";

export interface Instruments {
  cut(entries: number): void;
  operatorFailed(operator: string): void;
  refused(records: number): void;
  restarted(): void;
}

export function createInstruments(
  { meter }: Pick<Settings, "meter">,
  inFlightBytes: () => number,
): Instruments {
  meter
    .createObservableGauge("vouchsafe_journald_in_flight_bytes", {
      description: "Bytes that are read and not acknowledged yet.",
      unit: "By",
    })
    .addCallback((result) => result.observe(inFlightBytes()));
  const cut = meter.createCounter("vouchsafe_journald_oversized_entries", {
    description: "Entries larger than max_log_size, of which values were cut.",
  });
  const failed = meter.createCounter("vouchsafe_journald_operator_errors", {
    description: "Entries that an operator could not treat.",
  });
  const refused = meter.createCounter("vouchsafe_journald_refused_records", {
    description: "Records that a pipeline refused for good.",
  });
  const restarted = meter.createCounter("vouchsafe_journald_restarts", {
    description: "Times that journalctl ended by itself and was started again.",
  });
  return {
    cut: (entries) => cut.add(entries),
    operatorFailed: (operator) => failed.add(1, { operator }),
    refused: (records) => refused.add(records),
    restarted: () => restarted.add(1),
  };
}
