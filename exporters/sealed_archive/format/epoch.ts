/**
 * Epochs: stretches of the log with a key of their own.
 *
 * The entry `epoch` is the last one of its epoch and names the key of the next. A closing note, a
 * checkpoint of the log up to that entry with extension lines, is signed with the epoch's key, which
 * is then destroyed. Each note names the hash of the one before it. So whoever pinned the first key
 * can follow the keys to the open epoch, and whoever steals today's keys can change nothing before.
 *
 * Invariant: epochs are numbered from 0 without gaps, each has at least one entry, and the text of a
 * closing note follows from the log and the note before it, so that there is one for each epoch.
 */
import { formatCheckpoint } from "./checkpoint.ts";
import type { Entry } from "./entry.ts";

/** The open epoch, as the entries say it. */
export interface EpochPosition {
  readonly number: number;
  /** The verifier key of its key. */
  readonly vkey: string;
  /** Index of its first entry, which is the size of the log that the note before it closes. */
  readonly firstEntry: number;
  /** `at` of the entry that closed the epoch before it, or of the genesis. */
  readonly openedMs: number;
}

/** What stands for the hash of the note before the first. */
export const NO_NOTE = "0".repeat(64);
export const EPOCHS_FOLDER = "epochs";

export function epochKeyName(origin: string, number: number): string {
  return `${origin}/epoch-${number}`;
}

export function noteFileName(number: number): string {
  return `${number}.note`;
}

export interface ClosingNote {
  readonly origin: string;
  readonly epoch: number;
  /** Entries up to and with the one that closes the epoch. */
  readonly size: number;
  readonly root: Buffer;
  readonly closedMs: number;
  /** The verifier key of the next epoch. */
  readonly next: string;
  /** SHA-256 of the file of the note before it, or {@link NO_NOTE}. */
  readonly previous: string;
}

/** The text that the epoch's key signs. */
export function formatClosingNote(note: ClosingNote): string {
  const extensions = [
    `epoch ${note.epoch}`,
    `closed ${note.closedMs}`,
    `next ${note.next}`,
    `previous ${note.previous}`,
  ];
  return `${formatCheckpoint(note)}${extensions.join("\n")}\n`;
}

/** The epoch that is open after the entry, which has this index. */
export function advanceEpoch(
  epoch: EpochPosition | undefined,
  entry: Entry,
  index: number,
): EpochPosition | undefined {
  if (entry.type === "genesis") {
    return { number: 0, vkey: entry.epoch_vkey, firstEntry: index, openedMs: entry.at };
  }
  if (entry.type !== "epoch") return epoch;
  return {
    number: entry.epoch + 1,
    vkey: entry.next,
    firstEntry: index + 1,
    openedMs: entry.at,
  };
}
