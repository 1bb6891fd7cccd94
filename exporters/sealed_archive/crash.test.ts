/**
 * Crashes at every operation on a file. The real file system is used; between any two operations a
 * copy of the archive and of the state is taken, which is what a crash at that moment leaves: once
 * with everything that was written, once without what no fsync had made durable.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, rmSync, statSync, truncateSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { interceptFiles } from "./intercept_files.ts";
import { judgeCheckpoint, LogFiles } from "./reader/log_files.ts";
import { verifyArchive } from "./reader/verify_archive.ts";
import {
  allIdentities,
  close,
  divided,
  numbered,
  openTestArchive,
  range,
  readNumbers,
  TWO_ZONES,
  testConfig,
} from "./testing.ts";

const TOTAL = 40;
const HOUR_MS = 3_600_000;
const crashTitle = "a crash between any two file operations loses and doubles nothing";

for (const [where, changes] of [
  ["short epochs", { block: { max_records: 7 }, epoch_interval: "30ms" }],
  ["two zones", { ...TWO_ZONES, block: { max_records: 3 } }],
  ["deletions", { segment: { rotate: "1h" }, retention: "90m" }],
] as const) {
  test(`${crashTitle}, with ${where}`, (t) => crashEverywhere(t, changes));
}

/** Some blocks fill up while one of the other zone, with earlier records, is still open. */
const batch = (from: number, to: number): LogBatch =>
  divided(numbered(from, to), (number) => number % 3 === 0 || number % 10 > 7);

async function crashEverywhere(t: TestContext, special: object): Promise<void> {
  const root = await temporaryDirectory(t);
  const copies = await temporaryDirectory(t);
  // With deletions each batch comes an hour after the one before.
  const isDeleting = "retention" in special;
  let offsetMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + offsetMs };
  const settings = await testSettings(t, { type: "sealed_archive", root, clock });
  const directory = join(root, "archive");
  const changes = { segment: { max_bytes: 65_536 }, ...special };
  const crashes: { path: string; acknowledged: number }[] = [];
  const syncedSizes = new Map<string, number>();
  let acknowledged = 0;
  let operations = 0;
  const crash = (): void => {
    // Deletions add many operations of the kinds that the other runs have.
    if (isDeleting && ++operations % 3 > 0) return;
    for (const isLost of [false, true]) {
      const path = join(copies, String(crashes.length));
      cpSync(root, path, { recursive: true, filter: (name) => !/\/(lock|.*\.sock)$/.test(name) });
      crashes.push({ path, acknowledged });
      if (!isLost) continue;
      for (const [file, sizeBytes] of syncedSizes) {
        const copy = file.replace(root, path);
        if (existsSync(copy) && statSync(copy).size > sizeBytes) truncateSync(copy, sizeBytes);
      }
    }
  };
  const restore = await interceptFiles(crash, (path, size) => syncedSizes.set(path, size));
  try {
    for (const from of [0, TOTAL / 2]) {
      const archive = await openTestArchive(t, testConfig(directory, changes), settings);
      for (let next = from; next < from + TOTAL / 2; next += 10) {
        await archive.consumeLogs(batch(next, next + 10));
        acknowledged = next + 10;
        if (isDeleting) offsetMs += HOUR_MS;
      }
      await close(archive);
    }
  } finally {
    restore();
  }
  t.diagnostic(`${crashes.length} crashes`);
  assert.ok(crashes.length > 100);
  const notes = await readdir(join(directory, "epochs"));
  const ends = "epoch_interval" in special || isDeleting;
  assert.equal(notes.includes("0.note"), ends, "epochs came to an end");
  const segments = await readdir(join(directory, "blocks/default"));
  assert.equal(segments.includes("00000001.blk"), !isDeleting, "segments were deleted");

  for (const { path, acknowledged: promised } of crashes) {
    const archive = join(path, "archive");
    const kept = await keptCheckpoint(archive);
    const restarted = await testSettings(t, { type: "sealed_archive", root: path, clock });
    const recovered = await openTestArchive(t, testConfig(archive, changes), restarted);
    // What was acknowledged is never delivered again, so it must have survived.
    if (promised < TOTAL) await recovered.consumeLogs(batch(promised, TOTAL));
    await close(recovered);
    const numbers = await readNumbers(archive);
    if ("zones" in special) numbers.sort((a, b) => a - b);
    const options = { archive, identities: allIdentities(), kept, clock: systemClock };
    const { findings, deleted } = await verifyArchive(options);
    assert.deepEqual(findings, [], path);
    assert.deepEqual(numbers, range(deleted.records, TOTAL), path);
    if (!isDeleting) assert.equal(deleted.records, 0);
    rmSync(path, { recursive: true });
  }
}

/** What was signed before the crash must be the beginning of what is signed after it. */
async function keptCheckpoint(archive: string) {
  const note = await readFile(join(archive, "log", "checkpoint")).catch(() => undefined);
  if (note === undefined) return undefined;
  const verifier = await new LogFiles(archive).readVerifier();
  const { checkpoint, problem } = judgeCheckpoint(note, verifier);
  assert.equal(problem, undefined);
  return checkpoint;
}
