/**
 * What a configuration's private numbers will look like: width of the noise, and how large a count
 * has to be before the noise no longer matters.
 */
import type { CheckedConfig } from "../../config/load.ts";
import { costOf, epsilonOf, isWithin, sumOf } from "../../processors/dp_window/composition.ts";
import type { DpWindowConfig } from "../../processors/dp_window/config.ts";
import type { Rational } from "../../processors/dp_window/rational.ts";
import { parseDecimal } from "../../processors/dp_window/rational.ts";
import type { MeasureSpec, MetricSpec, Spec } from "../../processors/dp_window/spec.ts";
import { publicCellsOf, specOf } from "../../processors/dp_window/spec.ts";

/** True counts for which the chart is drawn. */
const EXAMPLES = [10, 100, 1000, 10_000] as const;
/** A count is called readable when its interval is at most this part of it to each side. */
const READABLE = 0.1;
const CHART_WIDTH = 48;
const SPANS_DAYS = [7, 30, 365] as const;
const HOUR_MS = 3_600_000;

interface Explained {
  readonly processor: string;
  readonly pipelines: readonly string[];
  readonly config: DpWindowConfig;
  readonly spec: Spec;
}

export function explainBudget(config: CheckedConfig, isJson: boolean): string {
  const explained: Explained[] = [];
  for (const [processor, { factory, config: own }] of config.processors) {
    if (factory.type !== "dp_window") continue;
    // The factory's own schema has made it.
    const checked = own as DpWindowConfig;
    const pipelines = config.pipelines.filter(({ processors }) => processors.includes(processor));
    const ids = pipelines.map(({ id }) => id);
    explained.push({ processor, pipelines: ids, config: checked, spec: specOf(checked) });
  }
  if (isJson) return `${JSON.stringify(explained.map(asJson), undefined, 2)}\n`;
  if (explained.length === 0) return "no dp_window in this configuration: nothing private to say\n";
  return explained.map(asText).join("\n");
}

function asJson({ processor, pipelines, config, spec }: Explained): object {
  const { dataset, budget, spent, contribution, claim } = spec;
  return {
    processor,
    pipelines,
    dataset,
    budget,
    spent,
    window_ms: spec.windowMs,
    cells: publicCellsOf(spec),
    threshold: spec.selection?.threshold,
    contribution: { ...contribution, close_after_ms: config.window.close_after },
    metrics: spec.metrics.flatMap((metric) =>
      metric.measures.map((measure) => ({
        ...describe(metric, measure),
        ci_level: spec.ciLevel,
        noise: measure.noise,
      })),
    ),
    claim,
  };
}

/** In the metric's own unit: a sum in what its field is measured in. */
function describe(metric: MetricSpec, { role, variance, halfWidth }: MeasureSpec) {
  const scale = role === "sum" ? (metric.reading?.resolution ?? 1) : 1;
  return {
    metric: metric.name,
    kind: metric.kind,
    of: role,
    per_cell: metric.perCell,
    standard_deviation: Math.sqrt(variance) * scale,
    half_width: halfWidth * scale,
    readable_from: Math.ceil((halfWidth * scale) / READABLE),
  };
}

function asText({ processor, pipelines, spec }: Explained): string {
  const { dataset, spent, contribution } = spec;
  const cells = publicCellsOf(spec);
  const groups = cells === undefined ? "groups from the data" : plural(cells, "cell");
  const lines = [
    `${processor} in ${pipelines.join(", ") || "no pipeline"}`,
    `  dataset ${dataset}: ε ${spent.epsilon}, δ ${spent.delta} for each unit and UTC day`,
    `  a window of ${duration(spec.windowMs)}, ${groups}; one unit counts in ` +
      `${plural(contribution.cells, "cell")} a day; ` +
      `the first ${grouped(contribution.trackedUnits)} units of a day are counted` +
      (contribution.oneIn > 1 ? `, of a sample of one in ${contribution.oneIn}` : ""),
    ...groupLines(spec),
    ...dayLines(spec),
    "",
    ...metricTable(spec),
    "",
    ...chart(spec),
    `  ${spec.claim}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** How many people it takes for a group to appear. */
function groupLines({ selection, metrics, ciLevel, contribution }: Spec): string[] {
  if (selection === undefined) return [];
  const { oneIn } = contribution;
  const [threshold, minUnits] = [selection.threshold * oneIn, selection.minUnits * oneIn];
  const { thresholds } = selection;
  if (thresholds !== undefined) {
    const first = grouped(thresholds[0]! * oneIn);
    return [
      "  a group is shown when its noisy number of units of the day so far is " +
        `${first} or more in the first window, ${grouped(threshold)} in the last`,
    ];
  }
  const { halfWidth } = metrics.find(({ kind }) => kind === "distinct_units")!.measures[0]!;
  const mostly = threshold + halfWidth;
  const never = minUnits > 1 ? `, of fewer than ${grouped(minUnits)} never` : "";
  return [
    `  a group is shown when its noisy number of units is ${grouped(threshold)} or more: one of ` +
      `${grouped(threshold)} units every other time, of ${grouped(mostly)} in at least ` +
      `${ciLevel * 100} % of windows${never}`,
  ];
}

/** What many days cost one who is there on all of them. */
function dayLines(spec: Spec): string[] {
  const { budget, spent, selection } = spec;
  const [epsilon, delta, selectionDelta] = [
    spent.epsilon,
    spent.delta,
    selection?.delta ?? "0",
  ].map((text) => parseDecimal(text)!) as [Rational, Rational, Rational];
  const day = costOf({ epsilon, delta, selectionDelta }, spent.rho);
  const total = (days: number) => sumOf(Array.from({ length: days }, () => day));
  const shown = SPANS_DAYS.map((days) => {
    const together = epsilonOf(total(days), days * Number(spent.delta));
    return `${days} days ε ${Number(together.toPrecision(3))}`;
  });
  const lines = [`  for one who is there on every day, at δ times the days: ${shown.join(", ")}`];
  if (budget.horizon === undefined) return lines;
  const { days, epsilon: most, delta: mostDelta } = budget.horizon;
  const limit = { days, epsilon: parseDecimal(most)!, delta: parseDecimal(mostDelta)! };
  let paid = 0;
  while (paid < days && isWithin(total(paid + 1), limit)) paid++;
  const rest = paid === days ? "all of them" : `${plural(paid, "day")} of this processor, no more`;
  return [...lines, `  horizon of ${days} days: ε ${most}, δ ${mostDelta} pay for ${rest}`];
}

function metricTable(spec: Spec): string[] {
  const percent = `${spec.ciLevel * 100} % interval`;
  const head = ["metric", "noise", "sd", percent, `within ${READABLE * 100} % from`];
  const rows = spec.metrics.flatMap((metric) =>
    metric.measures.map((measure) => {
      const described = describe(metric, measure);
      const many = metric.measures.length > 1 ? ` (${measure.role})` : "";
      return [
        `${metric.name}${many}`,
        measure.noise.mechanism.replace("_", " "),
        grouped(Number(described.standard_deviation.toPrecision(3))),
        `± ${grouped(described.half_width)}`,
        grouped(described.readable_from),
      ];
    }),
  );
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) => `  ${row.map((cell, at) => pad(cell, widths[at]!, at)).join("  ")}`);
}

/** Texts to the left, numbers to the right. */
function pad(cell: string, width: number, column: number): string {
  return column < 2 ? cell.padEnd(width) : cell.padStart(width);
}

/**
 * How a true count of 10, 100, ... is seen through the noise of the first metric that counts: the
 * interval on a scale from nothing to twice the count.
 */
function chart(spec: Spec): string[] {
  const counting = spec.metrics.find(({ measures }) => measures[0]!.role !== "sum");
  if (counting === undefined) return [];
  const { halfWidth } = counting.measures[0]!;
  const lines = [`  ${counting.name}: what is seen of a true count, from 0 to twice the count`];
  for (const count of EXAMPLES) {
    const low = Math.max(0, 1 - halfWidth / count);
    const high = Math.min(2, 1 + halfWidth / count);
    const range = `${grouped(count - halfWidth)} to ${grouped(count + halfWidth)}`;
    lines.push(`  ${grouped(count).padStart(7)} |${bar(low, high)}| ${range}`);
  }
  return [...lines, ""];
}

function bar(low: number, high: number): string {
  const at = (share: number): number => Math.round((share / 2) * (CHART_WIDTH - 1));
  const cells = Array.from({ length: CHART_WIDTH }, (_, index) => {
    if (index === at(1)) return "o";
    return index >= at(low) && index <= at(high) ? "-" : " ";
  });
  return cells.join("");
}

function duration(ms: number): string {
  if (ms % HOUR_MS === 0) return `${ms / HOUR_MS} h`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}

function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function grouped(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}
