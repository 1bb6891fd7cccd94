/** What the signs and functions of an expression do with values. */
import type { AnyValue } from "../../data/any_value.ts";
import { Double, isAnyValueMap } from "../../data/any_value.ts";

type Two = (left: AnyValue, right: AnyValue) => AnyValue;

export const BINARY: Readonly<Record<string, Two>> = {
  "==": isEqual,
  "!=": (left, right) => !isEqual(left, right),
  "<": (left, right) => compare(left, right, (order) => order < 0),
  "<=": (left, right) => compare(left, right, (order) => order <= 0),
  ">": (left, right) => compare(left, right, (order) => order > 0),
  ">=": (left, right) => compare(left, right, (order) => order >= 0),
  "+": (left, right) =>
    typeof left === "string" && typeof right === "string"
      ? left + right
      : calculate(left, right, (a, b) => a + b),
  "-": (left, right) => calculate(left, right, (a, b) => a - b),
  "*": (left, right) => calculate(left, right, (a, b) => a * b),
  "/": (left, right) => calculate(left, right, (a, b) => a / b),
  "%": (left, right) => calculate(left, right, (a, b) => a % b),
  "**": (left, right) => calculate(left, right, (a, b) => a ** b),
  in: (left, right) => {
    if (Array.isArray(right)) return right.some((item) => isEqual(left, item));
    return typeof left === "string" && isAnyValueMap(right) && Object.hasOwn(right, left);
  },
  contains: (left, right) => bothTexts(left, right, (text, part) => text.includes(part)),
  startsWith: (left, right) => bothTexts(left, right, (text, part) => text.startsWith(part)),
  endsWith: (left, right) => bothTexts(left, right, (text, part) => text.endsWith(part)),
};

export const FUNCTIONS: Readonly<Record<string, (...values: AnyValue[]) => AnyValue>> = {
  len: (value) => lengthOf(value),
  lower: (value) => (typeof value === "string" ? value.toLowerCase() : undefined),
  upper: (value) => (typeof value === "string" ? value.toUpperCase() : undefined),
  trim: (value) => (typeof value === "string" ? value.trim() : undefined),
  trimPrefix: (value, prefix) =>
    bothTexts(value, prefix, (text, part) =>
      text.startsWith(part) ? text.slice(part.length) : text,
    ),
  trimSuffix: (value, suffix) =>
    bothTexts(value, suffix, (text, part) =>
      text.endsWith(part) ? text.slice(0, text.length - part.length) : text,
    ),
  hasPrefix: (value, part) => bothTexts(value, part, (text, piece) => text.startsWith(piece)),
  hasSuffix: (value, part) => bothTexts(value, part, (text, piece) => text.endsWith(piece)),
  indexOf: (value, part) => bothTexts(value, part, (text, piece) => text.indexOf(piece)),
  split: (value, separator) => bothTexts(value, separator, (text, part) => text.split(part)),
  replace: (value, from, to) =>
    typeof to === "string"
      ? bothTexts(value, from, (text, part) => text.replaceAll(part, () => to))
      : undefined,
  int: (value) => {
    const number = numberOf(typeof value === "string" ? Number(value || Number.NaN) : value);
    return number === undefined || Number.isNaN(number) ? undefined : Math.trunc(number);
  },
  float: (value) => {
    const number = numberOf(typeof value === "string" ? Number(value || Number.NaN) : value);
    return number === undefined || Number.isNaN(number) ? undefined : new Double(number);
  },
  string: (value) => textOf(value),
  type: (value) => kindOf(value),
};

/** As it would be written into a text. */
export function textOf(value: AnyValue): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "bigint" ? item.toString() : item,
  );
}

export function numberOf(value: AnyValue): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  return value instanceof Double ? value.value : undefined;
}

function kindOf(value: AnyValue): string {
  if (value === null || value === undefined) return "nil";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return "int";
  if (typeof value === "number" || value instanceof Double) return "float";
  return isAnyValueMap(value) ? "map" : "array";
}

function lengthOf(value: AnyValue): AnyValue {
  if (typeof value === "string") return [...value].length;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  return isAnyValueMap(value) ? Object.keys(value).length : undefined;
}

function isEqual(left: AnyValue, right: AnyValue): boolean {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined || b !== undefined) return a === b;
  if (left === null || left === undefined) return right === null || right === undefined;
  if (typeof left !== "object" || typeof right !== "object") return left === right;
  return textOf(left) === textOf(right);
}

/** Values of unlike kinds have no order: every comparison of them is false. */
function compare(left: AnyValue, right: AnyValue, holds: (order: number) => boolean): boolean {
  if (typeof left === "string" && typeof right === "string") {
    return holds(left < right ? -1 : left > right ? 1 : 0);
  }
  const [a, b] = [numberOf(left), numberOf(right)];
  return a !== undefined && b !== undefined && holds(a - b);
}

function calculate(left: AnyValue, right: AnyValue, of: (a: number, b: number) => number) {
  const [a, b] = [numberOf(left), numberOf(right)];
  return a === undefined || b === undefined ? undefined : of(a, b);
}

function bothTexts<Result extends AnyValue>(
  left: AnyValue,
  right: AnyValue,
  of: (left: string, right: string) => Result,
): Result | undefined {
  return typeof left === "string" && typeof right === "string" ? of(left, right) : undefined;
}
