import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonLogsSerializer, ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import fc from "fast-check";
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import type { LogRecordFields } from "../../src/data/log_record.ts";
import { asReadable, isSdkExact, LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { decodeLogsJson } from "../../src/otlp/decode_json.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { toOtlpJson } from "../../src/otlp/encode_json.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { CanonicalEncoder } from "./canonical_record.ts";
import { NO_STATEMENTS } from "./statement.ts";
import { accessLogRecords } from "./testing.ts";

const encoder = new CanonicalEncoder();
const bytes = (record: LogRecord) =>
  Buffer.from(encoder.encode(record, NO_STATEMENTS)).toString("hex");
const ofBody = (body: AnyValue) => bytes(new LogRecord({ body }));
const of = (fields: LogRecordFields) => bytes(new LogRecord(fields));

test("writes the bytes of the README's example", () => {
  const record = new LogRecord({
    hrTime: [1, 2],
    severityNumber: 9,
    severityText: "INFO",
    body: "hé",
    attributes: { b: 5, a: true, "audit.integrity.value": "left out" },
  });
  const written = bytes(record).slice(2 + 128);
  const text = (value: string) => {
    const utf8 = Buffer.from(value);
    return utf8.length.toString(16).padStart(8, "0") + utf8.toString("hex");
  };
  const expected = [
    "000000003b9aca02", // time: 1,000,000,002 ns
    "0000000000000000",
    "00000009",
    "00000000",
    "00",
    text(""),
    text(""),
    text("INFO"),
    text(""),
    text(""),
    text(""),
    `05${text("hé")}`,
    "00000002",
    `${text("a")}02`,
    `${text("b")}030000000000000005`,
  ];
  assert.equal(written, expected.join(""));
});

test("tells values apart that OTLP tells apart", () => {
  const values: AnyValue[] = [
    null,
    "",
    "5",
    5,
    5.5,
    -5,
    true,
    false,
    5n + 2n ** 60n,
    [],
    {},
    [5],
    [[5]],
    { 5: 5 },
    new Uint8Array(),
    new Uint8Array([5]),
    "\u0000",
    [null],
    { a: null },
    { a: {} },
    Number.NaN,
    Number.POSITIVE_INFINITY,
    ["a", "b"],
    ["ab"],
    { a: "b" },
    ["a", ["b"]],
  ];
  assert.equal(new Set(values.map(ofBody)).size, values.length);
});

test("makes one of values that exporters do not tell apart", () => {
  assert.equal(ofBody(5), ofBody(new Double(5)));
  assert.equal(ofBody(5), ofBody(5n));
  assert.equal(ofBody(2 ** 60), ofBody(2n ** 60n));
  assert.equal(ofBody(-(2 ** 63)), ofBody(-(2n ** 63n)));
  assert.equal(ofBody(-0), ofBody(0));
  assert.equal(ofBody(null), ofBody(undefined));
  assert.equal(ofBody("\ud800"), ofBody("\ufffd"));
  assert.equal(of({}), of({ severityNumber: 0, severityText: "", eventName: "" }));
  const none = { traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 };
  assert.equal(of({}), of({ spanContext: none }));
  assert.equal(of({}), of({ spanContext: { ...none, traceFlags: 0x100 } }));
});

test("sorts keys by their UTF-8 bytes at every level", () => {
  const forwards: Attributes = { "\u{10000}": 1, "\uffff": 2, a: { y: 1, x: [{ q: 1, p: 2 }] } };
  const backwards: Attributes = { a: { x: [{ p: 2, q: 1 }], y: 1 }, "\uffff": 2, "\u{10000}": 1 };
  assert.equal(of({ attributes: forwards }), of({ attributes: backwards }));
  const hex = of({ attributes: forwards });
  assert.ok(hex.indexOf("efbfbf") < hex.indexOf("f0908080"), "U+FFFF comes before U+10000");
});

test("every field changes the bytes", () => {
  const base: LogRecordFields = {
    hrTime: [1, 1],
    hrTimeObserved: [2, 2],
    severityNumber: 9,
    severityText: "INFO",
    body: "body",
    attributes: { key: "value" },
    droppedAttributesCount: 1,
    spanContext: { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 },
    eventName: "event",
    resource: new Resource({ r: 1 }, "https://example.com/r"),
    instrumentationScope: { name: "s", version: "1", schemaUrl: "u", attributes: { s: 1 } },
  };
  const changes: LogRecordFields[] = [
    { hrTime: [1, 2] },
    { hrTimeObserved: [2, 1] },
    { severityNumber: 10 },
    { severityText: "INFO2" },
    { body: "Body" },
    { attributes: { key: "Value" } },
    { attributes: { kez: "value" } },
    { attributes: { key: "value", more: 1 } },
    { droppedAttributesCount: 2 },
    { spanContext: { traceId: "c".repeat(32), spanId: "b".repeat(16), traceFlags: 1 } },
    { spanContext: { traceId: "a".repeat(32), spanId: "c".repeat(16), traceFlags: 1 } },
    { spanContext: { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 0 } },
    { eventName: "event2" },
    { resource: new Resource({ r: 2 }, "https://example.com/r") },
    { resource: new Resource({ r: 1 }, "https://example.com/s") },
    { instrumentationScope: { name: "t", version: "1", schemaUrl: "u", attributes: { s: 1 } } },
    { instrumentationScope: { name: "s", version: "2", schemaUrl: "u", attributes: { s: 1 } } },
    { instrumentationScope: { name: "s", version: "1", schemaUrl: "v", attributes: { s: 1 } } },
    { instrumentationScope: { name: "s", version: "1", schemaUrl: "u", attributes: { s: 2 } } },
  ];
  const all = [base, ...changes.map((change) => ({ ...base, ...change }))].map(of);
  const record = new LogRecord(base);
  for (const statements of [
    { restart: "x", undelivered: "" },
    { restart: "", undelivered: "x" },
  ]) {
    all.push(Buffer.from(encoder.encode(record, statements)).toString("hex"));
  }
  assert.equal(new Set(all).size, all.length);
});

test("finds the order of keys again after more lists of keys than it remembers", () => {
  const before = of({ attributes: { b: 1, a: 2 } });
  for (let index = 0; index < 9000; index++) of({ attributes: { [`key${index}`]: 1, a: 1 } });
  assert.equal(of({ attributes: { b: 1, a: 2 } }), before);
});

test("takes a record larger than its buffer, and short ones after it", () => {
  const short = ofBody("short");
  assert.notEqual(ofBody("x".repeat(3_000_000)), ofBody("y".repeat(3_000_000)));
  assert.notEqual(ofBody("é".repeat(300_000)), ofBody("è".repeat(300_000)));
  assert.equal(ofBody("short"), short);
});

const text = fc.string({ unit: "binary", maxLength: 60 });
const value: fc.Arbitrary<AnyValue> = fc.letrec<{ any: AnyValue }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.boolean(),
    fc.maxSafeInteger(),
    fc
      .double({ noDefaultInfinity: true, noNaN: true })
      .map((double) => (Number.isInteger(double) ? new Double(double) : double)),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    fc.uint8Array({ maxLength: 20 }),
    fc.constant(null),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(text, tie("any"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any;
const attributes = fc.dictionary(text, value, { maxKeys: 6, noNullPrototype: true });
const time = fc.tuple(
  fc.integer({ min: 0, max: 4_000_000_000 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);
const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((id) => Buffer.from(id).toString("hex"));
const record: fc.Arbitrary<LogRecord> = fc
  .record({
    hrTime: time,
    hrTimeObserved: time,
    severityNumber: fc.option(fc.integer({ min: 0, max: 24 }), { nil: undefined }),
    severityText: fc.option(text, { nil: undefined }),
    body: value,
    attributes,
    droppedAttributesCount: fc.nat(),
    spanContext: fc.option(
      fc.record({ traceId: hex(16), spanId: hex(8), traceFlags: fc.integer({ min: 0, max: 255 }) }),
      { nil: undefined },
    ),
    eventName: fc.option(text, { nil: undefined }),
    resource: fc.tuple(attributes, text).map(([map, url]) => new Resource(map, url)),
    instrumentationScope: fc.record({ name: text, version: text, schemaUrl: text, attributes }),
  })
  .map((fields) => new LogRecord(fields));

test("survives OTLP protobuf, and then OTLP JSON", () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), (records) => {
      const before = records.map(bytes);
      const stored = decodeLogs(encodeLogsData(records)).records;
      assert.deepEqual(stored.map(bytes), before);
      const exported = decodeLogsJson(Buffer.from(toOtlpJson(stored))).records;
      assert.deepEqual(exported.map(bytes), before);
    }),
    { numRuns: 300 },
  );
});

/** A record whose attributes are those of the resource and the scope of `one`. */
function aroundIt({ resource, instrumentationScope }: LogRecord): LogRecord {
  const inner = resource.attributes as Attributes;
  return new LogRecord({ attributes: { inner, scope: instrumentationScope.attributes } });
}

test("survives the official exporters' serializers", () => {
  const readable = (one: LogRecord): ReadableLogRecord[] => asReadable([one]);
  fc.assert(
    fc.property(record, (one) => {
      fc.pre(isSdkExact(one) && isSdkExact(aroundIt(one)));
      const before = bytes(one);
      const proto = ProtobufLogsSerializer.serializeRequest(readable(one));
      assert.equal(bytes(decodeLogs(proto!).records[0]!), before);
      const json = JsonLogsSerializer.serializeRequest(readable(one));
      assert.equal(bytes(decodeLogsJson(json!).records[0]!), before);
    }),
    { numRuns: 300 },
  );
  for (const one of accessLogRecords(50)) {
    const proto = ProtobufLogsSerializer.serializeRequest(readable(one));
    assert.equal(bytes(decodeLogs(proto!).records[0]!), bytes(one));
  }
});
