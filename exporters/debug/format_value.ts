/** OTLP values as printable text: with their type, or bare as in a log line. */
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import { printable, quoted } from "../../src/lib/printable.ts";

/** `Str(...)`, `Int(...)`, `Map({...})` and so on, as the Collector writes them. */
export function formatValue(value: AnyValue): string {
  if (value === undefined || value === null) return "Empty()";
  if (typeof value === "string") return `Str(${printable(value)})`;
  if (typeof value === "boolean") return `Bool(${value})`;
  if (typeof value === "bigint") return `Int(${value})`;
  if (value instanceof Double) return `Double(${value.value})`;
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? `Int(${value})` : `Double(${value})`;
  }
  if (value instanceof Uint8Array) return `Bytes(${Buffer.from(value).toString("base64")})`;
  return `${Array.isArray(value) ? "Slice" : "Map"}(${formatNested(value)})`;
}

/** A string as it is, everything else as JSON. */
export function formatText(value: AnyValue): string {
  return typeof value === "string" ? printable(value) : formatNested(value);
}

function formatNested(value: AnyValue): string {
  if (value === undefined || value === null) return "null";
  if (typeof value === "string") return quoted(value);
  if (value instanceof Double) return String(value.value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString("base64")}"`;
  if (Array.isArray(value)) return `[${value.map(formatNested).join(",")}]`;
  if (typeof value !== "object") return String(value);
  const entries = Object.entries(value).map(
    ([key, item]) => `${quoted(key)}:${formatNested(item)}`,
  );
  return `{${entries.join(",")}}`;
}
