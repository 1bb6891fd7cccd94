/**
 * What a schema has against a value, in words that name the kind of the value and never the value.
 * A message that a schema gives itself goes before these.
 */
import type { z } from "zod";

type RawIssue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map",
  record: "a map",
  array: "a list",
  tuple: "a list",
  null: "nothing",
};

const OPTIONS_SHOWN_MAX = 12;

export function issueMessage(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeMessage(String(issue.expected), issue.input);
    case "invalid_value":
      return optionsMessage(issue.values as readonly unknown[]);
    case "too_small":
      return limitMessage(issue, Number(issue.minimum), "at least", "more than");
    case "too_big":
      return limitMessage(issue, Number(issue.maximum), "at most", "less than");
    case "not_multiple_of":
      return `must be a multiple of ${String(issue.divisor)}`;
    case "invalid_format":
      return formatMessage(issue);
    case "invalid_union":
      return unionMessage(issue);
    case "invalid_key":
      return "this key is not allowed here";
    case "unrecognized_keys":
      return "unknown key";
    default:
      return "is not valid";
  }
}

function typeMessage(expected: string, input: unknown): string {
  const wanted = `expected ${KINDS[expected] ?? expected}, got ${kindOf(input)}`;
  const quotable = typeof input === "number" || typeof input === "boolean";
  return expected === "string" && quotable ? `${wanted}; write it in quotes` : wanted;
}

function kindOf(input: unknown): string {
  if (input === null || input === undefined) return "nothing";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "boolean") return "true or false";
  if (typeof input === "number" && !Number.isFinite(input)) return "a number without end";
  return typeof input === "number" ? "a number" : "text";
}

function optionsMessage(values: readonly unknown[]): string {
  const shown = values.slice(0, OPTIONS_SHOWN_MAX).map(String).join(", ");
  if (values.length === 1) return `expected ${shown}`;
  return `expected one of ${shown}${values.length > OPTIONS_SHOWN_MAX ? ", ..." : ""}`;
}

function limitMessage(
  issue: RawIssue,
  limit: number,
  inclusive: string,
  exclusive: string,
): string {
  const bound = issue.inclusive === false ? exclusive : inclusive;
  const origin = String(issue.origin);
  const plural = limit === 1 ? "" : "s";
  if (origin === "string") {
    return limit === 1 && bound === "at least"
      ? "must not be empty"
      : `must have ${bound} ${limit} character${plural}`;
  }
  if (origin === "array" || origin === "set") {
    return `must have ${bound} ${limit} ${limit === 1 ? "entry" : "entries"}`;
  }
  if (origin === "object" || origin === "map") return `must have ${bound} ${limit} key${plural}`;
  return `must be ${bound} ${limit}`;
}

function formatMessage(issue: RawIssue): string {
  const format = String(issue.format);
  if (format === "regex") return `does not have the form ${String(issue.pattern)}`;
  if (format === "url") return "expected a URL such as https://host:4318";
  return `is not a valid ${format}`;
}

function unionMessage(issue: RawIssue): string {
  if (Array.isArray(issue.options)) return optionsMessage(issue.options);
  const branches = (issue.errors ?? []) as readonly (readonly z.core.$ZodIssue[])[];
  const kinds = new Set<string>();
  for (const [first] of branches) {
    if (first?.path.length === 0 && first.code === "invalid_type") {
      kinds.add(KINDS[first.expected] ?? first.expected);
    }
  }
  if (kinds.size === 0) return "has none of the forms that are allowed here";
  return `expected ${[...kinds].join(" or ")}, got ${kindOf(issue.input)}`;
}
