/** Epochs: their keys, their closing notes, and what a thief of today's keys can not do. */
import assert from "node:assert/strict";
import { copyFile, cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemClock } from "../../src/lib/system_clock.ts";
import type { TestSettings } from "../../src/testing/test_settings.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { readEntries, writeLog } from "./forger.ts";
import type { Entry } from "./format/entry.ts";
import { encodeEntry, parseEntry } from "./format/entry.ts";
import type { NoteSigner } from "./format/note.ts";
import { openNote, parseSigningKey, parseVerifier } from "./format/note.ts";
import type { VerifyResult } from "./reader/verify_archive.ts";
import { verifyArchive } from "./reader/verify_archive.ts";
import { SealedArchive } from "./sealed_archive.ts";
import { close, numbered, openTestArchive, range, readNumbers, testConfig } from "./testing.ts";

interface Place {
  readonly root: string;
  readonly directory: string;
  readonly settings: TestSettings;
  readonly state: string;
}

async function place(t: TestContext): Promise<Place> {
  const root = await temporaryDirectory(t);
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const state = await settings.stateDirectory();
  return { root, directory: join(root, "archive"), settings, state };
}

const QUICK = { epoch_interval: "40ms", publish_interval: "10ms" };

async function notes({ directory }: Pick<Place, "directory">): Promise<string[]> {
  const names = await readdir(join(directory, "epochs"));
  const closed = names.filter((name) => name.endsWith(".note"));
  return closed.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

/** Records in epoch 0 and 1, at least two closed epochs. */
async function sealEpochs(t: TestContext, at: Place): Promise<void> {
  const archive = await openTestArchive(t, testConfig(at.directory, QUICK), at.settings);
  await archive.consumeLogs(numbered(0, 5));
  await waitUntil("an epoch is closed", async () => (await notes(at)).length >= 1);
  await archive.consumeLogs(numbered(5, 10));
  await waitUntil("two more are", async () => (await notes(at)).length >= 3);
  await archive.consumeLogs(numbered(10, 12));
  await close(archive);
}

async function firstKey({ directory }: Pick<Place, "directory">): Promise<string> {
  const genesis = parseEntry((await readEntries(directory))[0]!);
  return genesis.type === "genesis" ? genesis.epoch_vkey : "";
}

async function verify(directory: string, vkey?: string): Promise<VerifyResult> {
  const firstEpoch = vkey === undefined ? undefined : parseVerifier(vkey);
  return verifyArchive({ archive: directory, firstEpoch, clock: systemClock });
}

test("each epoch is closed by its own key, which is destroyed", async (t) => {
  const at = await place(t);
  await sealEpochs(t, at);
  const { findings, epochs, entries } = await verify(at.directory, await firstKey(at));
  assert.deepEqual(findings, []);
  assert.ok(epochs.closed >= 3);
  assert.deepEqual(entries.epoch, epochs.closed);
  assert.deepEqual(
    await notes(at),
    range(0, epochs.closed).map((number) => `${number}.note`),
  );
  const keys = (await readdir(at.state)).filter((name) => name.startsWith("epoch-"));
  assert.ok(keys.includes(`epoch-${epochs.closed}.key`) && keys.length === 1, keys.join());
  const first = parseVerifier(await firstKey(at));
  const note = await readFile(join(at.directory, "epochs", "0.note"), "utf8");
  assert.equal(openNote(note, first).status, "valid");
  assert.equal(first.name, "example.com/test/epoch-0");
});

test("goes on in the open epoch after a restart, and closes it", async (t) => {
  const at = await place(t);
  const slow = testConfig(at.directory, { epoch_interval: "1h" });
  for (const from of [0, 5]) {
    const archive = await openTestArchive(t, slow, at.settings);
    await archive.consumeLogs(numbered(from, from + 5));
    await close(archive);
  }
  assert.deepEqual(await notes(at), []);
  await sealEpochs(t, at);
  const { findings } = await verify(at.directory, await firstKey(at));
  assert.deepEqual(findings, []);
  assert.deepEqual(await readNumbers(at.directory), range(0, 12));
});

test("an agent with nothing to seal has an entry in each epoch", async (t) => {
  const at = await place(t);
  const archive = await openTestArchive(t, testConfig(at.directory, QUICK), at.settings);
  await waitUntil("four epochs are closed", async () => (await notes(at)).length >= 4);
  await close(archive);
  const { findings, entries, blocks } = await verify(at.directory);
  assert.deepEqual(findings, []);
  assert.ok(entries.epoch! >= 4);
  assert.equal(blocks, 0);
});

test("times in the log never go back, whatever the clock does", async (t) => {
  const at = await place(t);
  let offsetMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + offsetMs };
  for (const stepMs of [0, -7_200_000]) {
    const config = testConfig(at.directory, { ...QUICK, heartbeat_interval: "30ms" });
    const archive = await openTestArchive(t, config, { ...at.settings, clock });
    await archive.consumeLogs(numbered(0, 5, `before ${offsetMs}`));
    offsetMs += stepMs;
    const before = (await notes(at)).length;
    await waitUntil("epochs go on", async () => (await notes(at)).length >= before + 2);
    await close(archive);
    offsetMs -= 60_000;
  }
  const { findings } = await verify(at.directory);
  assert.deepEqual(findings, []);
});

test("does not run without the open epoch's key, or over a missing note", async (t) => {
  const at = await place(t);
  await sealEpochs(t, at);
  const config = testConfig(at.directory, QUICK);
  const newest = (await notes(at)).length - 1;
  const note = join(at.directory, "epochs", `${newest}.note`);
  await rename(note, `${at.root}/note`);
  await assert.rejects(new SealedArchive(config, at.settings).start(), { code: "archive.damaged" });
  await rename(`${at.root}/note`, note);
  const key = join(at.state, `epoch-${newest + 1}.key`);
  await copyFile(key, `${at.root}/key`);
  await rm(key);
  await assert.rejects(new SealedArchive(config, at.settings).start(), {
    code: "archive.key_invalid",
  });
  await copyFile(`${at.root}/key`, key);
  await sealEpochs(t, at);
  assert.deepEqual((await verify(at.directory)).findings, []);
});

interface Stolen {
  readonly directory: string;
  readonly entries: Entry[];
  readonly log: NoteSigner;
  readonly epoch: NoteSigner;
}

type Attack = (stolen: Stolen) => Promise<void>;

const isBlock = (entry: Entry): boolean => entry.type === "block";
const rewrite = ({ directory, log, epoch }: Stolen, entries: readonly Entry[]): Promise<void> =>
  writeLog(directory, entries.map(encodeEntry), log, epoch);

const attacks: Readonly<Record<string, Attack>> = {
  "28 rewrites an old block": (stolen) => {
    const at = stolen.entries.findIndex(isBlock);
    const edited = { ...stolen.entries[at]!, sha256: "ab".repeat(32) } as Entry;
    return rewrite(stolen, stolen.entries.with(at, edited));
  },
  "28 drops an old block": (stolen) => {
    const at = stolen.entries.findIndex(isBlock);
    return rewrite(stolen, stolen.entries.toSpliced(at, 1));
  },
  "28 inserts an old entry": (stolen) => {
    const { at } = stolen.entries[1]!;
    return rewrite(stolen, stolen.entries.toSpliced(1, 0, { type: "heartbeat", v: 1, at }));
  },
  "28 cuts off closed epochs and signs again": (stolen) => {
    const end = stolen.entries.findIndex(({ type }) => type === "epoch");
    return rewrite(stolen, stolen.entries.slice(0, end));
  },
  "28 signs with the log's key alone": (stolen) =>
    writeLog(stolen.directory, stolen.entries.map(encodeEntry), stolen.log),
  "29 deletes a note": ({ directory }) => rm(join(directory, "epochs", "1.note")),
  "29 swaps notes": async ({ directory }) => {
    const path = (name: string): string => join(directory, "epochs", name);
    await rename(path("0.note"), path("x"));
    await rename(path("1.note"), path("0.note"));
    await rename(path("x"), path("1.note"));
  },
  "29 adds a note": ({ directory }) =>
    copyFile(join(directory, "epochs", "1.note"), join(directory, "epochs", "999.note")),
  "29 edits a note": async ({ directory }) => {
    const path = join(directory, "epochs", "1.note");
    await writeFile(path, (await readFile(path, "utf8")).replace(/closed 1/, "closed 2"));
  },
  "30 uses an epoch's key in the next epoch, too": async (stolen) => {
    const keys = stolen.entries.map((entry) => (entry.type === "epoch" ? entry.next : ""));
    const repeated = keys.findLast((key) => key !== "" && key !== keys.findLast(Boolean))!;
    const at = stolen.entries.findLastIndex(({ type }) => type === "epoch");
    const edited = { ...stolen.entries[at]!, next: repeated } as Entry;
    await rewrite(stolen, stolen.entries.with(at, edited));
  },
  "30 puts an old time into the open epoch": async (stolen) => {
    const at = stolen.entries[1]!.at - 1;
    await rewrite(stolen, [...stolen.entries, { type: "heartbeat", v: 1, at }]);
  },
  "31 skips an epoch": async (stolen) => {
    const at = stolen.entries.findIndex(({ type }) => type === "epoch");
    await rewrite(stolen, stolen.entries.toSpliced(at, 1));
  },
};

test("whoever has today's keys cannot change a closed epoch unseen", async (t) => {
  const at = await place(t);
  await sealEpochs(t, at);
  const vkey = await firstKey(at);
  const read = async (name: string): Promise<NoteSigner> =>
    parseSigningKey(await readFile(join(at.state, name), "utf8"));
  const log = await read("log.key");
  const epoch = await read((await readdir(at.state)).find((name) => /^epoch-\d/.test(name))!);
  const entries = (await readEntries(at.directory)).map((bytes) => parseEntry(bytes) as Entry);
  for (const [name, attack] of Object.entries(attacks)) {
    const directory = join(at.root, "attacked");
    await cp(at.directory, directory, { recursive: true });
    await attack({ directory, entries, log, epoch });
    const { findings } = await verify(directory, vkey);
    const isSeen = findings.some(({ kind }) => kind === "epoch" || kind === "entry");
    assert.ok(isSeen, name);
    await rm(directory, { recursive: true });
  }
});

test("a log with other epochs from the start is seen by whoever kept the first key", async (t) => {
  const [at, other] = [await place(t), await place(t)];
  await sealEpochs(t, at);
  await copyFile(join(at.state, "log.key"), join(other.state, "log.key"));
  await sealEpochs(t, other);
  assert.deepEqual((await verify(other.directory)).findings, []);
  const { findings } = await verify(other.directory, await firstKey(at));
  assert.ok(findings.some(({ kind }) => kind === "epoch"));
});
