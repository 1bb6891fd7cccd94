/**
 * What several days of one unit add up to, and whether that stays within a horizon.
 *
 * The noise of each day is independent and covers that day's records, so that days compose. Two
 * ways are valid and the better one counts: ε and δ add up (basic composition), or ρ adds up and is
 * converted once, with the δ that choosing groups took set aside. A pure ε guarantee is ε²/2-zCDP
 * (Bun and Steinke 2016, proposition 1.4), and zCDP adds up also where each day's records depend on
 * what was released before.
 *
 * Invariant: sums are exact; the one conversion rounds to the private side.
 */
import { deltaOfRho, rhoOfEpsilonDelta } from "./accounting.ts";
import type { Rational } from "./rational.ts";
import { add, isAtMost, multiply, parseRational, subtract, toNumber, ZERO } from "./rational.ts";

const HALF: Rational = { numerator: 1n, denominator: 2n };
const STEPS = 100;

/** What one debit costs. */
export interface Cost {
  readonly epsilon: Rational;
  readonly delta: Rational;
  /** Of the noise. */
  readonly rho: Rational;
  /** The part of δ that does not come from converting ρ. */
  readonly selectionDelta: Rational;
}

/** At most (ε, δ) within any `days` days in a row. */
export interface Horizon {
  readonly days: number;
  readonly epsilon: Rational;
  readonly delta: Rational;
}

const NOTHING: Cost = { epsilon: ZERO, delta: ZERO, rho: ZERO, selectionDelta: ZERO };

/** `rho` as in a specification: `n/d`, or "" for a pure guarantee. */
export function costOf({ epsilon, delta, selectionDelta }: Omit<Cost, "rho">, rho: string): Cost {
  const zcdp = rho === "" ? multiply(HALF, multiply(epsilon, epsilon)) : parseRational(rho);
  return { epsilon, delta, selectionDelta, rho: zcdp };
}

export function sumOf(costs: readonly Cost[]): Cost {
  return costs.reduce(
    (sum, cost) => ({
      epsilon: add(sum.epsilon, cost.epsilon),
      delta: add(sum.delta, cost.delta),
      rho: add(sum.rho, cost.rho),
      selectionDelta: add(sum.selectionDelta, cost.selectionDelta),
    }),
    NOTHING,
  );
}

export function isWithin(sum: Cost, horizon: Horizon): boolean {
  const { epsilon, delta } = horizon;
  if (isAtMost(sum.epsilon, epsilon) && isAtMost(sum.delta, delta)) return true;
  if (isAtMost(delta, sum.selectionDelta)) return false;
  const limit = rhoOfEpsilonDelta(epsilon, subtract(delta, sum.selectionDelta));
  return isAtMost(sum.rho, limit);
}

/** For people: an ε such that the sum is (ε, δ)-DP. Infinite where δ is too small for any. */
export function epsilonOf(sum: Cost, delta: number): number {
  const basic = toNumber(sum.delta) <= delta ? toNumber(sum.epsilon) : Number.POSITIVE_INFINITY;
  const left = delta - toNumber(sum.selectionDelta);
  if (left <= 0) return basic;
  const rho = toNumber(sum.rho);
  let low = 0;
  let high = 1;
  while (deltaOfRho(rho, high) > left) high *= 2;
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    if (deltaOfRho(rho, middle) > left) low = middle;
    else high = middle;
  }
  return Math.min(basic, high);
}
