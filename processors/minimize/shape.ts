/**
 * The kind and shape of a value, for the report of a new field.
 *
 * Invariant: no character of a value but its punctuation is told, sorted, and that only beside
 * letters or digits.
 */
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";

const LOOKED_AT_MAX = 4096;
const PUNCTUATION_MAX = 6;

/** For example `string, 24 characters, letters digits -`. */
export function describeShape(value: AnyValue): string {
  if (typeof value === "string") return describeText(value);
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "bigint") return `integer, ${digitsOf(value)} digits`;
  if (value instanceof Double) return "double";
  if (typeof value === "number") {
    return Number.isInteger(value) ? `integer, ${count(digitsOf(value), "digit")}` : "double";
  }
  if (value instanceof Uint8Array) return `bytes, ${value.length}`;
  if (value === null || value === undefined) return "empty value";
  return Array.isArray(value) ? "empty list" : "empty map";
}

function describeText(text: string): string {
  const looked = text.slice(0, LOOKED_AT_MAX);
  const classes: string[] = [];
  if (/\p{L}/u.test(looked)) classes.push("letters");
  if (/\p{N}/u.test(looked)) classes.push("digits");
  const hasWords = classes.length > 0;
  if (/\s/.test(looked)) classes.push("spaces");
  const marks = [...new Set(looked.match(/[!-/:-@[-`{-~]/g))].sort();
  if (marks.length > PUNCTUATION_MAX || (marks.length > 0 && !hasWords)) {
    classes.push("punctuation");
  } else classes.push(...marks);
  const length = `string, ${count(text.length, "character")}`;
  return classes.length === 0 ? length : `${length}, ${classes.join(" ")}`;
}

function digitsOf(value: number | bigint): number {
  return BigInt(value).toString().replace("-", "").length;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
