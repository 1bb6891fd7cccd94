/**
 * The archive that the tamperings are done to, and everything that somebody could have of it: an
 * earlier copy, another host's archive, the state folder with its keys.
 */
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { readEntries } from "../../exporters/sealed_archive/forger.ts";
import type { Checkpoint } from "../../exporters/sealed_archive/format/checkpoint.ts";
import { parseEntry } from "../../exporters/sealed_archive/format/entry.ts";
import type { NoteSigner, NoteVerifier } from "../../exporters/sealed_archive/format/note.ts";
import { parseSigningKey, parseVerifier } from "../../exporters/sealed_archive/format/note.ts";
import { judgeCheckpoint } from "../../exporters/sealed_archive/reader/log_files.ts";
import type { VerifyOptions } from "../../exporters/sealed_archive/reader/verify_archive.ts";
import { SealedArchive } from "../../exporters/sealed_archive/sealed_archive.ts";
import { close, identities, numbered, testConfig } from "../../exporters/sealed_archive/testing.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";

/** Records in the first run, before any epoch is closed: more than a full tile. */
export const FIRST_RECORDS = 300;
export const RECORDS = 315;

/** What a verifier may have beside the archive, as the options of `verify` say it. */
export const MODES = ["--vkey", "--epoch-vkey", "older", "newest", "-i"] as const;
export type Mode = (typeof MODES)[number];

export interface Keys {
  readonly log: NoteSigner;
  readonly epoch: NoteSigner;
}

export interface Scene {
  readonly test: TestContext;
  readonly whole: string;
  readonly stranger: string;
  /** The archive as it was in the epoch that is open in `whole`, too. */
  readonly older: string;
  /** The state folders of both moments, as whoever owned the machine could have copied them. */
  readonly wholeState: string;
  readonly olderState: string;
  readonly keys: Keys;
  readonly options: Readonly<Record<Mode, Omit<VerifyOptions, "archive">>>;
}

const SMALL = { block: { max_records: 1 }, segment: { max_bytes: 65_536 }, epoch_interval: "1h" };
const QUICK = { ...SMALL, epoch_interval: "40ms", publish_interval: "10ms" };

export interface Run {
  readonly directory: string;
  readonly root: string;
  readonly batches: readonly LogBatch[];
  readonly changes?: object;
  /** Closed epochs to wait for. */
  readonly epochs?: number;
}

/** A run of the exporter. Returns its state folder. */
export async function run(test: TestContext, options: Run): Promise<string> {
  const { directory, root, batches, changes = {}, epochs = 0 } = options;
  const settings = await testSettings(test, { type: "sealed_archive", root });
  const archive = new SealedArchive(testConfig(directory, { ...SMALL, ...changes }), settings);
  const awake = setInterval(() => {}, 1000);
  await archive.start();
  for (const batch of batches) await archive.consumeLogs(batch);
  await waitUntil("the epochs are closed", async () => (await countNotes(directory)) >= epochs);
  await close(archive);
  clearInterval(awake);
  return settings.stateDirectory();
}

async function countNotes(directory: string): Promise<number> {
  const names = await readdir(join(directory, "epochs")).catch(() => []);
  return names.filter((name) => name.endsWith(".note")).length;
}

export async function buildScene(test: TestContext): Promise<Scene> {
  const root = await temporaryDirectory(test);
  const [whole, older, stranger] = ["whole", "older", "stranger"].map((name) => join(root, name));
  const own = { directory: whole!, root: join(root, "state") };
  const other = { directory: stranger!, root: join(root, "other") };
  const first = [numbered(0, FIRST_RECORDS)];
  await run(test, { ...other, batches: first, changes: { origin: "example.com/host2" } });
  await run(test, { ...own, batches: first });
  await run(test, { ...own, batches: [numbered(300, 305)], changes: QUICK, epochs: 2 });
  const state = await run(test, { ...own, batches: [numbered(305, 310)] });
  const olderState = join(root, "older-state");
  await cp(whole!, older!, { recursive: true });
  await cp(state, olderState, { recursive: true });
  await run(test, { ...own, batches: [numbered(310, RECORDS)] });
  const archives = { whole: whole!, older: older!, stranger: stranger! };
  const states = { wholeState: state, olderState };
  return {
    test,
    ...archives,
    ...states,
    keys: await readKeys(state),
    options: await modes(archives),
  };
}

async function modes({ whole, older }: Pick<Scene, "whole" | "older">): Promise<Scene["options"]> {
  const verifier = parseVerifier(await readFile(join(whole, "log.vkey"), "utf8"));
  const genesis = parseEntry((await readEntries(whole))[0]!);
  if (genesis.type !== "genesis") throw new Error("the log begins with another entry");
  const shared = { verifier, clock: systemClock };
  return {
    "--vkey": shared,
    "--epoch-vkey": { ...shared, firstEpoch: parseVerifier(genesis.epoch_vkey) },
    older: { ...shared, kept: await checkpointOf(older, verifier) },
    newest: { ...shared, kept: await checkpointOf(whole, verifier) },
    "-i": { ...shared, identities: identities() },
  };
}

export async function checkpointOf(archive: string, verifier: NoteVerifier): Promise<Checkpoint> {
  const { checkpoint, problem } = judgeCheckpoint(
    await readFile(join(archive, "log", "checkpoint")),
    verifier,
  );
  if (problem !== undefined) throw new Error(problem);
  return checkpoint;
}

async function readKeys(state: string): Promise<Keys> {
  const read = async (name: string): Promise<NoteSigner> =>
    parseSigningKey(await readFile(join(state, name), "utf8"));
  const epoch = (await readdir(state)).find((name) => /^epoch-\d+\.key$/.test(name))!;
  return { log: await read("log.key"), epoch: await read(epoch) };
}
