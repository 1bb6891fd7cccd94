/**
 * What somebody with keys can do to an archive, or with old copies of it, and which verifiers see it:
 * not all of this can be seen by everyone, and some of it by nobody.
 */
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { readEntries, writeLog } from "../../exporters/sealed_archive/forger.ts";
import type { BlockEntry, Entry } from "../../exporters/sealed_archive/format/entry.ts";
import { encodeEntry, parseEntry } from "../../exporters/sealed_archive/format/entry.ts";
import { sha256 } from "../../exporters/sealed_archive/format/merkle.ts";
import { numbered, RECIPIENT } from "../../exporters/sealed_archive/testing.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { encryptAgeFile, parseAgeRecipient } from "../../src/lib/age/age_file.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { editCheckpoint, lastSegment } from "./tampering.ts";
import type { Mode, Scene } from "./tampering_scene.ts";
import { FIRST_RECORDS, MODES, RECORDS, run } from "./tampering_scene.ts";

export interface KeyTampering {
  readonly name: string;
  readonly apply: (archive: string, scene: Scene) => Promise<unknown>;
  readonly seenBy: readonly Mode[];
  /** Every verifier says that it could not check: exit code 2, not 1. */
  readonly isUnreadable?: true;
}

const EVERYONE = MODES;
const NOBODY: readonly Mode[] = [];

async function readLog(archive: string): Promise<Entry[]> {
  return (await readEntries(archive)).map((bytes) => parseEntry(bytes) as Entry);
}

/** Signs these entries with all keys of today. */
const sign = (archive: string, { keys }: Scene, entries: readonly Entry[]): Promise<void> =>
  writeLog(archive, entries.map(encodeEntry), keys.log, keys.epoch);

const edit =
  (change: (entries: Entry[]) => Entry[]) =>
  async (archive: string, scene: Scene): Promise<void> =>
    sign(archive, scene, change(await readLog(archive)));

/** Another history from the first record on, by the agent itself and with the stolen log key. */
const fromTheStart =
  (first: readonly LogBatch[]) =>
  async (archive: string, { test, wholeState, options }: Scene): Promise<void> => {
    await rm(archive, { recursive: true });
    const root = await temporaryDirectory(test);
    const state = await run(test, { directory: join(root, "unused"), root, batches: [] });
    await rm(state, { recursive: true });
    await mkdir(state, { mode: 0o700 });
    await copyFile(join(wholeState, "log.key"), join(state, "log.key"));
    const batches = [...first, numbered(FIRST_RECORDS, RECORDS + 60)];
    await run(test, { directory: archive, root, batches });
    // Else a kept checkpoint would be seen by its size alone.
    const size = (await readLog(archive)).length;
    if (size < options.newest.kept!.size) throw new Error(`the forged log has ${size} entries`);
  };

/** The agent itself goes on from copies of the archive and of its state. */
async function goOn(scene: Scene, archive: string, state: string, batch: LogBatch): Promise<void> {
  const root = await temporaryDirectory(scene.test);
  const own = await run(scene.test, { directory: join(root, "unused"), root, batches: [] });
  await rm(own, { recursive: true });
  await cp(state, own, { recursive: true });
  await run(scene.test, { directory: archive, root, batches: [batch] });
}

/** Puts back the partial tiles of earlier checkpoints, whose absence alone would be seen. */
const keepPartials = (from: string, archive: string): Promise<void> =>
  cp(join(from, "log", "tile"), join(archive, "log", "tile"), { recursive: true, force: false });

async function putBackOlder(archive: string, { older }: Scene): Promise<void> {
  await rm(archive, { recursive: true });
  await cp(older, archive, { recursive: true });
}

async function fork(archive: string, scene: Scene): Promise<void> {
  await putBackOlder(archive, scene);
  await goOn(scene, archive, scene.olderState, numbered(310, 340, "forged"));
}

async function truncateAndSign(archive: string, scene: Scene): Promise<void> {
  const next = (await readLog(archive))[(await readLog(scene.older)).length]!;
  await putBackOlder(archive, scene);
  await edit((entries) => [...entries, next])(archive, scene);
  await keepPartials(scene.older, archive);
}

/** The last block of the open segment and the bytes before it. */
async function lastBlock(archive: string) {
  const entries = await readLog(archive);
  const entry = entries.findLast((found): found is BlockEntry => found.type === "block")!;
  const path = join(archive, await lastSegment(archive));
  const bytes = await readFile(path);
  return { entries, entry, path, before: bytes.subarray(0, entry.off), bytes };
}

const replaceLastBlock =
  (change: (block: Buffer) => Buffer) =>
  async (archive: string): Promise<void> => {
    const { path, before, entry, bytes } = await lastBlock(archive);
    const block = change(bytes.subarray(entry.off, entry.off + entry.len));
    await writeFile(path, Buffer.concat([before, block]));
  };

const sealed = (content: Buffer): Buffer =>
  encryptAgeFile(zstdCompressSync(content), [parseAgeRecipient(RECIPIENT)!], systemRandom);

const STANZA = /-> X25519 [^\n]+\n[^\n]+\n/;
const editHeader = (change: (stanza: string) => string) =>
  replaceLastBlock((block) =>
    Buffer.from(block.toString("latin1").replace(STANZA, change), "latin1"),
  );

/** A block that unpacks to more than any agent writes, logged with the keys of today. */
async function appendBomb(archive: string, scene: Scene): Promise<void> {
  const { entries, entry, path } = await lastBlock(archive);
  const bomb = sealed(Buffer.alloc(300 * 1024 * 1024));
  await appendFile(path, bomb);
  const number = entry.seq[1] + 1;
  const forged: BlockEntry = {
    ...entry,
    at: entries.at(-1)!.at,
    off: entry.off + entry.len,
    len: bomb.length,
    sha256: sha256(bomb).toString("hex"),
    seq: [number, number],
  };
  await sign(archive, scene, [...entries, forged]);
  await keepPartials(scene.whole, archive);
}

const isBlock = ({ type }: Entry): boolean => type === "block";
const isEpoch = ({ type }: Entry): boolean => type === "epoch";
const note = (archive: string, name: string): string => join(archive, "epochs", `${name}.note`);

export const keyTamperings: readonly KeyTampering[] = [
  {
    name: "19 puts the older checkpoint back, nothing else",
    apply: (archive, { older }) =>
      copyFile(join(older, "log", "checkpoint"), join(archive, "log", "checkpoint")),
    seenBy: EVERYONE,
  },
  { name: "20 puts the whole older archive back", apply: putBackOlder, seenBy: ["newest"] },
  {
    name: "21 has the log's key and writes the history again, one record changed",
    apply: fromTheStart([numbered(0, 7), numbered(8, FIRST_RECORDS + 1)]),
    seenBy: ["--epoch-vkey", "older", "newest"],
  },
  {
    name: "22 has the log's key and writes the history again, one record dropped",
    apply: fromTheStart([numbered(0, 7), numbered(8, FIRST_RECORDS)]),
    seenBy: ["--epoch-vkey", "older", "newest"],
  },
  {
    name: "23 has the log's key and writes the history again, one record put in",
    apply: fromTheStart([numbered(0, 7), numbered(7, 8, "forged"), numbered(7, FIRST_RECORDS)]),
    seenBy: ["--epoch-vkey", "older", "newest"],
  },
  {
    name: "24 has all keys and writes another history of the open epoch",
    apply: fork,
    seenBy: ["newest"],
  },
  {
    name: "25 has all keys, cuts off the newest entries of the open epoch and signs again",
    apply: truncateAndSign,
    seenBy: ["newest"],
  },
  {
    name: "26 has all keys and appends forged records in the open epoch",
    apply: (archive, scene) =>
      goOn(scene, archive, scene.wholeState, numbered(RECORDS, RECORDS + 5)),
    seenBy: NOBODY,
  },
  {
    name: "28 has all keys and drops a block of a closed epoch",
    apply: edit((entries) => entries.toSpliced(entries.findIndex(isBlock), 1)),
    seenBy: EVERYONE,
  },
  {
    name: "28 has all keys and cuts off closed epochs",
    apply: edit((entries) => entries.slice(0, entries.findIndex(isEpoch))),
    seenBy: EVERYONE,
  },
  {
    name: "29 deletes the closing note of an epoch",
    apply: (archive) => rm(note(archive, "1")),
    seenBy: EVERYONE,
  },
  {
    name: "29 swaps the closing notes of two epochs",
    apply: async (archive) => {
      await rename(note(archive, "0"), note(archive, "x"));
      await rename(note(archive, "1"), note(archive, "0"));
      await rename(note(archive, "x"), note(archive, "1"));
    },
    seenBy: EVERYONE,
  },
  {
    name: "30 uses the key of an epoch for the next one, too",
    apply: edit((entries) => {
      const [at, before] = [entries.findLastIndex(isEpoch), entries.findIndex(isEpoch)];
      const { next } = entries[before] as { next: string };
      return entries.with(at, { ...entries[at]!, next } as Entry);
    }),
    seenBy: EVERYONE,
  },
  {
    name: "31 leaves an epoch out",
    apply: edit((entries) => entries.toSpliced(entries.findIndex(isEpoch), 1)),
    seenBy: EVERYONE,
  },
  {
    name: "32 shows one auditor another history than the other, whose checkpoint is compared",
    apply: fork,
    seenBy: ["newest"],
  },
  {
    name: "36 puts a fresh valid age file in the place of a block",
    apply: replaceLastBlock(() => sealed(Buffer.alloc(100))),
    seenBy: EVERYONE,
  },
  {
    name: "37 strips the stanza of a recipient",
    apply: editHeader(() => ""),
    seenBy: EVERYONE,
  },
  {
    name: "37 adds a stanza of a recipient",
    apply: editHeader((stanza) => stanza + stanza),
    seenBy: EVERYONE,
  },
  {
    name: "38 moves a segment to another zone",
    apply: async (archive) => {
      const segment = await lastSegment(archive);
      await mkdir(join(archive, "blocks", "audit"));
      await rename(join(archive, segment), join(archive, "blocks", "audit", "00000001.blk"));
    },
    seenBy: EVERYONE,
  },
  {
    name: "39 has all keys and appends a block that unpacks to 300 MiB",
    apply: appendBomb,
    seenBy: ["-i"],
  },
  {
    name: "40 has all keys and appends an entry of an earlier time",
    apply: edit((entries) => [...entries, { type: "heartbeat", v: 1, at: entries[0]!.at - 1 }]),
    seenBy: EVERYONE,
  },
  {
    name: "41 has all keys and drops the entry of the last restart, in the open epoch",
    apply: async (archive, scene) => {
      const entries = await readLog(archive);
      const at = entries.findLastIndex(({ type }) => type === "restart");
      await sign(archive, scene, entries.toSpliced(at, 1));
      await keepPartials(scene.older, archive);
    },
    seenBy: ["newest"],
  },
  {
    name: "47 puts a link in the place of a segment",
    apply: async (archive) => {
      const path = join(archive, await lastSegment(archive));
      await rm(path);
      await symlink("/dev/zero", path);
    },
    seenBy: EVERYONE,
  },
  {
    name: "49 ends the lines of the checkpoint otherwise",
    apply: editCheckpoint((text) => text.replaceAll("\n", "\r\n")),
    seenBy: NOBODY,
    isUnreadable: true,
  },
  {
    name: "49 has all keys and writes a key of an entry twice",
    apply: async (archive, { keys }) => {
      const entries = await readEntries(archive);
      const at = entries.length - 1;
      const twice = entries[at]!.toString().replace('"v":1', '"v":1,"v":1');
      await writeLog(archive, entries.with(at, Buffer.from(twice)), keys.log, keys.epoch);
    },
    seenBy: EVERYONE,
  },
];
