/** OTLP JSON: examples, the official serializer, and both codecs against each other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { JsonLogsSerializer } from "@opentelemetry/otlp-transformer";
import fc from "fast-check";
import { Double } from "../data/any_value.ts";
import { asReadable, LogRecord } from "../data/log_record.ts";
import { Resource } from "../data/resource.ts";
import { decodeLogsJson } from "./decode_json.ts";
import { decodeLogs } from "./decode_logs.ts";
import { toOtlpJson } from "./encode_json.ts";
import { logsData, oracleEncode } from "./testdata/oracle.ts";

const decode = (text: string) => decodeLogsJson(Buffer.from(text)).records;
const decodeRecord = (json: string): LogRecord =>
  decode(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${json}]}]}]}`)[0]!;
const decodeValue = (json: string) => decodeRecord(`{"body":${json}}`).body;

test("reads an example as the OTLP specification has them", () => {
  const [record] = decode(readFileSync(join(import.meta.dirname, "testdata/logs.json"), "utf8"));
  assert.deepEqual(record!.hrTime, [1544712660, 300000000]);
  assert.deepEqual(record!.spanContext, {
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
    traceFlags: 0,
  });
  assert.equal(record!.severityNumber, 10);
  assert.deepEqual(record!.attributes, {
    "a.string": "text",
    "a.boolean": true,
    "an.integer": 10,
    "a.double": 637.704,
    "an.array": ["many", "values"],
    "a.map": { "a.key": "a value" },
  });
  assert.deepEqual(record!.resource, new Resource({ "service.name": "a.service" }));
  assert.equal(record!.instrumentationScope.version, "1.0.0");
});

test("gives back every record that it writes", () => {
  fc.assert(
    fc.property(logsData, (message) => {
      const { records } = decodeLogs(oracleEncode(message));
      const text = toOtlpJson(records);
      assert.deepEqual(decode(text), records);
      assert.equal(toOtlpJson(decode(text)), text);
    }),
  );
});

test("reads what the official serializer writes", () => {
  const record = new LogRecord({
    hrTime: [1_760_000_000, 123_456_789],
    hrTimeObserved: [1_760_000_001, 1],
    severityNumber: 17,
    severityText: "ERROR",
    body: { text: "häßlich", list: [1, 0.5, "a", true], raw: Uint8Array.of(1, 2, 255) },
    attributes: { count: 7, fraction: 0.25, negative: -5 },
    droppedAttributesCount: 3,
    spanContext: {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: 1,
    },
    eventName: "order.failed",
    resource: new Resource({ "service.name": "shop" }, "https://example.com/schema"),
    instrumentationScope: { name: "scope", version: "2" },
  });
  const bytes = JsonLogsSerializer.serializeRequest(asReadable([record]));
  assert.ok(bytes !== undefined);
  assert.deepEqual(decodeLogsJson(bytes).records, [record]);
});

test("integers of 64 bits are exact as strings and as numbers", () => {
  assert.equal(decodeValue('{"intValue":"9223372036854775807"}'), 9223372036854775807n);
  assert.equal(decodeValue('{"intValue":9223372036854775807}'), 9223372036854775807n);
  assert.equal(decodeValue('{"intValue":-9223372036854775808}'), -9223372036854775808n);
  assert.equal(decodeValue('{"intValue": 9007199254740993 }'), 9007199254740993n);
  assert.equal(decodeValue('{"intValue":9007199254740991}'), 9007199254740991);
  assert.equal(decodeValue('{"intValue":"-5"}'), -5);
  const time = decodeRecord('{"timeUnixNano":1544712660300000001}').hrTime;
  assert.deepEqual(time, [1544712660, 300000001]);
});

test("doubles keep their kind, their sign and what JSON has no number for", () => {
  assert.deepEqual(decodeValue('{"doubleValue":3}'), new Double(3));
  assert.deepEqual(decodeValue('{"doubleValue":"-0"}'), new Double(-0));
  assert.equal(decodeValue('{"doubleValue":"NaN"}'), Number.NaN);
  assert.equal(decodeValue('{"doubleValue":"-Infinity"}'), Number.NEGATIVE_INFINITY);
  assert.equal(decodeValue('{"doubleValue":12345678901234567890}'), 12345678901234567000);
  assert.equal(decodeValue('{"doubleValue":"1.5e3","unknown":1}')?.valueOf(), 1500);
});

test("original field names, null and unknown fields are read as other parsers do", () => {
  const record = decode(`{"resource_logs":[{"resource":null,"scope_logs":[{"scope":null,
    "log_records":[{"time_unix_nano":"5","severity_number":9,"trace_id":"","body":null,
    "newField":{"deep":[1]},"attributes":[{"key":"a","value":{"string_value":"b"}},{"key":"n"},
    {"key":"e","value":{"kvlistValue":{}}}]}]}]}],"another":[]}`)[0]!;
  assert.deepEqual(record.hrTime, [0, 5]);
  assert.equal(record.severityNumber, 9);
  assert.equal(record.body, undefined);
  assert.deepEqual(record.attributes, { a: "b", n: null, e: {} });
});

test("a lone surrogate is replaced as in protobuf, not refused", () => {
  assert.equal(decodeValue('{"stringValue":"cut \\ud83d"}'), "cut \ufffd");
});

test("bytes come in either base64 alphabet, with or without padding", () => {
  for (const text of ["+/8=", "-_8=", "-_8"]) {
    assert.deepEqual(decodeValue(`{"bytesValue":"${text}"}`), Uint8Array.of(251, 255));
  }
});

test("a key named __proto__ is a key like any other", () => {
  const entry = '{"key":"__proto__","value":{"kvlistValue":{"values":[]}}}';
  const record = decodeRecord(`{"attributes":[${entry}],"__proto__":{"body":{"intValue":1}}}`);
  assert.deepEqual(Object.keys(record.attributes), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(record.attributes), Object.prototype);
  assert.equal(record.body, undefined);
});

const WRONG = [
  '{"timeUnixNano":-1}',
  '{"timeUnixNano":"18446744073709551616"}',
  '{"timeUnixNano":1.5}',
  '{"severityNumber":"SEVERITY_NUMBER_INFO"}',
  '{"severityNumber":1.5}',
  '{"flags":4294967296}',
  '{"traceId":"zz8efff798038103d269b633813fc60c"}',
  '{"severityText":1}',
  '{"attributes":{}}',
  '{"attributes":[null]}',
  '{"body":"bare"}',
  '{"body":{"intValue":"1.5"}}',
  '{"body":{"intValue":1.5}}',
  '{"body":{"intValue":9223372036854775808}}',
  '{"body":{"intValue":123456789012345678901234567890}}',
  '{"body":{"stringValue":12345678901234567890}}',
  '{"body":{"boolValue":"true"}}',
  '{"body":{"doubleValue":"0x10"}}',
  '{"body":{"doubleValue":""}}',
  '{"body":{"bytesValue":"a b"}}',
];
for (const json of WRONG) {
  test(`refuses ${json}`, () => {
    assert.throws(() => decodeRecord(json), { code: "otlp.malformed" });
  });
}

test("refuses text that is no JSON object in UTF-8, and says where", () => {
  assert.throws(() => decode('{"resourceLogs":[1 2]}'), /at character 19: it is not JSON/);
  assert.throws(() => decode("[]"), /the message: expected an object/);
  assert.throws(() => decodeLogsJson(Buffer.from([0x22, 0xff, 0x22])), /not UTF-8/);
  assert.throws(() => decode(""), { code: "otlp.malformed" });
});
