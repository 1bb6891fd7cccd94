/** Erasing records out of sealed blocks: what is gone, what still verifies, and who may. */
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemClock, systemRandom } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { readEntries, writeLog } from "./forger.ts";
import type { Entry, RedactEntry } from "./format/entry.ts";
import { encodeEntry, parseEntry } from "./format/entry.ts";
import { encodeSigningKey, parseSigningKey, signNote } from "./format/note.ts";
import type { NumberRange } from "./format/number_ranges.ts";
import { openRedacted } from "./format/redacted_block.ts";
import { formatOrder, parseOrder } from "./format/redaction_order.ts";
import { interceptFiles } from "./intercept_files.ts";
import { proveRecord } from "./proof/prove_record.ts";
import { recordEntry } from "./record_entry.ts";
import { redact } from "./redact.ts";
import {
  auditIdentities,
  close,
  identities,
  numbered,
  ORIGIN,
  openTestArchive,
  range,
  readNumbers,
  testConfig,
  verify,
} from "./testing.ts";

const AUTHORITY = parseSigningKey(encodeSigningKey("privacy-office", Buffer.alloc(32, 1)));
const STRANGER = parseSigningKey(encodeSigningKey("privacy-office", Buffer.alloc(32, 2)));

const orderOf = (records: NumberRange[], changes: object = {}, signer = AUTHORITY): string => {
  const order = { origin: ORIGIN, zone: "default", records, reason: "court order 12", ...changes };
  return signNote(formatOrder(order), signer);
};

/** Records 0 to 29 in three blocks of a closed segment, 30 to 34 in an open one. */
async function place(t: TestContext) {
  const root = await temporaryDirectory(t);
  const directory = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const stateDirectory = await settings.stateDirectory();
  const config = testConfig(directory, {
    segment: { rotate: "1h" },
    redaction_authorities: [AUTHORITY.verifier.vkey],
  });
  let offsetMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + offsetMs };
  const archive = await openTestArchive(t, config, { ...settings, clock });
  await archive.consumeLogs(numbered(0, 30));
  offsetMs = 3_600_000;
  await waitUntil("the segment is closed", async () => {
    return (await readdir(join(directory, "blocks/default"))).includes("SHA256SUMS");
  });
  await archive.consumeLogs(numbered(30, 35));
  await waitUntil("all is published", async () => {
    return (await readNumbers(directory).catch(() => [])).length === 35;
  });
  const apply = (order: string, keys = identities()) =>
    redact({ config, stateDirectory, order, identities: keys, random: systemRandom });
  const files = async (): Promise<string[]> =>
    (await readdir(join(directory, "blocks/default"))).filter((name) => name.endsWith(".blk"));
  const logKey = () => parseSigningKey(readFileSync(join(stateDirectory, "log.key"), "utf8"));
  return { root, directory, config, stateDirectory, archive, apply, files, logKey };
}

test("a record is erased, and everything else still verifies and reads", async (t) => {
  const at = await place(t);
  const done = await at.apply(
    orderOf([
      [3, 3],
      [8, 12],
    ]),
  );
  assert.deepEqual(
    done.map(({ records }) => records),
    [3, 3],
  );
  const left = [...range(0, 3), ...range(4, 8), ...range(13, 35)];
  assert.deepEqual(await readNumbers(at.directory), left);
  const { findings, redacted, statements } = await verify(at.directory);
  assert.deepEqual(findings, []);
  assert.deepEqual(redacted, { blocks: 2, records: 6, unfinished: 0 });
  assert.deepEqual(
    statements.map(({ entry }) => entry.type),
    ["authorities", "redact", "redact"],
  );
  assert.deepEqual(
    await at.apply(
      orderOf([
        [3, 3],
        [8, 12],
      ]),
    ),
    [],
    "it is done already",
  );
  await at.apply(
    orderOf([
      [5, 6],
      [20, 29],
    ]),
  );
  assert.deepEqual(
    await readNumbers(at.directory),
    left.filter((n) => n < 5 || (n > 6 && n < 20) || n > 29),
  );
  await close(at.archive);
  const again = await verify(at.directory);
  assert.deepEqual(again.findings, []);
  assert.deepEqual(again.redacted, { blocks: 3, records: 18, unfinished: 0 });
  const names = (await at.files()).map((name) => name.replace(/[0-9a-f]{16}\.blk$/, "*"));
  assert.deepEqual(names.sort(), [
    "00000001-2-*",
    "00000001-3-*",
    "00000001-4-*",
    "00000001.blk",
    "00000002.blk",
  ]);
});

test("works without the agent, which starts again over what it finds", async (t) => {
  const at = await place(t);
  await close(at.archive);
  await at.apply(orderOf([[0, 0]]));
  assert.deepEqual((await verify(at.directory)).findings, []);
  const settings = await testSettings(t, { type: "sealed_archive", root: at.root });
  const archive = await openTestArchive(t, at.config, settings);
  await archive.consumeLogs(numbered(30, 40));
  await close(archive);
  assert.deepEqual(await readNumbers(at.directory), range(1, 40));
  assert.deepEqual((await verify(at.directory)).findings, []);
});

test("what is left has no secret from which the erased record's salt would follow", async (t) => {
  const at = await place(t);
  const entries = (await readEntries(at.directory)).map((bytes) => parseEntry(bytes));
  const block = entries.find((entry) => entry.type === "block")!;
  assert.ok(block.type === "block");
  await at.apply(orderOf([[3, 3]]));
  const name = (await at.files()).find((found) => found.startsWith("00000001-2-"))!;
  const file = await readFile(join(at.directory, "blocks/default", name));
  const items = openRedacted(await identities().decrypt(file))!;
  assert.equal(items.length, 10);
  assert.deepEqual(Object.keys(items[3]!), ["leaf"]);
  for (const item of items) if ("salt" in item) assert.equal(item.salt.length, 16);
  const segment = await readFile(join(at.directory, "blocks/default/00000001.blk"));
  const bytes = segment.subarray(block.off, block.off + block.len);
  assert.ok(
    bytes.every((byte) => byte === 0),
    "the old block is overwritten",
  );
});

test("what is left of a block can be proven as before, what is erased cannot", async (t) => {
  const at = await place(t);
  const prove = (sequence: number): Promise<string> => {
    const options = { archive: at.directory, zone: "default", sequence, disclose: true };
    return proveRecord({ ...options, identities: identities() });
  };
  const before = await prove(4);
  await at.apply(orderOf([[3, 3]]));
  const partOf = (proof: string): string => /^extra (.*)$/m.exec(proof)![1]!;
  assert.equal(partOf(await prove(4)), partOf(before));
  await assert.rejects(prove(3), { code: "archive.unreadable", message: /erased by an authority/ });
});

test("when the segment's time is over, what stands in its blocks' place goes, too", async (t) => {
  const at = await place(t);
  await at.apply(orderOf([[3, 3]]));
  await close(at.archive);
  const settings = await testSettings(t, { type: "sealed_archive", root: at.root });
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 10 * 3_600_000 };
  const config = { ...at.config, retention: 3_600_000 };
  const archive = await openTestArchive(t, config, { ...settings, clock });
  await waitUntil("all is gone", async () => (await at.files()).length === 0);
  await close(archive);
  const { findings, redacted, deleted } = await verify(at.directory);
  assert.deepEqual(findings, []);
  assert.deepEqual(redacted, { blocks: 0, records: 0, unfinished: 0 });
  assert.equal(deleted.records, 35);
  assert.deepEqual(await readNumbers(at.directory), []);
});

test("only an authority of the log can order it, and only what can be erased", async (t) => {
  const at = await place(t);
  const refused = (order: string, message: RegExp, keys = identities()) =>
    assert.rejects(at.apply(order, keys), { code: "archive.entry_refused", message });
  await refused(orderOf([[3, 3]], {}, STRANGER), /no authority/);
  await refused(orderOf([[3, 3]], { origin: "example.com/other" }), /about example.com.other/);
  await refused(orderOf([[31, 31]]), /not closed/);
  await refused("x", /no redaction order/);
  await assert.rejects(at.apply(orderOf([[3, 3]]), auditIdentities()), {
    code: "archive.wrong_identity",
  });
  const { config, stateDirectory } = at;
  const hold = { type: "hold", case: "A", who: "ada", reason: "court" } as const;
  await recordEntry({ config, stateDirectory, entry: { ...hold, action: "add" } });
  await waitUntil("the hold is published", async () => {
    const entries = (await readEntries(at.directory)).map((bytes) => parseEntry(bytes).type);
    return entries.includes("hold");
  });
  await refused(orderOf([[3, 3]]), /held for the case 'A'/);
  // The agent itself looks, too, whatever the command does.
  const entry = { type: "redact", zone: "default", seg: "00000001", block: 2, len: 1 } as const;
  const rest = { removed: [[3, 3]] as [number, number][], sha256: "ab".repeat(32) };
  await assert.rejects(
    recordEntry({ config, stateDirectory, entry: { ...entry, ...rest, order: orderOf([[4, 4]]) } }),
    { code: "archive.entry_refused", message: /more than was ordered/ },
  );
  assert.deepEqual((await at.files()).sort(), ["00000001.blk", "00000002.blk"]);
});

test("a redaction that nobody ordered, or of more, or that was changed, is seen", async (t) => {
  const at = await place(t);
  await at.apply(orderOf([[3, 3]]));
  await close(at.archive);
  const entries = (await readEntries(at.directory)).map((bytes) => parseEntry(bytes) as Entry);
  const index = entries.findIndex(({ type }) => type === "redact");
  const entry = entries[index] as RedactEntry;
  const reasons = async (change: (archive: string) => Promise<unknown>): Promise<string> => {
    const copy = join(at.root, "copy");
    await cp(at.directory, copy, { recursive: true });
    await change(copy);
    const { findings } = await verify(copy);
    await rm(copy, { recursive: true });
    return findings.map(({ reason }) => reason).join("\n");
  };
  const edited = (edit: Partial<RedactEntry>) =>
    reasons((copy) => {
      const changed = entries.with(index, { ...entry, ...edit });
      return writeLog(copy, changed.map(encodeEntry), at.logKey());
    });
  const name = (await at.files()).find((found) => found.startsWith("00000001-2-"))!;
  const file = join("blocks/default", name);
  assert.match(await edited({ order: orderOf([[3, 3]], {}, STRANGER) }), /no authority/);
  assert.match(await edited({ order: orderOf([[4, 4]]) }), /erases more than was ordered/);
  assert.match(await edited({ removed: [[3, 4]], order: orderOf([[3, 4]]) }), /other records are/);
  assert.match(await edited({ order: orderOf([[3, 3]], { zone: "audit" }) }), /another zone/);
  assert.match(await reasons((copy) => rm(join(copy, file))), /in the place of a redacted block/);
  assert.match(
    await reasons(async (copy) => {
      const bytes = await readFile(join(copy, file));
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(join(copy, file), bytes);
    }),
    /in the place of a redacted block/,
  );
  assert.match(
    await reasons((copy) =>
      writeLog(copy, entries.toSpliced(index, 1).map(encodeEntry), at.logKey()),
    ),
    /overwritten with zeros/,
  );
});

test("a command that was interrupted is finished by calling it again", async (t) => {
  const at = await place(t);
  const segment = join(at.directory, "blocks/default/00000001.blk");
  const before = await readFile(segment);
  await at.apply(orderOf([[3, 3]]));
  await close(at.archive);
  await writeFile(segment, before);
  const { findings, redacted } = await verify(at.directory);
  assert.deepEqual(findings, []);
  assert.equal(redacted.unfinished, 1);
  assert.deepEqual(await readNumbers(at.directory), [...range(0, 3), ...range(4, 35)]);
  assert.deepEqual(await at.apply(orderOf([[3, 3]])), []);
  assert.notDeepEqual(await readFile(segment), before);
  assert.equal((await verify(at.directory)).redacted.unfinished, 0);
});

test("a crash between any two operations is mended by calling it again", async (t) => {
  const at = await place(t);
  await at.apply(orderOf([[3, 3]]));
  await close(at.archive);
  const copies = await temporaryDirectory(t);
  let crashes = 0;
  const isNoLeftover = (name: string): boolean => !/\/(lock|copy|.*\.sock)$/.test(name);
  const restore = await interceptFiles(() => {
    cpSync(at.root, join(copies, String(crashes++)), { recursive: true, filter: isNoLeftover });
  });
  const order = orderOf([
    [3, 5],
    [12, 12],
  ]);
  await at.apply(order).finally(restore);
  assert.ok(crashes > 20);
  const left = [...range(0, 3), ...range(6, 12), ...range(13, 35)];
  for (let crash = 0; crash < crashes; crash++) {
    const root = join(copies, String(crash));
    const directory = join(root, "archive");
    const settings = await testSettings(t, { type: "sealed_archive", root });
    const stateDirectory = await settings.stateDirectory();
    const options = { config: { ...at.config, directory }, stateDirectory, order };
    await redact({ ...options, identities: identities(), random: systemRandom });
    const { findings, redacted } = await verify(directory);
    assert.deepEqual(findings, [], root);
    assert.deepEqual(redacted, { blocks: 2, records: 4, unfinished: 0 });
    assert.deepEqual(await readNumbers(directory), left);
  }
});

test("an order has one writing", () => {
  const order = {
    origin: ORIGIN,
    zone: "default",
    records: [
      [1, 1],
      [3, 5],
    ],
    reason: "x y",
  } as const;
  const text = formatOrder(order);
  assert.deepEqual(parseOrder(text), order);
  for (const other of [
    text.replace("1,3-5", "3-5,1"),
    text.replace("1,3-5", "01,3-5"),
    text.replace("1,3-5", "1,3-3"),
    text.replace("1,3-5", "1-3,3"),
    text.replace("reason x", "reason x\nreason"),
    text.trimEnd(),
    `${text}\n`,
  ]) {
    assert.equal(parseOrder(other), undefined, other);
  }
});
