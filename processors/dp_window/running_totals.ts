/**
 * Running totals with little noise: "so far today", at each of T steps of a period.
 *
 * The sum of t numbers with noise each has √t times the noise of one. The square-root factorisation
 * (Fichtenberger, Henzinger and Upadhyay, "Constant matters", ICML 2023) measures other numbers: the
 * matrix A of ones on and below the diagonal is B·C with B = C, lower triangular, with
 * c_0 = 1, c_k = c_{k-1} (2k-1) / (2k) on its diagonals. What is measured is C·x plus noise, and the
 * totals are B times that, which only works on what was measured already.
 *
 * Invariant: what is measured is integers with exact noise. C is taken as the integers
 * ĉ_k = round(2^s c_k), and their own squares set the noise, so no rounding can weaken it. B is the
 * inverse that fits them, B̂ = A·Ĉ⁻¹ in doubles: a rounding there moves a result by less than 10^-9
 * of itself and is seen by nobody who could not compute it.
 *
 * The measure: somebody who adds 1 at one step i moves the measurements by ĉ_0, ĉ_1, … from i on,
 * in squares by at most the sum of all ĉ_k². With at most n numbers of 1 in n totals at one step
 * each, the squares add up to n times that. The noise of a step may be drawn when the step comes,
 * even if x depends on earlier results (Denisov et al. 2022).
 */

/** Bits behind the point of C. Larger ones make the samplers slower and gain nothing. */
const SCALE_BITS = 10;
/** Steps at most: a minute each, for a day. */
export const STEPS_MAX = 1440;

export class RunningTotals {
  readonly steps: number;
  /** What one unit of one total, at one step, moves: Σ ĉ_k². Variances are in the same measure. */
  readonly sensitivitySquared: bigint;
  readonly #measured: Float64Array;
  readonly #weights: Float64Array;
  /** By step: √Σ b̂_k². */
  readonly #spread: Float64Array;

  /** For `steps` steps, 1 to {@link STEPS_MAX}. */
  constructor(steps: number) {
    this.steps = steps;
    this.#measured = integerCoefficients(steps);
    this.#weights = fittingInverse(this.#measured);
    this.sensitivitySquared = this.#measured.reduce((sum, c) => sum + BigInt(c) ** 2n, 0n);
    this.#spread = new Float64Array(steps);
    let squares = 0;
    for (let step = 0; step < steps; step++) {
      squares += this.#weights[step]! ** 2;
      this.#spread[step] = Math.sqrt(squares);
    }
  }

  /** The integer to which noise is added at the last step of `counts` (exact below 2^53). */
  measure(counts: ArrayLike<number>): number {
    return convolvedAtEnd(this.#measured, counts);
  }

  /** The running total at the last step of `measurements`, from what was measured up to it. */
  total(measurements: ArrayLike<number>): number {
    return convolvedAtEnd(this.#weights, measurements);
  }

  /** Standard deviation of the total of a step when that of a measurement is `deviation`. */
  deviation(step: number, deviation: number): number {
    return deviation * this.#spread[step]!;
  }

  /**
   * The total from which on a group is shown: whoever is alone in at most `groups` groups is seen
   * there, at any step, with probability `delta` at most. A total of 1 has to be passed by noise.
   * Discrete Gaussians are sub-Gaussian with their σ² (Canonne, Kamath and Steinke 2020), and so are
   * sums of them: the tail is at most exp(-x² / 2 sd²). Groups and steps are added up.
   */
  threshold(step: number, deviation: number, groups: number, delta: number): number {
    const tail = Math.sqrt(2 * Math.log((groups * this.steps) / delta));
    return 1 + this.deviation(step, deviation) * tail * (1 + 1e-9);
  }
}

function integerCoefficients(steps: number): Float64Array {
  const coefficients = new Float64Array(steps);
  let c = 1;
  for (let k = 0; k < steps; k++) {
    if (k > 0) c = (c * (2 * k - 1)) / (2 * k);
    coefficients[k] = Math.round(c * 2 ** SCALE_BITS);
  }
  return coefficients;
}

/** b̂ with b̂ * ĉ = 1, 1, 1, …: the power series 1 / ((1 - x) ĉ(x)). */
function fittingInverse(measured: Float64Array): Float64Array {
  const weights = new Float64Array(measured.length);
  for (let k = 0; k < measured.length; k++) {
    let rest = 1;
    for (let j = 1; j <= k; j++) rest -= measured[j]! * weights[k - j]!;
    weights[k] = rest / measured[0]!;
  }
  return weights;
}

/** Σ a_{t-i} values_i, with t the last index of `values`. */
function convolvedAtEnd(a: Float64Array, values: ArrayLike<number>): number {
  let sum = 0;
  const last = values.length - 1;
  for (let index = 0; index <= last; index++) sum += a[last - index]! * values[index]!;
  return sum;
}
