/** Wall-clock times of a place to times since the Unix epoch. */

/** Whether the runtime knows this IANA name. `Local` is the machine's own zone. */
export function isTimeZone(location: string): boolean {
  if (location === "Local") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: location });
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives the function from a wall-clock time, expressed as if it were UTC (milliseconds), to the
 * seconds by which the place is east of UTC at that moment.
 */
export function zoneOffset(location: string): (wallMs: number) => number {
  if (location === "UTC") return () => 0;
  const timeZone =
    location === "Local" ? Intl.DateTimeFormat().resolvedOptions().timeZone : location;
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  // Offsets change on quarters of an hour, so one answer holds for a quarter.
  let cachedQuarter = Number.NaN;
  let cachedOffsetS = 0;
  return (wallMs) => {
    const quarter = Math.floor(wallMs / 900_000);
    if (quarter !== cachedQuarter) {
      // The first guess takes the wall time for UTC; asking again at the corrected moment is right
      // except inside the hour that a change of clocks skips or repeats, where either is true.
      const guessS = offsetAt(format, wallMs);
      cachedOffsetS = offsetAt(format, wallMs - guessS * 1000);
      cachedQuarter = quarter;
    }
    return cachedOffsetS;
  };
}

function offsetAt(format: Intl.DateTimeFormat, utcMs: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(utcMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
  return Math.round((wallMs - Math.floor(utcMs / 1000) * 1000) / 1000);
}
