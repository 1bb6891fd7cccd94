/**
 * The noise of one window: exact integers in, exact integers out.
 *
 * Invariant: each value gets one draw, and the draw that decides whether an open group is shown is
 * the one that is shown.
 */
import { drawNoise } from "./noise.ts";
import type { RunningStep } from "./running_counters.ts";
import type { Draws } from "./samplers.ts";
import type { Selection, Spec } from "./spec.ts";
import { blocksOfSpec, runningBlockOf, thresholdAt } from "./spec.ts";
import type { WindowCounts } from "./window_counts.ts";

/** Decimal integers, by cell and then by block; "" for a running total that is not there. */
export interface NoisyValues {
  readonly values: readonly string[];
  /** The labels of the cells as JSON, sorted; absent where all cells are public. */
  readonly groups?: readonly string[];
}

/**
 * `shownBefore` are groups that stay public for now (their labels as JSON). `running` is undefined
 * where there are no running totals.
 */
export function noisyValues(
  spec: Spec,
  counts: WindowCounts,
  draws: Draws,
  shownBefore: Iterable<string> = [],
  running?: RunningStep,
): NoisyValues {
  const blocks = blocksOfSpec(spec);
  const noises = spec.metrics.flatMap(({ measures }) =>
    measures.flatMap(({ noise, parts }) => Array.from({ length: parts }, () => noise)),
  );
  // An integer below 2^53 in size: the configuration is refused where it could be more.
  const draw = (exact: number, block: number): bigint =>
    BigInt(exact) + drawNoise(draws, noises[block]!);
  const runningBlock = runningBlockOf(spec);
  const noisyOf = (cell: string, exact: number, block: number): bigint | undefined =>
    block === runningBlock ? running?.total(cell, exact, draws) : draw(exact, block);
  const { selection } = spec;
  if (selection === undefined) {
    const values = Array.from(counts.sums, (exact, at) => {
      return textOf(noisyOf(String(Math.floor(at / blocks)), exact, at % blocks));
    });
    return { values };
  }
  const shown: NoisyGroup[] = [];
  const sticky = new Set(shownBefore);
  // A total can pass the threshold in any window, also in one without a record of the group.
  for (const labels of new Set([...sticky, ...counts.labels, ...(running?.known ?? [])])) {
    const exact = counts.of(labels);
    const always = sticky.has(labels);
    const ofSelection = exact[selection.block]!;
    if (!always && selection.thresholds === undefined && ofSelection < selection.minUnits) continue;
    const units = noisyOf(labels, ofSelection, selection.block);
    const isReached =
      units !== undefined && units >= BigInt(thresholdAt(selection, running?.step ?? 0));
    if (!always && !isReached) continue;
    const noisy = Array.from(exact, (sum, block) =>
      block === selection.block ? units : noisyOf(labels, sum, block),
    );
    shown.push({ labels, noisy });
  }
  const kept = largest(shown, selection).sort((a, b) => (a.labels < b.labels ? -1 : 1));
  return {
    groups: kept.map(({ labels }) => labels),
    values: kept.flatMap(({ noisy }) => noisy.map(textOf)),
  };
}

interface NoisyGroup {
  readonly labels: string;
  readonly noisy: readonly (bigint | undefined)[];
}

function textOf(value: bigint | undefined): string {
  return value === undefined ? "" : value.toString();
}

/** Those with the most units, as far as anybody can see: a function of noisy numbers. */
function largest(shown: readonly NoisyGroup[], { block, groupsMax }: Selection): NoisyGroup[] {
  const byUnits = shown.toSorted((a, b) => {
    const [one, other] = [a.noisy[block] ?? 0n, b.noisy[block] ?? 0n];
    if (one !== other) return one > other ? -1 : 1;
    return a.labels < b.labels ? -1 : 1;
  });
  return byUnits.slice(0, groupsMax);
}
