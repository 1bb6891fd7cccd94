/**
 * Finding groups in a stream and counting them, on the synthetic workload of "Differentially Private
 * Stream Processing at Scale" (Zhang et al., PVLDB 17(12), 2024; DP-SQLP, table 1), by the
 * factorisation of processors/dp_window/square_root.ts with its exact integer noise.
 *
 *     node test/eval/dp/discovery.ts [STEPS] [USERS]
 *
 * Every user writes up to 32 records (Zipf-Mandelbrot, N = 10^5, q = 26, s = 6.738), each with one
 * of 10^6 keys (q = 1000, s = 1.4) at one of STEPS steps. A key is shown once its running number of
 * users passes the threshold; at the last step what is shown is compared with how many records each
 * key really has. Errors are over all keys: what is not shown counts as 0.
 */
import { rhoOfEpsilonDelta } from "../../../processors/dp_window/accounting.ts";
import type { Rational } from "../../../processors/dp_window/rational.ts";
import { divide, parseDecimal, roundUp, toNumber } from "../../../processors/dp_window/rational.ts";
import { discreteGaussian, drawsFrom } from "../../../processors/dp_window/samplers.ts";
import { discoveryThresholds } from "../../../processors/dp_window/selection.ts";
import type { SquareRoot } from "../../../processors/dp_window/square_root.ts";
import { spreadOf, squareRootOf } from "../../../processors/dp_window/square_root.ts";
import { systemRandom } from "../../../src/lib/system_clock.ts";
import { seededRandom } from "../../../src/testing/seeded_random.ts";

export interface DiscoveryResult {
  readonly steps: number;
  readonly users: number;
  readonly records: number;
  readonly keysShown: number;
  readonly largestError: number;
  readonly l1Error: number;
  readonly l2Error: number;
  /** Of the last step. */
  readonly deviation: number;
  readonly threshold: number;
  readonly cpuSeconds: number;
}

const KEYS = 1_000_000;
const RECORDS_MAX = 32;
const EPSILON = parseDecimal("6")!;
const DELTA = parseDecimal("1e-9")!;
const HALF_DELTA = parseDecimal("5e-10")!;
const SEED = "discovery";
/** Keys that show up by chance alone with less than this probability are not run. */
const NEGLIGIBLE = 1e-9;

interface Workload {
  readonly records: number;
  /** Records by key. */
  readonly truth: Uint32Array;
  /** Where the steps of a key's users begin in `steps`. */
  readonly starts: Uint32Array;
  readonly steps: Uint16Array;
}

export function measureDiscovery(steps: number, users: number): DiscoveryResult {
  const before = process.cpuUsage();
  const squareRoot = squareRootOf(steps);
  const variance = varianceFor(squareRoot);
  const deviations = Array.from({ length: steps }, (_, step) =>
    Math.sqrt(toNumber(variance) * spreadOf(squareRoot, step + 1)),
  );
  const thresholds = discoveryThresholds(squareRoot, {
    variance: toNumber(variance),
    groups: RECORDS_MAX,
    delta: toNumber(HALF_DELTA),
  });
  const { records, truth, starts, steps: times } = generate(users, steps);
  const usersMin = fewestUsers(deviations, thresholds);
  const draws = drawsFrom(systemRandom);
  const errors = { keysShown: 0, largest: 0, l1: 0, l2: 0 };
  for (let key = 0; key < KEYS; key++) {
    const own = times.subarray(starts[key]!, starts[key + 1]!);
    let shown = 0;
    if (own.length >= usersMin) {
      const noise = new Float64Array(steps);
      for (let step = 0; step < steps; step++)
        noise[step] = Number(discreteGaussian(draws, variance));
      const last = lastTotal(squareRoot, countsOf(own, steps), noise, thresholds);
      if (last !== undefined) {
        errors.keysShown++;
        shown = last;
      }
    }
    const error = Math.abs(shown - truth[key]!);
    errors.largest = Math.max(errors.largest, error);
    errors.l1 += error;
    errors.l2 += error * error;
  }
  const { user, system } = process.cpuUsage(before);
  return {
    steps,
    users,
    records,
    keysShown: errors.keysShown,
    largestError: Math.round(errors.largest),
    l1Error: Math.round(errors.l1),
    l2Error: Math.round(Math.sqrt(errors.l2)),
    deviation: Number(deviations.at(-1)!.toFixed(2)),
    threshold: thresholds.at(-1)!,
    cpuSeconds: Math.round((user + system) / 1e6),
  };
}

/** σ² = L2² / 2ρ: a user is in at most 32 keys, once in each. Half of δ is for the thresholds. */
function varianceFor({ normSquared }: SquareRoot): Rational {
  const rho = rhoOfEpsilonDelta(EPSILON, HALF_DELTA);
  const l2Squared = BigInt(RECORDS_MAX) * normSquared;
  return roundUp(divide({ numerator: l2Squared, denominator: 2n }, rho), 1n);
}

/**
 * The total at the last step, if the key was shown at any. What is measured, summed up, is the count
 * plus that of the noise alone: so the counts need no convolution here.
 */
function lastTotal(
  { totalling }: SquareRoot,
  counts: Uint32Array,
  noise: Float64Array,
  thresholds: readonly number[],
): number | undefined {
  let sum = 0;
  let isShown = false;
  let total = 0;
  for (let step = 0; step < counts.length; step++) {
    sum += counts[step]!;
    // Nobody knows a key before its first record.
    if (sum === 0) continue;
    const isLast = step === counts.length - 1;
    if (isShown && !isLast) continue;
    total = sum;
    for (let at = 0; at <= step; at++) total += noise[at]! * totalling[step - at]!;
    isShown ||= total >= thresholds[step]!;
  }
  return isShown ? Math.round(total) : undefined;
}

function countsOf(times: Uint16Array, steps: number): Uint32Array {
  const counts = new Uint32Array(steps);
  for (const step of times) counts[step]!++;
  return counts;
}

/** The fewest users with which a key is shown with more than a negligible probability. */
function fewestUsers(deviations: readonly number[], thresholds: readonly number[]): number {
  for (let users = 1; ; users++) {
    let chance = 0;
    for (const [step, threshold] of thresholds.entries()) {
      const distance = (threshold - users) / deviations[step]!;
      chance += distance > 0 ? Math.exp(-(distance ** 2) / 2) : 1;
    }
    if (chance > NEGLIGIBLE) return users;
  }
}

/** Two passes over the same numbers: one counts, the other fills. */
function generate(users: number, steps: number): Workload {
  const truth = new Uint32Array(KEYS);
  const starts = new Uint32Array(KEYS + 1);
  let records = 0;
  forEachUser(users, steps, (keys, _times, isFirst, count) => {
    records += count;
    for (let index = 0; index < count; index++) {
      truth[keys[index]!]!++;
      if (isFirst[index] === 1) starts[keys[index]! + 1]!++;
    }
  });
  for (let key = 0; key < KEYS; key++) starts[key + 1]! += starts[key]!;
  const filled = starts.slice(0, KEYS);
  const times = new Uint16Array(starts[KEYS]!);
  forEachUser(users, steps, (keys, recordTimes, isFirst, count) => {
    for (let index = 0; index < count; index++) {
      if (isFirst[index] === 1) times[filled[keys[index]!]!++] = recordTimes[index]!;
    }
  });
  return { records, truth, starts, steps: times };
}

type VisitUser = (
  keys: Uint32Array,
  times: Uint16Array,
  /** 1: the user's first record of the key. */
  isFirst: Uint8Array,
  count: number,
) => void;

function forEachUser(users: number, steps: number, visit: VisitUser): void {
  const below = uniformNumbers(SEED);
  const drawCount = zipfMandelbrot(100_000, 26, 6.738);
  const drawKey = zipfMandelbrot(KEYS, 1000, 1.4);
  const keys = new Uint32Array(RECORDS_MAX);
  const times = new Uint16Array(RECORDS_MAX);
  const isFirst = new Uint8Array(RECORDS_MAX);
  for (let user = 0; user < users; user++) {
    const count = Math.min(RECORDS_MAX, drawCount(below()) + 1);
    for (let index = 0; index < count; index++) {
      keys[index] = drawKey(below());
      times[index] = Math.floor(below() * steps);
    }
    for (let index = 0; index < count; index++) {
      isFirst[index] = 1;
      for (let other = 0; other < count; other++) {
        if (other === index || keys[other] !== keys[index]) continue;
        const isEarlier =
          times[other]! < times[index]! || (times[other] === times[index] && other < index);
        if (isEarlier) isFirst[index] = 0;
      }
    }
    visit(keys, times, isFirst, count);
  }
}

/** The index for a uniform number: p(k) ~ 1 / (k + 1 + q)^s for k from 0 below `size`. */
function zipfMandelbrot(size: number, q: number, s: number): (uniform: number) => number {
  const cumulative = new Float64Array(size);
  let sum = 0;
  for (let k = 0; k < size; k++) {
    sum += (k + 1 + q) ** -s;
    cumulative[k] = sum;
  }
  return (uniform) => {
    const goal = uniform * sum;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < goal) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Uniform in [0, 1) with 53 bits, the same in every run. Makes data, not noise. */
function uniformNumbers(seed: string): () => number {
  const random = seededRandom(seed);
  const bytes = new Uint8Array(65_536);
  const words = new Uint32Array(bytes.buffer);
  let at = words.length;
  return () => {
    if (at === words.length) {
      random(bytes);
      at = 0;
    }
    const [high, low] = [words[at]!, words[at + 1]!];
    at += 2;
    return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
  };
}

if (import.meta.main) {
  const [steps = "100", users = "10000000"] = process.argv.slice(2);
  const result = measureDiscovery(Number(steps), Number(users));
  process.stdout.write(`${JSON.stringify({ epsilon: 6, delta: toNumber(DELTA), ...result })}\n`);
}
