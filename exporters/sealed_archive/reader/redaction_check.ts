/**
 * Checks the blocks that were overwritten with zeros: a `redact` entry must say so, and what stands in
 * their place must hold everything else.
 */
import type { BlockEntry, RedactEntry, RetainEntry } from "../format/entry.ts";
import type { Finding, Report } from "./finding.ts";
import type { Redaction, Redactions } from "./open_redacted.ts";
import { addRedaction, readRedacted, redactedPath } from "./open_redacted.ts";

interface Zeroed {
  readonly index: number;
  readonly entry: BlockEntry;
  readonly finding: Finding;
}

/** A block that was redacted, and the bytes that stand in its place. */
export interface Replaced {
  readonly index: number;
  readonly entry: BlockEntry;
  readonly redaction: Redaction;
  readonly bytes: Buffer;
}

export interface Redacted {
  /** Blocks in whose place another file stands, and records that are not in it any more. */
  readonly blocks: number;
  readonly records: number;
  /** Blocks that are still there although the log says that they were redacted. */
  readonly unfinished: number;
}

export class RedactionCheck {
  readonly #archive: string;
  readonly #report: Report;
  readonly #redactions: Redactions = new Map();
  readonly #zeroed = new Map<number, Zeroed>();

  constructor(archive: string, report: Report) {
    this.#archive = archive;
    this.#report = report;
  }

  take(entry: RedactEntry): void {
    addRedaction(this.#redactions, entry);
  }

  /** A block that has nothing but zeros; `finding` is told when no entry explains it. */
  addZeroed(zeroed: Zeroed): void {
    this.#zeroed.set(zeroed.index, zeroed);
  }

  isZeroed(index: number): boolean {
    return this.#zeroed.has(index);
  }

  /** True when an entry further on has to explain something. */
  get hasUnexplained(): boolean {
    return [...this.#zeroed.keys()].some((index) => !this.#redactions.has(index));
  }

  summary(): Redacted {
    const redactions = [...this.#redactions];
    const done = redactions.filter(([index]) => this.#zeroed.has(index));
    const records = done.flatMap(([, { removed }]) => removed.map(([from, to]) => to - from + 1));
    return {
      blocks: done.length,
      records: records.reduce((sum, count) => sum + count, 0),
      unfinished: redactions.length - done.length,
    };
  }

  /** The segment is deleted, and its redacted blocks with it. */
  forget({ zone, seg }: RetainEntry): void {
    for (const [index, { entry }] of this.#redactions) {
      if (entry.zone === zone && entry.seg === seg) this.#redactions.delete(index);
    }
    for (const [index, { entry }] of this.#zeroed) {
      if (entry.zone === zone && entry.seg === seg) this.#zeroed.delete(index);
    }
  }

  /** One after the other, those that the log explains; reports the others. */
  async *replaced(): AsyncGenerator<Replaced> {
    for (const { index, entry, finding } of this.#zeroed.values()) {
      const redaction = this.#redactions.get(index);
      if (redaction === undefined) {
        this.#report(finding);
        continue;
      }
      const bytes = await readRedacted(this.#archive, redaction);
      if (bytes !== undefined) yield { index, entry, redaction, bytes };
      else {
        const { zone, seg } = entry;
        const place = { file: redactedPath(redaction), zone, segment: seg, entry: index };
        const reason = "what stands in the place of a redacted block is missing or was changed";
        this.#report({ kind: "block", ...place, reason });
      }
    }
  }
}
