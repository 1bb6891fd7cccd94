/** `add` and `retain`: values that are set, and the only ones that stay. */
import type { AnyValue } from "../../data/any_value.ts";
import type { AddConfig, RetainConfig } from "./config.ts";
import { checkedField, readField, writeField } from "./field.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { stepOperator } from "./parser.ts";
import { compileTemplate } from "./template.ts";

export function addOperator(config: AddConfig, context: OperatorContext): Operator {
  const field = checkedField(config.field);
  const { value } = config;
  const compute =
    typeof value === "string" ? compileTemplate(value) : (): AnyValue => value as AnyValue;
  return stepOperator(config, context, (entry) => {
    const added = compute(entry);
    // An expression without a value adds nothing.
    if (added === undefined) return false;
    writeField(entry, field, added);
    return true;
  });
}

/** Of a root of which nothing is named all stays, as in the Collector. */
export function retainOperator(config: RetainConfig, context: OperatorContext): Operator {
  const fields = config.fields.map(checkedField);
  const roots = new Set(fields.map(({ root }) => root));
  return stepOperator(config, context, (entry) => {
    const kept = fields.map((field) => readField(entry, field));
    if (roots.has("body")) entry.body = undefined;
    if (roots.has("attributes")) entry.attributes = {};
    if (roots.has("resource")) entry.resource = {};
    kept.forEach((value, index) => {
      if (value !== undefined) writeField(entry, fields[index]!, value);
    });
    return true;
  });
}
