/** The comparisons of OTTL: values of different types are never equal, and neither is the less. */
import type { AnyValue } from "../../../src/data/any_value.ts";
import { Double } from "../../../src/data/any_value.ts";
import { isSameValue } from "../value_text.ts";

export type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=";

export function compare(operator: Operator, left: AnyValue, right: AnyValue): boolean {
  if (operator === "==") return isEqual(left, right);
  if (operator === "!=") return !isEqual(left, right);
  const order = orderOf(left, right);
  if (order === undefined) return false;
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}

export function isEqual(left: AnyValue, right: AnyValue): boolean {
  const order = orderOf(left, right);
  return order === undefined ? isSameValue(plain(left), right) : order === 0;
}

/** Negative, 0 or positive; undefined for types that differ or have no order. */
function orderOf(left: AnyValue, right: AnyValue): number | undefined {
  const [one, other] = [plain(left), plain(right)];
  if (typeof one === "string" && typeof other === "string") {
    // Go compares the bytes of UTF-8, JavaScript the units of UTF-16.
    return one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other));
  }
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other);
  if (isNumber(one) && isNumber(other))
    return one < other ? -1 : one > other ? 1 : equalOrNone(one, other);
  const areFlags = typeof one === "boolean" && typeof other === "boolean";
  return areFlags ? Number(one) - Number(other) : undefined;
}

/** NaN is not equal to itself and has no order. */
function equalOrNone(one: number | bigint, other: number | bigint): number | undefined {
  // biome-ignore lint/suspicious/noDoubleEquals: the one comparison of a number and a bigint
  return one == other ? 0 : undefined;
}

function isNumber(value: AnyValue): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function plain(value: AnyValue): AnyValue {
  return value instanceof Double ? value.value : (value ?? null);
}
