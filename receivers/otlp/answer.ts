/**
 * What a client is told: success, partial success, or why not, as HTTP and as gRPC.
 *
 * Invariant: an answer holds no log content and nothing about the inside of the host: messages of
 * this receiver are about the client's own request, of other components only the kind is given.
 */
import { status as grpcStatus } from "@grpc/grpc-js";
import { errorCatalogue } from "../../src/component/error_catalogue.ts";
import type { ErrorCode } from "../../src/component/errors.ts";
import { AgentError } from "../../src/component/errors.ts";
import { ProtobufWriter } from "../../src/otlp/protobuf_writer.ts";
import type { Outcome } from "./delivery_ledger.ts";

export type Encoding = "protobuf" | "json";

/** When a client may come back, unless the pipeline says otherwise. */
const RETRY_AFTER_MS = 2_000;
const RETRY_INFO_TYPE = "type.googleapis.com/google.rpc.RetryInfo";

export interface Refusal {
  readonly httpStatus: number;
  readonly grpcStatus: number;
  readonly message: string;
  /** Undefined when the client must not try again. */
  readonly retryAfterMs: number | undefined;
  /** The error's code, for the counter. */
  readonly reason: string;
}

const STATUSES: Partial<Record<ErrorCode, readonly [http: number, grpc: number]>> = {
  "otlp.too_large": [413, grpcStatus.RESOURCE_EXHAUSTED],
  "otlp.unauthenticated": [401, grpcStatus.UNAUTHENTICATED],
  "otlp.too_slow": [408, grpcStatus.DEADLINE_EXCEEDED],
  "otlp.overloaded": [503, grpcStatus.RESOURCE_EXHAUSTED],
};

/** An error that nobody classified is retryable: trying again loses nothing. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof AgentError)) {
    return {
      httpStatus: 503,
      grpcStatus: grpcStatus.UNAVAILABLE,
      message: "the agent could not take the records",
      retryAfterMs: RETRY_AFTER_MS,
      reason: "unknown",
    };
  }
  const { code, permanent } = error;
  const own = code.startsWith("otlp.");
  const [http, grpc] = STATUSES[code] ?? [
    permanent ? 400 : 503,
    permanent ? grpcStatus.INVALID_ARGUMENT : grpcStatus.UNAVAILABLE,
  ];
  return {
    httpStatus: http,
    grpcStatus: grpc,
    message: `${code}: ${own ? error.message : errorCatalogue[code].meaning}`,
    retryAfterMs: permanent ? undefined : (error.retryAfterMs ?? RETRY_AFTER_MS),
    reason: code,
  };
}

/** `ExportLogsServiceResponse`. */
export function encodeSuccess(outcome: Outcome, encoding: Encoding): Buffer {
  const { rejectedRecords, message } = outcome;
  if (encoding === "json") {
    const partialSuccess = { rejectedLogRecords: String(rejectedRecords), errorMessage: message };
    return Buffer.from(JSON.stringify(rejectedRecords === 0 ? {} : { partialSuccess }));
  }
  const writer = new ProtobufWriter(256);
  if (rejectedRecords > 0) {
    writer.byte(0x0a);
    const start = writer.begin();
    writer.byte(0x08);
    writer.int64(rejectedRecords);
    writer.string(0x12, message);
    writer.end(start);
  }
  return Buffer.from(writer.copy());
}

/** `google.rpc.Status`, with a `RetryInfo` when the client may try again. */
export function encodeStatus(refusal: Refusal, encoding: Encoding): Buffer {
  const { grpcStatus: code, message, retryAfterMs } = refusal;
  const seconds = retryAfterSeconds(refusal);
  if (encoding === "json") {
    const details = [{ "@type": RETRY_INFO_TYPE, retryDelay: `${seconds}s` }];
    return Buffer.from(
      JSON.stringify({ code, message, ...(retryAfterMs !== undefined && { details }) }),
    );
  }
  const writer = new ProtobufWriter(256);
  writer.byte(0x08);
  writer.uint32(code);
  writer.string(0x12, message);
  if (retryAfterMs !== undefined) {
    writer.byte(0x1a);
    const detail = writer.begin();
    writer.string(0x0a, RETRY_INFO_TYPE);
    writer.byte(0x12);
    const retryInfo = writer.begin();
    writer.byte(0x0a);
    const delay = writer.begin();
    writer.byte(0x08);
    writer.uint32(seconds);
    writer.end(delay);
    writer.end(retryInfo);
    writer.end(detail);
  }
  return Buffer.from(writer.copy());
}

/** Whole seconds, at least one, as `Retry-After` wants them. */
export function retryAfterSeconds(refusal: Refusal): number {
  return Math.max(1, Math.ceil((refusal.retryAfterMs ?? 0) / 1000));
}
