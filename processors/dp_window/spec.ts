/**
 * What is measured and how much noise it gets: derived from the configuration once, hashed, stored
 * in the ledger, and the only source of both the noise and the claim.
 *
 * The measure. Neighbouring streams differ in all records of one unit u of one day. Bounding lets u
 * touch at most C cells, with at most c in each. When the table is full, u's place is taken by one
 * other unit without u, which again touches at most C cells: L0 = 2C, L1 = 2Cc, L2² = 2Cc², L∞ = c.
 */
import { createHash } from "node:crypto";
import { rhoOfEpsilonDelta } from "./accounting.ts";
import type { DpWindowConfig } from "./config.ts";
import { groupKeysOf, perCellOf } from "./config.ts";
import type { GroupKey } from "./groups.ts";
import { cellCount } from "./groups.ts";
import type { Noise } from "./noise.ts";
import { halfWidthOf, varianceOf } from "./noise.ts";
import type { Rational } from "./rational.ts";
import {
  divide,
  formatDecimal,
  formatRational,
  isAtMost,
  multiply,
  parseDecimal,
  roundUp,
  toNumber,
} from "./rational.ts";
import type { CanonicalStep } from "./unit.ts";

/** A unit that comes displaces at most one other: both differ. */
const DISPLACEMENT = 2;
/** σ² is rounded up to a multiple of 1 / this. */
const VARIANCE_PARTS = 1024n;

/** Plain JSON with a fixed order of keys; amounts are exact text. */
export interface Spec {
  readonly schema: 1;
  readonly dataset: string;
  readonly unit: {
    readonly attributes: readonly string[];
    readonly canonical: readonly CanonicalStep[];
    readonly period: "1d";
  };
  readonly windowMs: number;
  /** Of the dataset; several processors share it. */
  readonly budget: { readonly epsilon: string; readonly delta: string };
  /** What this processor spends on each unit and day. */
  readonly spent: Spent;
  readonly contribution: { readonly cells: number; readonly trackedUnits: number };
  readonly groups: readonly GroupKey[];
  readonly metrics: readonly MetricSpec[];
  readonly ciLevel: number;
  readonly nonnegative: boolean;
  readonly claim: string;
}

export interface Spent {
  readonly epsilon: string;
  readonly delta: string;
  /** ρ of the zCDP guarantee by which a Gaussian gives it; "" for Laplace. `n/d`. */
  readonly rho: string;
}

export interface MetricSpec {
  readonly name: string;
  readonly kind: "count" | "distinct_units";
  readonly perCell: number;
  readonly noise: Noise;
  /** For people: variance of the noise, and half the width of its interval. */
  readonly variance: number;
  readonly halfWidth: number;
}

export function specOf(config: DpWindowConfig): Spec {
  const share = exact(config.budget.share);
  const epsilon = multiply(exact(config.budget.epsilon), share);
  const delta = multiply(exact(config.budget.delta), share);
  const noises = noisesOf(config, epsilon, delta);
  const gaussian = noises.rho !== undefined;
  const spent: Spent = {
    epsilon: formatDecimal(epsilon),
    delta: gaussian ? formatDecimal(delta) : "0",
    rho: noises.rho === undefined ? "" : formatRational(noises.rho),
  };
  const unit = {
    attributes: [config.unit.attribute, ...config.unit.fallback],
    canonical: config.unit.canonical,
    period: config.unit.period,
  };
  return {
    schema: 1,
    dataset: config.dataset,
    unit,
    windowMs: config.window.size,
    budget: {
      epsilon: formatDecimal(exact(config.budget.epsilon)),
      delta: formatDecimal(exact(config.budget.delta)),
    },
    spent,
    contribution: {
      cells: config.contribution.max_cells_per_period,
      trackedUnits: config.contribution.max_tracked_units,
    },
    groups: groupKeysOf(config).map(({ key, public: values, other }) => ({
      key,
      public: values,
      other,
    })),
    metrics: config.metrics.map((metric, index) => {
      const noise = noises.perMetric[index]!;
      return {
        name: metric.name,
        kind: metric.kind,
        perCell: perCellOf(metric),
        noise,
        variance: shown(varianceOf(noise)),
        halfWidth: halfWidthOf(noise, config.output.ci_level),
      };
    }),
    ciLevel: config.output.ci_level,
    nonnegative: config.output.nonnegative,
    claim: claimOf(config, unit.attributes, spent),
  };
}

export function hashOfSpec(spec: Spec): string {
  return createHash("sha256").update(JSON.stringify(spec)).digest("hex");
}

export function cellsOfSpec(spec: Spec): number {
  return cellCount(spec.groups);
}

function claimOf(config: DpWindowConfig, attributes: readonly string[], spent: Spent): string {
  const [first = "", ...others] = attributes;
  const unit = [first, ...others.map((name) => `else ${name}`)].join(", ");
  const { epsilon, delta, share } = config.budget;
  const together =
    Number(share) === 1
      ? ""
      : `All dp_window processors of the dataset together keep to (${epsilon}, ${delta}). `;
  return (
    `For every value u of the unit attribute (${unit}) and every UTC day d: everything this ` +
    `processor emits about dataset ${config.dataset} is (${spent.epsilon}, ${spent.delta})-` +
    `differentially private under adding or removing all of u's records of day d. ${together}` +
    "Days and hosts compose. Not covered: root on the host, the raw files, the state folder, " +
    "other pipelines, the agent's own metrics."
  );
}

/** The noise of each metric, and ρ when it is Gaussian. */
function noisesOf(
  config: DpWindowConfig,
  epsilon: Rational,
  delta: Rational,
): { perMetric: Noise[]; rho: Rational | undefined } {
  const laplace = config.metrics.map((metric) => laplaceNoise(config, metric, epsilon));
  if (config.mechanism === "discrete_laplace" || delta.numerator === 0n) {
    return { perMetric: laplace, rho: undefined };
  }
  const rho = rhoOfEpsilonDelta(epsilon, delta);
  if (config.mechanism === "auto" && isLaplaceNarrower(config, epsilon, rho)) {
    return { perMetric: laplace, rho: undefined };
  }
  const gaussian = config.metrics.map((metric) => gaussianNoise(config, metric, rho));
  return { perMetric: gaussian, rho };
}

type Metric = DpWindowConfig["metrics"][number];

/** Scale L1 / ε_m, exact, with ε_m the metric's share by weight (basic composition). */
function laplaceNoise(config: DpWindowConfig, metric: Metric, epsilon: Rational): Noise {
  const l1 = DISPLACEMENT * config.contribution.max_cells_per_period * perCellOf(metric);
  const scale = divide(whole(l1), multiply(epsilon, shareOf(config, metric)));
  return { mechanism: "discrete_laplace", parameter: formatRational(scale) };
}

/** σ² = L2² / (2 ρ_m), rounded up, with ρ_m the metric's share by weight (zCDP adds up). */
function gaussianNoise(config: DpWindowConfig, metric: Metric, rho: Rational): Noise {
  const l2Squared =
    DISPLACEMENT * config.contribution.max_cells_per_period * perCellOf(metric) ** 2;
  const variance = divide(
    whole(l2Squared),
    multiply(whole(2), multiply(rho, shareOf(config, metric))),
  );
  return {
    mechanism: "discrete_gaussian",
    parameter: formatRational(roundUp(variance, VARIANCE_PARTS)),
  };
}

/**
 * Compares the products of the variances over all metrics: 2 (L1 / ε_m)² against L2² / (2 ρ_m).
 * Per metric the ratio is 8 C ρ / (ε² share): c cancels out.
 */
function isLaplaceNarrower(config: DpWindowConfig, epsilon: Rational, rho: Rational): boolean {
  let ratio = whole(1);
  for (const metric of config.metrics) {
    const above = multiply(whole(4 * DISPLACEMENT * config.contribution.max_cells_per_period), rho);
    const below = multiply(multiply(epsilon, epsilon), shareOf(config, metric));
    ratio = multiply(ratio, divide(above, below));
  }
  return isAtMost(ratio, whole(1));
}

function shareOf(config: DpWindowConfig, metric: Metric): Rational {
  const total = config.metrics.reduce((sum, { weight }) => sum + weight, 0);
  return { numerator: BigInt(metric.weight), denominator: BigInt(total) };
}

/** Six digits, so that the hash does not hang on the last bit of a logarithm. */
function shown(value: number): number {
  return Number(value.toPrecision(6));
}

function whole(value: number): Rational {
  return { numerator: BigInt(value), denominator: 1n };
}

/** The schema has checked the text. */
function exact(text: string): Rational {
  return parseDecimal(text) as Rational;
}

/** ρ as a number to show, undefined for a pure guarantee. */
export function shownRho(spent: Spent): number | undefined {
  const [numerator, denominator] = spent.rho.split("/");
  if (denominator === undefined) return undefined;
  return toNumber({ numerator: BigInt(numerator!), denominator: BigInt(denominator) });
}
