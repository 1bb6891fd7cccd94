/** The numbers of a queue, named as the Collector's where it has them. */
import type { Counter, Meter, ObservableGauge, ObservableResult } from "@opentelemetry/api";

export interface QueueReadings {
  size(): number;
  capacity(): number;
  bytes(): number;
  ageMs(): number;
}

export class QueueInstruments {
  readonly #enqueueFailed: Counter;
  readonly #damaged: Counter;
  readonly #refused: Counter;
  readonly #stops: (() => void)[] = [];

  constructor(meter: Meter, readings: QueueReadings) {
    const gauge = (name: string, description: string, read: () => number): void => {
      const observe = (result: ObservableResult): void => result.observe(read());
      const instrument: ObservableGauge = meter.createObservableGauge(name, { description });
      instrument.addCallback(observe);
      this.#stops.push(() => instrument.removeCallback(observe));
    };
    gauge("otelcol_exporter_queue_size", "What waits, counted as `sizer` says.", readings.size);
    gauge("otelcol_exporter_queue_capacity", "How much may wait.", readings.capacity);
    gauge("vouchsafe_queue_bytes", "Bytes on disk of what waits.", readings.bytes);
    gauge("vouchsafe_queue_age_seconds", "Age of the oldest batch that waits.", () =>
      Math.max(0, readings.ageMs() / 1000),
    );
    this.#enqueueFailed = meter.createCounter("otelcol_exporter_enqueue_failed_log_records", {
      description: "Log records that found no room and were refused (block_on_overflow: false).",
    });
    this.#damaged = meter.createCounter("vouchsafe_queue_damaged_batches", {
      description: "Batches that were lost because their bytes on disk were changed.",
    });
    this.#refused = meter.createCounter("vouchsafe_queue_refused_log_records", {
      description: "Queued log records that the exporter refused for good; kept: among the dead.",
    });
  }

  enqueueFailed(records: number): void {
    this.#enqueueFailed.add(records);
  }

  damaged(batches: number): void {
    this.#damaged.add(batches);
  }

  refused(records: number, kept: boolean): void {
    this.#refused.add(records, { kept });
  }

  /** A queue that is closed shows nothing. */
  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}
