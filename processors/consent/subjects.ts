/** Whom a record is about, and what its own attribute says they consented to. */
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { isAnyValueMap } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";

/**
 * The subjects that the attribute names, of the record or else of its resource. None when it is
 * absent or empty; undefined when it is there and is no text, integer or list of these, so that
 * nobody can be asked.
 */
export function subjectsOf(record: LogRecord, attribute: string): readonly string[] | undefined {
  const own = ownValue(record.attributes, attribute);
  const value = own ?? ownValue(record.resource.attributes as Attributes, attribute);
  if (value === undefined || value === null || value === "") return [];
  if (!Array.isArray(value)) {
    const subject = subjectText(value);
    return subject === undefined ? undefined : [subject];
  }
  const subjects = value.map(subjectText);
  return subjects.includes(undefined) ? undefined : (subjects as string[]);
}

function ownValue(attributes: Attributes, name: string): AnyValue {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

function subjectText(value: AnyValue): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
  return isInteger ? String(value) : undefined;
}

/** True when the value, a list, a text with separators or a map of flags, names the purpose. */
export function namesPurpose(value: AnyValue, purpose: string): boolean {
  if (typeof value === "string") return value.split(/[\s,]+/).includes(purpose);
  if (Array.isArray(value)) return value.includes(purpose);
  return isAnyValueMap(value) && Object.hasOwn(value, purpose) && value[purpose] === true;
}
