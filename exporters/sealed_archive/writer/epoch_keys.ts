/**
 * The keys of the epochs: makes the next one, writes the closing note of the old one, destroys it.
 *
 * Invariant: the next key is on disk before the entry that names it, the closing note is on disk
 * before any checkpoint that covers that entry, and the old key goes only after both. A note is
 * never replaced; after a crash the same one is made again, because its text follows from the log.
 *
 * Trust: `epoch-<n>.key` (0600). Whoever reads it, together with the log's key, can sign another
 * history since the last closing note, and nothing before that.
 */
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import type { RandomSource } from "../../../src/component/settings.ts";
import { createFileDurably, syncDirectory } from "../../../src/lib/durable_file.ts";
import type { EpochPosition } from "../format/epoch.ts";
import {
  EPOCHS_FOLDER,
  epochKeyName,
  formatClosingNote,
  NO_NOTE,
  noteFileName,
} from "../format/epoch.ts";
import { sha256 } from "../format/merkle.ts";
import type { NoteSigner } from "../format/note.ts";
import { encodeSigningKey, openNote, parseSigningKey, signNote } from "../format/note.ts";
import { readIfThere } from "../optional_file.ts";
import { makePublicDirectory } from "./archive_directory.ts";
import { createPrivateFile, readPrivateFile } from "./log_key.ts";
import { PUBLIC_FILE_MODE } from "./segment_files.ts";

const SEED_BYTES = 32;

export interface EpochKeysOptions {
  readonly archive: string;
  readonly stateDirectory: string;
  readonly origin: string;
  readonly random: RandomSource;
}

/** Where the epoch ends, once its last entry is on disk. */
export interface EpochEnd {
  /** Entries up to and with the last one. */
  readonly size: number;
  readonly closedMs: number;
}

interface Keys {
  readonly number: number;
  readonly signer: NoteSigner;
  readonly next: NoteSigner | undefined;
  readonly end: EpochEnd | undefined;
  readonly previous: string;
}

export class EpochKeys {
  readonly #options: EpochKeysOptions;
  #number: number;
  #signer: NoteSigner;
  #next: NoteSigner | undefined;
  #end: EpochEnd | undefined;
  /** Hash of the newest note's file. */
  #previous: string;

  private constructor(options: EpochKeysOptions, keys: Keys) {
    this.#options = options;
    this.#number = keys.number;
    this.#signer = keys.signer;
    this.#next = keys.next;
    this.#end = keys.end;
    this.#previous = keys.previous;
  }

  /**
   * Goes on in the open epoch of a log of which `signedSize` entries are signed, or makes the first
   * key of a new one. Throws `archive.key_invalid` and `archive.damaged`.
   */
  static async open(
    options: EpochKeysOptions,
    epoch: EpochPosition | undefined,
    signedSize: number,
  ): Promise<EpochKeys> {
    await makePublicDirectory(join(options.archive, EPOCHS_FOLDER));
    const keys =
      epoch === undefined ? await firstKeys(options) : await readKeys(options, epoch, signedSize);
    const newest = keys.next === undefined ? keys.number : keys.number + 1;
    for (const number of await listKeys(options.stateDirectory)) {
      // A key that no entry names, or one whose epoch is closed.
      if (number < keys.number || number > newest) await destroyKey(options, number);
    }
    return new EpochKeys(options, keys);
  }

  /** The epoch of which the note is not written yet. */
  get number(): number {
    return this.#number;
  }

  /** Signs checkpoints up to {@link end}. */
  get signer(): NoteSigner {
    return this.#signer;
  }

  /** True from {@link prepareNext} until {@link close}. */
  get isRolling(): boolean {
    return this.#next !== undefined;
  }

  get end(): EpochEnd | undefined {
    return this.#end;
  }

  /** Makes the next epoch's key and returns its verifier key for the entry. */
  async prepareNext(): Promise<string> {
    const number = this.#number + 1;
    await rm(keyPath(this.#options, number), { force: true });
    this.#next = await createKey(this.#options, number);
    return this.#next.verifier.vkey;
  }

  /** The entry that names the next key is on disk, as the last of `end.size`. */
  endAt(end: EpochEnd): void {
    this.#end = end;
  }

  /** Writes the closing note; `root` is that of {@link end}. May be repeated. */
  async writeNote(root: Buffer): Promise<void> {
    const text = formatClosingNote({
      origin: this.#options.origin,
      epoch: this.#number,
      ...this.#end!,
      root,
      next: this.#next!.verifier.vkey,
      previous: this.#previous,
    });
    const path = notePath(this.#options, this.#number);
    const note = signNote(text, this.#signer);
    if (await createFileDurably(path, note, PUBLIC_FILE_MODE)) return;
    if ((await readIfThere(path))?.toString() === note) return;
    throw new AgentError("archive.forked", `${path} closes the epoch with other entries`);
  }

  /** The note and a checkpoint are out: the old key is destroyed, the next one signs. */
  async close(): Promise<void> {
    const previous = await hashOfNote(this.#options, this.#number);
    await destroyKey(this.#options, this.#number);
    this.#previous = previous;
    this.#signer = this.#next!;
    this.#number++;
    this.#next = undefined;
    this.#end = undefined;
  }
}

/** A key that a crash left before the genesis was on disk is no key of any log. */
async function firstKeys(options: EpochKeysOptions): Promise<Keys> {
  await rm(keyPath(options, 0), { force: true });
  const signer = await createKey(options, 0);
  return { number: 0, signer, next: undefined, end: undefined, previous: NO_NOTE };
}

async function readKeys(
  options: EpochKeysOptions,
  epoch: EpochPosition,
  signedSize: number,
): Promise<Keys> {
  const { number } = epoch;
  const newest = await readKey(options, number);
  if (newest.verifier.vkey !== epoch.vkey) {
    throw new AgentError("archive.key_invalid", `the key of epoch ${number} is another one`);
  }
  const note = number === 0 ? undefined : await readNote(options, number - 1);
  if (note !== undefined && !leadsTo(note, newest)) {
    throw new AgentError("archive.damaged", `${notePath(options, number - 1)} was changed`);
  }
  if (number === 0 || note !== undefined) {
    const previous = number === 0 ? NO_NOTE : await hashOfNote(options, number - 1);
    return { number, signer: newest, next: undefined, end: undefined, previous };
  }
  if (signedSize > epoch.firstEntry) throw noteMissing(options, number - 1);
  return {
    number: number - 1,
    signer: await readKey(options, number - 1),
    next: newest,
    end: { size: epoch.firstEntry, closedMs: epoch.openedMs },
    previous: number === 1 ? NO_NOTE : await hashOfNote(options, number - 2),
  };
}

/** Is it whole, and does it name the next epoch's key? */
function leadsTo(note: Buffer, { verifier }: NoteSigner): boolean {
  const opened = openNote(note.toString(), verifier);
  return opened.status !== "malformed" && opened.text.includes(`\nnext ${verifier.vkey}\n`);
}

async function createKey(options: EpochKeysOptions, number: number): Promise<NoteSigner> {
  const seed = Buffer.alloc(SEED_BYTES);
  options.random(seed);
  const text = encodeSigningKey(epochKeyName(options.origin, number), seed);
  seed.fill(0);
  await createPrivateFile(keyPath(options, number), `${text}\n`);
  return parseSigningKey(text);
}

async function readKey(options: EpochKeysOptions, number: number): Promise<NoteSigner> {
  const path = keyPath(options, number);
  const text = await readPrivateFile(path).catch((cause: unknown) => {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError("archive.key_invalid", `cannot read the epoch's key ${path}`, { cause });
  });
  return parseSigningKey(text);
}

/** Overwriting is best effort: a flash disk or a journal may keep what was there before. */
async function destroyKey(options: EpochKeysOptions, number: number): Promise<void> {
  const path = keyPath(options, number);
  const handle = await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    const { size } = await handle.stat();
    await handle.write(Buffer.alloc(size), 0, size, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rm(path);
  await syncDirectory(options.stateDirectory);
}

async function listKeys(directory: string): Promise<number[]> {
  const matches = (await readdir(directory)).map((name) => /^epoch-(\d+)\.key$/.exec(name));
  return matches.filter((match) => match !== null).map((match) => Number(match[1]));
}

function keyPath({ stateDirectory }: EpochKeysOptions, number: number): string {
  return join(stateDirectory, `epoch-${number}.key`);
}

function notePath({ archive }: EpochKeysOptions, number: number): string {
  return join(archive, EPOCHS_FOLDER, noteFileName(number));
}

async function readNote(options: EpochKeysOptions, number: number): Promise<Buffer | undefined> {
  return readIfThere(notePath(options, number));
}

async function hashOfNote(options: EpochKeysOptions, number: number): Promise<string> {
  const note = await readNote(options, number);
  if (note === undefined) throw noteMissing(options, number);
  return sha256(note).toString("hex");
}

function noteMissing(options: EpochKeysOptions, number: number): AgentError {
  return new AgentError("archive.damaged", `${notePath(options, number)} is missing`);
}
