/**
 * Which open groups are shown: those whose noisy number of units reaches a threshold.
 *
 * The proof. Neighbouring streams differ in one unit u and in the one unit v that u displaces. Call
 * a cell a candidate when at least k = `min_units` units are in it. Candidates of both streams get
 * independent noise on the same sums as public cells do, so that they are covered by the noise. A
 * candidate of one stream only has exactly k units there: at most C of them owe it to u, and, in
 * the other stream, at most C to v. Such a cell appears with probability at most
 *
 *     Pr[k + Y >= threshold] <= δ_s / C,
 *
 * so that on either side none appears but with probability δ_s: what only one stream can show is
 * (0, δ_s)-indistinguishable from nothing, and basic composition adds δ_s to the δ of the noise.
 * All windows of a day share the C cells of a unit, so that δ_s is for the whole day. Groups shown
 * before stay public for a while; which ones is a function of what was released. (Korolova et al.
 * 2009; Desfontaines, Voss, Gipson and Mandayam 2020.)
 *
 * Invariant: the comparison is `>=` and the tail is Pr[Y >= t], the same event; the double that is
 * compared with δ_s / C errs upwards.
 */
import type { Noise } from "./noise.ts";
import type { Rational } from "./rational.ts";
import { divide, parseRational, toNumber } from "./rational.ts";
import type { SquareRoot } from "./square_root.ts";
import { spreadOf } from "./square_root.ts";

/** Logarithms and roots are exact to a few units of 2^-52; this leaves a factor of 500. */
const RELATIVE_ERROR = 2 ** -40;

/** The smallest noisy number of units that is shown. */
export function thresholdOf(
  noise: Noise,
  { delta, cells, minUnits }: { delta: Rational; cells: number; minUnits: number },
): number {
  const perCell = divide(delta, { numerator: BigInt(cells), denominator: 1n });
  const logGoal = Math.log(toNumber(perCell)) - RELATIVE_ERROR;
  let low = 0;
  let high = 1;
  while (logTailOf(noise, high) > logGoal) high *= 2;
  // Above low the tail is small enough, at or below it is not.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (logTailOf(noise, middle) <= logGoal) high = middle;
    else low = middle;
  }
  return minUnits + high;
}

/**
 * The totals of a day from which on a group is shown, by window, where the day so far decides.
 *
 * The proof is as above, with the windows up to one in place of the one. A group of u alone has the
 * totals 0 or 1, and noise has to pass the rest: a sum of discrete Gaussians, which are sub-Gaussian
 * with their σ² (Canonne, Kamath and Steinke 2020), so of tail exp(-x² / 2 sd²) at most; T windows
 * and C groups add up to δ_s. The noise of all windows belongs to a group however late it comes, so
 * that a shared group behaves as a public one from its first record on; before others come it is
 * u's alone. Half a unit is for the rounding of the totals.
 */
export function discoveryThresholds(
  squareRoot: SquareRoot,
  { variance, groups, delta }: { variance: number; groups: number; delta: number },
): number[] {
  const windows = squareRoot.measuring.length;
  const tail = Math.sqrt(2 * Math.log((groups * windows) / delta)) * (1 + RELATIVE_ERROR);
  return Array.from({ length: windows }, (_, at) => {
    const deviation = Math.sqrt(variance * spreadOf(squareRoot, at + 1));
    return Math.ceil(1.5 + deviation * tail);
  });
}

/** An upper bound of log Pr[Y >= least], for `least` of at least 1. */
export function logTailOf(noise: Noise, least: number): number {
  const parameter = toNumber(parseRational(noise.parameter));
  const log =
    noise.mechanism === "discrete_laplace"
      ? // a^least / (1 + a) with a = exp(-1 / scale).
        -least / parameter - Math.log1p(Math.exp(-1 / parameter))
      : logGaussianTail(parameter, least);
  return log + Math.abs(log) * RELATIVE_ERROR;
}

/**
 * The terms exp(-y² / (2 σ²)) fall at least as fast as the first two of them, so a geometric series
 * bounds their sum; the sum of all terms is at least 1 and at least sqrt(2 π σ²) (Poisson).
 */
function logGaussianTail(variance: number, least: number): number {
  const first = -(least ** 2) / (2 * variance);
  const ratio = -(2 * least + 1) / (2 * variance);
  const total = Math.max(0, Math.log(2 * Math.PI * variance) / 2);
  return first - Math.log(-Math.expm1(ratio)) - total;
}
