/** `key=value key="value with blanks"` to fields: the Collector's `key_value_parser` (logfmt). */
import type { AnyValueMap } from "../../data/any_value.ts";
import { setOwn } from "../../data/any_value.ts";
import type { KeyValueParserConfig } from "./config.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { parserOperator } from "./parser.ts";

export function keyValueParser(config: KeyValueParserConfig, context: OperatorContext): Operator {
  const { delimiter, pair_delimiter: pairDelimiter } = config;
  return parserOperator(config, context, (text) => pairsOf(text, delimiter, pairDelimiter));
}

/** Undefined when a part is no pair, or a quotation mark is not closed. */
export function pairsOf(
  text: string,
  delimiter: string,
  pairDelimiter: string,
): AnyValueMap | undefined {
  const pairs = splitOutsideQuotes(text, pairDelimiter);
  if (pairs === undefined) return undefined;
  const fields: AnyValueMap = {};
  let count = 0;
  for (const pair of pairs) {
    if (pair.trim() === "") continue;
    const at = pair.indexOf(delimiter);
    const key = unquoted(pair.slice(0, Math.max(0, at)));
    if (key === "") return undefined;
    setOwn(fields, key, unquoted(pair.slice(at + delimiter.length)));
    count++;
  }
  return count === 0 ? undefined : fields;
}

/** Text in quotation marks of one kind holds no separators. */
function splitOutsideQuotes(text: string, separator: string): string[] | undefined {
  const parts: string[] = [];
  let start = 0;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quote !== "") {
      if (character === "\\" && text[at + 1] === quote) at++;
      else if (character === quote) quote = "";
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (text.startsWith(separator, at)) {
      parts.push(text.slice(start, at));
      at += separator.length - 1;
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return quote === "" ? parts : undefined;
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  const quote = trimmed[0];
  if ((quote !== '"' && quote !== "'") || trimmed.length < 2 || !trimmed.endsWith(quote)) {
    return trimmed;
  }
  return trimmed.slice(1, -1).replaceAll(`\\${quote}`, quote);
}
