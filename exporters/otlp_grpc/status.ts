/**
 * What a gRPC status means for the records (OTLP specification, section "OTLP/gRPC Response").
 *
 * Invariant: only codes, counts and delays are read. A message may quote the records.
 */
import type { ServiceError } from "@grpc/grpc-js";
import type { Outcome } from "../../src/lib/sending/sender.ts";
import { ProtobufReader } from "../../src/otlp/protobuf_reader.ts";

/** `google.rpc.Code`. */
const NAMES = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"],
  ...["ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"],
  ...["ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
  "UNAUTHENTICATED",
];
const RETRYABLE = new Set(["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE"]);
for (const name of ["UNAVAILABLE", "DATA_LOSS"]) RETRYABLE.add(name);
const EXHAUSTED = "RESOURCE_EXHAUSTED";
const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
/** A backend that asks for years cannot stop the agent for years. */
const RETRY_DELAY_MAX_MS = 3_600_000;

export function outcomeOf(error: ServiceError): Outcome {
  const name = NAMES[error.code] ?? `code ${error.code}`;
  const retryAfterMs = retryDelayMs(error);
  if (RETRYABLE.has(name) || (name === EXHAUSTED && retryAfterMs !== undefined)) {
    return { kind: "retryable", reason: `status ${name}`, retryAfterMs };
  }
  // Without a delay it is about a limit, which a smaller message may keep.
  return { kind: "permanent", status: name, tooLarge: name === EXHAUSTED };
}

/** `RetryInfo.retry_delay` of the details; undefined when there is none that can be read. */
function retryDelayMs({ metadata }: ServiceError): number | undefined {
  const [details] = metadata?.get("grpc-status-details-bin") ?? [];
  if (!(details instanceof Uint8Array)) return undefined;
  try {
    for (const detail of messagesIn(details, 3)) {
      const [type] = messagesIn(detail, 1);
      if (type === undefined || Buffer.from(type).toString() !== RETRY_INFO) continue;
      const [value] = messagesIn(detail, 2);
      const [duration] = value === undefined ? [] : messagesIn(value, 1);
      if (duration !== undefined) return Math.min(durationMs(duration), RETRY_DELAY_MAX_MS);
    }
  } catch {
    // A detail that cannot be read says nothing.
  }
  return undefined;
}

/** The length-delimited fields with this number. */
function messagesIn(bytes: Uint8Array, field: number): Uint8Array[] {
  const reader = new ProtobufReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.position < bytes.length) {
    const tag = reader.tag();
    if (tag === ((field << 3) | 2)) found.push(reader.copy(reader.delimited(bytes.length)));
    else reader.skip(tag, bytes.length, 0);
  }
  return found;
}

/** `google.protobuf.Duration`. */
function durationMs(bytes: Uint8Array): number {
  const reader = new ProtobufReader(bytes);
  let ms = 0;
  while (reader.position < bytes.length) {
    const tag = reader.tag();
    if (tag === 8) ms += Number(reader.int64()) * 1000;
    else if (tag === 16) ms += reader.int32() / 1e6;
    else reader.skip(tag, bytes.length, 0);
  }
  return Math.max(0, ms);
}
