/**
 * Follows the keys of the epochs from the first one on: each closing note must be there, say what the
 * entries say, and be signed with the key that the note before it names.
 *
 * Invariant: a closed epoch is whole only when its own key signed the root up to its last entry.
 * Whoever has today's keys, and not those that were destroyed, cannot make such a note.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Entry, GenesisEntry } from "../format/entry.ts";
import type { EpochPosition } from "../format/epoch.ts";
import {
  advanceEpoch,
  EPOCHS_FOLDER,
  epochKeyName,
  formatClosingNote,
  NO_NOTE,
  noteFileName,
} from "../format/epoch.ts";
import { sha256 } from "../format/merkle.ts";
import type { NoteVerifier, OpenedNote } from "../format/note.ts";
import { openNote, parseVerifier } from "../format/note.ts";
import { readIfThere } from "../optional_file.ts";
import type { Report } from "./finding.ts";

export interface EpochCheckOptions {
  readonly archive: string;
  /** The key of the first epoch, kept elsewhere; without it the one in the log is trusted. */
  readonly first: NoteVerifier | undefined;
  readonly report: Report;
}

export interface EpochSummary {
  readonly closed: number;
  /** The key of the first epoch as the log names it; "" when it names none. */
  readonly firstVkey: string;
  /** False when that was believed. */
  readonly isPinned: boolean;
}

export class EpochCheck {
  readonly #options: EpochCheckOptions;
  #epoch: EpochPosition | undefined;
  /** The key of the epoch in which the newest entry lies; undefined when it is none. */
  #signer: NoteVerifier | undefined;
  #signerNumber = 0;
  #previous = NO_NOTE;
  #origin = "";
  #firstVkey = "";

  constructor(options: EpochCheckOptions) {
    this.#options = options;
  }

  get closed(): number {
    return this.#epoch?.number ?? 0;
  }

  summary(): EpochSummary {
    const isPinned = this.#options.first !== undefined;
    return { closed: this.closed, firstVkey: this.#firstVkey, isPinned };
  }

  /** `root` gives that of the log up to and with this entry; undefined when there is none. */
  async take(entry: Entry, index: number, root: () => Buffer | undefined): Promise<void> {
    const open = this.#epoch;
    if (open !== undefined && open.number !== this.#signerNumber) {
      this.#signerNumber = open.number;
      this.#signer = this.#parse(open, index);
    }
    this.#epoch = advanceEpoch(open, entry, index);
    if (entry.type === "genesis") this.#begin(entry, index);
    if (entry.type !== "epoch") return;
    if (entry.epoch !== open?.number) {
      const reason = `it closes epoch ${entry.epoch}, the open one is ${open?.number ?? "none"}`;
      this.#report({ entry: index, reason });
    }
    await this.#checkNote({ ...entry, size: index + 1, root: root(), index });
  }

  #begin({ origin, epoch_vkey: vkey }: GenesisEntry, index: number): void {
    this.#origin = origin;
    this.#firstVkey = vkey;
    this.#signer = this.#parse(this.#epoch!, index);
    const { first } = this.#options;
    if (first === undefined || first.vkey === vkey) return;
    // What follows is checked with the key that was kept, and fails, as it should.
    this.#signer = first;
    this.#report({ entry: index, reason: "the first epoch's key is not the one that was kept" });
  }

  #parse({ vkey, number }: EpochPosition, index: number): NoteVerifier | undefined {
    try {
      const verifier = parseVerifier(vkey);
      if (verifier.name === epochKeyName(this.#origin, number)) return verifier;
    } catch {
      // The same as a key of another name.
    }
    this.#report({ entry: index, reason: `it is in epoch ${number}, whose key is not valid` });
    return undefined;
  }

  async #checkNote(end: {
    readonly epoch: number;
    readonly next: string;
    readonly at: number;
    readonly size: number;
    readonly root: Buffer | undefined;
    readonly index: number;
  }): Promise<void> {
    const { epoch, next, size, root } = end;
    const file = `${EPOCHS_FOLDER}/${noteFileName(epoch)}`;
    const place = { file, entry: end.index };
    const note = await readIfThere(join(this.#options.archive, file));
    if (note === undefined) {
      this.#report({ ...place, reason: `the closing note of epoch ${epoch} is missing` });
      return;
    }
    const previous = this.#previous;
    this.#previous = sha256(note).toString("hex");
    const opened = this.#signer && openNote(note.toString(), this.#signer);
    if (opened?.status !== "valid") {
      this.#report({ ...place, reason: unsigned(opened?.status) });
    } else if (root !== undefined) {
      const origin = this.#origin;
      const expected = { origin, epoch, size, root, closedMs: end.at, next, previous };
      if (opened.text === formatClosingNote(expected)) return;
      const reason = "the note closes the epoch with other entries, or follows another note";
      this.#report({ ...place, reason });
    }
  }

  /** The key of the epoch in which the newest entry lies must have signed the checkpoint, too. */
  checkCheckpoint(note: string): void {
    const opened = this.#signer && openNote(note, this.#signer);
    if (opened?.status === "valid") return;
    const reason = `of epoch ${this.#signerNumber}: ${unsigned(opened?.status)}`;
    this.#report({ file: "log/checkpoint", reason });
  }

  /** Numbers of the notes that close an epoch which no entry closes so far. */
  async listBeyond(): Promise<number[]> {
    const beyond: number[] = [];
    const folder = join(this.#options.archive, EPOCHS_FOLDER);
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      const number = /^(0|[1-9]\d{0,15})\.note$/.exec(name)?.[1];
      if (number !== undefined) {
        if (Number(number) >= this.closed) beyond.push(Number(number));
      } else if (!name.endsWith(".tmp")) {
        const reason = "no closing note has this name";
        this.#options.report({ kind: "unexpected_file", file: `${EPOCHS_FOLDER}/${name}`, reason });
      }
    }
    return beyond;
  }

  #report(finding: { file?: string; entry?: number; reason: string }): void {
    this.#options.report({ kind: "epoch", ...finding });
  }
}

function unsigned(status: OpenedNote["status"] | undefined): string {
  if (status === "malformed") return "it is not a signed note: signatures are missing or broken";
  if (status === "forged") return "the signature of the epoch's key does not fit";
  return "it has no signature by the epoch's key";
}
