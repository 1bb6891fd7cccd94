/**
 * The agent's metrics: an OpenTelemetry meter provider, read by Prometheus.
 *
 * Invariant: names appear as the Collector's defaults write them (`without_type_suffix`,
 * `without_units`, `without_scope_info`), so that its dashboards and alerts work.
 */
import type { Attributes, Meter } from "@opentelemetry/api";
import { createNoopMeter } from "@opentelemetry/api";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import type { Resource } from "@opentelemetry/resources";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { AggregationTemporality, InstrumentType, MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Clock, ComponentId } from "../component/settings.ts";
import { formatComponentId } from "../component/settings.ts";
import type { Page, Pages } from "./http_endpoint.ts";
import { componentLabels } from "./instruments.ts";

export class AgentMetrics {
  readonly #provider: MeterProvider;
  readonly #reader: PrometheusExporter;
  /** By scope name; scopes themselves are not shown, so two components would look alike. */
  readonly #labels = new Map<string, Attributes>();
  readonly #serializer = new PrometheusSerializer(undefined, false, undefined, false, true);

  constructor(resource: Resource, clock: Clock) {
    // Only its reading is used: its server can neither name a port in use nor be bounded.
    this.#reader = new PrometheusExporter({ preventServerStart: true });
    this.#reader.selectAggregationTemporality = gaugesShowNowAlone;
    this.#provider = new MeterProvider({ resource, readers: [this.#reader] });
    observeProcess(this.agentMeter("process"), clock);
  }

  /** Instruments of the agent itself. */
  agentMeter(name: string): Meter {
    return this.#provider.getMeter(`vouchsafe/${name}`);
  }

  /** Instruments of one component: whatever they count is shown with the component's label. */
  meterFor(id: ComponentId, pipeline?: string): Meter {
    const scope = `${id.kind}:${formatComponentId(id)}@${pipeline ?? ""}`;
    this.#labels.set(scope, componentLabels(id, pipeline));
    return this.#provider.getMeter(scope);
  }

  readonly pages: Pages = async (path) => (path === "/metrics" ? this.#scrape() : undefined);

  async shutdown(): Promise<void> {
    await this.#provider.shutdown();
  }

  async #scrape(): Promise<Page> {
    const { resourceMetrics } = await this.#reader.collect();
    for (const { scope, metrics } of resourceMetrics.scopeMetrics) {
      const labels = this.#labels.get(scope.name);
      if (labels === undefined) continue;
      for (const { dataPoints } of metrics) {
        for (const point of dataPoints) {
          (point as { attributes: Attributes }).attributes = { ...labels, ...point.attributes };
        }
      }
    }
    return {
      status: 200,
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: withoutTypeSuffix(this.#serializer.serialize(resourceMetrics), resourceMetrics),
    };
  }
}

/** Cumulative gauges would go on showing what nobody observes any more, and keep it in memory. */
export function gaugesShowNowAlone(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE
    ? AggregationTemporality.DELTA
    : AggregationTemporality.CUMULATIVE;
}

/** For an agent without metrics: instruments that cost nothing. */
export const noMeter: Meter = createNoopMeter();

/** Takes back the `_total` that the serializer adds to counters, and the `# UNIT` comments. */
function withoutTypeSuffix(text: string, resourceMetrics: ResourceMetrics): string {
  const names = new Set<string>();
  for (const { metrics } of resourceMetrics.scopeMetrics) {
    for (const { descriptor } of metrics) names.add(descriptor.name.replace(/[^a-z0-9_]/gi, "_"));
  }
  return text
    .replace(/^# UNIT .*\n/gm, "")
    .replace(/^(# (?:HELP|TYPE) )?(\w+)_total\b/gm, (whole, comment: string = "", name: string) =>
      names.has(name) ? comment + name : whole,
    );
}

function observeProcess(meter: Meter, clock: Clock): void {
  const startMs = clock.nowMs();
  meter
    .createObservableCounter("otelcol_process_uptime", {
      description: "Seconds since the agent started.",
      unit: "s",
    })
    .addCallback((result) => result.observe(Math.max(0, clock.nowMs() - startMs) / 1000));
  meter
    .createObservableCounter("otelcol_process_cpu_seconds", {
      description: "User and system CPU time of the process, all threads.",
      unit: "s",
    })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe((user + system) / 1e6);
    });
  meter
    .createObservableGauge("otelcol_process_memory_rss", {
      description: "Resident set size in bytes.",
      unit: "By",
    })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableGauge("otelcol_process_runtime_heap_alloc_bytes", {
      description: "Bytes of JavaScript objects on the heap of the main thread.",
      unit: "By",
    })
    .addCallback((result) => result.observe(process.memoryUsage().heapUsed));
}
