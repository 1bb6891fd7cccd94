/**
 * Which numbers of an HMAC chain are not in the archive because their records were delivered again
 * and dropped, or cannot be sealed at all; of those, also how many there were.
 *
 * A chain cannot know that a record will be dropped behind it, so its numbers have a hole in the
 * archive; the ranges go into the next entry and explain the hole to a verifier. When a record that
 * is dropped carries a statement of the chain itself (a restart, a batch that was refused), nobody
 * would see that any more, so what it explains goes into the ranges, too.
 * Invariant: only a chain's id and whole numbers get into the public log, whatever the attributes
 * of a record say.
 */
import type { AnyValue } from "../../../src/data/any_value.ts";
import {
  INTEGRITY_CHAIN,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
} from "../../../src/data/integrity.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import type { DroppedRange } from "../format/entry.ts";
import { CHAIN_ID, DROPPED_RANGES_MAX } from "../format/entry.ts";

/** A statement explains nothing further below its own number; the chain's verifier has the same. */
const STATED_SPAN_MAX = 1_048_576;
const STATED_RANGES_MAX = 256;
const RESTART = /"acknowledged":(-1|\d{1,15}),"reserved_until":(\d{1,15})\}$/;
const RANGE = /^(\d{1,15})-(\d{1,15})$/;

type Range = readonly [first: number, last: number];

/** What an entry says of records that are not in the archive. */
export interface Unsealed {
  readonly dropped: DroppedRange[] | undefined;
  readonly withheld: number | undefined;
}

export class DroppedRanges {
  #ranges: [chain: string, first: number, last: number][] = [];
  #withheld = 0;

  /** True when an entry must take some before more are added. */
  get isFull(): boolean {
    return this.#ranges.length >= DROPPED_RANGES_MAX;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0 && this.#withheld === 0;
  }

  /** A record that cannot be sealed. */
  addWithheld(record: LogRecord): void {
    this.#withheld++;
    this.add(record);
  }

  /** Returns whether there is anything to say of this record. */
  add({ attributes }: LogRecord): boolean {
    const chain = attributes[INTEGRITY_CHAIN];
    const sequence = attributes[INTEGRITY_SEQUENCE];
    if (typeof chain !== "string" || !CHAIN_ID.test(chain)) return false;
    if (typeof sequence !== "number" || !Number.isSafeInteger(sequence)) return false;
    if (sequence < 0) return false;
    for (const [first, last] of statedRanges(attributes[INTEGRITY_RESTART], parseRestart)) {
      this.#addWithin(chain, sequence, first, last);
    }
    for (const [first, last] of statedRanges(attributes[INTEGRITY_UNDELIVERED], parseRanges)) {
      this.#addWithin(chain, sequence, first, last);
    }
    this.#push(chain, sequence, sequence);
    return true;
  }

  #addWithin(chain: string, sequence: number, first: number, last: number): void {
    const from = Math.max(0, first, sequence - STATED_SPAN_MAX);
    const to = Math.min(last, sequence - 1);
    if (from <= to) this.#push(chain, from, to);
  }

  #push(chain: string, first: number, last: number): void {
    const newest = this.#ranges.at(-1);
    if (newest?.[0] === chain && newest[2] + 1 === first) newest[2] = last;
    else this.#ranges.push([chain, first, last]);
  }

  /** What the next entry says; undefined where there is nothing to say. */
  takeForEntry(): Unsealed {
    const ranges = this.#ranges.splice(0, DROPPED_RANGES_MAX);
    const withheld = this.#withheld;
    this.#withheld = 0;
    return {
      dropped: ranges.length === 0 ? undefined : ranges,
      withheld: withheld === 0 ? undefined : withheld,
    };
  }
}

function statedRanges(value: AnyValue, parse: (text: string) => Range[]): Range[] {
  return typeof value === "string" ? parse(value) : [];
}

function parseRestart(text: string): Range[] {
  const match = RESTART.exec(text);
  return match === null ? [] : [[Number(match[1]) + 1, Number(match[2]) - 1]];
}

function parseRanges(text: string): Range[] {
  return text.split(",", STATED_RANGES_MAX).flatMap((part): Range[] => {
    const match = RANGE.exec(part);
    return match === null ? [] : [[Number(match[1]), Number(match[2])]];
  });
}
