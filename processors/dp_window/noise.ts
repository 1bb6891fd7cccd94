/**
 * A noise distribution: drawing from it (exactly), and saying how wide it is (in doubles, for
 * people).
 *
 * Invariant: variance and interval are facts of the configuration. They describe the noise only,
 * not what bounding and late records leave out.
 */
import type { Rational } from "./rational.ts";
import { parseRational, toNumber } from "./rational.ts";
import type { Draws } from "./samplers.ts";
import { discreteGaussian, discreteLaplace } from "./samplers.ts";

/**
 * JSON, because it is part of the specification that is hashed and stored: `parameter` is `n/d`.
 */
export interface Noise {
  readonly mechanism: "discrete_laplace" | "discrete_gaussian";
  /** The scale of the Laplace law, or the variance parameter σ² of the Gaussian. */
  readonly parameter: string;
}

/**
 * Above this standard deviation the sums below take steps, which changes no digit that is shown.
 */
const GRID = 1024;
const SIGMAS = 12;

export function drawNoise(draws: Draws, noise: Noise): bigint {
  const parameter = parseRational(noise.parameter);
  return noise.mechanism === "discrete_laplace"
    ? discreteLaplace(draws, parameter)
    : discreteGaussian(draws, parameter);
}

export function varianceOf(noise: Noise): number {
  const parameter = toNumber(parseRational(noise.parameter));
  if (noise.mechanism === "discrete_laplace") {
    const ratio = Math.exp(-1 / parameter);
    // 1 - ratio, without the cancellation that a large scale would bring.
    return (2 * ratio) / Math.expm1(-1 / parameter) ** 2;
  }
  const { weights, step } = gaussianWeights(parameter);
  let total = weights[0]!;
  let squares = 0;
  for (let index = 1; index < weights.length; index++) {
    total += 2 * weights[index]!;
    squares += 2 * weights[index]! * (index * step) ** 2;
  }
  return squares / total;
}

/** The smallest t such that the noise lies in [-t, t] with probability at least `level`. */
export function halfWidthOf(noise: Noise, level: number): number {
  const rational: Rational = parseRational(noise.parameter);
  const parameter = toNumber(rational);
  return noise.mechanism === "discrete_laplace"
    ? laplaceHalfWidth(parameter, level)
    : gaussianHalfWidth(parameter, level);
}

/** Pr[|Y| > t] is 2 a^(t + 1) / (1 + a) with a = exp(-1 / scale). */
function laplaceHalfWidth(scale: number, level: number): number {
  const ratio = Math.exp(-1 / scale);
  const steps = -scale * Math.log(((1 - level) * (1 + ratio)) / 2);
  return Math.max(0, Math.ceil(steps - 1));
}

function gaussianHalfWidth(variance: number, level: number): number {
  const { weights, step } = gaussianWeights(variance);
  let total = weights[0]!;
  for (let index = 1; index < weights.length; index++) total += 2 * weights[index]!;
  let inside = weights[0]!;
  let index = 0;
  while (inside < level * total && index + 1 < weights.length) inside += 2 * weights[++index]!;
  return index * step;
}

/** exp(-y² / (2 variance)) for y = 0, step, 2 step, ... */
function gaussianWeights(variance: number): { weights: number[]; step: number } {
  const sigma = Math.sqrt(variance);
  const step = Math.max(1, Math.floor(sigma / GRID));
  const count = Math.ceil((SIGMAS * sigma) / step) + 2;
  const weights = Array.from({ length: count }, (_, index) =>
    Math.exp(-((index * step) ** 2) / (2 * variance)),
  );
  return { weights, step };
}
