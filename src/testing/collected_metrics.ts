/** A meter whose numbers a test can read. */
import type { Meter } from "@opentelemetry/api";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { gaugesShowNowAlone } from "../telemetry/metrics.ts";

class ReadOnDemand extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

export class CollectedMetrics {
  readonly #reader = new ReadOnDemand({
    aggregationTemporalitySelector: gaugesShowNowAlone,
  });
  readonly meter: Meter = new MeterProvider({ readers: [this.#reader] }).getMeter("test");

  /**
   * The values of an instrument by their labels, `name=value` joined by spaces and sorted; labels in
   * `without` are left out.
   */
  async read(name: string, without: readonly string[] = []): Promise<Record<string, number>> {
    const { resourceMetrics } = await this.#reader.collect();
    return valuesOf(resourceMetrics, name, without);
  }
}

function valuesOf(
  { scopeMetrics }: ResourceMetrics,
  name: string,
  without: readonly string[],
): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { metrics } of scopeMetrics) {
    for (const { descriptor, dataPoints } of metrics) {
      if (descriptor.name !== name) continue;
      for (const { attributes, value } of dataPoints) {
        const labels = Object.entries(attributes).filter(([label]) => !without.includes(label));
        const key = labels.map(([label, text]) => `${label}=${text}`).sort();
        values[key.join(" ")] = value as number;
      }
    }
  }
  return values;
}
