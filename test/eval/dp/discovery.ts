/**
 * Discovery on a workload of the literature on streams: many people, a great many groups, most of
 * them rare. The processor's own spec, totals and noise; its files and clock are left out.
 *
 * The workload is the one by which DP-SQLP (Zhang et al., PVLDB 17, 2024) is measured, as an
 * independent implementation of it describes: people have a Zipf-Mandelbrot number of records (N =
 * 1e5, q = 26, s = 6.738, 32 at most), records a Zipf-Mandelbrot group (q = 1000, s = 1.4) and a
 * uniform time; ε = 6, δ = 1e-9, 100 releases.
 */
import { configSchema } from "../../../processors/dp_window/config.ts";
import { noisyValues } from "../../../processors/dp_window/noisy_values.ts";
import { RunningTotals } from "../../../processors/dp_window/running.ts";
import { drawsFrom } from "../../../processors/dp_window/samplers.ts";
import { specOf } from "../../../processors/dp_window/spec.ts";
import { squareRootOf } from "../../../processors/dp_window/square_root.ts";
import { WindowCounts } from "../../../processors/dp_window/window_counts.ts";
import { seededRandom } from "../../../src/testing/seeded_random.ts";
import { generator } from "./access_log.ts";

export interface DiscoveryFigures {
  readonly people: number;
  readonly groups: number;
  readonly records: number;
  readonly releases: number;
  /** Groups that were shown at the end of the day. */
  readonly found: number;
  readonly threshold: number;
  /** Of the last release against all records, groups that were not shown included. */
  readonly largestError: number;
  readonly sumOfErrors: number;
  readonly rootOfSquares: number;
}

const WINDOWS = 100;
const CELLS_A_DAY = 32;
/** Groups with a smaller part of the threshold are taken as not shown, to save time. */
const HOPELESS = 0.4;

const SPEC = specOf(
  configSchema.parse({
    dataset: "workload",
    unit: { attribute: "user.id" },
    budget: { epsilon: "6", delta: "1e-9" },
    window: { size: "864s" },
    contribution: { max_cells_per_period: CELLS_A_DAY, max_tracked_units: 2_000_000 },
    partitions: { keys: ["key"], key: { mode: "discover" } },
    metrics: [{ name: "today", kind: "running_units" }],
    output: { max_groups: 10_000 },
  }),
);

/** Draws from a Zipf-Mandelbrot law over 1 to `count`; gives the number less one. */
function zipf(count: number, q: number, s: number, random: () => number): () => number {
  const sums = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) {
    total += (rank + 1 + q) ** -s;
    sums[rank] = total;
  }
  return () => {
    const goal = random() * total;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < goal) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** New people by group and window, each once in a group, and all records by group. */
function workload(people: number, groups: number) {
  const random = generator(31);
  const records = new Uint32Array(groups);
  const arrivals = new Uint16Array(groups * WINDOWS);
  const countOf = zipf(100_000, 26, 6.738, random);
  const groupOf = zipf(groups, 1000, 1.4, random);
  const mine: number[] = [];
  let total = 0;
  for (let person = 0; person < people; person++) {
    const count = Math.min(CELLS_A_DAY, countOf() + 1);
    mine.length = 0;
    total += count;
    for (let record = 0; record < count; record++) {
      const group = groupOf();
      records[group]!++;
      // Which of several records comes first does not matter: times are uniform.
      if (mine.includes(group)) continue;
      mine.push(group);
      arrivals[group * WINDOWS + Math.floor(random() * WINDOWS)]!++;
    }
  }
  return { records, arrivals, total };
}

/** What is shown of a group in the last window; undefined when it was never found. */
function lastOf(arrivals: Uint16Array, draws: ReturnType<typeof drawsFrom>): number | undefined {
  const running = new RunningTotals(squareRootOf(WINDOWS), undefined);
  let shown: string[] = [];
  let last: number | undefined;
  for (let window = 0; window < WINDOWS; window++) {
    running.begin(0);
    const counts = new WindowCounts(1, undefined);
    counts.open('["a"]', 0);
    counts.sums[0] = arrivals[window]!;
    const { groups, values } = noisyValues(SPEC, counts, draws, { shown, running });
    if (groups!.length === 0) continue;
    shown = ['["a"]'];
    last = Number(values[0]);
  }
  return last;
}

export function discover(people: number, groups: number): DiscoveryFigures {
  const { records, arrivals, total } = workload(people, groups);
  const draws = drawsFrom(seededRandom("discovery"));
  const threshold = SPEC.selection!.threshold;
  const figures = { found: 0, largestError: 0, sumOfErrors: 0 };
  let squares = 0;
  for (let group = 0; group < groups; group++) {
    const mine = arrivals.subarray(group * WINDOWS, (group + 1) * WINDOWS);
    const isHopeless = mine.reduce((sum, each) => sum + each, 0) < HOPELESS * threshold;
    const last = isHopeless ? undefined : lastOf(mine, draws);
    if (last !== undefined) figures.found++;
    const error = Math.abs(records[group]! - (last ?? 0));
    figures.largestError = Math.max(figures.largestError, error);
    figures.sumOfErrors += error;
    squares += error ** 2;
  }
  const rootOfSquares = Math.round(Math.sqrt(squares));
  return {
    people,
    groups,
    records: total,
    releases: WINDOWS,
    threshold,
    ...figures,
    rootOfSquares,
  };
}
