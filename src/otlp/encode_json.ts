/**
 * Log records to OTLP JSON: the inverse of `decode_json.ts`.
 *
 * Invariant: nothing is lost. 64-bit integers are strings (as the proto3 mapping has them), bytes
 * are base64, ids are hex; equal records give equal text, with fields in the order of the schema.
 */
import type { AnyValue, Attributes } from "../data/any_value.ts";
import { Double } from "../data/any_value.ts";
import type { LogRecord } from "../data/log_record.ts";
import type { InstrumentationScope } from "../data/resource.ts";
import type { HrTime } from "../data/time.ts";
import { groupRecords } from "./encode_logs.ts";
import { isEncodableTime } from "./fixed64.ts";
import { ENCODED_NESTING_DEPTH_MAX, limitExceeded } from "./limits.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

type Json = Record<string, unknown>;

/**
 * One line of JSON: a `LogsData`, which is also an `ExportLogsServiceRequest`. Records are grouped
 * by the identity of their resource and scope, groups in the order in which they first occur.
 * @throws AgentError `otlp.limit_exceeded` for a value nested deeper than the decoders read.
 */
export function toOtlpJson(records: readonly LogRecord[]): string {
  const resourceLogs = [...groupRecords(records)].map(([resource, scopes]) => ({
    resource: {
      attributes: keyValues(resource.attributes as Attributes, 1),
      ...given("droppedAttributesCount", resource.droppedAttributesCount),
    },
    scopeLogs: [...scopes].map(([scope, group]) => ({
      scope: scopeJson(scope),
      logRecords: group.map(recordJson),
      ...given("schemaUrl", scope.schemaUrl),
    })),
    ...given("schemaUrl", resource.schemaUrl),
  }));
  return JSON.stringify({ resourceLogs });
}

function scopeJson(scope: InstrumentationScope): Json {
  return {
    ...given("name", scope.name),
    ...given("version", scope.version),
    ...(scope.attributes !== undefined && { attributes: keyValues(scope.attributes, 1) }),
    ...given("droppedAttributesCount", scope.droppedAttributesCount),
  };
}

function recordJson(record: LogRecord): Json {
  const { hrTime, hrTimeObserved, body, attributes, spanContext } = record;
  return {
    ...(isEncodableTime(hrTime) && { timeUnixNano: nanos(hrTime) }),
    ...(isEncodableTime(hrTimeObserved) && { observedTimeUnixNano: nanos(hrTimeObserved) }),
    ...given("severityNumber", record.severityNumber),
    ...given("severityText", record.severityText),
    ...(body !== undefined && body !== null && { body: anyValue(body, 1) }),
    ...(Object.keys(attributes).length > 0 && { attributes: keyValues(attributes, 1) }),
    ...given("droppedAttributesCount", record.droppedAttributesCount),
    ...given("flags", spanContext?.traceFlags),
    ...given("traceId", spanContext?.traceId),
    ...given("spanId", spanContext?.spanId),
    ...given("eventName", record.eventName),
  };
}

/** A field that is not at its default. */
function given(name: string, value: string | number | undefined): Json {
  return value === undefined || value === "" || value === 0 ? {} : { [name]: value };
}

/** Decimal nanoseconds. A second full of nanoseconds carries over. */
function nanos(time: HrTime): string {
  const seconds = time[0] + Math.floor(time[1] / 1e9);
  const rest = String(time[1] % 1e9).padStart(9, "0");
  return seconds === 0 ? String(Number(rest)) : `${seconds}${rest}`;
}

function keyValues(attributes: Attributes, depth: number): Json[] {
  return Object.keys(attributes).map((key) => ({
    key: key.toWellFormed(),
    value: anyValue(attributes[key], depth),
  }));
}

function anyValue(value: AnyValue, depth: number): Json {
  if (depth > ENCODED_NESTING_DEPTH_MAX) {
    throw limitExceeded(`a value is nested deeper than ${ENCODED_NESTING_DEPTH_MAX} levels`);
  }
  if (value === undefined || value === null) return {};
  switch (typeof value) {
    case "string":
      return { stringValue: value.toWellFormed() };
    case "boolean":
      return { boolValue: value };
    case "bigint":
      return value < INT64_MIN || value > INT64_MAX
        ? { stringValue: String(value) }
        : { intValue: String(value) };
    case "number":
      return Number.isSafeInteger(value)
        ? { intValue: String(value) }
        : { doubleValue: doubleJson(value) };
    default:
      break;
  }
  if (value instanceof Double) return { doubleValue: doubleJson(value.value) };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) {
    return { arrayValue: { values: value.map((element) => anyValue(element, depth + 1)) } };
  }
  return { kvlistValue: { values: keyValues(value, depth + 1) } };
}

/** What JSON has no number for is a string: NaN, the infinities, and the sign of a zero. */
function doubleJson(value: number): number | string {
  if (Object.is(value, -0)) return "-0";
  return Number.isFinite(value) ? value : String(value);
}
