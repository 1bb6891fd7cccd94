/**
 * The official OpenTelemetry JS exporters, set up so that nothing but the agent's configuration
 * decides what they do.
 *
 * Invariant: every record arrives as it is. `OTLPLogExporter` sends batches that it can express;
 * the others go through the same official transport with the agent's own encoder, which also knows
 * 64-bit integers, whole doubles and dropped-attribute counts of resources. So do batches that
 * another exporter, such as the archive, has encoded already: encoding them again would be the
 * largest part of sending them.
 */
import type { Agent } from "node:http";
import { OTLPLogExporter as JsonLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { CompressionAlgorithm, OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import { createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { LogRecord } from "../../src/data/log_record.ts";
import { asReadable, isSdkExact } from "../../src/data/log_record.ts";
import type { ExportReport } from "../../src/lib/sending/http_attempt.ts";
import { withoutOtlpVariables } from "../../src/lib/sending/own_environment.ts";
import { toOtlpJson } from "../../src/otlp/encode_json.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { sharedEncodingOf } from "../../src/otlp/shared_encoding.ts";

export interface OfficialOptions {
  readonly url: string;
  readonly encoding: "proto" | "json";
  readonly compression: "gzip" | "none";
  readonly timeoutMs: number;
  readonly agent: Agent;
  /** Called at the beginning of each attempt. */
  readonly headers: () => Promise<Record<string, string>>;
}

const USER_AGENT = "vouchsafe";

export class OfficialExporters {
  readonly #standard: OTLPExporterBase<ReadableLogRecord[]>;
  readonly #exact: OTLPExporterBase<readonly LogRecord[]>;
  readonly #encoding: OfficialOptions["encoding"];

  constructor(options: OfficialOptions) {
    this.#encoding = options.encoding;
    const shared = {
      url: options.url,
      compression:
        options.compression === "gzip" ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE,
      timeoutMillis: options.timeoutMs,
      userAgent: USER_AGENT,
      // The agent bounds the requests under way itself, and never lets one be refused for that.
      concurrencyLimit: Number.MAX_SAFE_INTEGER,
    };
    const LogExporter = options.encoding === "json" ? JsonLogExporter : ProtoLogExporter;
    this.#standard = withoutOtlpVariables(
      () =>
        new LogExporter({
          ...shared,
          headers: options.headers,
          httpAgentOptions: () => options.agent,
        }),
    );
    this.#exact = new OTLPExporterBase(
      createOtlpHttpExportDelegate(
        {
          ...shared,
          headers: async () => ({
            ...(await options.headers()),
            "Content-Type":
              options.encoding === "json" ? "application/json" : "application/x-protobuf",
          }),
          agentFactory: () => options.agent,
        },
        {
          serializeRequest: options.encoding === "json" ? encodeJson : encodeProto,
          // The agent reads the answer itself.
          deserializeResponse: () => ({}),
        },
        "vouchsafe_exact_log_exporter",
        { name: "log", countItems: (records) => records.length },
        undefined,
      ),
    );
  }

  export(records: readonly LogRecord[], done: (report: ExportReport) => void): void {
    const isEncoded = this.#encoding === "proto" && sharedEncodingOf(records) !== undefined;
    if (isEncoded || !records.every(isSdkExact)) this.#exact.export(records, done);
    else this.#standard.export(asReadable(records), done);
  }
}

/** Bytes that another exporter of the pipeline has made already are sent as they are. */
function encodeProto(records: readonly LogRecord[]): Uint8Array {
  return sharedEncodingOf(records)?.request ?? encodeLogsData(records);
}

function encodeJson(records: readonly LogRecord[]): Uint8Array {
  return new TextEncoder().encode(toOtlpJson(records));
}
