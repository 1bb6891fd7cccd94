/** Metrics of the receiver. The agent adds its id. */
import type { Settings } from "../../src/component/settings.ts";

export interface Instruments {
  notUnderstood(operator: string): void;
  cut(messages: number): void;
  dropped(reason: "overloaded"): void;
  refused(records: number): void;
  closed(reason: "read_timeout" | "tls" | "broken"): void;
}

export function createInstruments(
  { meter }: Pick<Settings, "meter">,
  gauges: { readonly connections: () => number; readonly inFlightBytes: () => number },
): Instruments {
  meter
    .createObservableGauge("vouchsafe_syslog_connections", { description: "Open connections." })
    .addCallback((result) => result.observe(gauges.connections()));
  meter
    .createObservableGauge("vouchsafe_syslog_in_flight_bytes", {
      description: "Bytes that are read and not acknowledged yet.",
      unit: "By",
    })
    .addCallback((result) => result.observe(gauges.inFlightBytes()));
  const failed = meter.createCounter("vouchsafe_syslog_operator_errors", {
    description: "Messages that an operator could not treat; `syslog`: that are no syslog.",
  });
  const cut = meter.createCounter("vouchsafe_syslog_oversized_messages", {
    description: "Messages longer than max_log_size, whose rest was left out.",
  });
  const dropped = meter.createCounter("vouchsafe_syslog_dropped_datagrams", {
    description: "Datagrams for which there was no room (max_in_flight_bytes).",
  });
  const refused = meter.createCounter("vouchsafe_syslog_refused_records", {
    description: "Records that a pipeline refused for good.",
  });
  const closed = meter.createCounter("vouchsafe_syslog_closed_connections", {
    description: "Connections that did not end in good order, by reason.",
  });
  return {
    notUnderstood: (operator) => failed.add(1, { operator }),
    cut: (messages) => cut.add(messages),
    dropped: (reason) => dropped.add(1, { reason }),
    refused: (records) => refused.add(records),
    closed: (reason) => closed.add(1, { reason }),
  };
}
