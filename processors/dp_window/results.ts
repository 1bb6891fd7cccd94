/**
 * From the noisy integers of one cell to what a row shows: values, intervals, means, quantiles.
 *
 * Invariant: post-processing only. Everything here is a function of noisy integers and the
 * specification, so that nothing of it costs privacy; doubles are fine from here on.
 */
import type { Attributes } from "../../src/data/any_value.ts";
import { middleOf } from "./measures.ts";
import { varianceOf } from "./noise.ts";
import type { MeasureSpec, MetricSpec, Spec } from "./spec.ts";

/** `spread` is that of the release, for running totals. */
type Shown = Pick<Spec, "ciLevel" | "nonnegative" | "contribution"> & {
  readonly spread?: number | undefined;
};

/** The attributes of each row of a metric in a cell. `parts` are its noisy values, in order. */
export function resultsOf(spec: Shown, metric: MetricSpec, parts: readonly bigint[]): Attributes[] {
  const common = commonOf(spec, metric);
  switch (metric.kind) {
    case "count":
    case "distinct_units":
      return [{ ...common, ...countRow(spec, metric.measures[0]!, parts[0]!) }];
    case "running_units":
      return [{ ...common, ...runningRow(spec, metric, parts[0]!) }];
    case "sum":
      return [{ ...common, ...sumRow(metric, parts[0]!) }];
    case "mean":
      return [{ ...common, ...meanRow(metric, parts[0]!, parts[1]!) }];
    case "histogram": {
      const buckets = parts.map((value, index) => ({
        ...common,
        ...edgesOf(metric, index),
        ...countRow(spec, metric.measures[0]!, value),
      }));
      const quantiles = metric.quantiles!.map((quantile) => ({
        ...common,
        ...quantileRow(metric, parts, quantile),
      }));
      return [...buckets, ...quantiles];
    }
  }
}

function commonOf(spec: Pick<Spec, "ciLevel">, metric: MetricSpec): Attributes {
  const [{ noise }] = metric.measures as [MeasureSpec];
  const parameter = noise.mechanism === "discrete_laplace" ? "dp.scale" : "dp.sigma2";
  const { field, clamp, resolution } = metric.reading ?? {};
  return {
    "dp.metric": metric.name,
    "dp.metric.kind": metric.kind,
    "dp.ci.level": spec.ciLevel,
    "dp.mechanism": noise.mechanism,
    [parameter]: noise.parameter,
    "dp.contribution.per_cell": metric.perCell,
    ...(field !== undefined && { "dp.field": field }),
    ...(clamp !== undefined && { "dp.contribution.clamp": [...clamp] }),
    ...(resolution !== undefined && { "dp.resolution": resolution }),
  };
}

function countRow(
  spec: Pick<Spec, "nonnegative">,
  measure: MeasureSpec,
  value: bigint,
): Attributes {
  const halfWidth = BigInt(measure.halfWidth);
  const show = (number: bigint): number | bigint => {
    const shown = spec.nonnegative && number < 0n ? 0n : number;
    return Number.isSafeInteger(Number(shown)) ? Number(shown) : shown;
  };
  return {
    "dp.value": show(value),
    "dp.variance": measure.variance,
    "dp.ci.low": show(value - halfWidth),
    "dp.ci.high": show(value + halfWidth),
  };
}

/** Steps times resolution. A sum may be negative, so it is never cut at zero. */
function sumRow({ measures, reading }: MetricSpec, value: bigint): Attributes {
  const [{ variance, halfWidth }] = measures as [MeasureSpec];
  const resolution = reading!.resolution!;
  return {
    "dp.value": Number(value) * resolution,
    "dp.variance": variance * resolution ** 2,
    "dp.ci.low": (Number(value) - halfWidth) * resolution,
    "dp.ci.high": (Number(value) + halfWidth) * resolution,
  };
}

/** A total so far, with the variance of the noise of all its windows. */
function runningRow(spec: Shown, { measures }: MetricSpec, value: bigint): Attributes {
  const [measure] = measures as [MeasureSpec];
  const widest = measure.variance;
  const variance = varianceOf(measure.noise) * spec.spread! * spec.contribution.oneIn ** 2;
  const halfWidth = Math.ceil(measure.halfWidth * Math.sqrt(variance / widest));
  return countRow(
    spec,
    { ...measure, variance: Number(variance.toPrecision(6)), halfWidth },
    value,
  );
}

/**
 * The middle of the clamp and the noisy sum around it over the noisy count. The interval is that of
 * the ratio of two independent noises, to first order; where the count may be zero it is the clamp.
 */
function meanRow({ measures, reading }: MetricSpec, sum: bigint, count: bigint): Attributes {
  const [sums, counts] = measures as [MeasureSpec, MeasureSpec];
  const clamp = reading!.clamp!;
  const resolution = reading!.resolution!;
  const inClamp = (value: number): number => Math.min(clamp[1], Math.max(clamp[0], value));
  const middle = middleOf(clamp);
  const people = Number(count);
  const base = { "dp.mean.count": people, "dp.mean.count.variance": counts.variance };
  if (people <= counts.halfWidth) {
    return { ...base, "dp.ci.low": clamp[0], "dp.ci.high": clamp[1], "dp.value": middle };
  }
  const offset = (Number(sum) * resolution) / people;
  const variance = (sums.variance * resolution ** 2 + offset ** 2 * counts.variance) / people ** 2;
  const halfWidth = Math.sqrt(variance) * (sums.halfWidth / Math.sqrt(sums.variance));
  return {
    ...base,
    "dp.value": inClamp(middle + offset),
    "dp.variance": variance,
    "dp.ci.low": inClamp(middle + offset - halfWidth),
    "dp.ci.high": inClamp(middle + offset + halfWidth),
  };
}

function edgesOf({ reading }: MetricSpec, index: number): Attributes {
  const edges = reading!.buckets!;
  return {
    ...(index > 0 && { "dp.bucket.above": edges[index - 1]! }),
    ...(index < edges.length && { "dp.bucket.to": edges[index]! }),
  };
}

/**
 * Where the noisy cumulated buckets reach a share of their total. The interval moves that share by
 * the noise of the cumulated buckets below it. In the last bucket, which has no upper edge, the
 * value is its lower one and the interval is open.
 */
function quantileRow(metric: MetricSpec, parts: readonly bigint[], quantile: number): Attributes {
  const edges = metric.reading!.buckets!;
  const [{ variance, halfWidth }] = metric.measures as [MeasureSpec];
  const counts = parts.map((value) => Math.max(0, Number(value)));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const base = { "dp.metric.kind": "quantile", "dp.quantile": quantile };
  if (total === 0) return base;
  const found = crossing(edges, counts, quantile * total);
  const below = Math.sqrt(found.bucket + 1);
  const slack = halfWidth * below;
  const low = crossing(edges, counts, Math.max(0, quantile * total - slack));
  const high = crossing(edges, counts, quantile * total + slack);
  return {
    ...base,
    "dp.value": found.value,
    "dp.variance": variance,
    "dp.ci.low": low.value,
    ...(high.bucket < edges.length && { "dp.ci.high": high.value }),
  };
}

/** The point at which the cumulated counts reach `target`, linear within a bucket. */
function crossing(
  edges: readonly number[],
  counts: readonly number[],
  target: number,
): { readonly bucket: number; readonly value: number } {
  let cumulated = 0;
  for (let bucket = 0; bucket < edges.length; bucket++) {
    const count = counts[bucket]!;
    if (cumulated + count >= target && count > 0) {
      const low = bucket === 0 ? Math.min(0, edges[0]!) : edges[bucket - 1]!;
      const share = Math.max(0, (target - cumulated) / count);
      return { bucket, value: low + (edges[bucket]! - low) * share };
    }
    cumulated += count;
  }
  return { bucket: edges.length, value: edges.at(-1)! };
}
