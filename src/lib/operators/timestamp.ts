/** Time of a record from one of its fields: the Collector's `timestamp` block and `time_parser`. */
import type { AnyValue } from "../../data/any_value.ts";
import { Double } from "../../data/any_value.ts";
import type { HrTime } from "../../data/time.ts";
import { hrTimeFromUnixNano } from "../../data/time.ts";
import { zoneOffset } from "../time_zone.ts";
import type { TimestampConfig } from "./config.ts";
import { checkedField, readField } from "./field.ts";
import type { Entry } from "./operator.ts";
import type { LayoutPart } from "./time_layout.ts";
import { compileGoTime, compileStrptime } from "./time_layout.ts";
import type { TimeParts } from "./time_match.ts";
import { matchLayout } from "./time_match.ts";

const WEEK_MS = 7 * 86_400_000;
/** Decimal places between the written number and seconds. */
const EPOCH_DIGITS: Readonly<Record<string, number>> = { s: 0, ms: 3, us: 6, ns: 9 };

/** Returns false when the field holds no time of this layout. */
export function timestampParser(
  config: TimestampConfig,
  nowMs: () => number,
): (entry: Entry) => boolean {
  const field = checkedField(config.parse_from);
  const parse = config.layout_type === "epoch" ? epochParser(config) : textParser(config, nowMs);
  return (entry) => {
    const time = parse(readField(entry, field));
    if (time === undefined) return false;
    entry.hrTime = time;
    return true;
  };
}

function textParser(config: TimestampConfig, nowMs: () => number) {
  const parts =
    config.layout_type === "gotime"
      ? compileGoTime(config.layout)
      : compileStrptime(config.layout)!;
  const read = timeReader(parts, config.location, nowMs);
  return (value: AnyValue) => (typeof value === "string" ? read(value) : undefined);
}

/** Gives the function from a text of the layout to its time; undefined for another text. */
export function timeReader(
  parts: readonly LayoutPart[],
  location: string,
  nowMs: () => number,
): (text: string) => HrTime | undefined {
  const offsetAt = zoneOffset(location);
  return (text) => {
    const time = matchLayout(parts, text);
    if (time === undefined) return undefined;
    if (time.year !== undefined) return toHrTime(time, time.year, offsetAt);
    // Without a year the last one fits that does not lie more than a week ahead, as the Collector.
    const now = nowMs();
    const year = new Date(now).getUTCFullYear();
    const thisYear = toHrTime(time, year, offsetAt);
    return thisYear[0] * 1000 > now + WEEK_MS ? toHrTime(time, year - 1, offsetAt) : thisYear;
  };
}

function toHrTime(time: TimeParts, year: number, offsetAt: (wallMs: number) => number): HrTime {
  const { month, day, hour, minute, second, nanosecond } = time;
  const wall = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  // Date.UTC takes years below 100 for those of the 20th century; setting the year does not.
  wall.setUTCFullYear(year, month - 1, day + (hour === 24 ? 1 : 0));
  const wallMs = wall.getTime();
  return [wallMs / 1000 - (time.offsetS ?? offsetAt(wallMs)), nanosecond];
}

function epochParser(config: TimestampConfig) {
  const [unit = "s", fraction] = config.layout.split(".");
  const digits = EPOCH_DIGITS[unit] ?? 0;
  const allowFraction = fraction !== undefined;
  return (value: AnyValue): HrTime | undefined => {
    const text = numberText(value);
    const match = text === undefined ? null : /^(\d{1,19})(?:\.(\d+))?$/.exec(text);
    if (match === null || (match[2] !== undefined && !allowFraction && typeof value === "string")) {
      return undefined;
    }
    // Digits after the point only count where the unit is the second.
    const nanos = (match[2] ?? "").slice(0, 9 - digits).padEnd(9 - digits, "0");
    return hrTimeFromUnixNano(BigInt(match[1]! + nanos));
  };
}

function numberText(value: AnyValue): string | undefined {
  if (typeof value === "string") return value.trim();
  if (value instanceof Double) return String(value.value);
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}
