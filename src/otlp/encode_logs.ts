/**
 * Log records to OTLP protobuf: the inverse of `decode_logs.ts`.
 *
 * Invariant: equal records give equal bytes. Fields are written in the order of their numbers,
 * those at their default are not, lengths are shortest varints. (This is what other protobuf
 * implementations write, too.) For `LogRecord`: time 1, severity number 2 and text 3, body 5,
 * attributes 6, dropped attributes 7, flags 8, trace id 9, span id 10, observed time 11, event
 * name 12. A time outside of 1970 to 2554 cannot be expressed and is left out, as unknown.
 */
import type { LogRecord } from "../data/log_record.ts";
import type { InstrumentationScope, Resource } from "../data/resource.ts";
import { writeAnyValue, writeAttributes } from "./encode_value.ts";
import { isEncodableTime } from "./fixed64.ts";
import { ProtobufWriter } from "./protobuf_writer.ts";

const TRACE_ID_LENGTH = 16;
const SPAN_ID_LENGTH = 8;

/** The message `opentelemetry.proto.logs.v1.LogRecord`: without resource and scope. */
export function encodeLogRecord(record: LogRecord): Uint8Array {
  const writer = new ProtobufWriter(1024);
  writeLogRecord(writer, record);
  return writer.copy();
}

/**
 * A `LogsData`, which is also an `ExportLogsServiceRequest`. Records are grouped by the identity of
 * their resource and scope, groups in the order in which they first occur.
 * @throws AgentError `otlp.limit_exceeded` for a value nested deeper than the decoders read.
 */
export function encodeLogsData(records: readonly LogRecord[]): Uint8Array {
  const writer = new ProtobufWriter(256 + records.length * 512);
  for (const [resource, scopes] of groupRecords(records)) {
    writer.byte(0x0a);
    const guess = records.length * 256;
    const start = writer.begin(guess);
    writeResource(writer, resource);
    for (const [scope, group] of scopes) writeScopeLogs(writer, scope, group);
    writeText(writer, 0x1a, resource.schemaUrl);
    writer.end(start, guess);
  }
  return writer.copy();
}

/** The records of each resource and scope, by identity, in the order in which they first occur. */
export function groupRecords(
  records: readonly LogRecord[],
): Map<Resource, Map<InstrumentationScope, LogRecord[]>> {
  const groups = new Map<Resource, Map<InstrumentationScope, LogRecord[]>>();
  for (const record of records) {
    let scopes = groups.get(record.resource);
    if (scopes === undefined) {
      scopes = new Map();
      groups.set(record.resource, scopes);
    }
    const group = scopes.get(record.instrumentationScope);
    if (group === undefined) scopes.set(record.instrumentationScope, [record]);
    else group.push(record);
  }
  return groups;
}

function writeScopeLogs(
  writer: ProtobufWriter,
  scope: InstrumentationScope,
  records: readonly LogRecord[],
): void {
  writer.byte(0x12);
  const guess = records.length * 256;
  const start = writer.begin(guess);
  writeScope(writer, scope);
  for (const record of records) {
    writer.byte(0x12);
    const recordStart = writer.begin(RECORD_SIZE_GUESS);
    writeLogRecord(writer, record);
    writer.end(recordStart, RECORD_SIZE_GUESS);
  }
  writeText(writer, 0x1a, scope.schemaUrl);
  writer.end(start, guess);
}

/** Most records are longer than 127 bytes and shorter than 16 KiB: their length takes two bytes. */
const RECORD_SIZE_GUESS = 512;

/** Appends the fields of a `LogRecord` message, without tag and length. */
export function writeLogRecord(writer: ProtobufWriter, record: LogRecord): void {
  if (isEncodableTime(record.hrTime)) {
    writer.byte(0x09);
    writer.hrTime(record.hrTime);
  }
  if (record.severityNumber !== undefined && record.severityNumber !== 0) {
    writer.byte(0x10);
    writer.int64(record.severityNumber);
  }
  writeText(writer, 0x1a, record.severityText);
  if (record.body !== undefined && record.body !== null) writeAnyValue(writer, 0x2a, record.body);
  writeAttributes(writer, 0x32, record.attributes);
  writeCount(writer, 0x38, record.droppedAttributesCount);
  const context = record.spanContext;
  if (context !== undefined) {
    if (context.traceFlags !== 0) {
      writer.byte(0x45);
      writer.fixed32(context.traceFlags);
    }
    writer.hex(0x4a, context.traceId, TRACE_ID_LENGTH);
    writer.hex(0x52, context.spanId, SPAN_ID_LENGTH);
  }
  if (isEncodableTime(record.hrTimeObserved)) {
    writer.byte(0x59);
    writer.hrTime(record.hrTimeObserved);
  }
  writeText(writer, 0x62, record.eventName);
}

/** The `resource` field of a `ResourceLogs`; nothing for a resource that says nothing. */
export function writeResource(writer: ProtobufWriter, resource: Resource): void {
  const before = writer.length;
  writer.byte(0x0a);
  const start = writer.begin();
  writeAttributes(writer, 0x0a, resource.attributes as LogRecord["attributes"]);
  writeCount(writer, 0x10, resource.droppedAttributesCount);
  if (writer.length === start) writer.truncate(before);
  else writer.end(start);
}

/** The `scope` field of a `ScopeLogs`; nothing for a scope that says nothing. */
export function writeScope(writer: ProtobufWriter, scope: InstrumentationScope): void {
  const before = writer.length;
  writer.byte(0x0a);
  const start = writer.begin();
  writeText(writer, 0x0a, scope.name);
  writeText(writer, 0x12, scope.version);
  if (scope.attributes !== undefined) writeAttributes(writer, 0x1a, scope.attributes);
  writeCount(writer, 0x20, scope.droppedAttributesCount);
  if (writer.length === start) writer.truncate(before);
  else writer.end(start);
}

export function writeText(writer: ProtobufWriter, tag: number, text: string | undefined): void {
  if (text !== undefined && text !== "") writer.string(tag, text);
}

function writeCount(writer: ProtobufWriter, tag: number, count: number | undefined): void {
  if (count === undefined || count === 0) return;
  writer.byte(tag);
  writer.uint32(count);
}
