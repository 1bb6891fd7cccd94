/**
 * From (ε, δ) to zero-concentrated differential privacy and back.
 *
 * The conversion is Proposition 7 and Corollary 13 of Canonne, Kamath and Steinke, "The Discrete
 * Gaussian for Differential Privacy" (2020): a ρ-zCDP mechanism is (ε, δ)-DP for every α > 1 with
 *
 *     log δ = (α - 1)(αρ - ε) - log(α - 1) + α log(1 - 1/α)
 *
 * Invariant: results err on the private side. Any α gives a valid δ, so that a poor minimum costs
 * utility only, and the value computed in doubles is raised by more than all of its rounding
 * errors.
 */
import type { Rational } from "./rational.ts";
import { roundDownDouble, toNumber } from "./rational.ts";

const STEPS = 200;
/** Each term is a few operations of relative error 2^-52 at most; this leaves a factor of 500. */
const RELATIVE_ERROR = 2 ** -40;
const RHO_PARTS = 2n ** 64n;

/** An upper bound of the δ for which ρ-zCDP gives (ε, δ)-DP. */
export function deltaOfRho(rho: number, epsilon: number): number {
  return Math.min(1, Math.exp(logDeltaOfRho(rho, epsilon)) * (1 + RELATIVE_ERROR));
}

/** The largest ρ, rounded down, such that ρ-zCDP gives (ε, δ)-DP. Both must be above zero. */
export function rhoOfEpsilonDelta(epsilon: Rational, delta: Rational): Rational {
  const target = toNumber(epsilon) * (1 - RELATIVE_ERROR);
  // The nearest double may lie above δ, so the goal is lowered by more than that can be.
  const logDelta = Math.log(toNumber(delta)) - RELATIVE_ERROR;
  let low = 0;
  let high = target + 1;
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    if (logDeltaOfRho(middle, target) <= logDelta) low = middle;
    else high = middle;
  }
  return roundDownDouble(low, RHO_PARTS);
}

function logDeltaOfRho(rho: number, epsilon: number): number {
  if (rho === 0) return Number.NEGATIVE_INFINITY;
  let low = 1;
  let high = (epsilon + 1) / (2 * rho) + 2;
  for (let step = 0; step < STEPS; step++) {
    const alpha = (low + high) / 2;
    const slope = (2 * alpha - 1) * rho - epsilon + Math.log1p(-1 / alpha);
    if (slope < 0) low = alpha;
    else high = alpha;
  }
  // The upper end is strictly above 1, where the formula is defined.
  const alpha = high;
  const terms = [
    (alpha - 1) * alpha * rho,
    -(alpha - 1) * epsilon,
    -Math.log(alpha - 1),
    alpha * Math.log1p(-1 / alpha),
  ];
  let sum = 0;
  let size = 1;
  for (const term of terms) {
    sum += term;
    size += Math.abs(term);
  }
  return sum + size * RELATIVE_ERROR;
}
