/**
 * OTLP logs from JSON: the proto3 mapping with OTLP's deviations (OTLP specification, section "JSON
 * Protobuf Encoding": ids are hex, enums are numbers, unknown fields are ignored).
 *
 * Invariant: gives the same records, and the same limits hold, as for the protobuf encoding.
 * Integers are exact to 64 bits even where a sender writes them as JSON numbers.
 */
import type { AnyValue, AnyValueMap, Attributes } from "../data/any_value.ts";
import { setOwn } from "../data/any_value.ts";
import { LogRecord } from "../data/log_record.ts";
import type { InstrumentationScope, Resource } from "../data/resource.ts";
import { makeResource, makeScope, makeSpanContext } from "./decode_logs.ts";
import { doubleValue, ValueBudget } from "./decode_value.ts";
import type { JsonObject } from "./json_fields.ts";
import {
  asBoolean,
  asBytes,
  asDouble,
  asId,
  asInt64,
  asInteger,
  asList,
  asObject,
  asString,
  asTime,
  field,
} from "./json_fields.ts";
import { scanJson } from "./json_scan.ts";
import type { DecodedLogs, DecodeLimits } from "./limits.ts";
import { DEFAULT_DECODE_LIMITS, isLimitExceeded, malformedJson } from "./limits.ts";

/** Objects and arrays around the outermost value of a record, and for each level of nesting. */
const ENVELOPE_DEPTH = 12;
const DEPTH_PER_LEVEL = 4;
const UINT32_MAX = 0xffff_ffff;
const INT32_MAX = 0x7fff_ffff;
const INTEGER = /^-?\d{16,20}$/;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Decodes an `ExportLogsServiceRequest` or a `LogsData` in JSON (UTF-8).
 * @throws AgentError `otlp.malformed` naming the field or the position, never the content;
 *   `otlp.limit_exceeded` when a resource or scope exceeds the limits. Records that do are left
 *   out and counted.
 */
export function decodeLogsJson(
  bytes: Uint8Array,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): DecodedLogs {
  const message = asObject(parse(bytes, limits), "the message");
  const decoder = new JsonLogsDecoder(limits);
  for (const entry of asList(field(message, "resourceLogs", "resource_logs"), "resourceLogs")) {
    decoder.resourceLogs(asObject(entry, "resourceLogs"));
  }
  return decoder;
}

function parse(bytes: Uint8Array, limits: DecodeLimits): unknown {
  const depthMax = ENVELOPE_DEPTH + DEPTH_PER_LEVEL * limits.nestingDepthMax * 2;
  const { depth, hasLongNumber } = scanJson(bytes, depthMax);
  if (depth > depthMax) throw malformedJson("the message", `deeper than ${depthMax} levels`);
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    throw malformedJson("the message", "it is not UTF-8");
  }
  try {
    return hasLongNumber ? JSON.parse(text, keepLongInteger) : JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the text, so only the position of it is passed on.
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    throw malformedJson(
      position === undefined ? "the message" : `at character ${position}`,
      "it is not JSON",
    );
  }
}

/** A number that a double cannot hold exactly becomes a `bigint` of its own digits. */
function keepLongInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return INTEGER.test(source) ? BigInt(source) : value;
}

class JsonLogsDecoder implements DecodedLogs {
  readonly records: LogRecord[] = [];
  rejectedRecords = 0;
  rejectedReason = "";
  readonly #limits: DecodeLimits;
  readonly #budget: ValueBudget;

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
    this.#budget = new ValueBudget(limits);
  }

  resourceLogs(message: JsonObject): void {
    const schemaUrl = asString(field(message, "schemaUrl", "schema_url"), "schemaUrl");
    const resource = this.#resource(field(message, "resource"), schemaUrl);
    for (const entry of asList(field(message, "scopeLogs", "scope_logs"), "scopeLogs")) {
      this.#scopeLogs(asObject(entry, "scopeLogs"), resource);
    }
  }

  #scopeLogs(message: JsonObject, resource: Resource): void {
    const schemaUrl = asString(field(message, "schemaUrl", "schema_url"), "schemaUrl");
    const scope = this.#scope(field(message, "scope"), schemaUrl);
    for (const entry of asList(field(message, "logRecords", "log_records"), "logRecords")) {
      this.#offerRecord(entry, resource, scope);
    }
  }

  #resource(value: unknown, schemaUrl: string): Resource {
    const message = value === undefined ? {} : asObject(value, "resource");
    this.#budget.restart();
    const attributes = this.#attributes(field(message, "attributes"), 1);
    return makeResource(attributes, schemaUrl, droppedAttributesCount(message));
  }

  #scope(value: unknown, schemaUrl: string): InstrumentationScope {
    const message = value === undefined ? {} : asObject(value, "scope");
    this.#budget.restart();
    return makeScope(
      asString(field(message, "name"), "name"),
      asString(field(message, "version"), "version"),
      schemaUrl,
      this.#attributes(field(message, "attributes"), 1),
      droppedAttributesCount(message),
    );
  }

  #offerRecord(value: unknown, resource: Resource, scope: InstrumentationScope): void {
    if (this.records.length >= this.#limits.recordsMax) {
      this.#reject(`a request has more than ${this.#limits.recordsMax} records`);
      return;
    }
    try {
      this.#budget.restart();
      this.records.push(this.#record(asObject(value, "logRecords"), resource, scope));
    } catch (error) {
      if (!isLimitExceeded(error)) throw error;
      this.#reject(error.message);
    }
  }

  #reject(reason: string): void {
    if (this.rejectedRecords++ === 0) this.rejectedReason = reason;
  }

  #record(
    message: JsonObject,
    resource: Resource,
    instrumentationScope: InstrumentationScope,
  ): LogRecord {
    const time = field(message, "timeUnixNano", "time_unix_nano");
    const observed = field(message, "observedTimeUnixNano", "observed_time_unix_nano");
    const severity = field(message, "severityNumber", "severity_number");
    const severityText = asString(field(message, "severityText", "severity_text"), "severityText");
    const eventName = asString(field(message, "eventName", "event_name"), "eventName");
    const body = field(message, "body");
    const flags = asInteger(field(message, "flags"), "flags", 0, UINT32_MAX);
    const traceId = asId(field(message, "traceId", "trace_id"), "traceId", 16);
    const spanId = asId(field(message, "spanId", "span_id"), "spanId", 8);
    return new LogRecord({
      hrTime: asTime(time, "timeUnixNano"),
      hrTimeObserved: asTime(observed, "observedTimeUnixNano"),
      severityNumber: asInteger(severity, "severityNumber", -INT32_MAX - 1, INT32_MAX) || undefined,
      severityText: severityText || undefined,
      body: body === undefined ? undefined : (this.#anyValue(body, 1) ?? undefined),
      attributes: this.#attributes(field(message, "attributes"), 1),
      droppedAttributesCount: droppedAttributesCount(message),
      spanContext: makeSpanContext(traceId, spanId, flags),
      eventName: eventName || undefined,
      resource,
      instrumentationScope,
    });
  }

  #attributes(value: unknown, depth: number): Attributes {
    const attributes: AnyValueMap = {};
    for (const entry of asList(value, "attributes")) {
      const keyValue = asObject(entry, "attributes");
      const key = asString(field(keyValue, "key"), "key");
      setOwn(attributes, key, this.#anyValue(field(keyValue, "value") ?? {}, depth));
    }
    return attributes;
  }

  /** Of several alternatives the last one counts, as in protobuf. */
  #anyValue(value: unknown, depth: number): AnyValue {
    this.#budget.take(depth);
    const message = asObject(value, "value");
    let result: AnyValue = null;
    for (const name of Object.keys(message)) {
      const content = message[name];
      if (content === null) continue;
      const alternative = this.#alternative(name, content, depth);
      if (alternative !== undefined) result = alternative;
    }
    return result;
  }

  /** `undefined` for a name that is none of the alternatives. */
  #alternative(name: string, content: unknown, depth: number): AnyValue {
    switch (name) {
      case "stringValue":
      case "string_value":
        return asString(content, name);
      case "boolValue":
      case "bool_value":
        return asBoolean(content, name);
      case "intValue":
      case "int_value":
        return asInt64(content, name);
      case "doubleValue":
      case "double_value":
        return doubleValue(asDouble(content, name));
      case "arrayValue":
      case "array_value":
        return asList(asObject(content, name).values, "values").map((element) =>
          this.#anyValue(element, depth + 1),
        );
      case "kvlistValue":
      case "kvlist_value":
        return this.#attributes(asObject(content, name).values, depth + 1);
      case "bytesValue":
      case "bytes_value":
        return asBytes(content, name);
      default:
        return undefined;
    }
  }
}

function droppedAttributesCount(message: JsonObject): number {
  const value = field(message, "droppedAttributesCount", "dropped_attributes_count");
  return asInteger(value, "droppedAttributesCount", 0, UINT32_MAX);
}
