/** The name of the instrumentation scope from a field: the Collector's `scope_name_parser`. */
import type { ScopeNameConfig } from "./config.ts";
import { checkedField, readField } from "./field.ts";
import type { Entry } from "./operator.ts";

/** Returns false when the field holds no text. */
export function scopeNameParser(config: ScopeNameConfig): (entry: Entry) => boolean {
  const field = checkedField(config.parse_from);
  return (entry) => {
    const name = readField(entry, field);
    if (typeof name !== "string") return false;
    entry.scopeName = name;
    return true;
  };
}
