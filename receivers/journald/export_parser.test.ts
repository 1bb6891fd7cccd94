import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { configSchema } from "./config.ts";
import type { JournalEntry } from "./export_parser.ts";
import { ExportParser } from "./export_parser.ts";
import { givenEntry, textField } from "./journal_record.ts";

const RECORDED = readFileSync(join(import.meta.dirname, "testdata/recorded.export"));

function parse(bytes: Buffer, sizeMax = 1 << 20): JournalEntry[] {
  return new ExportParser(sizeMax).push(bytes);
}

const record = (entry: JournalEntry, options: object = {}) =>
  givenEntry(entry, configSchema.parse(options));

/** A field as journald writes it; binary when it has to be. */
function field(name: string, value: Buffer): Buffer {
  if (!value.includes(0x0a)) return Buffer.concat([Buffer.from(`${name}=`), value, FEED]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, FEED]);
}
const FEED = Buffer.from("\n");

test("a recorded journal gives its entries, binary fields and repeated ones included", () => {
  const entries = parse(RECORDED);
  assert.equal(entries.length, 3);
  const [first, second, third] = entries.map((entry) => record(entry));
  assert.deepEqual(first!.hrTime, [1_732_774_500, 123_456_000]);
  assert.deepEqual([first!.severityNumber, first!.severityText], [9, "info"]);
  const body = first!.body as Record<string, unknown>;
  assert.equal(body.MESSAGE, "Accepted publickey for anna");
  assert.equal(body.__REALTIME_TIMESTAMP, undefined);
  assert.match(String(body.__CURSOR), /^s=[0-9a-f]{32};i=10;/);
  const more = second!.body as Record<string, unknown>;
  assert.equal(more.MESSAGE, "two\nlines");
  assert.deepEqual(more.TAG, ["a", "b"]);
  const raw = third!.body as Record<string, unknown>;
  assert.deepEqual(raw.MESSAGE, new Uint8Array(Buffer.from("\xff\xfe bytes", "latin1")));
  assert.equal(raw.EMPTY, "");
});

test("messages that are no text become text when that is asked for", () => {
  const { body } = record(parse(RECORDED)[2]!, { convert_message_bytes: true });
  assert.equal((body as Record<string, unknown>).MESSAGE, "\uFFFD\uFFFD bytes");
});

test("with semantic conventions the message is the body and the rest attributes", () => {
  const options = { convert_to_semantic_conventions: true, resource: { env: "test" } };
  const given = record(parse(RECORDED)[0]!, options);
  assert.equal(given.body, "Accepted publickey for anna");
  assert.deepEqual(given.resource, {
    ...{ env: "test", "process.pid": 4721, "host.name": "web-1", "process.command": "sshd" },
  });
  const { "journald.__CURSOR": cursor, ...attributes } = given.attributes!;
  assert.equal(cursor, textField(parse(RECORDED)[0]!, "__CURSOR"));
  assert.deepEqual(attributes, {
    "journald.__MONOTONIC_TIMESTAMP": "16000",
    "journald._BOOT_ID": "1b2c3d4e5f60718293a4b5c6d7e8f901",
    "syslog.msgid": "sshd",
    "syslog.pid": 4721,
  });
});

test("entries come out the same however the pipe cuts them", () => {
  const names = fc.constantFrom("MESSAGE", "A", "_B2", "__CURSOR");
  const values = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const entry = fc.array(fc.tuple(names, values), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 4 }), fc.array(fc.nat(600)), (entries, cuts) => {
      const bytes = Buffer.concat(
        entries.flatMap((fields) => [...fields.map(([name, value]) => field(name, value)), FEED]),
      );
      const parser = new ExportParser(1 << 20);
      const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length];
      ends.sort((a, b) => a - b);
      const parsed = ends.flatMap((end, index) =>
        parser.push(Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end))),
      );
      assert.deepEqual(
        parsed.map(({ fields }) => fields),
        entries,
      );
      assert.ok(parsed.every(({ isCut }) => !isCut));
    }),
    { numRuns: 500 },
  );
});

test("of a large entry the first bytes are kept, and the next one is whole", () => {
  const large = field("MESSAGE", Buffer.alloc(10_000, "x"));
  const bytes = Buffer.concat([field("A", Buffer.from("a")), large, FEED, RECORDED]);
  const [first, second] = parse(bytes, 1000);
  assert.equal(first!.isCut, true);
  assert.equal(textField(first!, "MESSAGE")!.length, 998);
  assert.equal(second!.isCut, false);
});

test("what is not the format is an error, and rubbish never anything else", () => {
  const code = "journald.malformed";
  for (const text of [
    "rubbish\n",
    "lower=1\n",
    `${"A".repeat(65)}=1\n`,
    "A\n\x01\0\0\0\0\0\0\0xy",
  ]) {
    assert.throws(() => parse(Buffer.from(text, "latin1")), { code });
  }
  assert.throws(() => parse(Buffer.from(`A\n${"\xff".repeat(8)}`, "latin1")), { code });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parse(Buffer.from(bytes));
      } catch (error) {
        assert.equal((error as { code?: string }).code, code);
      }
    }),
    { numRuns: 1000 },
  );
});
