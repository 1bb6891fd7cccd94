/**
 * What is measured and how much noise it gets: derived from the configuration once, hashed, stored
 * in the ledger, and the only source of both the noise and the claim.
 */
import { createHash } from "node:crypto";
import type { Calibration, Vector } from "./calibration.ts";
import { calibrate, minUnitsOf, thresholdFor } from "./calibration.ts";
import type { DpWindowConfig } from "./config.ts";
import { PERIOD_MS, perCellOf } from "./config.ts";
import type { GroupKey } from "./groups.ts";
import { cellCount, isPublic } from "./groups.ts";
import type { Measure, MetricConfig, Reading } from "./measures.ts";
import { measuresOf, readingOf } from "./measures.ts";
import type { Noise } from "./noise.ts";
import { halfWidthOf, varianceOf } from "./noise.ts";
import { DECIDING_KIND, groupKeysOf, openKeysOf } from "./partitions_config.ts";
import type { Rational } from "./rational.ts";
import {
  formatDecimal,
  formatRational,
  multiply,
  parseDecimal,
  parseRational,
  toNumber,
} from "./rational.ts";
import { discoveryThresholds } from "./selection.ts";
import { spreadOf, squareRootOf } from "./square_root.ts";
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
  readonly contribution: {
    readonly cells: number;
    readonly trackedUnits: number;
    /** One unit in so many counts, and each for so many. A power of two. */
    readonly oneIn: number;
  };
  readonly groups: readonly GroupKey[];
  /** How open groups are chosen; absent where all are public. */
  readonly selection?: Selection;
  readonly metrics: readonly MetricSpec[];
  readonly ciLevel: number;
  readonly nonnegative: boolean;
  readonly hostMode: DpWindowConfig["host_mode"];
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
  /** By window of the day, where the day so far decides; `threshold` is the last and largest. */
  readonly thresholds?: readonly number[];
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
  /** For people, in steps and scaled up: variance of the noise, half the width of its interval. */
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
      oneIn: oneInOf(config),
    },
    groups: groupKeysOf(config),
    ...(selects && { selection: selectionOf(config, metrics, calibration) }),
    metrics,
    ciLevel: config.output.ci_level,
    nonnegative: config.output.nonnegative,
    hostMode: config.host_mode,
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
      const { ci_level: level } = config.output;
      const oneIn = oneInOf(config);
      const own = {
        variance: varianceOf(noise) * oneIn ** 2,
        halfWidth: halfWidthOf(noise, level) * oneIn,
      };
      const { variance, halfWidth } =
        metric.kind === "running_units" ? atDayEnd(own, config.window.size) : own;
      return { ...measure, noise, variance: shown(variance), halfWidth };
    }),
  };
}

function oneInOf({ contribution }: DpWindowConfig): number {
  return Number(contribution.sample_rate.split("/")[1] ?? 1);
}

/** Of the total at the end of a day without restarts, where it is widest. */
function atDayEnd(
  { variance, halfWidth }: Pick<MeasureSpec, "variance" | "halfWidth">,
  windowMs: number,
): Pick<MeasureSpec, "variance" | "halfWidth"> {
  const windows = PERIOD_MS / windowMs;
  const spread = spreadOf(squareRootOf(windows), windows);
  return { variance: variance * spread, halfWidth: Math.ceil(halfWidth * Math.sqrt(spread)) };
}

/** Where the running metric stands among the blocks of a cell, and how many groups a unit has. */
export function runningOf(
  spec: Spec,
): { readonly block: number; readonly groups: number } | undefined {
  const at = spec.metrics.findIndex(({ kind }) => kind === "running_units");
  if (at === -1) return undefined;
  const cells = publicCellsOf(spec) ?? spec.contribution.cells;
  const block = spec.metrics.slice(0, at).reduce((total, metric) => total + partsOf(metric), 0);
  return { block, groups: Math.min(spec.contribution.cells, cells) };
}

/** The number of units from which on a group is shown, in a window of the day. */
export function thresholdAt({ threshold, thresholds }: Selection, step: number): number {
  return thresholds?.[step] ?? threshold;
}

/** Number of a window in its day. */
export function stepOfWindow(window: number, { windowMs }: Pick<Spec, "windowMs">): number {
  return window % (PERIOD_MS / windowMs);
}

function thresholdsOf(
  config: DpWindowConfig,
  { measures }: MetricSpec,
  { selectionDelta }: Calibration,
): number[] {
  const [{ noise }] = measures as [MeasureSpec];
  return discoveryThresholds(squareRootOf(PERIOD_MS / config.window.size), {
    variance: toNumber(parseRational(noise.parameter)),
    groups: config.contribution.max_cells_per_period,
    delta: toNumber(selectionDelta),
  });
}

function selectionOf(
  config: DpWindowConfig,
  metrics: readonly MetricSpec[],
  calibration: Calibration,
): Selection {
  const { mode, sticky: stickyMs } = openKeysOf(config)[0]!;
  const at = metrics.findIndex(({ kind }) => kind === DECIDING_KIND[mode]);
  const thresholds =
    mode === "discover" ? thresholdsOf(config, metrics[at]!, calibration) : undefined;
  return {
    block: metrics.slice(0, at).reduce((total, metric) => total + partsOf(metric), 0),
    minUnits: minUnitsOf(config),
    threshold: thresholds?.at(-1) ?? thresholdFor(config, calibration),
    ...(thresholds !== undefined && { thresholds }),
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
    `${horizonClaim(limitsOf(config))}${HOST_CLAIMS[config.host_mode]}` +
    "Not covered: root on the host, the raw files, the state folder, " +
    "other pipelines, the agent's own metrics."
  );
}

const HOST_CLAIMS = {
  local: "Days and hosts compose. ",
  gateway: "Days compose; hosts do not where all of them send their records to this agent alone. ",
} as const;

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
