/** `copy`, `move` and `remove`: values from one field of a record to another, or away. */
import type { TransferConfig } from "./config.ts";
import { checkedField, readField, removeField, writeField } from "./field.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { stepOperator } from "./parser.ts";

export function transferOperator(config: TransferConfig, context: OperatorContext): Operator {
  if (config.type === "remove") {
    const field = checkedField(config.field);
    return stepOperator(config, context, (entry) => removeField(entry, field));
  }
  const from = checkedField(config.from);
  const to = checkedField(config.to);
  return stepOperator(config, context, (entry) => {
    const value = readField(entry, from);
    if (value === undefined) return false;
    if (config.type === "move") removeField(entry, from);
    writeField(entry, to, value);
    return true;
  });
}
