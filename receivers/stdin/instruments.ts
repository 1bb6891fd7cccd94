/** Metrics of the receiver. The agent adds its id. */
import type { Settings } from "../../src/component/settings.ts";

export interface Instruments {
  cut(lines: number): void;
  operatorFailed(operator: string): void;
  refused(records: number): void;
}

export function createInstruments(
  { meter }: Pick<Settings, "meter">,
  inFlightBytes: () => number,
): Instruments {
  meter
    .createObservableGauge("vouchsafe_stdin_in_flight_bytes", {
      description: "Bytes that are read and not acknowledged yet.",
      unit: "By",
    })
    .addCallback((result) => result.observe(inFlightBytes()));
  const cut = meter.createCounter("vouchsafe_stdin_oversized_lines", {
    description: "Lines longer than max_log_size, whose rest was left out.",
  });
  const failed = meter.createCounter("vouchsafe_stdin_operator_errors", {
    description: "Lines that an operator could not treat.",
  });
  const refused = meter.createCounter("vouchsafe_stdin_refused_records", {
    description: "Records that a pipeline refused for good.",
  });
  return {
    cut: (lines) => cut.add(lines),
    operatorFailed: (operator) => failed.add(1, { operator }),
    refused: (records) => refused.add(records),
  };
}
