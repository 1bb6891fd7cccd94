/**
 * Statements: what the agent says about sequences that an exporter may not have. They are
 * attributes of a record, hashed with it, so nobody without the key of that moment can make one.
 *
 * - A restart statement stands on the first record after a restart. Sequences between the last one
 *   known to be delivered and the reservation of the run that ended may be missing.
 * - An undelivered statement lists sequences whose batch an exporter refused.
 *
 * Invariant: a statement on record q explains only sequences in `[q - EXPLAINED_SPAN_MAX, q)`, so
 * that a thief of today's keys cannot explain away what is older.
 */
import { mergeRanges } from "./sequence_ranges.ts";

export const EXPLAINED_SPAN_MAX = 1_048_576;
const RANGES_MAX = 256;
const SEQUENCE = "(0|[1-9][0-9]{0,15})";
const RANGE = new RegExp(`^${SEQUENCE}-${SEQUENCE}$`);
const RESTART = new RegExp(
  `^\\{"run":${SEQUENCE},"acknowledged":(-1|0|[1-9][0-9]{0,15}),"reserved_until":${SEQUENCE}\\}$`,
);

/** First and last sequence, both included. */
export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

export interface RestartStatement {
  /** The run that ended. */
  readonly run: number;
  /** The last sequence known to be delivered, with all before it; -1 for none. */
  readonly acknowledged: number;
  /** No sequence from here on was issued by the run that ended. */
  readonly reservedUntil: number;
}

/** The attribute texts of one record, empty where it has none. */
export interface StatementTexts {
  readonly restart: string;
  readonly undelivered: string;
}

export const NO_STATEMENTS: StatementTexts = { restart: "", undelivered: "" };

export function formatRestart({ run, acknowledged, reservedUntil }: RestartStatement): string {
  return JSON.stringify({ run, acknowledged, reserved_until: reservedUntil });
}

export function formatRanges(ranges: readonly SequenceRange[]): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join(",");
}

/** Undefined for text that {@link formatRestart} does not write. */
export function parseRestart(text: string): RestartStatement | undefined {
  const match = RESTART.exec(text);
  if (match === null) return undefined;
  return {
    run: Number(match[1]),
    acknowledged: Number(match[2]),
    reservedUntil: Number(match[3]),
  };
}

/** Undefined for text that {@link formatRanges} does not write. */
export function parseRanges(text: string): SequenceRange[] | undefined {
  const ranges: SequenceRange[] = [];
  for (const part of text.split(",", RANGES_MAX + 1)) {
    const match = RANGE.exec(part);
    if (match === null || ranges.length === RANGES_MAX) return undefined;
    const range = { first: Number(match[1]), last: Number(match[2]) };
    if (range.last < range.first) return undefined;
    ranges.push(range);
  }
  return ranges;
}

/** Adds a range; neighbours become one. The oldest are given up beyond `RANGES_MAX`. */
export function addRange(ranges: readonly SequenceRange[], added: SequenceRange): SequenceRange[] {
  return mergeRanges([...ranges, added]).slice(-RANGES_MAX);
}

/** What a statement on record `sequence` may say about these ranges; older parts are cut off. */
export function withinSpan(ranges: readonly SequenceRange[], sequence: number): SequenceRange[] {
  const oldest = sequence - EXPLAINED_SPAN_MAX;
  return ranges
    .filter(({ last }) => last >= oldest)
    .map(({ first, last }) => ({ first: Math.max(first, oldest), last }));
}
