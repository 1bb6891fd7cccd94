/** The time of a record as the archive's descriptors count it. */
import type { HrTime } from "../../../src/data/time.ts";
import { isEncodableTime } from "../../../src/otlp/fixed64.ts";

interface TimedRecord {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
}

/**
 * Milliseconds since the Unix epoch, rounded down: the record's own time, else the time at which it
 * was observed, else 0. A time that OTLP cannot express is none.
 */
export function recordTimeMs({ hrTime, hrTimeObserved }: TimedRecord): number {
  if (isEncodableTime(hrTime)) return timeMs(hrTime);
  return isEncodableTime(hrTimeObserved) ? timeMs(hrTimeObserved) : 0;
}

function timeMs([seconds, nanos]: HrTime): number {
  return seconds * 1000 + Math.floor(nanos / 1_000_000);
}
