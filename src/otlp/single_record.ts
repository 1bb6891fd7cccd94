/**
 * One record as a `LogsData` of its own, so that any OTLP decoder reads it without its neighbours.
 * This is what the sealed archive stores and hashes.
 *
 * Invariant: the bytes are those of `encodeLogsData([record])`. The envelope (resource, scope and
 * schema URLs) is encoded once for each pair of objects, because records share them by identity.
 */
import type { LogRecord } from "../data/log_record.ts";
import type { InstrumentationScope, Resource } from "../data/resource.ts";
import { writeLogRecord, writeResource, writeScope, writeText } from "./encode_logs.ts";
import { ProtobufWriter, putVarint, varintSize } from "./protobuf_writer.ts";
import type { SharedEncoding } from "./shared_encoding.ts";

const RESOURCE_LOGS = 0x0a;
const SCOPE_LOGS = 0x12;
const LOG_RECORD = 0x12;
const SCHEMA_URL = 0x1a;
/** Three tags with a length of at most five bytes each. */
const LENGTHS_SIZE_MAX = 18;

/** What stands around a record, without the lengths that depend on the record. */
interface Envelope {
  readonly resource: Uint8Array;
  readonly scope: Uint8Array;
  readonly scopeSchemaUrl: Uint8Array;
  readonly resourceSchemaUrl: Uint8Array;
}

/**
 * Appends records to one buffer that is reused. The caller may put bytes between them:
 *
 *     const at = appender.writer.skip(4);
 *     const start = appender.append(record);
 *     appender.writer.buffer.writeUInt32LE(appender.writer.length - start, at);
 *     …
 *     appender.writer.truncate();
 */
export class SingleRecordAppender {
  readonly writer: ProtobufWriter;
  readonly #envelopes = new WeakMap<Resource, WeakMap<InstrumentationScope, Envelope>>();
  #lastResource: Resource | undefined;
  #lastScope: InstrumentationScope | undefined;
  #lastEnvelope: Envelope | undefined;
  /** Size of what precedes a record's fields; right for the next record nearly always. */
  #headGuess = 0;

  constructor(writer = new ProtobufWriter()) {
    this.writer = writer;
  }

  /**
   * Returns where the record's bytes begin; they end at `writer.length`.
   * @throws AgentError `otlp.limit_exceeded` for a value nested too deeply; nothing is appended.
   */
  append(record: LogRecord): number {
    const { writer } = this;
    const start = writer.skip(this.#headGuess);
    try {
      writeLogRecord(writer, record);
    } catch (error) {
      writer.truncate(start);
      throw error;
    }
    this.#wrap(record, start, writer.length - start - this.#headGuess);
    return start;
  }

  /** The same for a record whose fields are encoded already: number `index` of its batch. */
  appendEncoded(record: LogRecord, encoding: SharedEncoding, index: number): number {
    const { writer } = this;
    const from = encoding.starts[index]!;
    const to = encoding.ends[index]!;
    const start = writer.skip(this.#headGuess);
    const at = writer.skip(to - from);
    encoding.request.copy(writer.buffer, at, from, to);
    this.#wrap(record, start, to - from);
    return start;
  }

  /** Puts the envelope around the fields that lie behind `start` and a head of the guessed size. */
  #wrap(record: LogRecord, start: number, fieldsLength: number): void {
    const { writer } = this;
    const envelope = this.#envelope(record.resource, record.instrumentationScope);
    const { resource, scope, scopeSchemaUrl, resourceSchemaUrl } = envelope;
    const recordLength = 1 + varintSize(fieldsLength) + fieldsLength;
    const scopeLogsLength = scope.length + recordLength + scopeSchemaUrl.length;
    const scopeLogsSize = 1 + varintSize(scopeLogsLength) + scopeLogsLength;
    const resourceLogsLength = resource.length + scopeLogsSize + resourceSchemaUrl.length;
    const headLength =
      1 +
      varintSize(resourceLogsLength) +
      resource.length +
      (scopeLogsSize - scopeLogsLength) +
      scope.length +
      (recordLength - fieldsLength);
    this.#moveFields(start, headLength, fieldsLength);

    const { buffer } = writer;
    let at = putLength(buffer, start, RESOURCE_LOGS, resourceLogsLength);
    buffer.set(resource, at);
    at = putLength(buffer, at + resource.length, SCOPE_LOGS, scopeLogsLength);
    buffer.set(scope, at);
    putLength(buffer, at + scope.length, LOG_RECORD, fieldsLength);
    if (scopeSchemaUrl.length > 0) writer.raw(scopeSchemaUrl);
    if (resourceSchemaUrl.length > 0) writer.raw(resourceSchemaUrl);
  }

  /** Puts the fields where they belong when the guess of the head's size was wrong. */
  #moveFields(start: number, headLength: number, fieldsLength: number): void {
    const { writer } = this;
    const from = start + this.#headGuess;
    if (headLength !== this.#headGuess) {
      writer.reserve(headLength + LENGTHS_SIZE_MAX);
      writer.buffer.copyWithin(start + headLength, from, from + fieldsLength);
      this.#headGuess = headLength;
    }
    writer.length = start + headLength + fieldsLength;
  }

  #envelope(resource: Resource, scope: InstrumentationScope): Envelope {
    if (resource === this.#lastResource && scope === this.#lastScope) return this.#lastEnvelope!;
    let scopes = this.#envelopes.get(resource);
    if (scopes === undefined) {
      scopes = new WeakMap();
      this.#envelopes.set(resource, scopes);
    }
    let envelope = scopes.get(scope);
    if (envelope === undefined) {
      envelope = encodeEnvelope(resource, scope);
      scopes.set(scope, envelope);
    }
    this.#lastResource = resource;
    this.#lastScope = scope;
    this.#lastEnvelope = envelope;
    return envelope;
  }
}

const shared = new SingleRecordAppender();

/** A `LogsData` with exactly this record. */
export function encodeSingleRecord(record: LogRecord): Uint8Array {
  const start = shared.append(record);
  const bytes = shared.writer.copy(start);
  shared.writer.truncate();
  return bytes;
}

function putLength(buffer: Uint8Array, at: number, tag: number, length: number): number {
  buffer[at] = tag;
  return putVarint(buffer, at + 1, length);
}

function encodeEnvelope(resource: Resource, scope: InstrumentationScope): Envelope {
  const part = (write: (writer: ProtobufWriter) => void): Uint8Array => {
    const writer = new ProtobufWriter(256);
    write(writer);
    return writer.copy();
  };
  return {
    resource: part((writer) => writeResource(writer, resource)),
    scope: part((writer) => writeScope(writer, scope)),
    scopeSchemaUrl: part((writer) => writeText(writer, SCHEMA_URL, scope.schemaUrl)),
    resourceSchemaUrl: part((writer) => writeText(writer, SCHEMA_URL, resource.schemaUrl)),
  };
}
