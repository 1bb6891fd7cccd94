/**
 * The OTLP protobuf of a batch, encoded once for all exporters of a fan-out: one sends it as a
 * request, another one takes the bytes of single records out of it.
 *
 * Invariant: `request` is what `encodeLogsData(records)` gives, and record `index` is the bytes
 * `[starts[index], ends[index])` of it, as `encodeLogRecord` gives them. It is known by the identity
 * of the array, which is never changed after it was handed on, and lives as long as that.
 */
import type { LogRecord } from "../data/log_record.ts";
import type { InstrumentationScope, Resource } from "../data/resource.ts";
import { writeLogRecord, writeResource, writeScope, writeText } from "./encode_logs.ts";
import { ProtobufWriter } from "./protobuf_writer.ts";

export interface SharedEncoding {
  readonly request: Buffer;
  /** Offsets of the fields of each record's `LogRecord` message. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

const known = new WeakMap<readonly LogRecord[], SharedEncoding>();
/** Bytes of a record in the last batch, so that the buffer of the next one nearly never grows. */
let recordBytesGuess = 512;
/** Room for the envelopes, and for records that are larger than those before. */
const SPARE_BYTES = 4096;

/**
 * Encodes the records, or gives what was encoded before.
 * @throws AgentError `otlp.limit_exceeded` for a value nested deeper than the decoders read.
 */
export function encodeShared(records: readonly LogRecord[]): SharedEncoding {
  const before = known.get(records);
  if (before !== undefined) return before;
  const encoding = encode(records);
  known.set(records, encoding);
  return encoding;
}

/** What {@link encodeShared} made of this very array, if it was called for it. */
export function sharedEncodingOf(records: readonly LogRecord[]): SharedEncoding | undefined {
  return known.get(records);
}

function encode(records: readonly LogRecord[]): SharedEncoding {
  const writer = new ProtobufWriter(records.length * recordBytesGuess + SPARE_BYTES);
  const encoding = new Encoding(writer, records);
  for (const [resource, scopes] of groupIndexes(records)) {
    const guess = records.length * recordBytesGuess;
    writer.byte(0x0a);
    const start = writer.begin(guess);
    writeResource(writer, resource);
    for (const [scope, indexes] of scopes) encoding.scopeLogs(scope, indexes);
    writeText(writer, 0x1a, resource.schemaUrl);
    encoding.end(start, guess);
  }
  recordBytesGuess = Math.ceil((writer.length / Math.max(1, records.length)) * 1.1);
  const { starts, ends } = encoding;
  return { request: writer.buffer.subarray(0, writer.length), starts, ends };
}

type Groups = Map<Resource, Map<InstrumentationScope, number[]>>;

/** The indexes of the records of each resource and scope, by identity, in order. */
function groupIndexes(records: readonly LogRecord[]): Groups {
  const groups: Groups = new Map();
  let lastResource: Resource | undefined;
  let lastScope: InstrumentationScope | undefined;
  let group: number[] = [];
  for (let index = 0; index < records.length; index++) {
    const { resource, instrumentationScope: scope } = records[index]!;
    if (resource !== lastResource || scope !== lastScope) {
      lastResource = resource;
      lastScope = scope;
      let scopes = groups.get(resource);
      if (scopes === undefined) {
        scopes = new Map();
        groups.set(resource, scopes);
      }
      group = scopes.get(scope) ?? [];
      scopes.set(scope, group);
    }
    group.push(index);
  }
  return groups;
}

/** Writes groups, and notes where each record is, also when what was written moves. */
class Encoding {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly #writer: ProtobufWriter;
  readonly #records: readonly LogRecord[];
  /** Indexes in the order in which they were written. */
  readonly #written: number[] = [];

  constructor(writer: ProtobufWriter, records: readonly LogRecord[]) {
    this.#writer = writer;
    this.#records = records;
    this.starts = new Uint32Array(records.length);
    this.ends = new Uint32Array(records.length);
  }

  scopeLogs(scope: InstrumentationScope, indexes: readonly number[]): void {
    const writer = this.#writer;
    const guess = indexes.length * recordBytesGuess;
    writer.byte(0x12);
    const start = writer.begin(guess);
    writeScope(writer, scope);
    for (const index of indexes) {
      writer.byte(0x12);
      const recordStart = writer.begin(recordBytesGuess);
      writeLogRecord(writer, this.#records[index]!);
      const length = writer.length - recordStart;
      writer.end(recordStart, recordBytesGuess);
      this.ends[index] = writer.length;
      this.starts[index] = writer.length - length;
      this.#written.push(index);
    }
    writeText(writer, 0x1a, scope.schemaUrl);
    this.end(start, guess);
  }

  /** Ends a message. A wrong guess of its length moves everything in it. */
  end(start: number, guess: number): void {
    const before = this.#writer.length;
    this.#writer.end(start, guess);
    const moved = this.#writer.length - before;
    if (moved === 0) return;
    for (const index of this.#written) {
      if (this.starts[index]! < start) continue;
      this.starts[index] = this.starts[index]! + moved;
      this.ends[index] = this.ends[index]! + moved;
    }
  }
}
