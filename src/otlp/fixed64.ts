/**
 * `fixed64` nanoseconds to `HrTime` and back, exact over all 64 bits and without a `bigint`.
 *
 * The sums below stay under 2^53 because the 64 bits are cut at 48 and 32 bits (reading) or the
 * seconds at 16 bits (writing) before anything is multiplied by a billion.
 */
import type { HrTime } from "../data/time.ts";
import { TIME_UNKNOWN } from "../data/time.ts";

const TWO_32 = 4_294_967_296;
const TWO_16 = 65_536;
const NANOS = 1_000_000_000;
/** 2^48 nanoseconds are this many seconds and a rest. */
const TWO_48_SECONDS = 281_474;
const TWO_48_REST = 976_710_656;
/** 2^64 - 1 nanoseconds, the last time that OTLP can express (July 2554). */
export const SECONDS_MAX = 18_446_744_073;
export const SECONDS_MAX_NANOS = 709_551_615;

export function hrTimeFromFixed64(low: number, high: number): HrTime {
  if (low === 0 && high === 0) return TIME_UNKNOWN;
  const upper = high >>> 16;
  const rest = upper * TWO_48_REST + (high & 0xffff) * TWO_32 + low;
  const restSeconds = Math.floor(rest / NANOS);
  return [upper * TWO_48_SECONDS + restSeconds, rest - restSeconds * NANOS];
}

/** True for a time that `fixed64` can hold and that is not "unknown". */
export function isEncodableTime(time: HrTime): boolean {
  const seconds = time[0];
  if (seconds > 0 && seconds < SECONDS_MAX) return true;
  if (seconds === 0) return time[1] > 0;
  return seconds === SECONDS_MAX && time[1] <= SECONDS_MAX_NANOS;
}

/** Writes a time for which {@link isEncodableTime} holds, little-endian, at `offset`. */
export function writeFixed64(view: DataView, offset: number, time: HrTime): void {
  const upper = Math.floor(time[0] / TWO_16) * NANOS;
  const lower = (time[0] % TWO_16) * NANOS + time[1];
  const middle = (upper % TWO_16) * TWO_16 + lower;
  view.setUint32(offset, middle % TWO_32, true);
  view.setUint32(offset + 4, Math.floor(upper / TWO_16) + Math.floor(middle / TWO_32), true);
}
