/**
 * What the agent says about itself: log, metrics and health, wired together.
 *
 * Invariant: none of it holds log content or a secret, and nothing of it leaves the host unless
 * somebody fetches it from a listener, which is on the loopback interface by default.
 */
import type { Writable } from "node:stream";
import type { Meter } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { Clock, ComponentId, ComponentLogger } from "../component/settings.ts";
import { healthPages } from "./health.ts";
import type { Endpoint } from "./http_endpoint.ts";
import { HttpEndpoint } from "./http_endpoint.ts";
import type { Instruments } from "./instruments.ts";
import { createPipelineInstruments } from "./instruments.ts";
import type { LogEncoding } from "./log_line.ts";
import type { LogSampling } from "./log_sampler.ts";
import type { LogLevel } from "./logs.ts";
import { AgentLogs } from "./logs.ts";
import { AgentMetrics, noMeter } from "./metrics.ts";
import { PipelineStatus } from "./pipeline_status.ts";
import { StatusRegistry } from "./status.ts";

export interface TelemetryOptions {
  readonly version: string;
  readonly level: LogLevel;
  readonly encoding: LogEncoding;
  /** Undefined shows every log message. */
  readonly sampling: LogSampling | undefined;
  /** Undefined: metrics are neither kept nor shown. */
  readonly metrics: Endpoint | undefined;
  /** Undefined: no health page. */
  readonly health: Endpoint | undefined;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly clock: Clock;
}

export interface Telemetry {
  /** The agent's own log, for what concerns no single component. */
  readonly logger: ComponentLogger;
  readonly instruments: Instruments;
  readonly status: StatusRegistry;
  readonly pipelines: PipelineStatus;
  loggerFor(id: ComponentId, pipeline?: string): ComponentLogger;
  meterFor(id: ComponentId, pipeline?: string): Meter;
  /** Ports that were taken; undefined for a page that is off. Only after `start`. */
  readonly ports: { readonly metrics: number | undefined; readonly health: number | undefined };
  /** Opens the listeners. Rejects with `telemetry.port_in_use` or `telemetry.cannot_listen`. */
  start(): Promise<void>;
  /** Last of all: what the components say while they stop is still written. */
  shutdown(): Promise<void>;
}

/** The Collector's `service::telemetry::logs::sampling`. */
export const DEFAULT_SAMPLING: LogSampling = { tickMs: 10_000, initial: 10, thereafter: 100 };

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { clock, stderr } = options;
  const resource = resourceFromAttributes({
    "service.name": "vouchsafe",
    "service.version": options.version,
  });
  const color = stderr.isTTY === true && (process.env.NO_COLOR ?? "") === "";
  const logs = new AgentLogs({ ...options, output: stderr, color, resource });
  const status = new StatusRegistry(clock);
  const pipelines = new PipelineStatus();
  const metrics = options.metrics === undefined ? undefined : new AgentMetrics(resource, clock);
  const metricsEndpoint =
    metrics && new HttpEndpoint("service.telemetry.metrics", options.metrics!, metrics.pages);
  const healthEndpoint =
    options.health &&
    new HttpEndpoint(
      "extensions.health_check",
      options.health,
      healthPages(status, pipelines, clock),
    );

  return {
    logger: logs.loggerFor("agent"),
    instruments: pipelines.counting(
      createPipelineInstruments(metrics?.agentMeter("pipeline") ?? noMeter),
    ),
    status,
    pipelines,
    loggerFor: (id, pipeline) => logs.loggerFor(id, pipeline),
    meterFor: (id, pipeline) => metrics?.meterFor(id, pipeline) ?? noMeter,
    get ports() {
      return { metrics: metricsEndpoint?.port, health: healthEndpoint?.port };
    },
    async start() {
      await healthEndpoint?.start();
      await metricsEndpoint?.start();
    },
    async shutdown() {
      await metricsEndpoint?.shutdown();
      await healthEndpoint?.shutdown();
      await metrics?.shutdown();
      await logs.shutdown();
    },
  };
}
