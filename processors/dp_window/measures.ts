/**
 * What a metric adds up in each cell: one integer vector per measure, which gets noise of its own.
 *
 * Invariant: one record moves a cell by at most `magnitude` in one part of a measure, whatever its
 * field holds. A value that is no finite number (missing, text, NaN, an infinity) adds nothing to
 * the metric that reads it; what lies outside the clamp counts as the clamp.
 */
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { DpWindowConfig } from "./config.ts";

export type MetricConfig = DpWindowConfig["metrics"][number];

/** How a metric reads its field; part of the specification. Absent where it reads none. */
export interface Reading {
  readonly field: string;
  /** Least and greatest value that counts. */
  readonly clamp?: readonly [number, number];
  /** What one step of the integer sum is worth. */
  readonly resolution?: number;
  /** Upper edges of all buckets but the last; a value on an edge belongs below it. */
  readonly buckets?: readonly number[];
}

export interface Measure {
  readonly role: "count" | "sum" | "bucket";
  /** Values per cell. A record adds to one of them. */
  readonly parts: number;
  /** What one record adds at most, as an absolute integer. */
  readonly magnitude: number;
  /**
   * By how much a value can change when one record comes in place of another. As large as the
   * magnitude unless values have both signs: then one takes away what the other adds.
   */
  readonly span: number;
}

const ONE: Measure = { role: "count", parts: 1, magnitude: 1, span: 1 };

export function readingOf(metric: MetricConfig): Reading | undefined {
  if (!("field" in metric)) return undefined;
  const { field } = metric;
  if (metric.kind === "histogram") return { field, buckets: metric.buckets };
  return { field, clamp: metric.clamp, resolution: metric.resolution };
}

/** A mean is a sum around the middle of its clamp, and a count; each is a vector of its own. */
export function measuresOf(metric: MetricConfig): readonly Measure[] {
  switch (metric.kind) {
    case "count":
    case "distinct_units":
    case "running_units":
      return [ONE];
    case "sum":
      return [sumBetween(metric.clamp, metric.resolution)];
    case "mean": {
      const [low, high] = metric.clamp;
      const middle = middleOf([low, high]);
      return [sumBetween([low - middle, high - middle], metric.resolution), ONE];
    }
    case "histogram":
      return [{ role: "bucket", parts: metric.buckets.length + 1, magnitude: 1, span: 1 }];
  }
}

function sumBetween([low, high]: readonly [number, number], resolution: number): Measure {
  // Rounding rises with the value, so these are the bounds of what lies between, too.
  const above = Math.max(0, steps(high, resolution));
  const below = Math.max(0, -steps(low, resolution));
  const magnitude = Math.max(1, above, below);
  return { role: "sum", parts: 1, magnitude, span: Math.max(1, above + below) };
}

/** Of a clamp. */
export function middleOf([low, high]: readonly [number, number]): number {
  return low + (high - low) / 2;
}

/** Adds a record to the blocks of one metric in a cell; `counts[cell * blocks + block]`. */
export type Add = (record: LogRecord, counts: Float64Array, cell: number) => void;

/** `firstBlock` is the metric's first part among the `blocks` of all metrics. */
export function compileAdd(
  kind: MetricConfig["kind"],
  reading: Reading | undefined,
  firstBlock: number,
  blocks: number,
): Add {
  if (reading === undefined) {
    return (_, counts, cell) => {
      const index = cell * blocks + firstBlock;
      counts[index] = counts[index]! + 1;
    };
  }
  const { field, clamp, resolution, buckets } = reading;
  if (buckets !== undefined) {
    return (record, counts, cell) => {
      const value = numberOf(record.attributes[field]);
      if (value === undefined) return;
      const index = cell * blocks + firstBlock + bucketOf(buckets, value);
      counts[index] = counts[index]! + 1;
    };
  }
  const [low, high] = clamp!;
  const middle = kind === "mean" ? middleOf([low, high]) : 0;
  return (record, counts, cell) => {
    const value = numberOf(record.attributes[field]);
    if (value === undefined) return;
    const clamped = Math.min(high, Math.max(low, value));
    const index = cell * blocks + firstBlock;
    counts[index] = counts[index]! + steps(clamped - middle, resolution!);
    if (kind === "mean") counts[index + 1] = counts[index + 1]! + 1;
  };
}

/** The number of whole steps nearest to a value; rising with the value, so a clamp stays one. */
function steps(value: number, resolution: number): number {
  // Adding 0 turns a negative zero into the one zero.
  return Math.round(value / resolution) + 0;
}

/** The first bucket whose upper edge is not below the value; the last one has no edge. */
function bucketOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= edges[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

function numberOf(value: AnyValue): number | undefined {
  const plain = value instanceof Double ? value.value : value;
  if (typeof plain === "bigint") return Number(plain);
  return typeof plain === "number" && Number.isFinite(plain) ? plain : undefined;
}
