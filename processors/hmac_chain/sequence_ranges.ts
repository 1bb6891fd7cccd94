/** Sets of sequences as sorted, disjoint ranges. */
import type { SequenceRange } from "./statement.ts";

/** Sorted, with overlapping and adjacent ranges made one. */
export function mergeRanges(ranges: readonly SequenceRange[]): SequenceRange[] {
  const merged: SequenceRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1) merged.push(range);
    else merged[merged.length - 1] = { ...before, last: Math.max(before.last, range.last) };
  }
  return merged;
}

/** What of `ranges` is not in `removed`; both sorted and disjoint. */
export function subtractRanges(
  ranges: readonly SequenceRange[],
  removed: readonly SequenceRange[],
): SequenceRange[] {
  const left: SequenceRange[] = [];
  let at = 0;
  for (const { first, last } of ranges) {
    let from = first;
    while (at < removed.length && removed[at]!.last < from) at++;
    for (let next = at; from <= last; next++) {
      const hit = removed[next];
      if (hit === undefined || hit.first > last) {
        left.push({ first: from, last });
        break;
      }
      if (hit.first > from) left.push({ first: from, last: hit.first - 1 });
      from = Math.max(from, hit.last + 1);
    }
  }
  return left;
}

export function countSequences(ranges: readonly SequenceRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** `ranges` sorted and disjoint. */
export function isInRanges(sequence: number, ranges: readonly SequenceRange[]): boolean {
  return ranges.some(({ first, last }) => first <= sequence && sequence <= last);
}
