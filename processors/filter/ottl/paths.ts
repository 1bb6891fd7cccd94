/** What a condition can look at, by the paths of OTTL's contexts for logs and resources. */
import type { AnyValue, Attributes } from "../../../src/data/any_value.ts";
import { isAnyValueMap } from "../../../src/data/any_value.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { hrTimeToUnixNano } from "../../../src/data/time.ts";
import { bodyText } from "../value_text.ts";

export type Get = (record: LogRecord) => AnyValue;

/** What a path without a prefix is part of. */
export type Context = "log" | "resource";

const LOG: Readonly<Record<string, Get>> = {
  body: ({ body }) => body,
  "body.string": ({ body }) => bodyText(body),
  attributes: ({ attributes }) => attributes,
  severity_number: ({ severityNumber }) => Number(severityNumber ?? 0),
  severity_text: ({ severityText }) => severityText ?? "",
  event_name: ({ eventName }) => eventName ?? "",
  time_unix_nano: ({ hrTime }) => hrTimeToUnixNano(hrTime),
  observed_time_unix_nano: ({ hrTimeObserved }) => hrTimeToUnixNano(hrTimeObserved),
  dropped_attributes_count: ({ droppedAttributesCount }) => droppedAttributesCount,
  flags: ({ spanContext }) => spanContext?.traceFlags ?? 0,
  "trace_id.string": ({ spanContext }) => spanContext?.traceId ?? "",
  "span_id.string": ({ spanContext }) => spanContext?.spanId ?? "",
};
const RESOURCE: Readonly<Record<string, Get>> = {
  attributes: ({ resource }) => resource.attributes as Attributes,
  dropped_attributes_count: ({ resource }) => resource.droppedAttributesCount,
  schema_url: ({ resource }) => resource.schemaUrl ?? "",
};
const SCOPE: Readonly<Record<string, Get>> = {
  name: ({ instrumentationScope }) => instrumentationScope.name,
  version: ({ instrumentationScope }) => instrumentationScope.version ?? "",
  attributes: ({ instrumentationScope }) => instrumentationScope.attributes ?? {},
  schema_url: ({ instrumentationScope }) => instrumentationScope.schemaUrl ?? "",
};

/** Undefined when there is no such path in the context. */
export function pathOf(words: readonly string[], context: Context): Get | undefined {
  const [first, ...rest] = words;
  const inner = rest.join(".");
  const own = context === "log" ? LOG : RESOURCE;
  const whole = lookUp(own, words.join("."));
  if (whole !== undefined) return whole;
  if (first === "resource") return lookUp(RESOURCE, inner);
  if (context === "resource") return undefined;
  if (first === "log") return lookUp(LOG, inner);
  const isScope = first === "scope" || first === "instrumentation_scope";
  return isScope ? lookUp(SCOPE, inner) : undefined;
}

function lookUp(paths: Readonly<Record<string, Get>>, name: string): Get | undefined {
  return Object.hasOwn(paths, name) ? paths[name] : undefined;
}

/** For error messages. */
export function knownPaths(context: Context): string {
  if (context === "resource") return Object.keys(RESOURCE).join(", ");
  return [
    ...Object.keys(LOG),
    ...Object.keys(RESOURCE).map((name) => `resource.${name}`),
    ...Object.keys(SCOPE).map((name) => `scope.${name}`),
  ].join(", ");
}

/** The value below a key of a map or an index of a list; nothing when there is none. */
export function below(value: AnyValue, key: string | number): AnyValue {
  if (typeof key === "number") return Array.isArray(value) ? value[key] : undefined;
  return isAnyValueMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
