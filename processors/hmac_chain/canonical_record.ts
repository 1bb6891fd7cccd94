/**
 * What a chain vouches for: the bytes of a record, the same before it leaves the agent and after a
 * trip through OTLP, any backend and an export as OTLP JSON. The README gives them byte for byte.
 *
 * Invariant: two records have the same bytes exactly if every field that OTLP carries is the same,
 * where OTLP or its exporters keep no difference: an integer and the equal double, a missing field
 * and its default, the order of keys. The integrity attributes are left out, because they are
 * written afterwards; the chain's key and message bind those that matter.
 */
import { hash } from "node:crypto";
import type { AnyValue, AnyValueMap, Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import {
  INTEGRITY_ALGORITHM,
  INTEGRITY_CHAIN,
  INTEGRITY_EPOCH,
  INTEGRITY_PREVIOUS,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
  INTEGRITY_VALUE,
} from "../../src/data/integrity.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { InstrumentationScope, Resource } from "../../src/data/resource.ts";
import type { HrTime } from "../../src/data/time.ts";
import { TIME_UNKNOWN } from "../../src/data/time.ts";
import { isEncodableTime } from "../../src/otlp/fixed64.ts";
import { ByteWriter } from "./byte_writer.ts";
import type { KeyOrder } from "./key_order.ts";
import { KeyOrders } from "./key_order.ts";
import type { StatementTexts } from "./statement.ts";

const VERSION = 1;
const EMPTY = 0;
const FALSE = 1;
const TRUE = 2;
const INTEGER = 3;
const DOUBLE = 4;
const STRING = 5;
const BYTES = 6;
const ARRAY = 7;
const MAP = 8;

const NANOS_PER_SECOND = 1_000_000_000;
const TWO_POW_16 = 0x1_0000;
const TWO_POW_32 = 0x1_0000_0000;
const TWO_POW_63 = 2 ** 63;
/** W3C trace flags; OTLP reserves the other bits. */
const TRACE_FLAGS_MASK = 0xff;
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;
const ALL_ZERO = /^0+$/;

export const INTEGRITY_ATTRIBUTES: readonly string[] = [
  INTEGRITY_VALUE,
  INTEGRITY_ALGORITHM,
  INTEGRITY_CHAIN,
  INTEGRITY_SEQUENCE,
  INTEGRITY_EPOCH,
  INTEGRITY_PREVIOUS,
  INTEGRITY_RESTART,
  INTEGRITY_UNDELIVERED,
];

export class CanonicalEncoder {
  readonly #writer = new ByteWriter();
  readonly #recordKeys = new KeyOrders(INTEGRITY_ATTRIBUTES);
  readonly #mapKeys = new KeyOrders();
  readonly #resources = new WeakMap<Resource, Uint8Array>();
  readonly #scopes = new WeakMap<InstrumentationScope, Uint8Array>();
  #hadIntegrity = false;

  /** SHA-256 of the canonical bytes: 32 bytes as a latin1 string, which is the fastest to get. */
  digest(record: LogRecord, statements: StatementTexts): string {
    return hash("sha256", this.encode(record, statements), "latin1");
  }

  /** The canonical bytes; valid until the next call. */
  encode(record: LogRecord, statements: StatementTexts): Uint8Array {
    const resource = this.#resourceDigest(record.resource);
    const scope = this.#scopeDigest(record.instrumentationScope);
    const writer = this.#writer;
    writer.reset();
    writer.uint8(VERSION);
    writer.bytes(resource);
    writer.bytes(scope);
    this.#time(record.hrTime);
    this.#time(record.hrTimeObserved);
    writer.uint32(record.severityNumber ?? 0);
    writer.uint32(record.droppedAttributesCount);
    const context = record.spanContext;
    writer.uint8((context?.traceFlags ?? 0) & TRACE_FLAGS_MASK);
    writer.string(identifier(context?.traceId, TRACE_ID_DIGITS));
    writer.string(identifier(context?.spanId, SPAN_ID_DIGITS));
    writer.string(record.severityText ?? "");
    writer.string(record.eventName ?? "");
    writer.string(statements.restart);
    writer.string(statements.undelivered);
    this.#value(record.body);
    const order = this.#recordKeys.of(record.attributes);
    this.#hadIntegrity = order.hasExcluded;
    this.#map(record.attributes, order);
    return writer.view();
  }

  /** True when the record encoded last has integrity attributes, of another chain or forged. */
  get hadIntegrity(): boolean {
    return this.#hadIntegrity;
  }

  #resourceDigest(resource: Resource): Uint8Array {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const attributes = resource.attributes as Attributes;
    this.#writer.reset();
    this.#map(attributes, this.#mapKeys.of(attributes));
    this.#writer.string(resource.schemaUrl ?? "");
    const digest = hash("sha256", this.#writer.view(), "buffer");
    this.#resources.set(resource, digest);
    return digest;
  }

  #scopeDigest(scope: InstrumentationScope): Uint8Array {
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const attributes = scope.attributes ?? {};
    this.#writer.reset();
    this.#writer.string(scope.name);
    this.#writer.string(scope.version ?? "");
    this.#map(attributes, this.#mapKeys.of(attributes));
    this.#writer.string(scope.schemaUrl ?? "");
    const digest = hash("sha256", this.#writer.view(), "buffer");
    this.#scopes.set(scope, digest);
    return digest;
  }

  /** Nanoseconds since the Unix epoch as an unsigned 64-bit integer, without a `bigint`. */
  #time(time: HrTime): void {
    const [seconds, nanos] = isEncodableTime(time) ? time : TIME_UNKNOWN;
    const upper = Math.floor(seconds / TWO_POW_16) * NANOS_PER_SECOND;
    const lower = (seconds % TWO_POW_16) * NANOS_PER_SECOND + nanos;
    const rest = (upper % TWO_POW_16) * TWO_POW_16 + lower;
    this.#writer.uint64(Math.floor(upper / TWO_POW_16) + Math.floor(rest / TWO_POW_32), rest);
  }

  #value(value: AnyValue): void {
    const writer = this.#writer;
    if (typeof value === "string") {
      writer.uint8(STRING);
      writer.string(value);
    } else if (typeof value === "number") this.#number(value);
    else if (typeof value === "boolean") writer.uint8(value ? TRUE : FALSE);
    else if (typeof value === "bigint") {
      writer.uint8(INTEGER);
      writer.int64(value);
    } else if (value === null || value === undefined) writer.uint8(EMPTY);
    else if (value instanceof Uint8Array) {
      writer.uint8(BYTES);
      writer.uint32(value.length);
      writer.bytes(value);
    } else if (value instanceof Double) this.#number(value.value);
    else if (Array.isArray(value)) {
      writer.uint8(ARRAY);
      writer.uint32(value.length);
      for (const element of value) this.#value(element);
    } else {
      writer.uint8(MAP);
      this.#map(value, this.#mapKeys.of(value));
    }
  }

  /** A whole number is an integer, however it came: exporters turn the double 5.0 into 5. */
  #number(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.#writer.uint8(INTEGER);
      this.#writer.safeInteger(value);
    } else if (Number.isInteger(value) && value >= -TWO_POW_63 && value < TWO_POW_63) {
      this.#writer.uint8(INTEGER);
      this.#writer.int64(BigInt(value));
    } else {
      this.#writer.uint8(DOUBLE);
      this.#writer.float64(value);
    }
  }

  #map(map: AnyValueMap, order: KeyOrder): void {
    const { keys, encoded } = order;
    this.#writer.uint32(keys.length);
    for (let index = 0; index < keys.length; index++) {
      this.#writer.bytes(encoded[index]!);
      this.#value(map[keys[index]!]);
    }
  }
}

/** An id of zeros or of a wrong length is none, as OTLP says; digits may come in either case. */
function identifier(hex: string | undefined, digits: number): string {
  if (hex === undefined || hex.length !== digits) return "";
  return ALL_ZERO.test(hex) ? "" : hex.toLowerCase();
}
