/** What is not OTLP, or too much of it: an error with a place and no content, never a crash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AgentError } from "../component/errors.ts";
import { decodeLogsJson } from "./decode_json.ts";
import { decodeLogs } from "./decode_logs.ts";
import { toOtlpJson } from "./encode_json.ts";
import { encodeLogsData } from "./encode_logs.ts";
import type { DecodeLimits } from "./limits.ts";
import { DEFAULT_DECODE_LIMITS, STORED_DECODE_LIMITS } from "./limits.ts";
import type { Message } from "./testdata/oracle.ts";
import { logsData, oracleEncode } from "./testdata/oracle.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** One record whose bytes are these, as a whole message. */
function withRecord(record: Buffer): Buffer {
  const wrap = (tag: number, bytes: Buffer) => Buffer.from([tag, bytes.length, ...bytes]);
  return wrap(0x0a, wrap(0x12, wrap(0x12, record)));
}

const MALFORMED: Readonly<Record<string, Buffer>> = {
  "a length beyond the end": hex("0a 05 12"),
  "a cut tag": hex("8a"),
  "a length without bytes": hex("0a"),
  "a field that exceeds its message": withRecord(hex("09 00 00 00")),
  "a varint that exceeds its message": hex("0a 02 10 80 00"),
  "a varint of eleven bytes": hex("18 ff ff ff ff ff ff ff ff ff ff 01"),
  "a varint of more than 64 bits": hex("18 ff ff ff ff ff ff ff ff ff 02"),
  "a length of 64 bits": hex("0a ff ff ff ff ff ff ff ff 7f"),
  "field number 0": hex("02 00"),
  "a field number beyond 2^29": hex("fa ff ff ff 7f 00"),
  "a group": hex("1b 1c"),
  "an end of a group": hex("0c"),
  "wire type 6": hex("16 00"),
  "a number where a message belongs": hex("08 01"),
  "a message where a time belongs": withRecord(hex("0a 00")),
  "a string that is not UTF-8": withRecord(hex("1a 02 c3 28")),
  "a surrogate in UTF-8": withRecord(hex("1a 03 ed a0 80")),
  "a key that is not UTF-8": withRecord(hex("32 03 0a 01 ff")),
};

for (const [what, bytes] of Object.entries(MALFORMED)) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => decodeLogs(bytes),
      (error: AgentError) =>
        error.code === "otlp.malformed" && error.permanent && /byte \d+/.test(error.message),
    );
  });
}

test("takes the replacement character for what it is", () => {
  const [record] = decodeLogs(withRecord(hex("1a 03 ef bf bd"))).records;
  assert.equal(record!.severityText, "\ufffd");
});

test("passes over fields that it does not know", () => {
  const unknown = hex("a2 06 02 00 00  a8 06 ff ff ff ff ff ff ff ff ff 01");
  const unknownFixed = hex("b1 06 01 02 03 04 05 06 07 08  bd 06 01 02 03 04");
  const record = Buffer.concat([unknown, hex("1a 01 41"), unknownFixed]);
  assert.equal(decodeLogs(withRecord(record)).records[0]!.severityText, "A");
});

test("whatever the bytes, the decoders end with records or one of their two errors", () => {
  const valid = logsData.map((message) => oracleEncode(message));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated(valid)), (bytes) => {
      settles(() => decodeLogs(bytes));
      settles(() => decodeLogsJson(bytes));
    }),
    { numRuns: 2000 },
  );
});

test("whatever the text, the JSON decoder ends with records or one of its two errors", () => {
  const valid = logsData.map((message) => {
    return new TextEncoder().encode(toOtlpJson(decodeLogs(oracleEncode(message)).records));
  });
  const anyJson = fc.json().map((text) => new TextEncoder().encode(`{"resourceLogs":${text}}`));
  fc.assert(
    fc.property(fc.oneof(mutated(valid), anyJson), (bytes) => settles(() => decodeLogsJson(bytes))),
    { numRuns: 2000 },
  );
});

test("an error never quotes the message", () => {
  const secret = "correct horse battery staple";
  const bad = [
    `{"resourceLogs": [${secret}]}`,
    `{"resourceLogs": "${secret}"}`,
    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"${secret}"}]}]}]}`,
    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"intValue":"${secret}"}}]}]}]}`,
  ];
  for (const text of bad) {
    assert.throws(
      () => decodeLogsJson(Buffer.from(text)),
      (error: Error) => !/horse|battery/.test(error.message) && error.cause === undefined,
    );
  }
});

/** A value of arrays in arrays: `depth` levels, the innermost a number. */
function nested(depth: number): Message {
  let value: Message = { intValue: 1 };
  for (let level = 1; level < depth; level++) value = { arrayValue: { values: [value] } };
  return value;
}

const both = (logRecords: Message[], limits?: DecodeLimits) => {
  const message = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] };
  const json = Buffer.from(JSON.stringify(message));
  // The oracle nests less deep than we do, so the bytes are our own.
  const bytes = encodeLogsData(decodeLogsJson(json, STORED_DECODE_LIMITS).records);
  return [decodeLogs(bytes, limits), decodeLogsJson(json, limits)];
};

test("a record nested too deeply is left out and counted, the others stay", () => {
  const { nestingDepthMax } = DEFAULT_DECODE_LIMITS;
  const deepest = { body: nested(nestingDepthMax) };
  const tooDeep = { attributes: [{ key: "k", value: nested(nestingDepthMax + 1) }] };
  for (const decoded of both([deepest, tooDeep, { severityText: "last" }, tooDeep])) {
    assert.equal(decoded.records.length, 2);
    assert.equal(decoded.records[1]!.severityText, "last");
    assert.equal(decoded.rejectedRecords, 2);
    assert.match(decoded.rejectedReason, /deeper than 64 levels/);
  }
});

test("records and values beyond their number are left out and counted", () => {
  const attributes = ["a", "b", "c"].map((key) => ({ key, value: { boolValue: true } }));
  const limits = { nestingDepthMax: 4, recordsMax: 2, valuesPerRecordMax: 2 };
  for (const decoded of both([{ attributes }, {}, {}, {}], limits)) {
    assert.equal(decoded.records.length, 2);
    assert.equal(decoded.rejectedRecords, 2);
    assert.match(decoded.rejectedReason, /more than 2 values/);
  }
});

test("a resource beyond the limits refuses the message", () => {
  const resource = { attributes: [{ key: "k", value: nested(9) }] };
  const message = { resourceLogs: [{ resource, scopeLogs: [] }] };
  const limits = { ...DEFAULT_DECODE_LIMITS, nestingDepthMax: 8 };
  for (const decode of [
    () => decodeLogs(oracleEncode(message), limits),
    () => decodeLogsJson(Buffer.from(JSON.stringify(message)), limits),
  ]) {
    assert.throws(decode, (error: AgentError) => error.code === "otlp.limit_exceeded");
  }
});

test("a bomb of brackets is refused before it is parsed", () => {
  const brackets = Buffer.alloc(5_000_000, "[");
  assert.throws(() => decodeLogsJson(brackets), /otlp|deeper than/i);
  const objects = Buffer.from('{"a":'.repeat(1_000_000));
  assert.throws(() => decodeLogsJson(objects), /deeper than/);
});

test("the encoders refuse a value that no decoder would read", () => {
  let body: unknown[] = [];
  for (let level = 0; level < 300; level++) body = [body];
  const record = { ...decodeLogs(withRecord(hex(""))).records[0]!, body } as never;
  for (const encode of [() => encodeLogsData([record]), () => toOtlpJson([record])]) {
    assert.throws(encode, (error: AgentError) => error.code === "otlp.limit_exceeded");
  }
});

function settles(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error));
    assert.match(error.code, /^otlp\.(malformed|limit_exceeded)$/);
  }
}

/** Valid bytes with a few of them changed, cut off or doubled. */
function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ place: fc.nat(), value: fc.nat({ max: 255 }), kind: fc.nat(3) });
  return fc.tuple(valid, fc.array(change, { minLength: 1, maxLength: 4 })).map(([bytes, list]) => {
    let result: Buffer = Buffer.from(bytes);
    for (const { place, value, kind } of list) {
      if (result.length === 0) break;
      const at = place % result.length;
      if (kind === 0) result = result.subarray(0, at);
      else if (kind === 1) result = Buffer.concat([result.subarray(0, at), result]);
      else result[at] = value;
    }
    return result;
  });
}
