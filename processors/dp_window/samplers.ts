/**
 * Exact samplers of Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy"
 * (2020), algorithms 1 to 3, on integers only.
 *
 * Invariant: a draw has exactly the law that its comment states. There is no floating point here.
 * Each sampler is one attempt that may come to nothing, in a loop; and it draws from the layer
 * below through {@link Draws}, so that the tests can walk the whole decision tree of one attempt.
 */
import type { RandomSource } from "../../src/component/settings.ts";
import { RandomIntegers } from "./random_integers.ts";
import type { Rational } from "./rational.ts";

/** The random choices that a sampler may make. All parameters are fractions of integers. */
export interface Draws {
  /** Uniform in `[0, bound)`. */
  below(bound: bigint): bigint;
  /** True with probability `numerator / denominator`, which is at most 1. */
  bernoulli(numerator: bigint, denominator: bigint): boolean;
  /** True with probability exp(-numerator / denominator). */
  bernoulliExp(numerator: bigint, denominator: bigint): boolean;
  /** Discrete Laplace of an integer scale. */
  laplace(scale: bigint): bigint;
}

/** Draws from a secure random source. `clear` forgets what was not used. */
export function drawsFrom(random: RandomSource): Draws & { clear(): void } {
  const integers = new RandomIntegers(random);
  const draws: Draws = {
    below: (bound) => integers.below(bound),
    bernoulli: (numerator, denominator) => integers.below(denominator) < numerator,
    bernoulliExp: (numerator, denominator) => bernoulliExp(draws, numerator, denominator),
    laplace: (scale) => discreteLaplace(draws, { numerator: scale, denominator: 1n }),
  };
  return { ...draws, clear: () => integers.clear() };
}

/** An integer y with probability proportional to exp(-|y| / scale). */
export function discreteLaplace(draws: Draws, scale: Rational): bigint {
  for (;;) {
    const value = attemptDiscreteLaplace(draws, scale);
    if (value !== undefined) return value;
  }
}

/** An integer y with probability proportional to exp(-y² / (2 variance)). */
export function discreteGaussian(draws: Draws, variance: Rational): bigint {
  const scale = squareRoot(variance.numerator / variance.denominator) + 1n;
  for (;;) {
    const value = attemptDiscreteGaussian(draws, variance, scale);
    if (value !== undefined) return value;
  }
}

/** True with probability exp(-numerator / denominator) (algorithm 1). */
export function bernoulliExp(draws: Draws, numerator: bigint, denominator: bigint): boolean {
  let rest = numerator;
  for (; rest > denominator; rest -= denominator) {
    if (!bernoulliExpBelowOne(draws, 1n, 1n)) return false;
  }
  return bernoulliExpBelowOne(draws, rest, denominator);
}

/** The same for an exponent of at most 1: stops at k with the terms of the alternating series. */
export function bernoulliExpBelowOne(
  draws: Draws,
  numerator: bigint,
  denominator: bigint,
): boolean {
  let k = 1n;
  // A coin of probability x / k is a coin of x and a coin of 1 / k, which keeps the numbers small.
  while (draws.bernoulli(numerator, denominator) && (k === 1n || draws.bernoulli(1n, k))) k++;
  return k % 2n === 1n;
}

/** Algorithm 2. Undefined: try again. */
export function attemptDiscreteLaplace(draws: Draws, scale: Rational): bigint | undefined {
  const t = scale.numerator;
  const offset = draws.below(t);
  if (!draws.bernoulliExp(offset, t)) return undefined;
  let rounds = 0n;
  while (draws.bernoulliExp(1n, 1n)) rounds++;
  const size = (offset + t * rounds) / scale.denominator;
  const negative = draws.bernoulli(1n, 2n);
  // Zero would come up with both signs, which would make it twice as likely as it is.
  if (negative && size === 0n) return undefined;
  return negative ? -size : size;
}

/** Algorithm 3 for the scale floor(sqrt(variance)) + 1. Undefined: try again. */
export function attemptDiscreteGaussian(
  draws: Draws,
  variance: Rational,
  scale: bigint,
): bigint | undefined {
  const value = draws.laplace(scale);
  const { numerator, denominator } = variance;
  const size = value < 0n ? -value : value;
  const distance = size * denominator * scale - numerator;
  const accepted = draws.bernoulliExp(
    distance * distance,
    2n * numerator * denominator * scale * scale,
  );
  return accepted ? value : undefined;
}

/** The largest integer whose square is at most `value` (Newton's method from above). */
export function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
