/**
 * Severity from a field of the record: the Collector's `severity` block and `severity_parser`.
 * A value that no mapping knows leaves the severity unset; that is no failure.
 */
import type { SeverityNumber } from "@opentelemetry/api";
import type { SeverityConfig, SeverityMapping } from "./config.ts";
import { checkedField, readField } from "./field.ts";
import type { Entry } from "./operator.ts";

/** OTel log data model, "Displaying Severity": the short name of number `index + 1`. */
const SHORT_NAMES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((name) => [
  name,
  `${name}2`,
  `${name}3`,
  `${name}4`,
]);
const SYNONYMS: Readonly<Record<string, string>> = { warn: "warning", error: "err" };

/** `trace`, `debug3`, ... as in the keys of a mapping; 0 is `default`. */
export function severityNumberOf(alias: string): number {
  return alias === "default" ? 0 : SHORT_NAMES.indexOf(alias.toUpperCase()) + 1;
}

export const SEVERITY_ALIASES: readonly string[] = [
  "default",
  ...SHORT_NAMES.map((name) => name.toLowerCase()),
];

/** Returns false when the field holds nothing that could be a severity. */
export function severityParser(config: SeverityConfig): (entry: Entry) => boolean {
  const field = checkedField(config.parse_from);
  const numbers = buildMapping(config.preset, config.mapping);
  return (entry) => {
    const value = readField(entry, field);
    if (typeof value !== "string" && typeof value !== "number") return false;
    const text = String(value);
    const number = numbers.get(text.toLowerCase()) ?? 0;
    entry.severityNumber = number === 0 ? undefined : (number as SeverityNumber);
    entry.severityText = config.overwrite_text && number > 0 ? SHORT_NAMES[number - 1] : text;
    return true;
  };
}

function buildMapping(preset: SeverityConfig["preset"], mapping: SeverityMapping) {
  const numbers = new Map<string, number>();
  if (preset !== "none") addPreset(numbers, preset === "default");
  for (const [alias, values] of Object.entries(mapping)) {
    const number = severityNumberOf(alias);
    for (const value of Array.isArray(values) ? values : values === undefined ? [] : [values]) {
      for (const text of expand(value)) numbers.set(text, number);
    }
  }
  return numbers;
}

function addPreset(numbers: Map<string, number>, withSynonyms: boolean): void {
  SHORT_NAMES.forEach((name, index) => {
    const alias = name.toLowerCase();
    numbers.set(alias, index + 1);
    numbers.set(String(index + 1), index + 1);
    const word = alias.replace(/\d$/, "");
    const synonym = SYNONYMS[word];
    if (withSynonyms && synonym !== undefined) {
      numbers.set(synonym + alias.slice(word.length), index + 1);
    }
  });
}

type SeverityValue = string | number | { min: number; max: number };

function expand(value: SeverityValue): string[] {
  if (typeof value === "object") {
    const low = Math.min(value.min, value.max);
    const count = Math.abs(value.max - value.min) + 1;
    return Array.from({ length: count }, (_, index) => String(low + index));
  }
  const text = String(value).toLowerCase();
  const range = /^([2-5])xx$/.exec(text);
  if (range === null) return [text];
  const min = Number(range[1]) * 100;
  return expand({ min, max: min + 99 });
}
