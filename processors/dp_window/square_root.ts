/**
 * Running totals with little noise: the square-root factorisation of the counting matrix
 * (Fichtenberger, Henzinger and Upadhyay 2023; Henzinger, Upadhyay and Upadhyay 2023).
 *
 * The matrix A that adds up windows is C·C with C lower triangular, constant along its diagonals,
 * c_0 = 1 and c_k = c_(k-1) (2k - 1) / (2k). What gets noise is not the totals A·x but C·x: one unit
 * moves it less. The totals are A·C⁻¹ times what was measured, which is post-processing.
 *
 * Here C has integer coefficients, c_k times 2^20 to the nearest, so that what is measured is an
 * exact integer and the noise an exact draw. The inverse is that of these integers, so that rounding
 * leaves no bias. Sensitivity: what a unit adds once to one total moves the measurements of a day
 * by at most one column of C, whose squared length is at most `normSquared`.
 */
const SCALE = 2 ** 20;

export interface SquareRoot {
  /** Integers: how much of a window is in the measurement that is so many windows later. */
  readonly measuring: readonly number[];
  /** How much a measurement counts in the total that is so many windows later. */
  readonly totalling: readonly number[];
  /** Sum of the squares of `measuring`. */
  readonly normSquared: bigint;
}

const known = new Map<number, SquareRoot>();

/** For up to `windows` windows. */
export function squareRootOf(windows: number): SquareRoot {
  const before = known.get(windows);
  if (before !== undefined) return before;
  const measuring: number[] = [];
  let exact = 1;
  for (let lag = 0; lag < windows; lag++) {
    if (lag > 0) exact *= (2 * lag - 1) / (2 * lag);
    measuring.push(Math.round(exact * SCALE));
  }
  const squareRoot = {
    measuring,
    totalling: quotient(measuring),
    normSquared: measuring.reduce((sum, each) => sum + BigInt(each) ** 2n, 0n),
  };
  known.set(windows, squareRoot);
  return squareRoot;
}

/** Variance of the total after so many windows, for noise of variance 1 on each measurement. */
export function spreadOf({ totalling }: SquareRoot, windows: number): number {
  return totalling.slice(0, windows).reduce((sum, each) => sum + each ** 2, 0);
}

/** Coefficients of 1 / (1 - z) divided by the power series of `divisor`. */
function quotient(divisor: readonly number[]): number[] {
  const result: number[] = [];
  for (let lag = 0; lag < divisor.length; lag++) {
    let rest = 1;
    for (let at = 0; at < lag; at++) rest -= result[at]! * divisor[lag - at]!;
    result.push(rest / divisor[0]!);
  }
  return result;
}
