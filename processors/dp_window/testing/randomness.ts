/**
 * Which randomness a statistical test uses: a fixed stream, so that its answer is the same every
 * time, or, under DP_ENTROPY=1 (`npm run test:dp-entropy`), the machine's own and more draws.
 *
 * Each assertion on it may fail by chance with probability 1e-9 at most; there are fewer than 100 of
 * them, so that a run with real entropy raises a false alarm with probability 1e-7 at most.
 */
import type { RandomSource } from "../../../src/component/settings.ts";
import { systemRandom } from "../../../src/lib/system_clock.ts";
import { seededRandom } from "../../../src/testing/seeded_random.ts";

const HAS_ENTROPY = process.env.DP_ENTROPY === "1";
const MORE = 5;

/** Of a normal law: this many deviations to either side are passed with probability 1e-9. */
export const DEVIATIONS = 6.11;

export function randomFor(seed: string): RandomSource {
  return HAS_ENTROPY ? systemRandom : seededRandom(seed);
}

export function drawCount(draws: number): number {
  return HAS_ENTROPY ? draws * MORE : draws;
}

/** Bounds of a probability after `hits` of `runs`, each wrong with probability 1e-9 (Wilson). */
export function boundsOf(hits: number, runs: number): { low: number; high: number } {
  const z = DEVIATIONS;
  const share = hits / runs;
  const middle = (share + z ** 2 / (2 * runs)) / (1 + z ** 2 / runs);
  const slack =
    (z / (1 + z ** 2 / runs)) * Math.sqrt((share * (1 - share)) / runs + (z / (2 * runs)) ** 2);
  return { low: middle - slack, high: middle + slack };
}
