/**
 * From rows of `dp_window` (schema 1) to OTLP metrics.
 *
 * Invariant: a function of the rows alone, which are private already. A row that comes again gives
 * the same data point again.
 */
import type { Attributes as MetricAttributes } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { DataPoint, MetricData, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { AggregationTemporality, DataPointType } from "@opentelemetry/sdk-metrics";
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";

const ROW_BODY = "dp.window";
const SCHEMA = 1;
/** Of the attributes `dp.*` only these tell series apart; the others are in the rows. */
const KEPT = ["dp.dataset", "dp.revision", "dp.quantile", "dp.bucket.above", "dp.bucket.to"];
/** What may be added up over windows, up to its noise. The others are states of a window. */
const ADDITIVE = new Set(["count", "sum", "histogram"]);
const BOUNDS = [
  ["dp.ci.low", ".ci.low", "Lower end of the interval"],
  ["dp.ci.high", ".ci.high", "Upper end of the interval"],
] as const;

/** A number of a row, with its place in time. */
interface Point {
  readonly name: string;
  readonly description: string;
  readonly isAdditive: boolean;
  readonly point: DataPoint<number>;
}

/** True for what `dp_window` says beside its rows: it has no number to chart. */
export function isRemark({ body }: LogRecord): boolean {
  return body === "dp.status" || body === "dp.debit";
}

export function isRow({ body, attributes }: LogRecord): boolean {
  return body === ROW_BODY && attributes["dp.schema"] === SCHEMA;
}

/** The metrics of rows; undefined when there are none. */
export function metricsOf(rows: readonly LogRecord[], prefix: string): ResourceMetrics | undefined {
  const byName = new Map<string, Point[]>();
  for (const row of rows) {
    for (const point of pointsOf(row, prefix)) {
      const points = byName.get(point.name) ?? [];
      points.push(point);
      byName.set(point.name, points);
    }
  }
  const [first] = rows;
  if (first === undefined || byName.size === 0) return undefined;
  const { name } = first.instrumentationScope;
  return {
    resource: resourceFromAttributes(first.resource.attributes as MetricAttributes),
    scopeMetrics: [{ scope: { name }, metrics: [...byName.values()].map(metricOf) }],
  };
}

function metricOf(points: readonly Point[]): MetricData {
  const { name, description, isAdditive } = points[0]!;
  const isWhole = points.every(({ point }) => Number.isSafeInteger(point.value));
  const descriptor = { name, description, unit: "", valueType: isWhole ? 0 : 1, advice: {} };
  const dataPoints = points.map(({ point }) => point);
  const aggregationTemporality = AggregationTemporality.DELTA;
  // Noise goes both ways, so that a sum may fall, and a bucket cannot be one of an OTLP histogram.
  return isAdditive
    ? {
        descriptor,
        aggregationTemporality,
        dataPointType: DataPointType.SUM,
        isMonotonic: false,
        dataPoints,
      }
    : { descriptor, aggregationTemporality, dataPointType: DataPointType.GAUGE, dataPoints };
}

function pointsOf({ attributes }: LogRecord, prefix: string): Point[] {
  const kind = String(attributes["dp.metric.kind"]);
  const value = numberOf(attributes["dp.value"]);
  // The quantile of nothing has no value.
  if (value === undefined) return [];
  const name = `${prefix}${kind === "groups" ? kind : String(attributes["dp.metric"])}`;
  const shared = {
    startTime: hrTimeOf(attributes["dp.window.start"]),
    endTime: hrTimeOf(attributes["dp.window.end"]),
    attributes: seriesOf(attributes),
  };
  const own = kind === "quantile" ? `${name}.quantile` : name;
  const main: Point = {
    name: own,
    description: `Differentially private ${kind.replace("_", " ")} of a window.`,
    isAdditive: ADDITIVE.has(kind),
    point: { ...shared, value },
  };
  const ends = BOUNDS.flatMap(([key, suffix, what]): Point[] => {
    const end = numberOf(attributes[key]);
    if (end === undefined) return [];
    const description = `${what} of ${own}, noise only.`;
    return [
      { name: own + suffix, description, isAdditive: false, point: { ...shared, value: end } },
    ];
  });
  return [main, ...ends];
}

/** The group, and what else tells one series from another. */
function seriesOf(attributes: Attributes): MetricAttributes {
  const series: MetricAttributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("dp.") && !KEPT.includes(key)) continue;
    const number = numberOf(value);
    if (number !== undefined) series[key] = number;
    else if (typeof value === "string" || typeof value === "boolean") series[key] = value;
  }
  return series;
}

function numberOf(value: AnyValue): number | undefined {
  const plain = value instanceof Double ? value.value : value;
  if (typeof plain === "bigint") return Number(plain);
  return typeof plain === "number" && Number.isFinite(plain) ? plain : undefined;
}

function hrTimeOf(iso: AnyValue): [number, number] {
  const unixMs = Date.parse(String(iso));
  return [Math.floor(unixMs / 1000), (unixMs % 1000) * 1_000_000];
}
