/**
 * Times are `HrTime` pairs `[seconds, nanoseconds]` as in the OpenTelemetry SDK: exact to the
 * nanosecond and without a `bigint` on the hot path.
 */
import type { HrTime } from "@opentelemetry/api";

export type { HrTime } from "@opentelemetry/api";

/** OTLP's "unknown or missing time stamp" (`time_unix_nano` = 0). Shared; never write to it. */
export const TIME_UNKNOWN: HrTime = [0, 0];

const NANOS_PER_SECOND = 1_000_000_000n;

export function hrTimeFromUnixNano(timeUnixNano: bigint): HrTime {
  return [Number(timeUnixNano / NANOS_PER_SECOND), Number(timeUnixNano % NANOS_PER_SECOND)];
}

export function hrTimeToUnixNano(time: HrTime): bigint {
  return BigInt(time[0]) * NANOS_PER_SECOND + BigInt(time[1]);
}

/** Milliseconds may have a fraction; it is kept to the microsecond that a double can hold. */
export function hrTimeFromUnixMs(timeUnixMs: number): HrTime {
  const seconds = Math.floor(timeUnixMs / 1000);
  return [seconds, Math.round((timeUnixMs - seconds * 1000) * 1_000_000)];
}

export function hrTimeToUnixMs(time: HrTime): number {
  return time[0] * 1000 + time[1] / 1_000_000;
}
