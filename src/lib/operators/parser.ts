/** What all parsers share: read a field, write what was parsed, then time and severity. */
import type { AnyValue } from "../../data/any_value.ts";
import type {
  OperatorConfig,
  ScopeNameConfig,
  SeverityConfig,
  TimestampConfig,
  TraceConfig,
} from "./config.ts";
import type { Field } from "./field.ts";
import { checkedField, readField, writeField } from "./field.ts";
import type { Entry, OnError, Operator, OperatorContext } from "./operator.ts";
import { handleFailure } from "./operator.ts";
import { scopeNameParser } from "./scope_name.ts";
import { severityParser } from "./severity.ts";
import { timestampParser } from "./timestamp.ts";
import { traceParser } from "./trace.ts";

interface ParserConfig {
  readonly type: OperatorConfig["type"];
  readonly id?: string | undefined;
  readonly on_error: OnError;
  readonly parse_from: string;
  readonly parse_to: string;
  readonly timestamp?: TimestampConfig | undefined;
  readonly severity?: SeverityConfig | undefined;
  readonly trace?: TraceConfig | undefined;
  readonly scope_name?: ScopeNameConfig | undefined;
  readonly body?: string | undefined;
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
    // All are tried, so that a malformed time does not cost the severity.
    let whole = true;
    for (const step of after) whole = step(entry) && whole;
    return whole;
  });
}

type Embedded = Pick<ParserConfig, "timestamp" | "severity" | "trace" | "scope_name" | "body">;

/** The blocks of a parser that say what else is taken from what it parsed. */
export function embeddedSteps(
  config: Embedded,
  context: OperatorContext,
): ((entry: Entry) => boolean)[] {
  const steps: ((entry: Entry) => boolean)[] = [];
  if (config.timestamp !== undefined) {
    steps.push(timestampParser(config.timestamp, context.nowMs));
  }
  if (config.severity !== undefined) steps.push(severityParser(config.severity));
  if (config.trace !== undefined) steps.push(traceParser(config.trace));
  if (config.scope_name !== undefined) steps.push(scopeNameParser(config.scope_name));
  // Last, because the fields before may be those of the body.
  if (config.body !== undefined) steps.push(bodyStep(checkedField(config.body)));
  return steps;
}

function bodyStep(field: Field): (entry: Entry) => boolean {
  return (entry) => {
    const value = readField(entry, field);
    if (value !== undefined) entry.body = value;
    return true;
  };
}
