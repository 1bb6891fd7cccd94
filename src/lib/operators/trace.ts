/** Trace id, span id and flags from fields: the Collector's `trace_parser`. */
import type { AnyValue } from "../../data/any_value.ts";
import type { TraceConfig } from "./config.ts";
import type { Field } from "./field.ts";
import { checkedField, readField } from "./field.ts";
import type { Entry } from "./operator.ts";

const TRACE_ID = /^[0-9a-f]{32}$/i;
const SPAN_ID = /^[0-9a-f]{16}$/i;
const FLAGS = /^[0-9a-f]{2}$/i;

/** What is absent is left out. Returns false when something is there and malformed. */
export function traceParser(config: TraceConfig): (entry: Entry) => boolean {
  const fields = {
    traceId: checkedField(config.trace_id.parse_from),
    spanId: checkedField(config.span_id.parse_from),
    flags: checkedField(config.trace_flags.parse_from),
  };
  return (entry) => {
    const read = (field: Field, form: RegExp): string | undefined =>
      hex(readField(entry, field), form);
    const traceId = read(fields.traceId, TRACE_ID);
    const spanId = read(fields.spanId, SPAN_ID);
    const flags = read(fields.flags, FLAGS);
    if (traceId === undefined || spanId === undefined || flags === undefined) return false;
    if (traceId !== "" || spanId !== "" || flags !== "") {
      const traceFlags = flags === "" ? 0 : Number.parseInt(flags, 16);
      entry.spanContext = { traceId, spanId, traceFlags };
    }
    return true;
  };
}

/** Lower-case digits, "" where there is no value, undefined where it is malformed. */
function hex(value: AnyValue, form: RegExp): string | undefined {
  if (value === undefined || value === null || value === "") return "";
  return typeof value === "string" && form.test(value) ? value.toLowerCase() : undefined;
}
