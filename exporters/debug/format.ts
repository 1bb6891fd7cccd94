/**
 * Records as text for a terminal, in the layout of the Collector's debug exporter.
 *
 * Invariant: only characters that a terminal shows, and of every record each field that leaves.
 */
import { SeverityNumber } from "@opentelemetry/api";
import type { Attributes } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { InstrumentationScope, Resource } from "../../src/data/resource.ts";
import type { HrTime } from "../../src/data/time.ts";
import { printable } from "../../src/lib/printable.ts";
import { groupRecords } from "../../src/otlp/encode_logs.ts";
import { formatText, formatValue } from "./format_value.ts";

/** One line for the batch. */
export function formatBasic(records: readonly LogRecord[]): string {
  const resources = groupRecords(records);
  let scopes = 0;
  for (const group of resources.values()) scopes += group.size;
  return `Logs  resources: ${resources.size}, scopes: ${scopes}, records: ${records.length}\n`;
}

/** One line for each record: time, severity, event name, body, attributes. */
export function formatNormal(records: readonly LogRecord[]): string {
  let text = "";
  for (const record of records) {
    text += formatTime(isUnknown(record.hrTime) ? record.hrTimeObserved : record.hrTime);
    text += ` ${severityName(record).padEnd(5)}`;
    if (record.eventName) text += ` [${printable(record.eventName)}]`;
    if (record.body !== undefined) text += ` ${formatText(record.body)}`;
    for (const [key, value] of Object.entries(record.attributes)) {
      text += ` ${printable(key)}=${formatText(value)}`;
    }
    text += "\n";
  }
  return text;
}

/** Every field of every record, a field a line. */
export function formatDetailed(records: readonly LogRecord[]): string {
  const lines: string[] = [];
  let resourceIndex = 0;
  for (const [resource, scopes] of groupRecords(records)) {
    pushResource(lines, resource, resourceIndex++);
    let scopeIndex = 0;
    for (const [scope, group] of scopes) {
      pushScope(lines, scope, scopeIndex++);
      group.forEach((record, index) => {
        pushRecord(lines, record, index);
      });
    }
  }
  return `${lines.join("\n")}\n`;
}

function pushResource(lines: string[], resource: Resource, index: number): void {
  lines.push(`ResourceLog #${index}`);
  pushText(lines, "Resource SchemaURL", resource.schemaUrl);
  pushAttributes(lines, "Resource attributes", resource.attributes as Attributes);
  pushCount(lines, "Resource dropped attributes", resource.droppedAttributesCount);
}

function pushScope(lines: string[], scope: InstrumentationScope, index: number): void {
  lines.push(`ScopeLogs #${index}`);
  pushText(lines, "ScopeLogs SchemaURL", scope.schemaUrl);
  pushText(lines, "InstrumentationScope", `${scope.name} ${scope.version ?? ""}`.trim());
  pushAttributes(lines, "InstrumentationScope attributes", scope.attributes ?? {});
  pushCount(lines, "InstrumentationScope dropped attributes", scope.droppedAttributesCount ?? 0);
}

function pushRecord(lines: string[], record: LogRecord, index: number): void {
  const { spanContext } = record;
  lines.push(`LogRecord #${index}`);
  lines.push(`ObservedTimestamp: ${formatTime(record.hrTimeObserved)}`);
  lines.push(`Timestamp: ${formatTime(record.hrTime)}`);
  pushText(lines, "SeverityText", record.severityText);
  lines.push(`SeverityNumber: ${severityNumberName(record)}`);
  pushText(lines, "EventName", record.eventName);
  lines.push(`Body: ${formatValue(record.body)}`);
  pushAttributes(lines, "Attributes", record.attributes);
  pushCount(lines, "Dropped attributes", record.droppedAttributesCount);
  lines.push(`Trace ID: ${printable(spanContext?.traceId ?? "")}`.trimEnd());
  lines.push(`Span ID: ${printable(spanContext?.spanId ?? "")}`.trimEnd());
  lines.push(`Flags: ${spanContext?.traceFlags ?? 0}`);
}

function pushText(lines: string[], name: string, text: string | undefined): void {
  if (text !== undefined && text !== "") lines.push(`${name}: ${printable(text)}`);
}

function pushCount(lines: string[], name: string, count: number): void {
  if (count !== 0) lines.push(`${name}: ${count}`);
}

function pushAttributes(lines: string[], title: string, attributes: Attributes): void {
  const entries = Object.entries(attributes);
  if (entries.length === 0) return;
  lines.push(`${title}:`);
  for (const [key, value] of entries)
    lines.push(`     -> ${printable(key)}: ${formatValue(value)}`);
}

function severityName(record: LogRecord): string {
  if (record.severityText) return printable(record.severityText);
  return record.severityNumber === undefined ? "-" : (SeverityNumber[record.severityNumber] ?? "-");
}

function severityNumberName(record: LogRecord): string {
  const number = record.severityNumber ?? SeverityNumber.UNSPECIFIED;
  return `${SeverityNumber[number] ?? "UNKNOWN"}(${number})`;
}

function isUnknown(time: HrTime): boolean {
  return time[0] === 0 && time[1] === 0;
}

/** RFC 3339 with nanoseconds; a time beyond the year 9999 as seconds since the Unix epoch. */
function formatTime(time: HrTime): string {
  if (isUnknown(time)) return "-";
  const nanos = String(time[1]).padStart(9, "0");
  const date = new Date(time[0] * 1000);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) return `${time[0]}.${nanos}`;
  return `${date.toISOString().slice(0, 19)}.${nanos}Z`;
}
