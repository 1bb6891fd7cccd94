/**
 * The agent's own log: through the OpenTelemetry logs API and SDK to standard error, a line an
 * event. Components never see more of it than a {@link ComponentLogger}.
 *
 * Invariant: a log that nobody reads (a closed or stalled standard error) never stops the agent and
 * never grows without bound; lines are dropped and counted instead.
 */
import type { Writable } from "node:stream";
import type { Logger } from "@opentelemetry/api";
// The severity numbers of most instrumented applications; equal to those of `api` 1.10.
import { SeverityNumber } from "@opentelemetry/api-logs";
import type { ExportResult } from "@opentelemetry/core";
import { ExportResultCode } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { LogRecordExporter, ReadableLogRecord } from "@opentelemetry/sdk-logs";
import {
  createLoggerConfigurator,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";
import type { Clock, ComponentId, ComponentLogger, LogAttributes } from "../component/settings.ts";
import { formatComponentId } from "../component/settings.ts";
import { hrTimeFromUnixMs, hrTimeToUnixMs } from "../data/time.ts";
import type { LogEncoding, LogEvent } from "./log_line.ts";
import { formatConsoleLine, formatJsonLine } from "./log_line.ts";
import type { LogSampling } from "./log_sampler.ts";
import { LogSampler } from "./log_sampler.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface AgentLogsOptions {
  readonly level: LogLevel;
  readonly encoding: LogEncoding;
  /** Undefined shows every message. */
  readonly sampling: LogSampling | undefined;
  readonly output: Writable;
  /** Colours the level; right only for a terminal. */
  readonly color: boolean;
  readonly clock: Clock;
  readonly resource: Resource;
}

/** Scope attributes that say who writes, named as the Collector names them. */
const COMPONENT_KIND = "otelcol.component.kind";
const PIPELINE_ID = "otelcol.pipeline.id";

/** Lines wait here while the reader is slow; what comes beyond that is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

const SEVERITIES: Readonly<Record<LogLevel, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

export class AgentLogs {
  readonly #options: AgentLogsOptions;
  readonly #provider: LoggerProvider;
  readonly #sampler: LogSampler | undefined;
  readonly #ignoreOutputError = (): void => {};

  constructor(options: AgentLogsOptions) {
    this.#options = options;
    this.#sampler = options.sampling === undefined ? undefined : new LogSampler(options.sampling);
    // Without a listener a closed standard error would end the process.
    options.output.on("error", this.#ignoreOutputError);
    this.#provider = new LoggerProvider({
      resource: options.resource,
      loggerConfigurator: createLoggerConfigurator([
        { pattern: "*", config: { minimumSeverity: SEVERITIES[options.level] } },
      ]),
      processors: [new SimpleLogRecordProcessor({ exporter: new LineExporter(options) })],
    });
  }

  /** The log of one component, or of the agent itself when `id` is only a name. */
  loggerFor(id: ComponentId | string, pipeline?: string): ComponentLogger {
    const name = typeof id === "string" ? id : formatComponentId(id);
    const logger = this.#provider.getLogger(name, undefined, {
      attributes: {
        ...(typeof id === "string" ? {} : { [COMPONENT_KIND]: id.kind }),
        ...(pipeline === undefined ? {} : { [PIPELINE_ID]: pipeline }),
      },
    });
    const who = `${name} ${pipeline ?? ""}`;
    const write = (level: LogLevel) => (message: string, attributes?: LogAttributes) =>
      this.#emit(logger, who, level, message, attributes ?? {});
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
    };
  }

  async shutdown(): Promise<void> {
    await this.#provider.shutdown();
  }

  #emit(
    logger: Logger,
    who: string,
    level: LogLevel,
    message: string,
    attributes: LogAttributes,
  ): void {
    const severityNumber = SEVERITIES[level];
    if (!logger.enabled({ severityNumber })) return;
    const nowMs = this.#options.clock.nowMs();
    const heldBack =
      this.#sampler === undefined ? 0 : this.#sampler.admit(`${level} ${who} ${message}`, nowMs);
    if (heldBack === undefined) return;
    logger.emit({
      timestamp: hrTimeFromUnixMs(nowMs),
      severityNumber,
      severityText: level,
      body: message,
      attributes: heldBack > 0 ? { ...attributes, held_back: heldBack } : { ...attributes },
    });
  }
}

class LineExporter implements LogRecordExporter {
  readonly #options: AgentLogsOptions;
  #dropped = 0;

  constructor(options: AgentLogsOptions) {
    this.#options = options;
  }

  export(records: ReadableLogRecord[], done: (result: ExportResult) => void): void {
    for (const record of records) this.#write(record);
    done({ code: ExportResultCode.SUCCESS });
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  #write(record: ReadableLogRecord): void {
    const { output, encoding, color } = this.#options;
    if (!output.writable || output.writableLength > WAITING_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    const event = toEvent(record, this.#dropped);
    this.#dropped = 0;
    output.write(encoding === "json" ? formatJsonLine(event) : formatConsoleLine(event, color));
  }
}

function toEvent(record: ReadableLogRecord, dropped: number): LogEvent {
  const { name, attributes: scope } = record.instrumentationScope;
  return {
    timeUnixMs: hrTimeToUnixMs(record.hrTime),
    level: record.severityText ?? "info",
    component: name,
    kind: scope?.[COMPONENT_KIND]?.toString(),
    pipeline: scope?.[PIPELINE_ID]?.toString(),
    message: String(record.body),
    attributes:
      dropped === 0 ? record.attributes : { ...record.attributes, lines_dropped: dropped },
  };
}
