/**
 * The noise of one window: exact integers in, exact integers out.
 *
 * Invariant: each value gets one draw, and the draw that decides whether an open group is shown is
 * the one that is shown.
 */
import { drawNoise } from "./noise.ts";
import type { RunningTotals } from "./running.ts";
import type { Draws } from "./samplers.ts";
import { shownFrom } from "./selection.ts";
import type { Selection, Spec } from "./spec.ts";
import { blocksOfSpec, runningOf } from "./spec.ts";
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
}

export function noisyValues(
  spec: Spec,
  counts: WindowCounts,
  draws: Draws,
  { shown: shownBefore = [], running }: Before = {},
): NoisyValues {
  const blocks = blocksOfSpec(spec);
  const noises = spec.metrics.flatMap(({ measures }) =>
    measures.flatMap(({ noise, parts }) => Array.from({ length: parts }, () => noise)),
  );
  // An integer below 2^53 in size: the configuration is refused where it could be more.
  const draw = (exact: number, block: number): bigint =>
    BigInt(exact) + drawNoise(draws, noises[block]!);
  const { selection } = spec;
  if (selection === undefined) {
    const runningBlock = running === undefined ? undefined : runningOf(spec)?.block;
    const values = Array.from(counts.sums, (exact, at) => {
      const block = at % blocks;
      if (running === undefined || block !== runningBlock) return draw(exact, block).toString();
      return running.next(`${Math.floor(at / blocks)}`, exact, (sum) => draw(sum, block));
    });
    return running === undefined ? { values } : { values, spread: running.spread };
  }
  if (selection.mode === "discover") {
    const count = (exact: number): bigint => draw(exact, selection.block);
    return discovered(selection, counts, running, { shown: new Set(shownBefore), count });
  }
  const shown: Shown[] = [];
  const sticky = new Set(shownBefore);
  for (const labels of new Set([...sticky, ...counts.labels])) {
    const exact = counts.of(labels);
    const always = sticky.has(labels);
    if (!always && exact[selection.block]! < selection.minUnits) continue;
    const units = draw(exact[selection.block]!, selection.block);
    if (!always && units < BigInt(selection.threshold)) continue;
    const noisy = Array.from(exact, (sum, block) =>
      block === selection.block ? units : draw(sum, block),
    );
    shown.push({ labels, noisy });
  }
  return keptOf(shown, selection);
}

interface Shown {
  readonly labels: string;
  readonly noisy: readonly bigint[];
}

/** The totals of the groups that are public by now, or become so with this window. */
function discovered(
  selection: Selection,
  counts: WindowCounts,
  running: RunningTotals | undefined,
  { shown: known, count }: { shown: ReadonlySet<string>; count: (exact: number) => bigint },
): NoisyValues {
  // The late cells of a window have no totals.
  if (running === undefined) return { groups: [], values: [] };
  const { spread } = running;
  const least = shownFrom(selection, spread);
  // A total that goes on from a released one is not chosen again: its noise is known already.
  const always = new Set([...known, ...running.released]);
  const shown: Shown[] = [];
  for (const labels of new Set([...always, ...running.cells, ...counts.labels])) {
    const total = BigInt(running.next(labels, counts.of(labels)[0]!, count));
    const isEnough = running.countedIn(labels) >= selection.minUnits && total >= least;
    if (isEnough || always.has(labels)) shown.push({ labels, noisy: [total] });
  }
  return { ...keptOf(shown, selection), spread };
}

function keptOf(shown: readonly Shown[], selection: Selection): NoisyValues {
  const kept = largest(shown, selection).sort((a, b) => (a.labels < b.labels ? -1 : 1));
  return {
    groups: kept.map(({ labels }) => labels),
    values: kept.flatMap(({ noisy }) => noisy.map(String)),
  };
}

/** Those with the most units, as far as anybody can see: a function of noisy numbers. */
function largest(shown: readonly Shown[], { block, groupsMax }: Selection): Shown[] {
  const byUnits = shown.toSorted((a, b) => {
    const [one, other] = [a.noisy[block]!, b.noisy[block]!];
    if (one !== other) return one > other ? -1 : 1;
    return a.labels < b.labels ? -1 : 1;
  });
  return byUnits.slice(0, groupsMax);
}
