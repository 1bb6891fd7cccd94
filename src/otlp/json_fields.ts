/**
 * Single fields of the proto3 JSON mapping (protobuf.dev/programming-guides/json), read strictly.
 *
 * Invariant: a value of the wrong kind is an error that names the field, never the value. `null` is
 * the same as a field that is not there. A field is found under its lowerCamelCase name and under
 * its original name: the OTLP specification asks for the first only, but senders of the second
 * exist, and to overlook a whole message in silence would lose records.
 */
import type { HrTime } from "../data/time.ts";
import { TIME_UNKNOWN } from "../data/time.ts";
import { SECONDS_MAX, SECONDS_MAX_NANOS } from "./fixed64.ts";
import { malformedJson } from "./limits.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const DECIMAL = /^-?\d{1,20}$/;
const UNSIGNED_DECIMAL = /^\d{1,20}$/;
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const ZEROS_ONLY = /^0*$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const NANOS = 1_000_000_000n;

/** The value of a field, or `undefined` when it is absent or `null`. */
export function field(object: JsonObject, name: string, originalName = name): unknown {
  return object[name] ?? object[originalName] ?? undefined;
}

export function asObject(value: unknown, place: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw malformedJson(place, "expected an object");
}

export function asList(value: unknown, place: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw malformedJson(place, "expected an array");
}

/** A lone surrogate becomes U+FFFD, as in the protobuf encoding of the same string. */
export function asString(value: unknown, place: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw malformedJson(place, "expected a string");
  return value.isWellFormed() ? value : value.toWellFormed();
}

export function asBoolean(value: unknown, place: string): boolean {
  if (typeof value !== "boolean") throw malformedJson(place, "expected a boolean");
  return value;
}

/** An integer of 32 bits, `min` to `max`. */
export function asInteger(value: unknown, place: string, min: number, max: number): number {
  if (value === undefined) return 0;
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number) || number < min || number > max) {
    throw malformedJson(place, `expected an integer from ${min} to ${max}`);
  }
  return number;
}

/** An `int64` as a string or a number: a `number` where that is exact, else a `bigint`. */
export function asInt64(value: unknown, place: string): number | bigint {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value + 0;
  const exact = exactInteger(value);
  if (exact === undefined || exact < INT64_MIN || exact > INT64_MAX) {
    throw malformedJson(place, "expected an integer of 64 bits");
  }
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

function exactInteger(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "string" && DECIMAL.test(value)) return BigInt(value);
  return undefined;
}

export function asDouble(value: unknown, place: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  if (typeof value === "string" && NUMBER.test(value)) return Number(value);
  throw malformedJson(place, "expected a number");
}

/** `fixed64` nanoseconds as a string or a number. */
export function asTime(value: unknown, place: string): HrTime {
  if (value === undefined || value === 0 || value === "0") return TIME_UNKNOWN;
  let seconds = -1;
  let nanos = 0;
  if (typeof value === "string" && UNSIGNED_DECIMAL.test(value)) {
    seconds = Number(value.slice(0, -9));
    nanos = Number(value.slice(-9));
  } else if (typeof value === "bigint" && value > 0n) {
    seconds = Number(value / NANOS);
    nanos = Number(value % NANOS);
  } else if (typeof value === "number" && Number.isSafeInteger(value)) {
    seconds = Math.floor(value / 1e9);
    nanos = value - seconds * 1e9;
  }
  const tooLate = seconds > SECONDS_MAX || (seconds === SECONDS_MAX && nanos > SECONDS_MAX_NANOS);
  if (seconds < 0 || tooLate) throw malformedJson(place, "expected nanoseconds since 1970");
  return seconds === 0 && nanos === 0 ? TIME_UNKNOWN : [seconds, nanos];
}

/** Base64 in the standard or the URL alphabet, with or without padding. */
export function asBytes(value: unknown, place: string): Uint8Array {
  if (typeof value !== "string" || !BASE64.test(value)) {
    throw malformedJson(place, "expected base64");
  }
  return new Uint8Array(Buffer.from(value, "base64"));
}

/** An id in hex of either case; "" for one of another length or of zeros only, which is none. */
export function asId(value: unknown, place: string, length: number): string {
  const text = asString(value, place);
  if (text.length !== length * 2 || ZEROS_ONLY.test(text)) return "";
  if (!/^[0-9a-fA-F]*$/.test(text)) throw malformedJson(place, "expected hexadecimal digits");
  return text.toLowerCase();
}
