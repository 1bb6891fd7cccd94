/**
 * Every file cut off at any byte: a write that the disk did not finish, or somebody who cuts. The
 * agent recovers, or says what is wrong and writes nothing; it never signs another root for a size
 * that it signed, and never has a record twice or without its acknowledgement.
 */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { AgentError } from "../../src/component/errors.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import type { Checkpoint } from "./format/checkpoint.ts";
import { judgeCheckpoint, LogFiles } from "./reader/log_files.ts";
import { verifyArchive } from "./reader/verify_archive.ts";
import { SealedArchive } from "./sealed_archive.ts";
import {
  allIdentities,
  keepAlive,
  numbered,
  openTestArchive,
  range,
  readNumbers,
  testConfig,
} from "./testing.ts";

/** Takes minutes; without it every few bytes. */
const EVERY_BYTE = process.env.TORN_FILES_EVERY_BYTE === "1";
const WHOLE = "whole";
/** What the agent says of a file that was cut off. */
const EXPECTED: readonly (readonly [file: RegExp, outcome: RegExp])[] = [
  [/\.blk$/, /^archive\.damaged$/],
  [/log\.vkey$/, /^archive\.foreign$/],
  // Without its last line, which is the epoch key's signature, it is still one of the log's key.
  [/log\/checkpoint$/, /^(archive\.damaged|whole)$/],
  // A partial tile of an earlier size is needed by nobody, but is not what was published.
  [/tile\//, /^(archive\.damaged|archive\.forked|tampered: tile)$/],
  // Without its line feed it is the same.
  [/\.key$/, /^(archive\.key_invalid|whole)$/],
  [/last_signed$/, /^(storage\.corrupt|whole)$/],
  // The next note names the hash of the newest; an older one is only what it is.
  [/\/0\.note$/, /^tampered: epoch$/],
  [/\.note$/, /^archive\.damaged$/],
];
const SIGNED = 4;
const SEALED = 8;
const DELIVERED = 10;

/** An archive as a crash leaves it: records 0 to 3 are signed, 4 to 7 are only on disk. */
async function crashedArchive(t: TestContext): Promise<string> {
  const root = await temporaryDirectory(t);
  const directory = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const quick = testConfig(directory, { epoch_interval: "1ms" });
  const first = await openTestArchive(t, quick, settings);
  await first.consumeLogs(numbered(0, SIGNED));
  await waitUntil("two epochs are closed", () => existsSync(join(directory, "epochs/1.note")));
  await first.shutdown(new AbortController().signal);
  const slow = testConfig(directory, { publish_interval: "60s" });
  const second = await openTestArchive(t, slow, settings);
  await second.consumeLogs(numbered(SIGNED, SEALED));
  const crashed = join(await temporaryDirectory(t), "crashed");
  cpSync(root, crashed, { recursive: true, filter: (name) => !/\/(lock|.*\.sock)$/.test(name) });
  return crashed;
}

function filesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

async function keptCheckpoint(root: string): Promise<Checkpoint> {
  const archive = join(root, "archive");
  const verifier = await new LogFiles(archive).readVerifier();
  const note = await readFile(join(archive, "log", "checkpoint"));
  return judgeCheckpoint(note, verifier).checkpoint;
}

const signedFiles = (root: string): string[] =>
  ["archive/log/checkpoint", "sealed_archive/own/last_signed"].map((name) =>
    readFileSync(join(root, name), "latin1"),
  );

/** Returns the code with which it refused, or what is said of the archive when it went on. */
async function startAgain(t: TestContext, root: string, kept: Checkpoint): Promise<string> {
  const directory = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const archive = new SealedArchive(testConfig(directory), settings);
  const before = signedFiles(root);
  try {
    await archive.start();
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    assert.deepEqual(signedFiles(root), before, "it signed nothing");
    return error.code;
  }
  // A receiver delivers again what it may not have got through.
  await archive.consumeLogs(numbered(0, DELIVERED));
  await archive.shutdown(new AbortController().signal);
  assert.deepEqual(await readNumbers(directory), range(0, DELIVERED));
  const options = { archive: directory, identities: allIdentities(), kept, clock: systemClock };
  const { findings } = await verifyArchive(options);
  const kinds = new Set(findings.map(({ kind }) => kind));
  return findings.length === 0 ? WHOLE : `tampered: ${[...kinds].join()}`;
}

/** Lengths to which a file is cut; the write-ahead log is what a crash really tears. */
function* lengthsOf(file: string, size: number): Generator<number> {
  const step = EVERY_BYTE ? 1 : file.includes("wal-") ? 5 : 17;
  for (let length = 0; length < size; length += step) yield length;
}

test("every file cut off at any byte is recovered or named", async (t) => {
  keepAlive(t);
  const crashed = await crashedArchive(t);
  const kept = await keptCheckpoint(crashed);
  const trial = join(await temporaryDirectory(t), "trial");
  const newest = filesOf(crashed).findLast((file) => file.endsWith(".note"));
  for (const file of filesOf(crashed)) {
    if (file.endsWith(".note") && !file.endsWith("/0.note") && file !== newest) continue;
    const { size } = statSync(join(crashed, file));
    const outcomes: string[] = [];
    for (const length of lengthsOf(file, size)) {
      cpSync(crashed, trial, { recursive: true });
      truncateSync(join(trial, file), length);
      outcomes.push(await startAgain(t, trial, kept));
      rmSync(trial, { recursive: true });
    }
    t.diagnostic(`${file}: ${size} bytes, ${[...new Set(outcomes)].join(", ")}`);
    if (file.includes("wal-")) {
      // What lies before the signed size is needed, what a crash tears behind it is not.
      const torn = outcomes.indexOf(WHOLE);
      assert.ok(torn > 0 && outcomes.slice(torn).every((outcome) => outcome === WHOLE));
    } else {
      const [, expected] = EXPECTED.find(([name]) => name.test(file))!;
      for (const outcome of outcomes) assert.match(outcome, expected, file);
    }
  }
});
