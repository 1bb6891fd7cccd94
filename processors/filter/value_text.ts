/** Values as the Collector's filter compares them. */
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double, isAnyValueMap } from "../../src/data/any_value.ts";

/** Text of an attribute for a pattern; undefined for lists, maps, bytes and the empty value. */
export function attributeText(value: AnyValue): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return String(value);
  }
  return value instanceof Double ? String(value.value) : undefined;
}

/** Text of a body of any type: bytes as base64, lists and maps as JSON with sorted keys. */
export function bodyText(body: AnyValue): string {
  const text = attributeText(body);
  if (text !== undefined) return text;
  if (body === null || body === undefined) return "";
  return body instanceof Uint8Array ? base64(body) : JSON.stringify(jsonOf(body));
}

function jsonOf(value: AnyValue): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return base64(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (!isAnyValueMap(value)) return value ?? null;
  const sorted = Object.keys(value).sort();
  return Object.fromEntries(sorted.map((key) => [key, jsonOf(value[key])]));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * Whether a value is the one that the configuration holds, of the same type. YAML's `1` and `1.0`
 * cannot be told apart, so a number equals an integer and a double.
 */
export function isSameValue(expected: unknown, value: AnyValue): boolean {
  if (typeof expected === "number" || typeof expected === "bigint") {
    const number = value instanceof Double ? value.value : value;
    if (typeof number !== "number" && typeof number !== "bigint") return false;
    // biome-ignore lint/suspicious/noDoubleEquals: the one comparison of a number and a bigint
    return number == expected;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(value) || value.length !== expected.length) return false;
    return expected.every((element, index) => isSameValue(element, value[index]));
  }
  if (typeof expected !== "object" || expected === null) return (value ?? null) === expected;
  if (!isAnyValueMap(value)) return false;
  const entries = Object.entries(expected);
  return (
    entries.length === Object.keys(value).length &&
    entries.every(([key, inner]) => Object.hasOwn(value, key) && isSameValue(inner, value[key]))
  );
}
