/** What all parsers share: read a field, write what was parsed, then time and severity. */
import type { AnyValue } from "../../data/any_value.ts";
import type { OperatorConfig, SeverityConfig, TimestampConfig } from "./config.ts";
import { checkedField, readField, writeField } from "./field.ts";
import type { Entry, Operator, OperatorContext } from "./operator.ts";
import { handleFailure } from "./operator.ts";
import { severityParser } from "./severity.ts";
import { timestampParser } from "./timestamp.ts";

interface ParserConfig {
  readonly type: OperatorConfig["type"];
  readonly id?: string | undefined;
  readonly on_error: OperatorConfig["on_error"];
  readonly parse_from: string;
  readonly parse_to: string;
  readonly timestamp?: TimestampConfig | undefined;
  readonly severity?: SeverityConfig | undefined;
}

/** An operator that sets fields in place and tells whether it could. */
export function stepOperator(
  config: Pick<ParserConfig, "type" | "id" | "on_error">,
  context: OperatorContext,
  step: (entry: Entry) => boolean,
): Operator {
  const name = config.id ?? config.type;
  return {
    process: (entry) => step(entry) || handleFailure(context, name, config.on_error),
  };
}

/** `parse` gives undefined for a text that it does not understand. */
export function parserOperator(
  config: ParserConfig,
  context: OperatorContext,
  parse: (text: string) => AnyValue | undefined,
): Operator {
  const from = checkedField(config.parse_from);
  const to = checkedField(config.parse_to);
  const after = embeddedSteps(config, context);
  return stepOperator(config, context, (entry) => {
    const text = readField(entry, from);
    const value = typeof text === "string" ? parse(text) : undefined;
    if (value === undefined) return false;
    writeField(entry, to, value);
    // Both are tried, so that a malformed time does not cost the severity.
    let whole = true;
    for (const step of after) whole = step(entry) && whole;
    return whole;
  });
}

/** The `timestamp` and `severity` blocks of a parser. */
export function embeddedSteps(
  config: Pick<ParserConfig, "timestamp" | "severity">,
  context: OperatorContext,
): ((entry: Entry) => boolean)[] {
  const steps: ((entry: Entry) => boolean)[] = [];
  if (config.timestamp !== undefined) {
    steps.push(timestampParser(config.timestamp, context.nowMs));
  }
  if (config.severity !== undefined) steps.push(severityParser(config.severity));
  return steps;
}
