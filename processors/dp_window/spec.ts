/**
 * What is measured and how much noise it gets: derived from the configuration once, hashed, stored
 * in the ledger, and the only source of both the noise and the claim.
 */
import { createHash } from "node:crypto";
import type { Calibration, Vector } from "./calibration.ts";
import { calibrate, thresholdFor } from "./calibration.ts";
import type { DpWindowConfig } from "./config.ts";
import { groupKeysOf, openKeysOf, PERIOD_MS, perCellOf } from "./config.ts";
import type { GroupKey } from "./groups.ts";
import { cellCount, isPublic } from "./groups.ts";
import type { Measure, MetricConfig, Reading } from "./measures.ts";
import { measuresOf, readingOf } from "./measures.ts";
import type { Noise } from "./noise.ts";
import { halfWidthOf, varianceOf } from "./noise.ts";
import type { Rational } from "./rational.ts";
import { formatDecimal, formatRational, multiply, parseDecimal, toNumber } from "./rational.ts";
import type { CanonicalStep } from "./unit.ts";

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
  readonly budget: BudgetLimits;
  /** What this processor spends on each unit and day. */
  readonly spent: Spent;
  readonly contribution: { readonly cells: number; readonly trackedUnits: number };
  readonly groups: readonly GroupKey[];
  /** How open groups are chosen; absent where all are public. */
  readonly selection?: Selection;
  readonly metrics: readonly MetricSpec[];
  readonly ciLevel: number;
  readonly nonnegative: boolean;
  readonly claim: string;
}

/** Exact decimals: for each unit and day, and for any `days` days in a row. */
export interface BudgetLimits {
  readonly epsilon: string;
  readonly delta: string;
  readonly horizon?: { readonly days: number; readonly epsilon: string; readonly delta: string };
}

export interface Spent {
  readonly epsilon: string;
  readonly delta: string;
  /** ρ of the zCDP guarantee by which a Gaussian gives it; "" for Laplace. `n/d`. */
  readonly rho: string;
}

/** An open group is shown when its noisy number of units is at least `threshold`. */
export interface Selection {
  /** Where the number of units stands among the blocks of a cell. */
  readonly block: number;
  readonly minUnits: number;
  readonly threshold: number;
  /** The part of δ that it takes. */
  readonly delta: string;
  /** Windows for which a group that was shown stays public. */
  readonly stickyWindows: number;
  readonly groupsMax: number;
}

export interface MetricSpec {
  readonly name: string;
  readonly kind: MetricConfig["kind"];
  /** Records of one unit that count in one cell. */
  readonly perCell: number;
  readonly reading?: Reading;
  readonly quantiles?: readonly number[];
  readonly measures: readonly MeasureSpec[];
}

/** A vector of integers with noise of its own. */
export interface MeasureSpec extends Measure {
  readonly noise: Noise;
  /** For people, in steps: variance of the noise, and half the width of its interval. */
  readonly variance: number;
  readonly halfWidth: number;
}

export function specOf(config: DpWindowConfig): Spec {
  const share = exact(config.budget.share);
  const epsilon = multiply(exact(config.budget.epsilon), share);
  const delta = multiply(exact(config.budget.delta), share);
  const calibration = calibrate(config, epsilon, delta);
  const { noiseOf, rho } = calibration;
  const selects = openKeysOf(config).length > 0;
  const spent: Spent = {
    epsilon: formatDecimal(epsilon),
    delta: rho !== undefined || selects ? formatDecimal(delta) : "0",
    rho: rho === undefined ? "" : formatRational(rho),
  };
  const metrics = config.metrics.map((metric) => metricSpec(metric, noiseOf, config));
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
    budget: limitsOf(config),
    spent,
    contribution: {
      cells: config.contribution.max_cells_per_period,
      trackedUnits: config.contribution.max_tracked_units,
    },
    groups: groupKeysOf(config),
    ...(selects && { selection: selectionOf(config, metrics, calibration) }),
    metrics,
    ciLevel: config.output.ci_level,
    nonnegative: config.output.nonnegative,
    claim: claimOf(config, unit.attributes, spent),
  };
}

function limitsOf({ budget }: DpWindowConfig): BudgetLimits {
  const plain = (text: string): string => formatDecimal(exact(text));
  const { epsilon, delta, horizon } = budget;
  return {
    epsilon: plain(epsilon),
    delta: plain(delta),
    ...(horizon !== undefined && {
      horizon: {
        days: horizon.period / PERIOD_MS,
        epsilon: plain(horizon.epsilon),
        delta: plain(horizon.delta ?? delta),
      },
    }),
  };
}

function metricSpec(
  metric: MetricConfig,
  noiseOf: (vector: Vector) => Noise,
  config: DpWindowConfig,
): MetricSpec {
  const reading = readingOf(metric);
  const measures = measuresOf(metric);
  return {
    name: metric.name,
    kind: metric.kind,
    perCell: perCellOf(metric),
    ...(reading !== undefined && { reading }),
    ...(metric.kind === "histogram" && { quantiles: metric.quantiles }),
    measures: measures.map((measure) => {
      const noise = noiseOf({ metric, measure });
      return {
        ...measure,
        noise,
        variance: shown(varianceOf(noise)),
        halfWidth: halfWidthOf(noise, config.output.ci_level),
      };
    }),
  };
}

function selectionOf(
  config: DpWindowConfig,
  metrics: readonly MetricSpec[],
  calibration: Calibration,
): Selection {
  const at = metrics.findIndex(({ kind }) => kind === "distinct_units");
  const { min_units: minUnits, sticky: stickyMs } = openKeysOf(config)[0]!;
  return {
    block: metrics.slice(0, at).reduce((total, metric) => total + partsOf(metric), 0),
    minUnits,
    threshold: thresholdFor(config, calibration),
    delta: formatDecimal(calibration.selectionDelta),
    stickyWindows: Math.floor(stickyMs / config.window.size),
    groupsMax: config.output.max_groups,
  };
}

/** The number of values per cell, over all measures of all metrics. */
export function blocksOfSpec(spec: Spec): number {
  return spec.metrics.reduce((total, metric) => total + partsOf(metric), 0);
}

/** Values per cell of one metric. */
export function partsOf({ measures }: MetricSpec): number {
  return measures.reduce((total, { parts }) => total + parts, 0);
}

export function hashOfSpec(spec: Spec): string {
  return createHash("sha256").update(JSON.stringify(spec)).digest("hex");
}

/** The number of cells of a window; undefined where groups are open. */
export function publicCellsOf({ groups }: Spec): number | undefined {
  return groups.every(isPublic) ? cellCount(groups) : undefined;
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
    horizonClaim(limitsOf(config)) +
    "Days and hosts compose. Not covered: root on the host, the raw files, the state folder, " +
    "other pipelines, the agent's own metrics."
  );
}

function horizonClaim({ horizon }: BudgetLimits): string {
  if (horizon === undefined) return "";
  const { days, epsilon, delta } = horizon;
  return `Any ${days} days in a row together keep to (${epsilon}, ${delta}). `;
}

/** Six digits, so that the hash does not hang on the last bit of a logarithm. */
function shown(value: number): number {
  return Number(value.toPrecision(6));
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
