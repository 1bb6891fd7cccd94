/**
 * Durations and sizes, written in YAML as the OpenTelemetry Collector writes them.
 *
 * A schema parses to a plain number (milliseconds, bytes) and appears in JSON Schema as the text
 * that a user writes. Give the default as that text, with `prefault`, so that the README tables and
 * the editor show it as it is written:
 *
 *     poll_interval: durationMs.prefault("200ms").describe("...")
 *     max_log_size: byteSize.prefault("1MiB").describe("...")
 *     timeout: durationMs.optional().describe("...")
 *     window: durationMs.refine((ms) => ms > 0, "must be longer than 0s").prefault("1m")
 *
 * (`prefault` comes last but for `describe`: it is parsed, `default` would be taken as it is.)
 *
 * Invariant: a parsed value is finite, not negative, and at most `Number.MAX_SAFE_INTEGER`.
 */
import { z } from "zod";
import { parseAgeRecipient } from "../src/lib/age/age_file.ts";

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;
const DURATION_HELP =
  "expected a duration such as 200ms, 1.5s, 5m or 1h30m (units ns, us, ms, s, m, h)";
const LONG_DURATION_HELP = "expected a number of days such as 90d, or a duration such as 12h";
const DAY_MS = 86_400_000;

const SIZE = /^(\d+(?:\.\d*)?)\s*(?:([kmgtp])(i?)b)?$/i;
const SIZE_POWERS = "kmgtp";
const SIZE_HELP =
  "expected a number of bytes or a size such as 1MiB or 16KiB (kB is 1000 bytes, KiB is 1024)";

/**
 * The milliseconds of a Collector duration (the syntax of Go's `time.ParseDuration` without a
 * sign). Undefined when the text is not one.
 */
export function parseDurationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (!DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    ms += Number(amount) * MS_PER_UNIT[unit!]!;
  }
  return ms <= Number.MAX_SAFE_INTEGER ? ms : undefined;
}

/** The bytes of a Collector size: `20MiB`, `1kb` (1000), `1KiB` (1024); undefined if it is none. */
export function parseByteSize(text: string): number | undefined {
  const match = SIZE.exec(text.trim());
  if (match === null) return undefined;
  const [, amount, prefix, binary] = match;
  const power = prefix === undefined ? 0 : SIZE_POWERS.indexOf(prefix.toLowerCase()) + 1;
  const bytes = Math.round(Number(amount) * (binary ? 1024 : 1000) ** power);
  return bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}

/**
 * A duration, parsed to milliseconds (with a fraction below one). A bare number other than 0 is
 * refused, because nobody can see whether it means seconds.
 */
export const durationMs: z.ZodType<number, string | number> = z
  .union(
    [
      z.string().meta({ pattern: `${DURATION.source}|^0$`, examples: ["200ms", "5m", "1h30m"] }),
      z.number().meta({ const: 0 }),
    ],
    { error: DURATION_HELP },
  )
  .transform((value, context) => {
    const ms = value === 0 ? 0 : parseDurationMs(String(value));
    if (ms !== undefined) return ms;
    const unitless = typeof value === "number" ? "a duration needs its unit: " : "";
    context.addIssue({ code: "custom", message: unitless + DURATION_HELP });
    return z.NEVER;
  })
  .meta({ title: "duration" });

/** A duration that may also be given in days (`90d`): how long something is kept. */
export const longDurationMs: z.ZodType<number, string | number> = z
  .union(
    [
      z.string().meta({ pattern: "^[0-9]+d$", examples: ["30d", "365d"] }),
      z.string().meta({ pattern: `${DURATION.source}|^0$` }),
      z.number().meta({ const: 0 }),
    ],
    { error: LONG_DURATION_HELP },
  )
  .transform((value, context) => {
    const days = /^(\d+)d$/.exec(String(value))?.[1];
    const ms = days === undefined ? parseDurationMs(String(value)) : Number(days) * DAY_MS;
    if (ms !== undefined && ms <= Number.MAX_SAFE_INTEGER) return ms;
    context.addIssue({ code: "custom", message: LONG_DURATION_HELP });
    return z.NEVER;
  })
  .meta({ title: "duration" });

/** A size in bytes: a whole number, or text with a unit. */
export const byteSize: z.ZodType<number, string | number> = z
  .union(
    [
      z.string().meta({ pattern: "^[0-9]+(\\.[0-9]*)?\\s*([kKmMgGtTpP][iI]?[bB])?$" }),
      z.number().meta({ type: "integer", minimum: 0 }),
    ],
    { error: SIZE_HELP },
  )
  .transform((value, context) => {
    const bytes = typeof value === "string" ? parseByteSize(value) : value;
    if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
    context.addIssue({ code: "custom", message: SIZE_HELP });
    return z.NEVER;
  })
  .meta({ title: "size in bytes" });

/** The public key of one who may read: a native X25519 recipient of age. */
export const ageRecipient: z.ZodType<string, string> = z
  .string()
  .refine(
    (text) => parseAgeRecipient(text) !== undefined,
    "is no age recipient (age1..., made by 'vouchsafe keys generate identity' or 'age-keygen') " +
      "and no role of service.roles",
  );
