/**
 * OTLP logs from protobuf: `ExportLogsServiceRequest`, which is the same on the wire as `LogsData`
 * (opentelemetry-proto `collector/logs/v1`, `logs/v1`, `resource/v1`, `common/v1`).
 *
 * Invariant: the result holds everything that the message says, but for `entity_refs` and fields
 * that were added later. Records below one `ResourceLogs` or `ScopeLogs` share the one object.
 * An id of a wrong length or of zeros only is none, as the protocol says.
 */
import type { SpanContext } from "@opentelemetry/api";
import type { AnyValue, Attributes } from "../data/any_value.ts";
import { LogRecord } from "../data/log_record.ts";
import type { InstrumentationScope } from "../data/resource.ts";
import { EMPTY_RESOURCE, EMPTY_SCOPE, Resource } from "../data/resource.ts";
import { TIME_UNKNOWN } from "../data/time.ts";
import { decodeAnyValue, decodeKeyValue, ValueBudget } from "./decode_value.ts";
import type { DecodedLogs, DecodeLimits } from "./limits.ts";
import { DEFAULT_DECODE_LIMITS, isLimitExceeded } from "./limits.ts";
import { ProtobufReader } from "./protobuf_reader.ts";

const LIST_FIELDS = 0b10;
const THREE_FIELDS = 0b1110;
const SCOPE_FIELDS = 0b1_1110;
/** 1 to 3 and 5 to 12; number 4 is reserved. */
const RECORD_FIELDS = 0b1_1111_1110_1110;
const TRACE_ID_LENGTH = 16;
const SPAN_ID_LENGTH = 8;
const ZEROS_ONLY = /^0*$/;

/**
 * Decodes an `ExportLogsServiceRequest` or a `LogsData`.
 * @throws AgentError `otlp.malformed` with the byte offset; `otlp.limit_exceeded` when a resource
 *   or scope exceeds the limits. Records that do are left out and counted.
 */
export function decodeLogs(
  bytes: Uint8Array,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): DecodedLogs {
  const decoder = new LogsDecoder(bytes, limits);
  decoder.decode();
  return decoder;
}

class LogsDecoder implements DecodedLogs {
  readonly records: LogRecord[] = [];
  rejectedRecords = 0;
  rejectedReason = "";
  readonly #reader: ProtobufReader;
  readonly #limits: DecodeLimits;
  readonly #budget: ValueBudget;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    this.#reader = new ProtobufReader(bytes);
    this.#limits = limits;
    this.#budget = new ValueBudget(limits);
  }

  decode(): void {
    const reader = this.#reader;
    const end = reader.bytes.length;
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x0a) this.#resourceLogs(reader.delimited(end));
      else reader.skip(tag, end, LIST_FIELDS);
    }
    reader.expectEnd(end);
  }

  /** Fields come in any order, so the resource is looked up before the records are decoded. */
  #resourceLogs(end: number): void {
    const reader = this.#reader;
    const start = reader.position;
    let resourceStart = -1;
    let resourceEnd = -1;
    let schemaUrl = "";
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x12) reader.position = reader.delimited(end);
      else if (tag === 0x0a) {
        resourceEnd = reader.delimited(end);
        resourceStart = reader.position;
        reader.position = resourceEnd;
      } else if (tag === 0x1a) schemaUrl = this.#text(reader.delimited(end));
      else reader.skip(tag, end, THREE_FIELDS);
    }
    reader.expectEnd(end);

    const resource = this.#resource(resourceStart, resourceEnd, schemaUrl);
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x12) this.#scopeLogs(reader.delimited(end), resource);
      else reader.skip(tag, end, 0);
    }
  }

  #scopeLogs(end: number, resource: Resource): void {
    const reader = this.#reader;
    const start = reader.position;
    let scopeStart = -1;
    let scopeEnd = -1;
    let schemaUrl = "";
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x12) reader.position = reader.delimited(end);
      else if (tag === 0x0a) {
        scopeEnd = reader.delimited(end);
        scopeStart = reader.position;
        reader.position = scopeEnd;
      } else if (tag === 0x1a) schemaUrl = this.#text(reader.delimited(end));
      else reader.skip(tag, end, THREE_FIELDS);
    }
    reader.expectEnd(end);

    const scope = this.#scope(scopeStart, scopeEnd, schemaUrl);
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x12) this.#offerRecord(reader.delimited(end), resource, scope);
      else reader.skip(tag, end, 0);
    }
  }

  #resource(start: number, end: number, schemaUrl: string): Resource {
    const attributes: Attributes = {};
    let droppedAttributesCount = 0;
    const reader = this.#reader;
    if (start >= 0) this.#open(start, end);
    while (start >= 0 && reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x0a) decodeKeyValue(reader, reader.delimited(end), attributes, this.#budget);
      else if (tag === 0x10) droppedAttributesCount = reader.varint();
      else reader.skip(tag, end, THREE_FIELDS);
    }
    if (start >= 0) reader.expectEnd(end);
    return makeResource(attributes, schemaUrl, droppedAttributesCount);
  }

  #scope(start: number, end: number, schemaUrl: string): InstrumentationScope {
    let name = "";
    let version = "";
    let droppedAttributesCount = 0;
    const attributes: Attributes = {};
    const reader = this.#reader;
    if (start >= 0) this.#open(start, end);
    while (start >= 0 && reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x0a) name = reader.string(reader.delimited(end));
      else if (tag === 0x12) version = reader.string(reader.delimited(end));
      else if (tag === 0x1a) {
        decodeKeyValue(reader, reader.delimited(end), attributes, this.#budget);
      } else if (tag === 0x20) droppedAttributesCount = reader.varint();
      else reader.skip(tag, end, SCOPE_FIELDS);
    }
    if (start >= 0) reader.expectEnd(end);
    return makeScope(name, version, schemaUrl, attributes, droppedAttributesCount);
  }

  /** Keeps the record that ends at `end`, or counts it when it exceeds a limit. */
  #offerRecord(end: number, resource: Resource, scope: InstrumentationScope): void {
    const reader = this.#reader;
    if (this.records.length >= this.#limits.recordsMax) {
      this.#reject(`a request has more than ${this.#limits.recordsMax} records`);
      reader.position = end;
      return;
    }
    try {
      this.#open(reader.position, end);
      this.records.push(this.#record(end, resource, scope));
    } catch (error) {
      if (!isLimitExceeded(error)) throw error;
      this.#reject(error.message);
      reader.position = end;
    }
  }

  #reject(reason: string): void {
    if (this.rejectedRecords++ === 0) this.rejectedReason = reason;
  }

  #record(end: number, resource: Resource, instrumentationScope: InstrumentationScope): LogRecord {
    const reader = this.#reader;
    const attributes: Attributes = {};
    let hrTime = TIME_UNKNOWN;
    let hrTimeObserved = TIME_UNKNOWN;
    let severityNumber = 0;
    let severityText: string | undefined;
    let body: AnyValue;
    let droppedAttributesCount = 0;
    let traceFlags = 0;
    let traceId = "";
    let spanId = "";
    let eventName: string | undefined;
    while (reader.position < end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x09:
          hrTime = reader.hrTime(end);
          break;
        case 0x10:
          severityNumber = reader.int32();
          break;
        case 0x1a:
          severityText = reader.key(reader.delimited(end)) || undefined;
          break;
        case 0x2a:
          body = decodeAnyValue(reader, reader.delimited(end), this.#budget) ?? undefined;
          break;
        case 0x32:
          decodeKeyValue(reader, reader.delimited(end), attributes, this.#budget);
          break;
        case 0x38:
          droppedAttributesCount = reader.varint();
          break;
        case 0x45:
          traceFlags = reader.fixed32(end);
          break;
        case 0x4a:
          traceId = this.#id(reader.delimited(end), TRACE_ID_LENGTH);
          break;
        case 0x52:
          spanId = this.#id(reader.delimited(end), SPAN_ID_LENGTH);
          break;
        case 0x59:
          hrTimeObserved = reader.hrTime(end);
          break;
        case 0x62:
          eventName = reader.key(reader.delimited(end)) || undefined;
          break;
        default:
          reader.skip(tag, end, RECORD_FIELDS);
      }
    }
    reader.expectEnd(end);
    return new LogRecord({
      hrTime,
      hrTimeObserved,
      severityNumber: severityNumber === 0 ? undefined : severityNumber,
      severityText,
      body,
      attributes,
      droppedAttributesCount,
      spanContext: makeSpanContext(traceId, spanId, traceFlags),
      eventName,
      resource,
      instrumentationScope,
    });
  }

  #id(end: number, length: number): string {
    const reader = this.#reader;
    const start = reader.position;
    reader.position = end;
    if (end - start !== length) return "";
    const id = reader.bytes.toString("hex", start, end);
    return ZEROS_ONLY.test(id) ? "" : id;
  }

  /** Goes to a message whose values count together. */
  #open(start: number, end: number): void {
    this.#reader.position = start;
    this.#reader.openText(end);
    this.#budget.restart();
  }

  #text(end: number): string {
    this.#reader.openText(end);
    return this.#reader.string(end);
  }
}

/** The shared empty resource when there is nothing to say. */
export function makeResource(
  attributes: Attributes,
  schemaUrl: string,
  droppedAttributesCount: number,
): Resource {
  if (droppedAttributesCount === 0 && schemaUrl === "" && isEmpty(attributes)) {
    return EMPTY_RESOURCE;
  }
  return new Resource(attributes, schemaUrl, droppedAttributesCount);
}

/** The shared empty scope when there is nothing to say; fields at their default are left out. */
export function makeScope(
  name: string,
  version: string,
  schemaUrl: string,
  attributes: Attributes,
  droppedAttributesCount: number,
): InstrumentationScope {
  const scope = {
    name,
    ...(version !== "" && { version }),
    ...(schemaUrl !== "" && { schemaUrl }),
    ...(!isEmpty(attributes) && { attributes }),
    ...(droppedAttributesCount !== 0 && { droppedAttributesCount }),
  };
  return name === "" && Object.keys(scope).length === 1 ? EMPTY_SCOPE : scope;
}

export function makeSpanContext(
  traceId: string,
  spanId: string,
  traceFlags: number,
): SpanContext | undefined {
  if (traceId === "" && spanId === "" && traceFlags === 0) return undefined;
  return { traceId, spanId, traceFlags };
}

function isEmpty(attributes: Attributes): boolean {
  for (const _ in attributes) return false;
  return true;
}
