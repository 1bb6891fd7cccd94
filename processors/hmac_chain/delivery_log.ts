/**
 * What became of the sequences that were issued: delivered, refused, or still under way.
 *
 * Invariant: {@link DeliveryLog.acknowledged} is the end of the longest beginning of the chain in
 * which nothing is under way, and every refused sequence of it is listed as undelivered until a
 * record that states it was delivered. What is under way and not listed lies behind it, where the
 * next restart statement explains it.
 */
import type { SequenceRange } from "./statement.ts";
import { addRange, withinSpan } from "./statement.ts";

export interface Acknowledged {
  readonly sequence: number;
  readonly tag: string;
}

/** The sequences of one batch. */
export interface Issued {
  readonly range: SequenceRange;
  /** The tag of the last one. */
  readonly lastTag: string;
  /** What the first one states. */
  readonly states: readonly SequenceRange[];
  /** A hole that the first one explains in another statement: the restart's. */
  readonly restartHole: SequenceRange | undefined;
  settled: boolean;
}

export class DeliveryLog {
  #acknowledged: Acknowledged;
  /** Refused, and stated by no record that is under way. */
  #pending: readonly SequenceRange[];
  /** Under way or waiting for an earlier one, in order of sequence. */
  readonly #issued = new Set<Issued>();

  constructor(acknowledged: Acknowledged, undelivered: readonly SequenceRange[]) {
    this.#acknowledged = acknowledged;
    this.#pending = undelivered;
  }

  get acknowledged(): Acknowledged {
    return this.#acknowledged;
  }

  /** Everything that a restart must state anew: also what records under way state. */
  get undelivered(): readonly SequenceRange[] {
    let ranges = this.#pending;
    for (const { settled, states } of this.#issued) {
      if (!settled) for (const range of states) ranges = addRange(ranges, range);
    }
    return ranges;
  }

  /** Takes the ranges that the batch beginning at `sequence` states. */
  takeStatement(sequence: number): readonly SequenceRange[] {
    if (this.#pending.length === 0) return this.#pending;
    const ranges = withinSpan(this.#pending, sequence);
    this.#pending = [];
    return ranges;
  }

  /** Must be called in order of sequence. */
  add(issued: Issued): void {
    this.#issued.add(issued);
  }

  delivered(issued: Issued): void {
    this.#settle(issued);
  }

  /** The batch is not under way any more, and an exporter does not have it. */
  refused(issued: Issued): void {
    let ranges = addRange(this.#pending, issued.range);
    for (const range of issued.states) ranges = addRange(ranges, range);
    if (issued.restartHole !== undefined) ranges = addRange(ranges, issued.restartHole);
    this.#pending = ranges;
    this.#settle(issued);
  }

  #settle(issued: Issued): void {
    issued.settled = true;
    for (const first of this.#issued) {
      if (!first.settled) break;
      this.#acknowledged = { sequence: first.range.last, tag: first.lastTag };
      this.#issued.delete(first);
    }
  }
}
