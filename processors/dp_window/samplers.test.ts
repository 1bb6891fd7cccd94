/**
 * The samplers against their exact laws. Each layer is tested by walking all of its choices with
 * their exact weights, given that the layer below has its own exact law; there is no chance in it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { RandomIntegers } from "./random_integers.ts";
import type { Rational } from "./rational.ts";
import type { Draws } from "./samplers.ts";
import {
  attemptDiscreteGaussian,
  attemptDiscreteLaplace,
  bernoulliExp,
  bernoulliExpBelowOne,
  discreteGaussian,
  discreteLaplace,
  drawsFrom,
  squareRoot,
} from "./samplers.ts";
import { drawCount, randomFor } from "./testing/randomness.ts";

const CUT_OFF = 1e-18;
const TOLERANCE = 1e-12;

class TooUnlikely extends Error {}

/**
 * Total weight of each outcome of `run` over all of its choices; `lost` was too unlikely to
 * follow.
 */
function enumerate<T>(run: (draws: Draws) => T): { weights: Map<T, number>; lost: number } {
  const weights = new Map<T, number>();
  let lost = 0;
  const path: { branch: number; weights: readonly number[] }[] = [];
  for (;;) {
    let depth = 0;
    let weight = 1;
    const choose = (branches: readonly number[]): number => {
      if (depth === path.length) path.push({ branch: 0, weights: branches });
      const { branch } = path[depth++]!;
      weight *= branches[branch]!;
      if (weight < CUT_OFF) throw new TooUnlikely();
      return branch;
    };
    try {
      const outcome = run(exactDraws(choose));
      weights.set(outcome, (weights.get(outcome) ?? 0) + weight);
    } catch (error) {
      if (!(error instanceof TooUnlikely)) throw error;
      lost += weight;
    }
    path.length = depth;
    while (path.length > 0 && path.at(-1)!.branch + 1 === path.at(-1)!.weights.length) path.pop();
    const last = path.at(-1);
    if (last === undefined) return { weights, lost };
    last.branch++;
  }
}

function exactDraws(choose: (branches: readonly number[]) => number): Draws {
  const coin = (probability: number): boolean => choose([probability, 1 - probability]) === 0;
  return {
    below: (bound) =>
      BigInt(choose(Array.from({ length: Number(bound) }, () => 1 / Number(bound)))),
    bernoulli: (numerator, denominator) => {
      assert.ok(numerator >= 0n && numerator <= denominator);
      return coin(Number(numerator) / Number(denominator));
    },
    bernoulliExp: (numerator, denominator) =>
      coin(Math.exp(-Number(numerator) / Number(denominator))),
    laplace: (scale) => {
      const reach = 42 * Number(scale);
      return BigInt(choose(laplaceBranches(Number(scale), reach)) - reach);
    },
  };
}

const branchesOfScale = new Map<number, number[]>();

function laplaceBranches(scale: number, reach: number): number[] {
  let branches = branchesOfScale.get(scale);
  if (branches === undefined) {
    branches = Array.from({ length: 2 * reach + 1 }, (_, index) =>
      laplaceWeight(index - reach, scale),
    );
    branchesOfScale.set(scale, branches);
  }
  return branches;
}

function laplaceWeight(value: number, scale: number): number {
  return Math.tanh(1 / (2 * scale)) * Math.exp(-Math.abs(value) / scale);
}

function rational(numerator: number, denominator = 1): Rational {
  return { numerator: BigInt(numerator), denominator: BigInt(denominator) };
}

function assertNear(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= TOLERANCE, `${what}: ${actual}, expected ${expected}`);
}

/** Compares the law of an attempt, given that it came to something, with weights up to a factor. */
function assertLaw(
  attempt: (draws: Draws) => bigint | undefined,
  weightOf: (value: number) => number,
  reach: number,
  what: string,
): void {
  const { weights, lost } = enumerate(attempt);
  assert.ok(lost < TOLERANCE, `${what}: lost ${lost}`);
  const accepted = [...weights].reduce(
    (sum, [key, weight]) => sum + (key === undefined ? 0 : weight),
    0,
  );
  let total = 0;
  for (let value = -reach; value <= reach; value++) total += weightOf(value);
  for (let value = -reach; value <= reach; value++) {
    const actual = (weights.get(BigInt(value)) ?? 0) / accepted;
    assertNear(actual, weightOf(value) / total, `${what} at ${value}`);
  }
}

test("a coin of exp(-x) up to 1 has exactly this probability", () => {
  for (const [n, d] of [
    [0, 1],
    [1, 1],
    [1, 2],
    [3, 7],
    [1, 1000],
    [999, 1000],
    [31, 32],
  ] as const) {
    const { weights } = enumerate((draws) => bernoulliExpBelowOne(draws, BigInt(n), BigInt(d)));
    assertNear(weights.get(true) ?? 0, Math.exp(-n / d), `exp(-${n}/${d})`);
    assertNear(weights.get(false) ?? 0, -Math.expm1(-n / d), `1 - exp(-${n}/${d})`);
  }
});

test("a coin of exp(-x) above 1 has exactly this probability", () => {
  for (const [n, d] of [
    [2, 1],
    [3, 2],
    [7, 3],
    [1001, 1000],
  ] as const) {
    const { weights } = enumerate((draws) => bernoulliExp(draws, BigInt(n), BigInt(d)));
    assertNear(weights.get(true) ?? 0, Math.exp(-n / d), `exp(-${n}/${d})`);
  }
});

test("the discrete Laplace sampler has exactly its law", () => {
  for (const [t, s] of [
    [1, 1],
    [1, 3],
    [2, 1],
    [5, 2],
    [7, 3],
    [16, 1],
    [24, 1],
    [100, 7],
  ] as const) {
    assertLaw(
      (draws) => attemptDiscreteLaplace(draws, rational(t, s)),
      (value) => laplaceWeight(value, t / s),
      Math.ceil((30 * t) / s) + 2,
      `scale ${t}/${s}`,
    );
  }
});

test("the discrete Gaussian sampler has exactly its law", () => {
  for (const [p, q] of [
    [1, 5],
    [1, 1],
    [7, 3],
    [4, 1],
    [100, 1],
    [292_199, 1024],
    [31_388, 1],
  ] as const) {
    const scale = squareRoot(BigInt(Math.floor(p / q))) + 1n;
    assertLaw(
      (draws) => attemptDiscreteGaussian(draws, rational(p, q), scale),
      (value) => Math.exp((-value * value * q) / (2 * p)),
      Math.ceil(9 * Math.sqrt(p / q)) + 9,
      `variance ${p}/${q}`,
    );
  }
});

test("takes the square root down", () => {
  for (let value = 0n; value < 2000n; value++) {
    const root = squareRoot(value);
    assert.ok(root * root <= value && (root + 1n) * (root + 1n) > value, `root of ${value}`);
  }
  const big = 10n ** 40n;
  assert.equal(squareRoot(big * big), big);
  assert.equal(squareRoot(big * big - 1n), big - 1n);
});

test("uniform integers are exactly uniform over all bytes, for every bound to 256", () => {
  for (let bound = 1; bound <= 256; bound++) {
    const hits = new Array<number>(bound).fill(0);
    let refused = 0;
    for (let byte = 0; byte < 256; byte++) {
      // A value that hangs on the next byte is one for which this byte was refused.
      const [value, other] = [0, bound - 1].map((next) => belowFrom(bound, [byte, next]));
      if (value === other && bound > 1) hits[value!]!++;
      else refused++;
    }
    if (bound === 1) continue;
    assert.equal(new Set(hits).size, 1, `bound ${bound} is not uniform: ${hits}`);
    assert.equal(hits[0]! * bound + refused, 256);
    assert.ok(hits[0]! * bound >= 128, "at most half are refused");
  }
});

function belowFrom(bound: number, firstBytes: readonly number[]): number {
  const integers = new RandomIntegers((bytes) => {
    bytes.fill(0);
    bytes.set(firstBytes);
  });
  return Number(integers.below(BigInt(bound)));
}

test("uniform integers reach every bit at the bounds 2^32, 2^32 + 1, 2^53 and 2^100", () => {
  const integers = new RandomIntegers(seededRandom("bounds"));
  for (const bound of [2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n, 2n ** 100n]) {
    let ones = 0n;
    let zeros = 0n;
    for (let draw = 0; draw < 200; draw++) {
      const value = integers.below(bound);
      assert.ok(value >= 0n && value < bound);
      ones |= value;
      zeros |= ~value;
    }
    const all = (1n << BigInt((bound - 1n).toString(2).length)) - 1n;
    // The top bit of 2^32 + 1 is set for one value only.
    const expected = bound === 2n ** 32n + 1n ? all >> 1n : all;
    assert.equal(ones & expected, expected);
    assert.equal(zeros & expected, expected);
  }
});

test("a failing random source gives no number", () => {
  const integers = new RandomIntegers(() => {
    throw new Error("no entropy");
  });
  assert.throws(() => integers.below(10n), /no entropy/);
});

test("used random bytes are zeroed, and what is left is forgotten", () => {
  let pool = new Uint8Array();
  const integers = new RandomIntegers((bytes) => {
    bytes.fill(7);
    pool = bytes as Uint8Array<ArrayBuffer>;
  });
  integers.below(256n);
  assert.equal(pool[0], 0);
  assert.equal(pool[1], 7);
  integers.clear();
  assert.ok(pool.every((byte) => byte === 0));
});

/** Chi-square statistic over the values -reach to reach, with all others in two end bins. */
function chiSquare(
  draw: () => bigint,
  weightOf: (value: number) => number,
  reach: number,
  count: number,
): number {
  const hits = new Array<number>(2 * reach + 1).fill(0);
  for (let index = 0; index < count; index++) {
    const value = Math.max(-reach, Math.min(reach, Number(draw())));
    hits[value + reach]!++;
  }
  let total = 0;
  const weights = new Array<number>(2 * reach + 1).fill(0);
  for (let value = -60 * reach; value <= 60 * reach; value++) {
    const weight = weightOf(value);
    total += weight;
    weights[Math.max(-reach, Math.min(reach, value)) + reach]! += weight;
  }
  return hits.reduce((sum, hit, index) => {
    const expected = (weights[index]! / total) * count;
    assert.ok(expected >= 10);
    return sum + (hit - expected) ** 2 / expected;
  }, 0);
}

// Critical values at 1e-9: 83.48 for 20 degrees of freedom, 118.68 for 40.
test("two million Laplace draws pass the chi-square test at 1e-9", () => {
  const draws = drawsFrom(randomFor("laplace"));
  const scale = rational(5, 2);
  const law = (value: number): number => laplaceWeight(value, 2.5);
  assert.ok(chiSquare(() => discreteLaplace(draws, scale), law, 10, 2_000_000) < 83.48);
});

test("two million Gaussian draws pass the chi-square test at 1e-9", () => {
  const draws = drawsFrom(randomFor("gaussian"));
  const variance = rational(285 * 1024 + 3, 1024);
  const law = (value: number): number => Math.exp((-value * value * 1024) / (2 * (285 * 1024 + 3)));
  assert.ok(chiSquare(() => discreteGaussian(draws, variance), law, 20, 2_000_000) < 118.68);
});

test("draws with the machine's own entropy pass too", () => {
  const draws = drawsFrom(systemRandom);
  const law = (value: number): number => laplaceWeight(value, 2.5);
  const count = drawCount(100_000);
  assert.ok(chiSquare(() => discreteLaplace(draws, rational(5, 2)), law, 10, count) < 83.48);
});
