/** One row of separated values to fields: the Collector's `csv_parser`. */
import type { AnyValueMap } from "../../data/any_value.ts";
import { setOwn } from "../../data/any_value.ts";
import type { CsvParserConfig } from "./config.ts";
import { checkedField, readField, writeField } from "./field.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { embeddedSteps, stepOperator } from "./parser.ts";

export function csvParser(config: CsvParserConfig, context: OperatorContext): Operator {
  const { delimiter, header, header_attribute: headerAttribute } = config;
  const from = checkedField(config.parse_from);
  const to = checkedField(config.parse_to);
  const after = embeddedSteps(config, context);
  const namesOf = (text: string): string[] => text.split(config.header_delimiter ?? delimiter);
  const fixed = header === undefined ? undefined : namesOf(header);
  return stepOperator(config, context, (entry) => {
    const written = headerAttribute === undefined ? undefined : entry.attributes[headerAttribute];
    const names = fixed ?? (typeof written === "string" ? namesOf(written) : undefined);
    const text = readField(entry, from);
    if (names === undefined || typeof text !== "string") return false;
    const values = rowOf(text, config);
    if (values === undefined || values.length !== names.length) return false;
    const fields: AnyValueMap = {};
    names.forEach((name, index) => {
      setOwn(fields, name, values[index]!);
    });
    writeField(entry, to, fields);
    let whole = true;
    for (const step of after) whole = step(entry) && whole;
    return whole;
  });
}

type Quoting = Pick<CsvParserConfig, "delimiter" | "lazy_quotes" | "ignore_quotes">;

/** The columns of a text (RFC 4180); undefined when it is not one row. */
export function rowOf(text: string, config: Quoting): string[] | undefined {
  const { delimiter, lazy_quotes: isLazy, ignore_quotes: ignoresQuotes } = config;
  const line = text.replace(/\r?\n$/, "");
  const values: string[] = [];
  for (let at = 0; ; at++) {
    if (!ignoresQuotes && line[at] === '"') {
      const quoted = quotedAt(line, at, delimiter, isLazy);
      if (quoted === undefined) return undefined;
      values.push(quoted.value);
      at = quoted.end;
    } else {
      const found = line.indexOf(delimiter, at);
      const end = found < 0 ? line.length : found;
      const value = line.slice(at, end);
      const isWhole = !value.includes("\n") && (isLazy || ignoresQuotes || !value.includes('"'));
      if (!isWhole) return undefined;
      values.push(value);
      at = end;
    }
    if (at >= line.length) return values;
  }
}

/** A value in quotation marks, and where its delimiter stands. */
function quotedAt(
  line: string,
  start: number,
  delimiter: string,
  isLazy: boolean,
): { value: string; end: number } | undefined {
  let value = "";
  for (let at = start + 1; ; ) {
    const quote = line.indexOf('"', at);
    if (quote < 0) return isLazy ? { value: value + line.slice(at), end: line.length } : undefined;
    value += line.slice(at, quote);
    const next = line[quote + 1];
    if (next === undefined || next === delimiter) return { value, end: quote + 1 };
    if (next !== '"' && !isLazy) return undefined;
    // Two stand for one; a single one is itself where that is allowed.
    value += '"';
    at = quote + (next === '"' ? 2 : 1);
  }
}
