/**
 * The noise of one window: exact integers in, exact integers out.
 *
 * Invariant: each value gets one draw, and the draw that decides whether an open group is shown is
 * the one that is shown.
 */
import { drawNoise } from "./noise.ts";
import type { Draws } from "./samplers.ts";
import type { Selection, Spec } from "./spec.ts";
import { blocksOfSpec } from "./spec.ts";
import type { WindowCounts } from "./window_counts.ts";

/** Decimal integers, by cell and then by block. */
export interface NoisyValues {
  readonly values: readonly string[];
  /** The labels of the cells as JSON, sorted; absent where all cells are public. */
  readonly groups?: readonly string[];
}

/** `shownBefore` are groups that stay public for now (their labels as JSON). */
export function noisyValues(
  spec: Spec,
  counts: WindowCounts,
  draws: Draws,
  shownBefore: Iterable<string> = [],
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
    return { values: Array.from(counts.sums, (exact, at) => `${draw(exact, at % blocks)}`) };
  }
  const shown: { labels: string; noisy: bigint[] }[] = [];
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
  const kept = largest(shown, selection).sort((a, b) => (a.labels < b.labels ? -1 : 1));
  return {
    groups: kept.map(({ labels }) => labels),
    values: kept.flatMap(({ noisy }) => noisy.map(String)),
  };
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
