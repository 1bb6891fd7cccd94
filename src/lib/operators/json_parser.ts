/** JSON objects to attributes (or any other field). Numbers keep their value exactly. */
import type { AnyValue } from "../../data/any_value.ts";
import { isAnyValueMap } from "../../data/any_value.ts";
import type { JsonArrayParserConfig, JsonParserConfig } from "./config.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { parserOperator } from "./parser.ts";

/** A log line nested deeper than this is no log line. */
export const JSON_DEPTH_MAX = 64;
/** Only texts with such pieces need the slow way: long numbers and halves of surrogate pairs. */
const NEEDS_CARE = /\d{16}|\\u[dD][89a-fA-F]/;

export function jsonParser(config: JsonParserConfig, context: OperatorContext): Operator {
  return parserOperator(config, context, parseJsonObject);
}

/** Undefined for what is no JSON object, or nested too deeply. */
export function parseJsonObject(text: string): AnyValue | undefined {
  const value = parseJson(text);
  return isAnyValueMap(value) ? value : undefined;
}

function parseJson(text: string): AnyValue | undefined {
  let value: AnyValue;
  try {
    value = NEEDS_CARE.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
  } catch {
    return undefined;
  }
  return depthIsAtMost(value, JSON_DEPTH_MAX) ? value : undefined;
}

function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === "string") return value.toWellFormed();
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || Number.isSafeInteger(value)) {
    return value;
  }
  return /^-?\d{1,19}$/.test(source) ? wide(BigInt(source), value) : value;
}

/** OTLP integers have 64 bits; a larger one stays the nearest double. */
function wide(integer: bigint, nearest: number): bigint | number {
  return BigInt.asIntN(64, integer) === integer ? integer : nearest;
}

function depthIsAtMost(value: AnyValue, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  for (const item of Object.values(value)) {
    if (!depthIsAtMost(item, depth - 1)) return false;
  }
  return true;
}

export function jsonArrayParser(config: JsonArrayParserConfig, context: OperatorContext): Operator {
  return parserOperator(config, context, (text) => {
    const parsed = parseJson(text);
    return Array.isArray(parsed) ? parsed : undefined;
  });
}
