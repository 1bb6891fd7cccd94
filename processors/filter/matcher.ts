/**
 * The conditions of `include` or `exclude`, as one function.
 *
 * Invariant: a record matches when all kinds of condition that are given match; of severity texts
 * and bodies one is enough, of attributes all are needed. No pattern sees a text longer than the
 * limit: {@link TextTooLong} is thrown, and the record is then withheld.
 */
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Resource } from "../../src/data/resource.ts";
import { severityNumberOf } from "../../src/data/severity.ts";
import type { MatchConfig } from "./config.ts";
import { compileLinear } from "./linear_regex.ts";
import { TextTooLong } from "./text_too_long.ts";
import { attributeText, bodyText, isSameValue } from "./value_text.ts";

export type Matches = (record: LogRecord) => boolean;
type MatchesText = (text: string) => boolean;
type MatchesAttributes = (attributes: Attributes) => boolean;

/** `lengthMax` is in UTF-16 units. */
export function compileMatch(config: MatchConfig, lengthMax: number): Matches {
  // The cheap conditions come first, and a body is brought to text only when all others match.
  const conditions: Matches[] = [];
  if (config.severity_number !== undefined) conditions.push(severityCondition(config));
  if (config.resource_attributes.length > 0) {
    const matches = compileAttributes(config, config.resource_attributes, lengthMax);
    conditions.push(sharedCondition(matches));
  }
  if (config.severity_texts.length > 0) {
    const matches = compileTexts(config, config.severity_texts, lengthMax);
    conditions.push((record) => matches(record.severityText ?? ""));
  }
  if (config.record_attributes.length > 0) {
    const matches = compileAttributes(config, config.record_attributes, lengthMax);
    conditions.push((record) => matches(record.attributes));
  }
  if (config.bodies.length > 0) {
    const matches = compileTexts(config, config.bodies, lengthMax);
    conditions.push((record) => matches(bodyText(record.body)));
  }
  return (record) => {
    for (const condition of conditions) if (!condition(record)) return false;
    return true;
  };
}

function severityCondition({ severity_number }: MatchConfig): Matches {
  const min = severityNumberOf(severity_number!.min)!;
  const { match_undefined } = severity_number!;
  return ({ severityNumber }) => {
    if (severityNumber === undefined || Number(severityNumber) === 0) return match_undefined;
    return severityNumber >= min;
  };
}

/** Records of one origin share the resource, so it is looked at once. */
function sharedCondition(matches: MatchesAttributes): Matches {
  const known = new WeakMap<Resource, boolean>();
  return ({ resource }) => {
    let result = known.get(resource);
    if (result === undefined) {
      result = matches(resource.attributes as Attributes);
      known.set(resource, result);
    }
    return result;
  };
}

function compileAttributes(
  config: MatchConfig,
  entries: MatchConfig["record_attributes"],
  lengthMax: number,
): MatchesAttributes {
  const expected = entries.map(({ key, value }) => {
    return { key, matches: compileValue(config, value, lengthMax) };
  });
  return (attributes) => {
    for (const { key, matches } of expected) {
      if (!Object.hasOwn(attributes, key) || !matches(attributes[key])) return false;
    }
    return true;
  };
}

function compileValue(
  config: MatchConfig,
  expected: unknown,
  lengthMax: number,
): (value: AnyValue) => boolean {
  if (expected === undefined || expected === null) return () => true;
  if (config.match_type === "strict") return (value) => isSameValue(expected, value);
  const matches = compileTexts(config, [String(expected)], lengthMax);
  return (value) => {
    const text = attributeText(value);
    return text !== undefined && matches(text);
  };
}

function compileTexts(
  { match_type }: MatchConfig,
  texts: readonly string[],
  lengthMax: number,
): MatchesText {
  if (match_type === "strict") {
    const wanted = new Set(texts);
    return (text) => wanted.has(text);
  }
  const patterns = texts.map(compileLinear);
  return (text) => {
    if (text.length > lengthMax) throw new TextTooLong();
    for (const pattern of patterns) if (pattern.test(text)) return true;
    return false;
  };
}
