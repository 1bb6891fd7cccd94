/** Named groups of a Go regular expression to attributes (or any other field). */
import type { RegexParserConfig } from "./config.ts";
import { compileGoRegex } from "./go_regex.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { REGEX_INPUT_CHARACTERS_MAX } from "./operator.ts";
import { parserOperator } from "./parser.ts";

export function regexParser(config: RegexParserConfig, context: OperatorContext): Operator {
  const expression = compileGoRegex(config.regex);
  return parserOperator(config, context, (text) => {
    if (text.length > REGEX_INPUT_CHARACTERS_MAX) return undefined;
    const groups = expression.exec(text)?.groups;
    if (groups === undefined) return undefined;
    // As in Go, a group that took no part in the match is the empty string.
    const fields: Record<string, string> = {};
    for (const name in groups) fields[name] = groups[name] ?? "";
    return fields;
  });
}
