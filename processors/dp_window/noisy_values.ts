/**
 * The noise of one window: exact integers in, exact integers out.
 *
 * Invariant: each value gets one draw, and the draw that decides whether an open group is shown is
 * the one that is shown.
 */
import { drawNoise } from "./noise.ts";
import type { RunningTotals } from "./running.ts";
import type { Draws } from "./samplers.ts";
import type { Selection, Spec } from "./spec.ts";
import { blocksOfSpec, runningOf, thresholdAt } from "./spec.ts";
import type { WindowCounts } from "./window_counts.ts";

/** Decimal integers, by cell and then by block. */
export interface NoisyValues {
  readonly values: readonly string[];
  /** The labels of the cells as JSON, sorted; absent where all cells are public. */
  readonly groups?: readonly string[];
  /** Of running totals: their variance for noise of variance 1. */
  readonly spread?: number;
}

export interface Before {
  /** Groups that stay public for now (their labels as JSON). */
  readonly shown?: Iterable<string>;
  /** Totals of the day, in a window that goes on with them. */
  readonly running?: RunningTotals;
  /** Number of the window in its day. */
  readonly step?: number;
}

export function noisyValues(
  spec: Spec,
  counts: WindowCounts,
  draws: Draws,
  { shown: shownBefore = [], running, step = 0 }: Before = {},
): NoisyValues {
  const blocks = blocksOfSpec(spec);
  const noises = spec.metrics.flatMap(({ measures }) =>
    measures.flatMap(({ noise, parts }) => Array.from({ length: parts }, () => noise)),
  );
  // An integer below 2^53 in size: the configuration is refused where it could be more.
  const draw = (exact: number, block: number): bigint =>
    BigInt(exact) + drawNoise(draws, noises[block]!);
  const { selection } = spec;
  const threshold = selection === undefined ? 0 : thresholdAt(selection, step);
  const unitsOf = (labels: string, exact: number): bigint => {
    const block = selection!.block;
    if (selection!.thresholds === undefined) return draw(exact, block);
    return running?.next(labels, exact, (sum) => draw(sum, block)) ?? 0n;
  };
  if (selection === undefined) {
    const runningBlock = running === undefined ? undefined : runningOf(spec)?.block;
    const values = Array.from(counts.sums, (exact, at) => {
      const block = at % blocks;
      if (running === undefined || block !== runningBlock) return draw(exact, block).toString();
      const cell = Math.floor(at / blocks);
      return running.next(cell, exact, (sum) => draw(sum, block)).toString();
    });
    return running === undefined ? { values } : { values, spread: running.spread };
  }
  const shown: { labels: string; noisy: bigint[] }[] = [];
  const sticky = new Set(shownBefore);
  for (const labels of candidates(selection, counts, sticky, running)) {
    const exact = counts.of(labels);
    const units = unitsOf(labels, exact[selection.block]!);
    if (!sticky.has(labels) && units < BigInt(threshold)) continue;
    const noisy = Array.from(exact, (sum, block) =>
      block === selection.block ? units : draw(sum, block),
    );
    shown.push({ labels, noisy });
  }
  const kept = largest(shown, selection).sort((a, b) => (a.labels < b.labels ? -1 : 1));
  return {
    groups: kept.map(({ labels }) => labels),
    values: kept.flatMap(({ noisy }) => noisy.map(String)),
    ...(running !== undefined && { spread: running.spread }),
  };
}

/**
 * The groups about which noise decides. Where the day so far does, all that were seen on it: a
 * total can pass the threshold in a window without a record. Without totals none is found.
 */
function candidates(
  selection: Selection,
  counts: WindowCounts,
  sticky: ReadonlySet<string>,
  running: RunningTotals | undefined,
): Set<string> {
  if (selection.thresholds === undefined) {
    const enough = [...counts.labels].filter(
      (labels) => counts.of(labels)[selection.block]! >= selection.minUnits,
    );
    return new Set([...sticky, ...enough]);
  }
  if (running === undefined) return new Set(sticky);
  return new Set([...sticky, ...counts.labels, ...[...running.known].map(String)]);
}

/** Those with the most units, as far as anybody can see: a function of noisy numbers. */
function largest<T extends { readonly labels: string; readonly noisy: readonly bigint[] }>(
  shown: readonly T[],
  { block, groupsMax }: Selection,
): T[] {
  const byUnits = shown.toSorted((a, b) => {
    const [one, other] = [a.noisy[block]!, b.noisy[block]!];
    if (one !== other) return one > other ? -1 : 1;
    return a.labels < b.labels ? -1 : 1;
  });
  return byUnits.slice(0, groupsMax);
}
