/** A point in time as options give it. */
import { parseDurationMs } from "../../config/values.ts";
import { systemClock } from "../lib/system_clock.ts";
import { UsageError } from "./command.ts";

const RFC_3339 = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/;

/** Milliseconds since 1970 of an RFC 3339 time, or a duration before now. Throws UsageError. */
export function readTime(flag: string, text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const durationMs = parseDurationMs(text);
  if (durationMs !== undefined) return systemClock.nowMs() - durationMs;
  const timeMs = RFC_3339.test(text) ? Date.parse(text.replace(" ", "T")) : Number.NaN;
  if (!Number.isNaN(timeMs) && isCalendarDay(text.slice(0, 10))) return timeMs;
  throw new UsageError(`${flag} is a time such as 2026-11-21T09:00:00Z, or a duration such as 1h`);
}

/** `Date` takes February 31 for March 3. */
function isCalendarDay(text: string): boolean {
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}
