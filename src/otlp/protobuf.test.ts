/** The protobuf codec against protobufjs and the official serializer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import fc from "fast-check";
import type { AnyValue, Attributes } from "../data/any_value.ts";
import { Double, isAnyValueMap } from "../data/any_value.ts";
import { asReadable, isSdkExact, LogRecord } from "../data/log_record.ts";
import { Resource } from "../data/resource.ts";
import { hrTimeFromUnixNano, hrTimeToUnixNano } from "../data/time.ts";
import { decodeLogs } from "./decode_logs.ts";
import { encodeLogRecord, encodeLogsData } from "./encode_logs.ts";
import { encodeSingleRecord, SingleRecordAppender } from "./single_record.ts";
import type { Message } from "./testdata/oracle.ts";
import { logsData, lookup, oracleDecode, oracleEncode } from "./testdata/oracle.ts";

test("decodes what protobufjs encodes, field by field", () => {
  fc.assert(
    fc.property(logsData, (message) => {
      const { records, rejectedRecords } = decodeLogs(oracleEncode(message));
      assert.equal(rejectedRecords, 0);
      assert.deepEqual(records.map(messageOf), flatten(message));
    }),
  );
});

test("encodes what it decoded to the very same bytes", () => {
  fc.assert(
    fc.property(logsData, (message) => {
      const bytes = oracleEncode(message);
      const encoded = encodeLogsData(decodeLogs(bytes).records);
      assert.deepEqual(oracleDecode(encoded), oracleDecode(bytes));
      assert.deepEqual(Buffer.from(encoded), Buffer.from(bytes));
    }),
  );
});

test("groups of any size have the right lengths, also when the buffer grows in between", () => {
  for (const size of [0, 1, 100, 127, 128, 5_000, 16_383, 16_384, 100_000, 2_097_152]) {
    const records = [new LogRecord({ body: "x".repeat(size), resource: new Resource({ size }) })];
    const bytes = encodeLogsData(records);
    assert.deepEqual(decodeLogs(bytes).records, records);
    assert.deepEqual(Buffer.from(bytes), Buffer.from(oracleEncode(oracleDecode(bytes))));
  }
});

test("a single record is a LogsData that a stock decoder reads", () => {
  const appender = new SingleRecordAppender();
  fc.assert(
    fc.property(logsData, (message) => {
      const { records } = decodeLogs(oracleEncode(message));
      const flat = flatten(message);
      appender.writer.truncate();
      const places = records.map((record) => {
        const at = appender.writer.skip(4);
        return [at, appender.append(record), appender.writer.length] as const;
      });
      for (const [index, [at, start, end]] of places.entries()) {
        assert.equal(start, at + 4);
        const bytes = appender.writer.buffer.subarray(start, end);
        assert.deepEqual(decodeLogs(bytes).records, [records[index]]);
        assert.deepEqual(flatten(oracleDecode(bytes)), [flat[index]]);
        assert.deepEqual(Buffer.from(encodeSingleRecord(records[index]!)), bytes);
        assert.deepEqual(Buffer.from(encodeLogsData([records[index]!])), bytes);
      }
    }),
  );
});

test("encodeLogRecord is the LogRecord message alone", () => {
  const record = new LogRecord({ body: "text", resource: new Resource({ a: 1 }), eventName: "e" });
  const LogRecordMessage = lookup("LogRecord");
  const message = LogRecordMessage.toObject(LogRecordMessage.decode(encodeLogRecord(record)));
  assert.deepEqual(message, { body: { stringValue: "text" }, eventName: "e" });
  assert.equal(encodeLogRecord(new LogRecord({})).length, 0);
});

test("decodes what the official serializer sends", () => {
  fc.assert(
    fc.property(logsData, (message) => {
      const { records } = decodeLogs(oracleEncode(message));
      const exact = records.filter((record) => isSdkExact(record) && !holdsProto(record));
      const bytes = ProtobufLogsSerializer.serializeRequest(asReadable(exact));
      assert.ok(bytes !== undefined);
      const decoded = decodeLogs(bytes).records;
      assert.equal(decoded.length, exact.length);
      for (const record of decoded) {
        const original = exact.find((candidate) => sameRecord(candidate, record));
        assert.ok(original, "each decoded record is one of those sent");
      }
    }),
  );
});

test("records below one scope share their resource and scope by identity", () => {
  const scopeLogs = [{ scope: { name: "a" }, logRecords: [{}, {}] }, { logRecords: [{}] }];
  const resource = { attributes: [{ key: "k", value: { intValue: 1 } }] };
  const { records } = decodeLogs(oracleEncode({ resourceLogs: [{ resource, scopeLogs }] }));
  assert.equal(records.length, 3);
  assert.equal(records[0]!.resource, records[2]!.resource);
  assert.equal(records[0]!.instrumentationScope, records[1]!.instrumentationScope);
  assert.notEqual(records[0]!.instrumentationScope, records[2]!.instrumentationScope);
});

test("finds the resource and the schema URL when they come after the records", () => {
  const Resource = lookup("Resource");
  const ScopeLogs = lookup("ScopeLogs");
  const field = (tag: number, bytes: Uint8Array) => [tag, bytes.length, ...bytes];
  const scopeLogs = ScopeLogs.encode({ logRecords: [{ severityText: "X" }] }).finish();
  const resource = Resource.encode({ droppedAttributesCount: 7 }).finish();
  const message = [
    ...field(0x12, scopeLogs),
    ...field(0x1a, Buffer.from("url")),
    ...field(0x0a, resource),
  ];
  const [record] = decodeLogs(Buffer.from(field(0x0a, Buffer.from(message)))).records;
  assert.equal(record!.resource.schemaUrl, "url");
  assert.equal(record!.resource.droppedAttributesCount, 7);
  assert.equal(record!.severityText, "X");
});

test("keeps the kinds of number apart", () => {
  const attributes = {
    whole: new Double(3),
    zero: new Double(-0),
    integer: 3,
    large: 2n ** 53n,
    least: -(2n ** 63n),
    fraction: 0.5,
    huge: 1e300,
    nothing: null,
    beyond: 2n ** 64n,
  };
  const [record] = decodeLogs(encodeLogsData([new LogRecord({ attributes })])).records;
  assert.deepEqual(record!.attributes, { ...attributes, beyond: "18446744073709551616" });
});

test("a key named __proto__ changes no prototype and survives", () => {
  const message = {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes: [protoEntry()] }] }] }],
  };
  const bytes = oracleEncode(message);
  const [record] = decodeLogs(bytes).records;
  assert.equal(Object.getPrototypeOf(record!.attributes), Object.prototype);
  assert.deepEqual(Object.keys(record!.attributes), ["__proto__"]);
  assert.equal((record!.attributes as { polluted?: unknown }).polluted, undefined);
  assert.deepEqual(oracleDecode(encodeLogsData([record!])), oracleDecode(bytes));
});

test("times are exact over all 64 bits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (nanos) => {
      const record = new LogRecord({ hrTime: hrTimeFromUnixNano(nanos) });
      const [decoded] = decodeLogs(encodeLogsData([record])).records;
      assert.equal(hrTimeToUnixNano(decoded!.hrTime), nanos);
    }),
  );
});

test("what OTLP cannot express is left out instead of written wrong", () => {
  const record = new LogRecord({
    hrTime: [-1, 0],
    hrTimeObserved: [18_446_744_074, 0],
    spanContext: { traceId: "xyz", spanId: "zz00000000000000", traceFlags: 1 },
    body: "\ud800 alone",
  });
  const [decoded] = decodeLogs(encodeLogsData([record])).records;
  assert.deepEqual(decoded!.hrTime, [0, 0]);
  assert.deepEqual(decoded!.hrTimeObserved, [0, 0]);
  assert.deepEqual(decoded!.spanContext, { traceId: "", spanId: "", traceFlags: 1 });
  assert.equal(decoded!.body, "\ufffd alone");
});

test("an empty key, an empty value and a repeated key are read as OTLP has them", () => {
  const attributes = [
    { key: "a", value: { intValue: 1 } },
    { value: { boolValue: true } },
    { key: "nothing" },
    { key: "a", value: { intValue: 2 } },
  ];
  const logRecords = [{ attributes, body: {} }];
  const { records } = decodeLogs(oracleEncode({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }));
  assert.deepEqual(records[0]!.attributes, { a: 2, "": true, nothing: null });
  assert.equal(records[0]!.body, undefined);
  assert.deepEqual(decodeLogs(encodeLogsData(records)).records, records);
});

test("ids of a wrong length or of zeros only are none", () => {
  const logRecords = [
    { traceId: Buffer.alloc(16), spanId: Buffer.alloc(7, 1) },
    { traceId: Buffer.alloc(16, 0xab), flags: 0x101 },
  ];
  const { records } = decodeLogs(oracleEncode({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }));
  assert.equal(records[0]!.spanContext, undefined);
  assert.deepEqual(records[1]!.spanContext, {
    traceId: "ab".repeat(16),
    spanId: "",
    traceFlags: 0x101,
  });
});

function protoEntry(): Message {
  const values = [{ key: "polluted", value: { boolValue: true } }];
  return { key: "__proto__", value: { kvlistValue: { values } } };
}

/** The official serializer drops such keys, as plain objects do. */
function holdsProto(record: LogRecord): boolean {
  const holds = (value: AnyValue): boolean => {
    if (Array.isArray(value)) return value.some(holds);
    if (!isAnyValueMap(value)) return false;
    return Object.keys(value).some((key) => key === "__proto__" || holds(value[key]));
  };
  return (
    holds(record.body) ||
    holds(record.attributes) ||
    holds(record.resource.attributes as Attributes)
  );
}

function sameRecord(a: LogRecord, b: LogRecord): boolean {
  return Buffer.from(encodeLogRecord(a)).equals(encodeLogRecord(b));
}

/** Each record of a message with its resource and scope, as the oracle has them. */
function flatten(message: Message): Message[] {
  const records: Message[] = [];
  for (const { resource, schemaUrl = "", scopeLogs = [] } of message.resourceLogs ?? []) {
    for (const { scope, logRecords = [], schemaUrl: scopeSchemaUrl = "" } of scopeLogs) {
      for (const record of logRecords) {
        records.push({
          attributes: [],
          ...record,
          resource: { droppedAttributesCount: 0, ...resource, schemaUrl },
          scope: { ...scope, schemaUrl: scopeSchemaUrl },
        });
      }
    }
  }
  return records.map(normalize) as Message[];
}

/** The same shape from a decoded record, written without the codec. */
function messageOf(record: LogRecord): Message {
  const { resource, instrumentationScope: scope, spanContext } = record;
  const { schemaUrl: scopeSchemaUrl = "", attributes: scopeAttributes, ...scopeRest } = scope;
  const nanos = (time: LogRecord["hrTime"]) => {
    const value = hrTimeToUnixNano(time);
    return value === 0n ? undefined : String(value);
  };
  return normalize({
    timeUnixNano: nanos(record.hrTime),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    body: record.body === undefined ? undefined : wireValue(record.body),
    attributes: keyValuesOf(record.attributes),
    droppedAttributesCount: record.droppedAttributesCount || undefined,
    flags: spanContext?.traceFlags || undefined,
    traceId: spanContext?.traceId ? Buffer.from(spanContext.traceId, "hex") : undefined,
    spanId: spanContext?.spanId ? Buffer.from(spanContext.spanId, "hex") : undefined,
    observedTimeUnixNano: nanos(record.hrTimeObserved),
    eventName: record.eventName,
    resource: {
      attributes: keyValuesOf(resource.attributes as Record<string, AnyValue>),
      droppedAttributesCount: resource.droppedAttributesCount,
      schemaUrl: resource.schemaUrl ?? "",
    },
    scope: {
      ...scopeRest,
      ...(scopeAttributes !== undefined && { attributes: keyValuesOf(scopeAttributes) }),
      schemaUrl: scopeSchemaUrl,
    },
  }) as Message;
}

function keyValuesOf(map: Record<string, AnyValue>): Message[] {
  return Object.keys(map).map((key) => ({ key, value: wireValue(map[key]) }));
}

function wireValue(value: AnyValue): Message {
  if (value === null || value === undefined) return {};
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "bigint") return { intValue: String(value) };
  if (value instanceof Double) return { doubleValue: value.value };
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(wireValue) } };
  if (typeof value === "object") return { kvlistValue: { values: keyValuesOf(value) } };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Bytes as hex, no absent fields, one order of fields: so that deepEqual compares what counts. */
function normalize(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, content]) => content !== undefined);
  const kept = entries.map(([name, content]) => [name, normalize(content)] as const);
  if ("kvlistValue" in value || "arrayValue" in value) {
    const [name, content] = kept[0]!;
    return { [name]: { values: [], ...(content as Message) } };
  }
  return Object.fromEntries(kept);
}
