import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { LogRecord } from "../../../src/data/log_record.ts";
import { parseAgeRecipient } from "../../../src/lib/age/age_file.ts";
import { systemRandom } from "../../../src/lib/system_clock.ts";
import { encodeSingleRecord, SingleRecordAppender } from "../../../src/otlp/single_record.ts";
import { BlockBuilder, openBlock } from "./block.ts";
import { hashLeaf, treeRoot } from "./merkle.ts";

const identity = await generateX25519Identity();
const recipient = parseAgeRecipient(await identityToRecipient(identity))!;
const decrypter = new Decrypter();
decrypter.addIdentity(identity);
const appender = new SingleRecordAppender();

const records = (count: number): LogRecord[] =>
  Array.from({ length: count }, (_, index) => {
    return new LogRecord({
      hrTime: [1_700_000_000 + index, 999_999_999],
      body: `line ${index} ${"x".repeat(index % 40)}`,
    });
  });

async function seal(list: readonly LogRecord[]) {
  const builder = new BlockBuilder(appender, systemRandom);
  for (const record of list) builder.append(record);
  const sealed = builder.seal([recipient], systemRandom);
  return { sealed, compressed: await decrypter.decrypt(sealed.bytes) };
}

test("gives back the OTLP bytes of the records in their order, with the root", async () => {
  for (const count of [1, 2, 3, 7, 8, 100, 255, 256, 257]) {
    const list = records(count);
    const { sealed, compressed } = await seal(list);
    const opened = openBlock(compressed)!;
    assert.equal(sealed.count, count);
    assert.ok(opened.root.equals(sealed.root));
    assert.deepEqual(
      opened.records.map((bytes) => Buffer.from(bytes)),
      list.map((record) => Buffer.from(encodeSingleRecord(record))),
    );
  }
});

test("has the root of RFC 6962 over leaves salted with the key stream of its secret", async () => {
  const { sealed, compressed } = await seal(records(77));
  const plaintext = zstdDecompressSync(compressed);
  const cipher = createCipheriv(
    "aes-256-ctr",
    plaintext.subarray(0, 32),
    plaintext.subarray(32, 48),
  );
  const salts = cipher.update(Buffer.alloc(77 * 16));
  const leaves = openBlock(compressed)!.records.map((record, index) =>
    hashLeaf(Buffer.concat([salts.subarray(index * 16, index * 16 + 16), record])),
  );
  assert.ok(treeRoot(leaves).equals(sealed.root));
});

test("tells the earliest and latest time of its records, observed or their own", async () => {
  const { sealed } = await seal([
    new LogRecord({ hrTimeObserved: [5, 1_999_999] }),
    new LogRecord({ hrTime: [7, 0], hrTimeObserved: [100, 0] }),
    new LogRecord({ hrTime: [6, 0] }),
  ]);
  assert.deepEqual(sealed.timeBoundsMs, [5001, 7000]);
  assert.deepEqual((await seal([new LogRecord({})])).sealed.timeBoundsMs, [0, 0]);
});

test("never has the same root twice for the same records", async () => {
  const [first, second] = [await seal(records(3)), await seal(records(3))];
  assert.ok(!first.sealed.root.equals(second.sealed.root));
});

test("is not opened when its content is not whole", async () => {
  const { compressed } = await seal(records(3));
  const broken = Buffer.from(compressed);
  assert.equal(openBlock(broken.subarray(0, -1)), undefined);
  assert.equal(openBlock(Buffer.from("not zstd")), undefined);
});
