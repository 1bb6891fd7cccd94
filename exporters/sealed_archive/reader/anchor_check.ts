/**
 * Compares the log with what others have seen of it: a checkpoint that was kept, and those that
 * witnesses cosigned.
 *
 * Invariant: the anchors are read before the newest checkpoint. An agent publishes a checkpoint
 * before witnesses see it, so one that covers more than the newest shows an archive put back.
 */
import type { AnchorFile } from "../anchors/anchor_files.ts";
import { readAnchors } from "../anchors/anchor_files.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import type { NoteVerifier } from "../format/note.ts";
import type { Policy } from "../format/policy.ts";
import { judgeNote } from "../format/policy.ts";
import type { Finding, Report } from "./finding.ts";
import type { ReadCheckpoint } from "./log_files.ts";
import { judgeCheckpoint } from "./log_files.ts";

export interface WitnessRule {
  readonly policy: Policy;
  /** Longest time since a quorum cosigned; undefined: any. */
  readonly ageMaxMs: number | undefined;
}

export interface WitnessedLog {
  /** Entries that a quorum has cosigned. */
  readonly size: number;
  /** The names of the witnesses in the policy. */
  readonly witnesses: readonly string[];
  /** When they cosigned, by their clocks; undefined when the policy asks for nobody. */
  readonly atMs: number | undefined;
}

/** A size and a root that the log must have had. */
interface Pin extends Pick<Checkpoint, "size" | "root"> {
  readonly kind: Finding["kind"];
  readonly name: string;
  readonly file?: string;
}

export class AnchorCheck {
  readonly #report: Report;
  readonly #anchors: readonly AnchorFile[];
  readonly #pins: Pin[] = [];

  private constructor(anchors: readonly AnchorFile[], report: Report) {
    this.#anchors = anchors;
    this.#report = report;
  }

  /** Throws `archive.unreadable`. */
  static async read(
    archive: string,
    { verifier, kept }: { verifier: NoteVerifier; kept: Checkpoint | undefined },
    report: Report,
  ): Promise<AnchorCheck> {
    const check = new AnchorCheck(await readAnchors(archive), report);
    if (kept !== undefined) {
      check.#pins.push({ ...kept, kind: "kept_checkpoint", name: "the kept checkpoint" });
    }
    for (const anchor of check.#anchors) check.#pin(anchor, verifier);
    check.#pins.sort((one, other) => one.size - other.size);
    return check;
  }

  #pin({ size, file, note }: AnchorFile, verifier: NoteVerifier): void {
    const read = judgeOrUndefined(note, verifier);
    const reason =
      read?.checkpoint.size === size ? read.problem : "it is no checkpoint of the size in its name";
    if (read === undefined || reason !== undefined) {
      this.#report({ kind: "anchor", file, reason: reason! });
    } else this.#pins.push({ ...read.checkpoint, kind: "anchor", name: "the anchor", file });
  }

  /** Sizes up to `size` at which {@link compare} wants to see the root, in order. */
  sizesTo(size: number): number[] {
    return [...new Set(this.#pins.map((pin) => pin.size))].filter((pinned) => pinned <= size);
  }

  compare(size: number, root: Buffer): void {
    for (const { kind, name, file, ...pin } of this.#pins) {
      if (pin.size !== size || pin.root.equals(root)) continue;
      const reason = `the first ${size} entries are not those that ${name} signed`;
      this.#report({ kind, reason, ...(file === undefined ? {} : { file }) });
    }
  }

  /** Names what covers more than the newest checkpoint. */
  compareNewest({ size }: Checkpoint): void {
    for (const pin of this.#pins.filter((pin) => pin.size > size)) {
      const reason = `${pin.name} has ${pin.size} entries, the archive ${size}`;
      this.#report({ kind: pin.kind, file: "log/checkpoint", reason });
    }
  }

  /** The newest checkpoint with a quorum; undefined after a report. */
  judge(
    newest: { readonly size: number; readonly note: string },
    { policy, ageMaxMs }: WitnessRule,
    nowMs: number,
  ): WitnessedLog | undefined {
    const anchors = this.#anchors.map(({ size, note }) => ({ size, note: note.toString() }));
    const isPinned = new Set(this.#pins.map(({ size }) => size));
    for (const { size, note } of [newest, ...anchors.reverse()]) {
      const { isMet, timeS, witnesses } = judgeNote(policy, note);
      if (!isMet || (note !== newest.note && !isPinned.has(size))) continue;
      const atMs = timeS === undefined ? undefined : timeS * 1000;
      if (atMs !== undefined && ageMaxMs !== undefined && nowMs - atMs > ageMaxMs) {
        const age = Math.round((nowMs - atMs) / 1000);
        const reason = `the newest checkpoint that a quorum of witnesses cosigned is ${age} s old`;
        this.#report({ kind: "witness", reason });
      }
      return { size, witnesses, atMs };
    }
    const reason = "no checkpoint has the cosignatures that the policy asks for";
    this.#report({ kind: "witness", reason });
    return undefined;
  }
}

function judgeOrUndefined(note: Buffer, verifier: NoteVerifier): ReadCheckpoint | undefined {
  try {
    return judgeCheckpoint(note, verifier);
  } catch {
    return undefined;
  }
}
