/** A record as one flat line of JSON for people and their tools; what is empty is left out. */
import type { ReadRecord } from "../../exporters/sealed_archive/reader/read_archive.ts";
import type { LogRecord } from "../data/log_record.ts";
import type { HrTime } from "../data/time.ts";
import { isEncodableTime } from "../otlp/fixed64.ts";

export function flatJson({ record, zone, sequence }: ReadRecord): string {
  return JSON.stringify({ ...flatFields(record), zone, seq: sequence }, plainValue);
}

export interface FlatRecord {
  readonly attributes?: object;
  readonly [field: string]: unknown;
}

/** The same line as an object: nothing in it but what JSON has. */
export function flatRecord(record: LogRecord): FlatRecord {
  return JSON.parse(JSON.stringify(flatFields(record), plainValue)) as FlatRecord;
}

function flatFields(record: LogRecord): object {
  const { hrTime, hrTimeObserved, attributes, resource, spanContext } = record;
  return {
    time: isEncodableTime(hrTime) ? rfc3339(hrTime) : undefined,
    observed: isEncodableTime(hrTimeObserved) ? rfc3339(hrTimeObserved) : undefined,
    severity: record.severityText || undefined,
    severity_number: record.severityNumber || undefined,
    event: record.eventName || undefined,
    body: record.body,
    attributes: unlessEmpty(attributes),
    trace_id: spanContext?.traceId || undefined,
    span_id: spanContext?.spanId || undefined,
    resource: unlessEmpty(resource.attributes),
    scope: record.instrumentationScope.name || undefined,
  };
}

function unlessEmpty(attributes: object): object | undefined {
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}

/** JSON has no bytes and no 64-bit integers: base64, and digits in a string. */
function plainValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

/** UTC with nine digits of a second: exact, and sorting as text sorts by time. */
function rfc3339([seconds, nanos]: HrTime): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, "2026-11-21T09:00:00".length);
  return `${whole}.${String(nanos).padStart(9, "0")}Z`;
}
