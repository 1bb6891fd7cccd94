/** Retention and legal holds: what is deleted when, and what the log and its verifier say of it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { readEntries, writeLog } from "./forger.ts";
import type { Entry, EntryRequest } from "./format/entry.ts";
import { encodeEntry, parseEntry } from "./format/entry.ts";
import type { NoteSigner } from "./format/note.ts";
import { parseSigningKey } from "./format/note.ts";
import { recordEntry } from "./record_entry.ts";
import type { SealedArchive } from "./sealed_archive.ts";
import {
  AUDIT_RECIPIENT,
  close,
  divided,
  numbered,
  openTestArchive,
  range,
  readNumbers,
  readZones,
  testConfig,
  verify,
} from "./testing.ts";

const DAY_MS = 86_400_000;

async function place(t: TestContext, changes: object = {}) {
  const root = await temporaryDirectory(t);
  const directory = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const stateDirectory = await settings.stateDirectory();
  const time = { offsetMs: 0 };
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + time.offsetMs };
  const config = testConfig(directory, { segment: { rotate: "1h" }, retention: "30d", ...changes });
  const open = (): Promise<SealedArchive> => openTestArchive(t, config, { ...settings, clock });
  const segments = async (zone = "default"): Promise<string[]> => {
    const names = await readdir(join(directory, "blocks", zone));
    return names.filter((name) => name.endsWith(".blk")).sort();
  };
  const hold = (changes: object): Promise<{ index: number }> => {
    const common = { type: "hold", action: "add", case: "A", who: "ada", reason: "court" };
    const entry = { ...common, ...changes } as EntryRequest;
    return recordEntry({ config, stateDirectory, entry });
  };
  const logKey = (): NoteSigner =>
    parseSigningKey(readFileSync(join(stateDirectory, "log.key"), "utf8"));
  return { root, directory, config, time, open, segments, hold, logKey };
}

type Place = Awaited<ReturnType<typeof place>>;

/** One segment for each of the days, an hour after each other, that of the last day open. */
async function sealDays(at: Place, archive: SealedArchive, ...days: number[]): Promise<void> {
  for (const day of days) {
    await archive.consumeLogs(numbered(day * 10, day * 10 + 10));
    at.time.offsetMs += DAY_MS;
  }
}

async function published(at: Place, numbers: number[]): Promise<void> {
  await waitUntil("it is published", async () => {
    return (await readNumbers(at.directory)).join() === numbers.join();
  });
}

test("a segment is deleted when its time is over, and the log says so", async (t) => {
  const at = await place(t);
  const archive = await at.open();
  await sealDays(at, archive, 0, 1, 2);
  assert.deepEqual(await at.segments(), ["00000001.blk", "00000002.blk", "00000003.blk"]);
  at.time.offsetMs += 28.5 * DAY_MS;
  await waitUntil("the first two are gone", async () => (await at.segments()).length === 1);
  await archive.consumeLogs(numbered(30, 40));
  await published(at, range(20, 40));
  const { findings, deleted, entries, records, silences } = await verify(at.directory);
  assert.deepEqual(findings, []);
  assert.deepEqual(deleted, { segments: 2, blocks: 2, records: 20 });
  // The test's clock jumped three times a day forward, and then by weeks.
  assert.equal(silences.length, 3);
  assert.ok(silences.every(({ fromMs, toMs }) => toMs - fromMs > 0.9 * DAY_MS));
  assert.equal(entries.retain, 2);
  assert.equal(records, 40);
  await close(archive);
  const again = await at.open();
  await again.consumeLogs(numbered(40, 50));
  await close(again);
  assert.deepEqual((await verify(at.directory)).findings, []);
  assert.deepEqual(await readNumbers(at.directory), range(20, 50));
});

test("an archive of which everything is deleted goes on", async (t) => {
  const at = await place(t);
  const archive = await at.open();
  await sealDays(at, archive, 0);
  at.time.offsetMs += 30 * DAY_MS;
  await waitUntil("all is gone", async () => (await at.segments()).length === 0);
  await close(archive);
  assert.deepEqual(await readNumbers(at.directory), []);
  const again = await at.open();
  await sealDays(at, again, 1);
  await close(again);
  assert.deepEqual(await at.segments(), ["00000002.blk"]);
  assert.deepEqual((await verify(at.directory)).findings, []);
});

test("each zone has its own time", async (t) => {
  const audit = { recipients: [AUDIT_RECIPIENT], retention: "365d" };
  const at = await place(t, { zones: { audit } });
  const archive = await at.open();
  await archive.consumeLogs(divided(numbered(0, 20), (number) => number % 2 === 0));
  at.time.offsetMs += 31 * DAY_MS;
  await waitUntil("default is gone", async () => (await at.segments()).length === 0);
  await close(archive);
  assert.deepEqual(await at.segments("audit"), ["00000001.blk"]);
  assert.deepEqual((await readZones(at.directory)).get("audit")?.length, 10);
  assert.deepEqual((await verify(at.directory)).findings, []);
});

test("a hold stops deletion of what it is about, until it is released", async (t) => {
  const at = await place(t);
  const archive = await at.open();
  // The times of the records, not of the sealing: numbers 10 to 19.
  await at.hold({ since: 1_700_000_012_000, until: 1_700_000_014_000, zone: "default" });
  await assert.rejects(at.hold({}), { code: "archive.entry_refused" });
  await assert.rejects(at.hold({ action: "release", case: "B" }), {
    code: "archive.entry_refused",
  });
  await sealDays(at, archive, 0, 1, 2);
  at.time.offsetMs += 40 * DAY_MS;
  await waitUntil("two are gone", async () => (await at.segments()).length === 1);
  await close(archive);
  assert.deepEqual(await at.segments(), ["00000002.blk"]);
  const again = await at.open();
  await sealDays(at, again, 3);
  await published(at, [...range(10, 20), ...range(30, 40)]);
  await at.hold({ action: "release" });
  await waitUntil("it is gone, too", async () => {
    const names = await at.segments();
    return !names.includes("00000002.blk");
  });
  await close(again);
  const { findings, statements } = await verify(at.directory);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    statements.map(({ entry }) => entry.type === "hold" && entry.action),
    ["add", "release"],
  );
});

test("a file that a crash left after its entry is deleted after the next start", async (t) => {
  const at = await place(t);
  const archive = await at.open();
  await sealDays(at, archive, 0, 1);
  const kept = join(at.root, "kept");
  await cp(join(at.directory, "blocks"), kept, { recursive: true });
  at.time.offsetMs += 28.5 * DAY_MS;
  await waitUntil("one is gone", async () => (await at.segments()).length === 1);
  await close(archive);
  await cp(
    join(kept, "default", "00000001.blk"),
    join(at.directory, "blocks/default/00000001.blk"),
  );
  assert.deepEqual((await verify(at.directory)).findings, []);
  assert.deepEqual(await readNumbers(at.directory), range(10, 20), "it counts as deleted");
  await close(await at.open());
  assert.deepEqual(await at.segments(), ["00000002.blk"]);
});

test("deletions that nobody stated, or that a hold or the time forbids, are seen", async (t) => {
  const at = await place(t);
  const archive = await at.open();
  await sealDays(at, archive, 0, 1, 2);
  await archive.consumeLogs(numbered(30, 35));
  await at.hold({ zone: "default" });
  await close(archive);
  const entries = (await readEntries(at.directory)).map((bytes) => parseEntry(bytes) as Entry);
  const reasons = async (edit?: Entry): Promise<string> => {
    const copy = join(at.root, "copy");
    await cp(at.directory, copy, { recursive: true });
    await rm(join(copy, "blocks/default/00000001.blk"));
    if (edit !== undefined) {
      await writeLog(copy, [...entries, edit].map(encodeEntry), at.logKey());
    }
    const { findings } = await verify(copy);
    await rm(copy, { recursive: true });
    return findings.map(({ reason }) => reason).join("\n");
  };
  assert.match(await reasons(), /^the segment is missing/);
  const retain = { type: "retain", v: 1, at: entries.at(-1)!.at, zone: "default" } as const;
  assert.match(
    await reasons({ ...retain, seg: "00000001", after_ms: 1 }),
    /it deletes what is held for the case 'A'/,
  );
  const release = { type: "hold", v: 1, at: retain.at, action: "release", case: "A" } as const;
  entries.push({ ...release, who: "ada", reason: "over" });
  assert.doesNotMatch(await reasons({ ...retain, seg: "00000001", after_ms: 1 }), /delete|missing/);
  assert.match(
    await reasons({ ...retain, seg: "00000001", after_ms: 90 * DAY_MS }),
    /before the time that it states is over/,
  );
  assert.match(await reasons({ ...retain, seg: "00000004", after_ms: 1 }), /which is not closed/);
  assert.match(await reasons({ ...retain, seg: "00000009", after_ms: 1 }), /which is not there/);
});
