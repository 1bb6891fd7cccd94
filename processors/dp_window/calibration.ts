/**
 * How much noise each number gets, for the ε and δ of a processor.
 *
 * The measure. Neighbouring streams differ in all records of one unit u of one day. Bounding lets u
 * touch at most C cells, with at most c in each (records times the largest value of one). When the
 * table is full, u's place is taken by one other unit without u, which again touches at most C
 * cells: L0 = 2C, L1 = 2Cc, L2² = 2Cc², L∞ = c. Where values have both signs, the two may touch the
 * same C cells and pull the same way, one by what it takes away and one by what it adds: with
 * s = c·span then L2² = max(2Cc², Cs²), L∞ = s.
 */
import { rhoOfEpsilonDelta } from "./accounting.ts";
import type { DpWindowConfig } from "./config.ts";
import { PERIOD_MS, perCellOf } from "./config.ts";
import { cellCount, isPublic } from "./groups.ts";
import type { Measure, MetricConfig } from "./measures.ts";
import { measuresOf } from "./measures.ts";
import type { Noise } from "./noise.ts";
import { groupKeysOf, openKeysOf } from "./partitions_config.ts";
import type { Rational } from "./rational.ts";
import { divide, formatRational, isAtMost, multiply, roundUp, ZERO } from "./rational.ts";
import { thresholdOf } from "./selection.ts";
import { squareRootOf } from "./square_root.ts";

/** A unit that comes displaces at most one other: both differ. */
const DISPLACEMENT = 2;
/** σ² is rounded up to a multiple of 1 / this. */
const VARIANCE_PARTS = 1024n;

/** A measure of a metric: what gets noise of its own. */
export interface Vector {
  readonly metric: MetricConfig;
  readonly measure: Measure;
}

export interface Calibration {
  readonly noiseOf: (vector: Vector) => Noise;
  /** Of a Gaussian; undefined for Laplace. */
  readonly rho: Rational | undefined;
  /** The part of δ for choosing groups; 0 where all are public. */
  readonly selectionDelta: Rational;
}

/**
 * The noise of each vector. A choice of groups takes half of δ beside a Gaussian and all of it
 * beside Laplace noise, which needs none. `auto` takes what is narrower, or, where groups are
 * chosen, what shows them from fewer units on.
 */
export function calibrate(config: DpWindowConfig, epsilon: Rational, delta: Rational): Calibration {
  const selects = openKeysOf(config).length > 0;
  const laplace: Calibration = {
    noiseOf: (vector) => laplaceNoise(config, vector, epsilon),
    rho: undefined,
    selectionDelta: selects ? delta : ZERO,
  };
  if (config.mechanism === "discrete_laplace" || delta.numerator === 0n) return laplace;
  const half = multiply(delta, { numerator: 5n, denominator: 10n });
  const rho = rhoOfEpsilonDelta(epsilon, selects ? half : delta);
  const gaussian: Calibration = {
    noiseOf: (vector) => gaussianNoise(config, vector, rho),
    rho,
    selectionDelta: selects ? half : ZERO,
  };
  const hasRunning = config.metrics.some(({ kind }) => kind === "running_units");
  if (config.mechanism === "discrete_gaussian" || hasRunning) return gaussian;
  const prefersLaplace = selects
    ? thresholdFor(config, laplace) <= thresholdFor(config, gaussian)
    : isLaplaceNarrower(config, epsilon, rho);
  return prefersLaplace ? laplace : gaussian;
}

/** The smallest noisy number of units with which an open group is shown. */
export function thresholdFor(
  config: DpWindowConfig,
  { noiseOf, selectionDelta }: Pick<Calibration, "noiseOf" | "selectionDelta">,
): number {
  const metric = config.metrics.find(({ kind }) => kind === "distinct_units")!;
  const [measure] = measuresOf(metric) as [Measure];
  return thresholdOf(noiseOf({ metric, measure }), {
    delta: selectionDelta,
    cells: config.contribution.max_cells_per_period,
    minUnits: minUnitsOf(config),
  });
}

/** Of groups that one window decides about. */
export function minUnitsOf(config: DpWindowConfig): number {
  const [first] = openKeysOf(config);
  return first?.mode === "threshold" ? first.min_units : 1;
}

/**
 * Scale L1 / ε_v, exact, with ε_v the vector's share by weight (basic composition). A record adds
 * to one part of a vector, so a histogram costs no more than a count.
 */
function laplaceNoise(config: DpWindowConfig, vector: Vector, epsilon: Rational): Noise {
  const l1 = BigInt(DISPLACEMENT) * cellsOf(config) * perCell(vector, "magnitude");
  const scale = divide(
    { numerator: l1, denominator: 1n },
    multiply(epsilon, shareOf(config, vector)),
  );
  return { mechanism: "discrete_laplace", parameter: formatRational(scale) };
}

/** σ² = L2² / (2 ρ_v), rounded up, with ρ_v the vector's share by weight (zCDP adds up). */
function gaussianNoise(config: DpWindowConfig, vector: Vector, rho: Rational): Noise {
  const apart = BigInt(DISPLACEMENT) * perCell(vector, "magnitude") ** 2n;
  const together = perCell(vector, "span") ** 2n;
  const l2Squared =
    vector.metric.kind === "running_units"
      ? runningSquared(config)
      : cellsOf(config) * (apart > together ? apart : together);
  const variance = divide(
    { numerator: l2Squared, denominator: 2n },
    multiply(rho, shareOf(config, vector)),
  );
  return {
    mechanism: "discrete_gaussian",
    parameter: formatRational(roundUp(variance, VARIANCE_PARTS)),
  };
}

/**
 * A unit counts once in each of at most C groups, and what it moves there is a column of the
 * factor; so does the unit that it displaces. Two in one group move it by less than two in
 * two, because all coefficients are positive.
 */
function runningSquared(config: DpWindowConfig): bigint {
  const keys = groupKeysOf(config);
  const most = config.contribution.max_cells_per_period;
  const groups = keys.every(isPublic) ? Math.min(most, cellCount(keys)) : most;
  const { normSquared } = squareRootOf(PERIOD_MS / config.window.size);
  return BigInt(DISPLACEMENT * groups) * normSquared;
}

function cellsOf(config: DpWindowConfig): bigint {
  return BigInt(config.contribution.max_cells_per_period);
}

/** What one unit can move one cell of a vector, over all its parts. */
function perCell({ metric, measure }: Vector, by: "magnitude" | "span"): bigint {
  return BigInt(perCellOf(metric)) * BigInt(measure[by]);
}

/**
 * Compares the products of the variances over all vectors: 2 (L1 / ε_v)² against L2² / (2 ρ_v).
 * Per vector the ratio is 8 C ρ / (ε² share): what a unit adds to a cell cancels out.
 */
function isLaplaceNarrower(config: DpWindowConfig, epsilon: Rational, rho: Rational): boolean {
  let ratio = whole(1);
  for (const vector of vectorsOf(config)) {
    const above = multiply(whole(4 * DISPLACEMENT * config.contribution.max_cells_per_period), rho);
    const below = multiply(multiply(epsilon, epsilon), shareOf(config, vector));
    ratio = multiply(ratio, divide(above, below));
  }
  return isAtMost(ratio, whole(1));
}

function vectorsOf(config: DpWindowConfig): Vector[] {
  return config.metrics.flatMap((metric) =>
    measuresOf(metric).map((measure) => ({ metric, measure })),
  );
}

/** A metric's share by weight; its vectors have equal parts of it. */
function shareOf(config: DpWindowConfig, { metric }: Vector): Rational {
  const total = config.metrics.reduce((sum, { weight }) => sum + weight, 0);
  const vectors = measuresOf(metric).length;
  return { numerator: BigInt(metric.weight), denominator: BigInt(total * vectors) };
}

function whole(value: number): Rational {
  return { numerator: BigInt(value), denominator: 1n };
}
