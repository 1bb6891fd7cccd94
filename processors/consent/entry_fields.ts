/**
 * One line of a registry, from its named fields to an entry.
 *
 * Invariant: what is not understood is refused, with the place and never with the content: a
 * misspelt `until` must not become a consent for ever.
 */
import type { Entry } from "./registry.ts";

export const FIELDS = ["subject", "purpose", "granted", "from", "until"] as const;
export type Field = (typeof FIELDS)[number];

export interface Line {
  readonly subject: string;
  readonly purpose: string;
  readonly entry: Entry;
}

/** What is wrong with a registry file; the message has no content of it. */
export class RegistryFault extends Error {}

const TRUE = new Set(["true", "yes", "1", "granted"]);
const FALSE = new Set(["false", "no", "0", "withdrawn", "denied"]);
/** RFC 3339, or a date alone, which is its beginning in UTC. */
const TIME = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d))?$/;

/** `place` is told when something is wrong, for example `line 7`. */
export function readLine(fields: Readonly<Record<string, unknown>>, place: string): Line {
  for (const name of Object.keys(fields)) {
    if (FIELDS.some((field) => field === name)) continue;
    throw new RegistryFault(`${place} has an unknown field; there are ${FIELDS.join(", ")}`);
  }
  const fromMs = timeOf(fields.from, "from", place) ?? Number.NEGATIVE_INFINITY;
  const untilMs = timeOf(fields.until, "until", place) ?? Number.POSITIVE_INFINITY;
  if (fromMs >= untilMs) throw new RegistryFault(`${place}: until is not later than from`);
  return {
    subject: textOf(fields.subject, "subject", place),
    purpose: textOf(fields.purpose, "purpose", place),
    entry: { granted: flagOf(fields.granted, place), fromMs, untilMs },
  };
}

function textOf(value: unknown, name: Field, place: string): string {
  const isNumber = typeof value === "number" || typeof value === "bigint";
  const text = isNumber ? String(value) : value;
  if (typeof text === "string" && text !== "") return text;
  throw new RegistryFault(`${place} has no ${name}`);
}

function flagOf(value: unknown, place: string): boolean {
  if (isAbsent(value)) return true;
  const word = String(value).toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  throw new RegistryFault(`${place}: granted is neither true nor false`);
}

function timeOf(value: unknown, name: Field, place: string): number | undefined {
  if (isAbsent(value)) return undefined;
  const text = value instanceof Date ? value.toISOString() : value;
  const ms = typeof text === "string" && TIME.test(text) ? Date.parse(text.replace(" ", "T")) : NaN;
  if (Number.isFinite(ms)) return ms;
  throw new RegistryFault(`${place}: ${name} is no time such as 2026-01-31T12:00:00Z`);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}
