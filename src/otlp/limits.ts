/**
 * Bounds on what one OTLP message may make the agent allocate, and the two errors of the decoders.
 *
 * Invariant: an error names a place and a kind, never a value: a message that cannot be read is
 * still somebody's log.
 */
import { AgentError } from "../component/errors.ts";
import type { LogRecord } from "../data/log_record.ts";

export interface DecodeLimits {
  /** Levels of arrays and maps in one value; a plain string or number is level 1. */
  readonly nestingDepthMax: number;
  /** Records in one message; those beyond are rejected, not decoded. */
  readonly recordsMax: number;
  /** Attributes, array elements and map entries of one record, all levels together. */
  readonly valuesPerRecordMax: number;
}

/** For messages from the network. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  nestingDepthMax: 64,
  recordsMax: 100_000,
  valuesPerRecordMax: 10_000,
};

/** The deepest value that the encoders write. */
export const ENCODED_NESTING_DEPTH_MAX = 256;

/** For what the agent itself encoded: reads whatever the encoders can write. */
export const STORED_DECODE_LIMITS: DecodeLimits = {
  nestingDepthMax: ENCODED_NESTING_DEPTH_MAX,
  recordsMax: Number.MAX_SAFE_INTEGER,
  valuesPerRecordMax: Number.MAX_SAFE_INTEGER,
};

export interface DecodedLogs {
  readonly records: readonly LogRecord[];
  /** Records that were left out because they exceed a limit. */
  readonly rejectedRecords: number;
  /** Why the first of them was left out; "" when there is none. */
  readonly rejectedReason: string;
}

/** A message that is not OTLP. Sending it again cannot help. */
export function malformedAt(byteOffset: number, problem: string): AgentError {
  return new AgentError("otlp.malformed", `OTLP protobuf at byte ${byteOffset}: ${problem}`);
}

/** A JSON message that is not OTLP; `place` is made of field names of the OTLP schema. */
export function malformedJson(place: string, problem: string): AgentError {
  return new AgentError("otlp.malformed", `OTLP JSON, ${place}: ${problem}`);
}

export function limitExceeded(problem: string): AgentError {
  return new AgentError("otlp.limit_exceeded", problem);
}

export function isLimitExceeded(error: unknown): error is AgentError {
  return error instanceof AgentError && error.code === "otlp.limit_exceeded";
}
