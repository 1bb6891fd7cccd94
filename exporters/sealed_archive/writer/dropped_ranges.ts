/**
 * Which records of an HMAC chain the archive dropped because a receiver replayed them.
 *
 * The chain cannot know that a record will be dropped behind it, so its numbers have a hole in the
 * archive; the ranges go into the next entry and explain the hole to a verifier.
 * Invariant: a range holds dropped records only; ranges are never widened to save room.
 */
import { INTEGRITY_CHAIN, INTEGRITY_SEQUENCE } from "../../../src/data/integrity.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import type { DroppedRange } from "../format/entry.ts";
import { DROPPED_RANGES_MAX } from "../format/entry.ts";

export class DroppedRanges {
  #ranges: [chain: string, first: number, last: number][] = [];

  /** True when an entry must take some before more are added. */
  get isFull(): boolean {
    return this.#ranges.length >= DROPPED_RANGES_MAX;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  add(record: LogRecord): void {
    const chain = record.attributes[INTEGRITY_CHAIN];
    const sequence = Number(record.attributes[INTEGRITY_SEQUENCE]);
    if (typeof chain !== "string" || !Number.isSafeInteger(sequence) || sequence < 0) return;
    const last = this.#ranges.at(-1);
    if (last?.[0] === chain && last[2] + 1 === sequence) last[2] = sequence;
    else this.#ranges.push([chain, sequence, sequence]);
  }

  /** What the next entry says; undefined when there is nothing to say. */
  takeForEntry(): DroppedRange[] | undefined {
    return this.isEmpty ? undefined : this.#ranges.splice(0, DROPPED_RANGES_MAX);
  }
}
