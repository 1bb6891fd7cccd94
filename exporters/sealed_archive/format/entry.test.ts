import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, parseCanonicalJson } from "./canonical_json.ts";
import type { BlockEntry } from "./entry.ts";
import { DROPPED_RANGES_MAX, ENTRY_SIZE_BYTES_MAX, encodeEntry, parseEntry } from "./entry.ts";

const block: BlockEntry = {
  type: "block",
  v: 1,
  at: 1_700_000_000_000,
  zone: "default",
  seg: "00000001",
  off: 0,
  len: 35_455,
  sha256: "ab".repeat(32),
  inner: { n: 2048, root: Buffer.alloc(32, 1).toString("base64") },
  seq: [0, 2047],
  t: [1, 2],
};
const text = encodeEntry(block).toString();

test("writes keys in order, without spaces and without what is not there", () => {
  assert.equal(
    text,
    `{"at":1700000000000,"inner":{"n":2048,"root":"${block.inner.root}"},"len":35455,"off":0,` +
      `"seg":"00000001","seq":[0,2047],"sha256":"${block.sha256}","t":[1,2],"type":"block",` +
      `"v":1,"zone":"default"}`,
  );
  assert.deepEqual(parseEntry(Buffer.from(text)), block);
});

test("stays below 4 KiB with as many dropped ranges as an entry may have", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const dropped = Array.from({ length: DROPPED_RANGES_MAX }, () => {
    return ["f".repeat(32), most - 1, most] as [string, number, number];
  });
  assert.ok(encodeEntry({ ...block, dropped }).length < ENTRY_SIZE_BYTES_MAX);
});

test("refuses every other writing of the same values", () => {
  for (const other of [
    ` ${text}`,
    `${text}\n`,
    text.replace('"off":0', '"off":0,"off":0'),
    text.replace('"off":0', '"off":0.0'),
    text.replace('"off":0', '"off":-0'),
    text.replace('"off":0', '"off":0e0'),
    text.replace('"v":1', '"v": 1'),
    text.replace("default", "\\u0064efault"),
    text.replace(/"at":(\d+),(.*)\}$/, '$2,"at":$1}'),
    text.replace('"off":0', '"off":null'),
    text.replace('"off":0', '"off":9007199254740993'),
  ]) {
    assert.notEqual(other, text);
    assert.equal(parseEntry(Buffer.from(other)).type, "malformed", other);
  }
  assert.equal(parseEntry(Buffer.from([0xff, 0xfe])).type, "malformed");
});

test("refuses names that would lead out of the archive", () => {
  for (const seg of ["../x", "1", "0000000a", "00000001/..", "000000001"]) {
    assert.equal(parseEntry(Buffer.from(text.replace("00000001", seg))).type, "malformed", seg);
  }
  for (const zone of ["..", "", "a/b", "A", ".", "a".repeat(33)]) {
    assert.equal(parseEntry(Buffer.from(text.replace("default", zone))).type, "malformed", zone);
  }
});

test("lets later versions add kinds of entries and fields", () => {
  assert.equal(parseEntry(Buffer.from('{"type":"tomorrow","v":1}')).type, "unknown");
  assert.equal(parseEntry(Buffer.from('{"type":"block","v":2}')).type, "unknown");
  assert.equal(parseEntry(Buffer.from('{"v":2}')).type, "malformed");
  const withField = text.replace('{"at"', '{"a":["later"],"at"');
  assert.deepEqual(parseEntry(Buffer.from(withField)), block);
});

test("has one canonical writing for each value, and reads only that", () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.string({ unit: "binary" }),
      fc.maxSafeNat(),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value as fc.Arbitrary<Parameters<typeof canonicalJson>[0]>;
  fc.assert(
    fc.property(value, (sample) => {
      const written = canonicalJson(sample);
      assert.equal(canonicalJson(parseCanonicalJson(written)!), written);
      assert.equal(parseCanonicalJson(`${written} `), undefined);
    }),
  );
});
