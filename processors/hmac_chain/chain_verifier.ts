/**
 * Verifies one chain from K_0 and the records that somebody exported, in any order.
 *
 * Invariant: a record counts as genuine only when its value was recomputed from its content, its
 * sequence and the value that it continues. A missing sequence is accepted only where a genuine
 * record states it, or the caller does.
 */
import type { LogRecord } from "../../src/data/log_record.ts";
import { CanonicalEncoder } from "./canonical_record.ts";
import type { ChainFinding, ChainReport } from "./chain_report.ts";
import { readMarks } from "./integrity_marks.ts";
import type { KeyCursor } from "./key_schedule.ts";
import { genesisValue } from "./key_schedule.ts";
import { LinkChecker } from "./link_checker.ts";
import type { RecordPlace } from "./record_table.ts";
import { RecordTable } from "./record_table.ts";
import { countSequences, isInRanges, mergeRanges, subtractRanges } from "./sequence_ranges.ts";
import type { SequenceRange } from "./statement.ts";
import { EXPLAINED_SPAN_MAX, parseRanges, parseRestart, withinSpan } from "./statement.ts";

export interface VerifyOptions {
  /** Sequences before it are not expected. */
  readonly expectFirst: number;
  /** The last sequence that must be there. */
  readonly expectLast: number | undefined;
  /** The order of the input must be that of the sequences. */
  readonly ordered: boolean;
  /** Sequences that the sealed archive says it dropped. */
  readonly dropped: readonly SequenceRange[];
}

/** A sequence at which no record holds. */
interface Slot {
  readonly sequence: number;
  readonly rows: readonly number[];
  /** What a record there must continue; undefined when the record before is missing. */
  readonly previous: string | undefined;
  /** False when `previous` is only what a record that does not hold claims. */
  readonly isPreviousSound: boolean;
  readonly cursor: KeyCursor;
}

/** Comparing each with each is for a few exchanged records, not for a file that was rewritten. */
const EXCHANGED_MAX = 256;
/** Findings beyond are only counted. */
const FINDINGS_MAX = 10_000;
const BEFORE_ALL = -1;

export class ChainVerifier {
  readonly chain: string;
  readonly #options: VerifyOptions;
  readonly #encoder: CanonicalEncoder;
  readonly #table = new RecordTable();
  readonly #checker: LinkChecker;
  readonly #findings: ChainFinding[] = [];
  readonly #counts = { edit: 0, hole: 0, duplicate: 0, reorder: 0, fork: 0, unproven: 0 };
  readonly #slots: Slot[] = [];
  readonly #holes: SequenceRange[] = [];
  readonly #stated: SequenceRange[] = [];
  readonly #borders: number[] = [];
  #order: Uint32Array = new Uint32Array();
  #records = 0;
  #restarts = 0;
  #genuine = 0;
  #firstGenuine = -1;
  #lastGenuine = -1;
  #lastAdded = -1;
  /** The record before, in order of sequence. */
  #last: { sequence: number; tag: string; isGenuine: boolean };

  /** `encoder` may be shared by verifiers. */
  constructor(
    key: Uint8Array,
    chain: string,
    options: VerifyOptions,
    encoder = new CanonicalEncoder(),
  ) {
    this.chain = chain;
    this.#options = options;
    this.#encoder = encoder;
    this.#checker = new LinkChecker(this.#table, key, chain);
    this.#last = { sequence: BEFORE_ALL, tag: genesisValue(chain), isGenuine: true };
  }

  /** A record whose chain attribute names this chain. */
  add(record: LogRecord, place: RecordPlace): void {
    this.#records++;
    const marks = readMarks(record.attributes);
    if (typeof marks === "string") {
      const detail = `its attribute ${marks} is missing or malformed`;
      this.#add({ kind: "edit", first: -1, last: -1, place, detail });
      return;
    }
    const { sequence } = marks;
    if (this.#options.ordered && sequence < this.#lastAdded) {
      const detail = `stands behind sequence ${this.#lastAdded}`;
      this.#add({ kind: "reorder", first: sequence, last: sequence, place, detail });
    }
    this.#lastAdded = sequence;
    this.#table.add(marks, this.#encoder.digest(record, marks.statements), place);
  }

  finish(): ChainReport {
    this.#order = this.#table.inOrder();
    for (let start = 0; start < this.#order.length; ) {
      const sequence = this.#table.sequence(this.#order[start]!);
      let end = start + 1;
      while (end < this.#order.length && this.#table.sequence(this.#order[end]!) === sequence)
        end++;
      this.#visit(sequence, [...this.#order.subarray(start, end)]);
      start = end;
    }
    const { expectLast, expectFirst } = this.#options;
    if (expectLast !== undefined && this.#last.sequence < expectLast) {
      const first = Math.max(this.#last.sequence + 1, expectFirst);
      if (first <= expectLast) this.#holes.push({ first, last: expectLast });
    }
    const holes = mergeRanges(this.#holes);
    const given = mergeRanges(this.#options.dropped);
    const unexplained = subtractRanges(holes, mergeRanges([...this.#stated, ...given]));
    for (const { first, last } of unexplained) this.#reportHole(first, last);
    this.#judgeSlots(unexplained, given);
    return {
      chain: this.chain,
      records: this.#records,
      genuine: this.#genuine,
      firstSequence: this.#firstGenuine,
      lastSequence: this.#lastGenuine,
      restarts: this.#restarts,
      explained: countSequences(holes) - countSequences(unexplained),
      unprovenAtBorder: this.#borders,
      findings: this.#findings.sort((a, b) => a.first - b.first),
      counts: this.#counts,
    };
  }

  /** All rows that claim one sequence; sequences come in rising order. */
  #visit(sequence: number, rows: readonly number[]): void {
    const table = this.#table;
    const isNext = this.#last.sequence === sequence - 1;
    const before = isNext ? this.#last.tag : undefined;
    const { cursor } = this.#checker;
    const genuine = rows.find((row) => {
      const previous = table.previous(row) ?? before;
      return previous !== undefined && this.#checker.holds(row, sequence, previous);
    });
    const isFar = sequence - this.#last.sequence > EXPLAINED_SPAN_MAX;
    if (genuine !== undefined || !isFar) this.#noteHole(sequence);
    if (genuine === undefined) {
      const isPreviousSound = isNext && this.#last.isGenuine;
      this.#slots.push({ sequence, rows, previous: before, isPreviousSound, cursor });
      // A forged sequence far ahead must not look like a hole of a thousand million records.
      if (!isFar) this.#last = { sequence, tag: table.tag(rows[0]!), isGenuine: false };
      return;
    }
    this.#accept(genuine, sequence);
    for (const row of rows) if (row !== genuine) this.#judgeRival(row, genuine, before);
    this.#last = { sequence, tag: table.tag(genuine), isGenuine: true };
  }

  #noteHole(sequence: number): void {
    const first = Math.max(this.#last.sequence + 1, this.#options.expectFirst);
    if (first < sequence) this.#holes.push({ first, last: sequence - 1 });
  }

  #accept(row: number, sequence: number): void {
    this.#table.markGenuine(row);
    this.#genuine++;
    if (this.#firstGenuine < 0 || sequence < this.#firstGenuine) this.#firstGenuine = sequence;
    this.#lastGenuine = Math.max(this.#lastGenuine, sequence);
    const { restart, undelivered } = this.#table.statements(row);
    const restarted = parseRestart(restart);
    const continues = restarted?.acknowledged ?? sequence - 1;
    if (restarted !== undefined) {
      this.#restarts++;
      const hole = { first: restarted.acknowledged + 1, last: restarted.reservedUntil - 1 };
      if (hole.first <= hole.last && hole.last < sequence) {
        this.#stated.push(...withinSpan([hole], sequence));
      }
    }
    const refused = (parseRanges(undelivered) ?? []).filter(({ last }) => last < sequence);
    this.#stated.push(...withinSpan(refused, sequence));
    const previous = this.#table.previous(row);
    const expected = this.#genuineTag(continues);
    if (previous !== undefined && expected !== undefined && previous !== expected) {
      this.#report("fork", row, `does not continue the record ${continues} that is here`);
    }
  }

  /** Another row of a sequence at which a genuine one is. */
  #judgeRival(row: number, genuine: number, before: string | undefined): void {
    const sequence = this.#table.sequence(row);
    const { line, record } = this.#table.place(genuine);
    const where = `line ${line}, record ${record}`;
    const previous = this.#table.previous(row) ?? before;
    if (this.#table.isSame(row, genuine)) {
      this.#report("duplicate", row, `is there already: ${where}`);
    } else if (previous !== undefined && this.#checker.holds(row, sequence, previous)) {
      this.#report("fork", row, `the agent wrote this sequence twice: see ${where}`);
    } else {
      this.#report("edit", row, `is not what the agent wrote; the genuine one is ${where}`);
    }
  }

  #genuineTag(sequence: number): string | undefined {
    if (sequence === BEFORE_ALL) return genesisValue(this.chain);
    if (this.#last.sequence === sequence) {
      return this.#last.isGenuine ? this.#last.tag : undefined;
    }
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#table.sequence(this.#order[middle]!) < sequence) low = middle + 1;
      else high = middle;
    }
    for (; low < this.#order.length; low++) {
      const row = this.#order[low]!;
      if (this.#table.sequence(row) !== sequence) return undefined;
      if (this.#table.isGenuine(row)) return this.#table.tag(row);
    }
    return undefined;
  }

  #judgeSlots(unexplained: readonly SequenceRange[], given: readonly SequenceRange[]): void {
    const placed = this.#findExchanged();
    for (const { sequence, rows, previous, isPreviousSound } of this.#slots) {
      for (const row of rows) {
        const original = placed.get(row);
        if (original === sequence) continue;
        if (original !== undefined) {
          this.#report("reorder", row, `the agent wrote it as sequence ${original}`);
          continue;
        }
        const says = this.#table.previous(row) !== undefined;
        if (says || isPreviousSound || rows.length > 1) {
          this.#report("edit", row, "is not what the agent wrote");
        } else if (previous !== undefined) {
          this.#report("unproven", row, "the record before it is edited");
        } else if (sequence <= this.#options.expectFirst || isInRanges(sequence - 1, given)) {
          this.#borders.push(sequence);
        } else if (isInRanges(sequence - 1, unexplained)) {
          this.#report("unproven", row, "the record before it is missing");
        } else {
          // Behind a hole that the agent states, a record always says what it continues.
          this.#report("edit", row, "its attribute audit.integrity.previous was removed");
        }
      }
    }
  }

  /** Rows that hold at the sequence of a slot, by row: their own one or that of another row. */
  #findExchanged(): ReadonlyMap<number, number> {
    const placed = new Map<number, number>();
    if (this.#slots.length > EXCHANGED_MAX) return placed;
    const rows = this.#slots.flatMap((slot) => slot.rows).slice(0, EXCHANGED_MAX);
    let before: { sequence: number; tag: string } | undefined;
    for (const { sequence, previous, cursor } of this.#slots) {
      const continues = before?.sequence === sequence - 1 ? before.tag : previous;
      const found = rows.find((row) => {
        const value = this.#table.previous(row) ?? continues;
        return (
          !placed.has(row) &&
          value !== undefined &&
          this.#checker.wouldHold(row, sequence, value, cursor)
        );
      });
      if (found === undefined) continue;
      placed.set(found, sequence);
      before = { sequence, tag: this.#table.tag(found) };
      if (this.#table.sequence(found) === sequence) this.#accept(found, sequence);
    }
    return placed;
  }

  #report(kind: ChainFinding["kind"], row: number, detail: string): void {
    const sequence = this.#table.sequence(row);
    const place = this.#table.place(row);
    this.#add({ kind, first: sequence, last: sequence, place, detail });
  }

  #reportHole(first: number, last: number): void {
    const count = last - first + 1;
    const detail = count === 1 ? "1 record is missing" : `${count} records are missing`;
    this.#add({ kind: "hole", first, last, place: undefined, detail });
  }

  #add(finding: ChainFinding): void {
    this.#counts[finding.kind]++;
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(finding);
  }
}
