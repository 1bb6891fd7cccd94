/**
 * The places of a record that an operator reads and writes, in the Collector's syntax: `body`,
 * `body.x.y`, `attributes.a`, `attributes["a.b"]`, `resource.x`. A name without a root means the
 * body, as in the Collector.
 */
import type { AnyValue, AnyValueMap } from "../../data/any_value.ts";
import { isAnyValueMap } from "../../data/any_value.ts";
import type { Entry } from "./operator.ts";

export interface Field {
  readonly root: "body" | "attributes" | "resource";
  readonly keys: readonly string[];
}

const PART = /\.?([^.[\]"']+)|\[(?:"([^"]*)"|'([^']*)')\]/y;

/** Undefined when the text is no field. */
export function parseField(text: string): Field | undefined {
  const keys: string[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (match === null) return undefined;
    keys.push(match[1] ?? match[2] ?? match[3]!);
  }
  if (keys.length === 0 || text.startsWith(".") || text.startsWith("[")) return undefined;
  const [first, ...rest] = keys as [string, ...string[]];
  if (first === "body" || first === "attributes" || first === "resource") {
    return { root: first, keys: rest };
  }
  return { root: "body", keys };
}

/** A field that the schema has checked. */
export function checkedField(text: string): Field {
  const field = parseField(text);
  if (field === undefined) throw new Error("the checked configuration has a malformed field");
  return field;
}

export function readField(entry: Entry, field: Field): AnyValue {
  let value: AnyValue = entry[field.root];
  for (const key of field.keys) {
    if (!isAnyValueMap(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Writes a value. A map written to a root of attributes is merged into it, as in the Collector. */
export function writeField(entry: Entry, field: Field, value: AnyValue): void {
  if (field.root === "body") {
    entry.body = withValue(entry.body, field.keys, value);
    return;
  }
  if (field.keys.length > 0) {
    entry[field.root] = withValue(entry[field.root], field.keys, value) as AnyValueMap;
  } else if (isAnyValueMap(value)) {
    entry[field.root] = { ...entry[field.root], ...value };
  }
}

/** Copies along the path, because maps may be shared between records. */
function withValue(target: AnyValue, keys: readonly string[], value: AnyValue): AnyValue {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  const map = isAnyValueMap(target) ? target : {};
  const inner = Object.hasOwn(map, key) ? map[key] : undefined;
  return { ...map, [key]: withValue(inner, rest, value) };
}

/** Removes a value; a root is emptied. False: it was not there. */
export function removeField(entry: Entry, field: Field): boolean {
  if (readField(entry, field) === undefined) return false;
  const without = withoutValue(entry[field.root], field.keys);
  if (field.root === "body") entry.body = without;
  else entry[field.root] = (without ?? {}) as AnyValueMap;
  return true;
}

function withoutValue(target: AnyValue, keys: readonly string[]): AnyValue {
  const [key, ...rest] = keys;
  if (key === undefined || !isAnyValueMap(target)) return undefined;
  const { [key]: inner, ...others } = target;
  return rest.length === 0 ? others : { ...target, [key]: withoutValue(inner, rest) };
}
