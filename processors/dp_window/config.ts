/**
 * The options of `dp_window`. All that decides how much may be learned stands here and nowhere
 * else; nothing is taken from the data.
 */
import { z } from "zod";
import { durationMs, longDurationMs } from "../../config/values.ts";
import { cellCount, isPublic } from "./groups.ts";
import { measuresOf } from "./measures.ts";
import type { OpenKeyConfig } from "./partitions_config.ts";
import {
  attributeName,
  DECIDING_KIND,
  groupKeysOf,
  openKeysOf,
  partitions,
} from "./partitions_config.ts";
import type { Rational } from "./rational.ts";
import { isAtMost, parseDecimal } from "./rational.ts";
import { CANONICAL_STEPS } from "./unit.ts";
import { GROUPS_MAX } from "./unit_table.ts";

export const PERIOD_MS = 86_400_000;
const CELLS_MAX = 10_000;
/** Noisy values of one release. */
const VALUES_MAX = 100_000;
const RUNNING_WINDOWS_MAX = 1440;
const ENTRIES_MAX = 2 ** 26;
const OPEN_VALUES_MAX = 5_000_000;

/** An exact decimal between two others, kept as text. */
function decimal(least: string, most: string, example: string): z.ZodString {
  const inRange = (text: string): boolean => {
    const value = parseDecimal(text);
    const lower = parseDecimal(least) as Rational;
    const upper = parseDecimal(most) as Rational;
    return value !== undefined && isAtMost(lower, value) && isAtMost(value, upper);
  };
  return z
    .string({
      error: `expected a decimal in quotes, such as "${example}" (YAML numbers are rounded)`,
    })
    .refine(inRange, `expected a decimal from ${least} to ${most} in quotes, such as "${example}"`);
}

const unit = z.strictObject({
  attribute: attributeName.describe("The attribute that says whose record it is."),
  fallback: z
    .array(attributeName)
    .max(8)
    .default([])
    .describe("Attributes that stand in, in order, where a record lacks the first."),
  canonical: z
    .array(z.enum(CANONICAL_STEPS))
    .default(["lower", "ipv6_64"])
    .describe("Steps that make spellings of one unit the same: lower case, IPv6 to its /64."),
  missing: z.literal("drop").default("drop").describe("A record of nobody is not counted."),
  period: z
    .literal("1d")
    .default("1d")
    .describe("What is protected together: all records of a unit of one UTC day."),
});

const horizon = z.strictObject({
  period: longDurationMs
    .refine(
      (ms) => ms % PERIOD_MS === 0 && ms >= 2 * PERIOD_MS && ms <= 366 * PERIOD_MS,
      "must be a whole number of days from 2d to 366d",
    )
    .describe("Days in a row, such as 30d."),
  epsilon: decimal("0.001", "10000", "13").describe("ε of them together, a decimal in quotes."),
  delta: decimal("0", "0.001", "1e-9")
    .optional()
    .describe("δ of them together; default: budget.delta."),
});

const budget = z.strictObject({
  epsilon: decimal("0.001", "50", "2").describe(
    "ε of the dataset for each unit and day, a decimal in quotes.",
  ),
  delta: decimal("0", "0.001", "1e-9")
    .default("0")
    .describe("δ of the dataset, a decimal in quotes. With 0 the noise is discrete Laplace."),
  share: decimal("0.001", "1", "0.5")
    .default("1")
    .describe("The part of the dataset's budget that this processor spends."),
  horizon: horizon
    .optional()
    .describe("A limit for a unit that is there on many days; a day beyond it is silent."),
});

const window = z.strictObject({
  size: durationMs
    .refine(
      (ms) => Number.isInteger(ms) && ms >= 1000 && ms <= PERIOD_MS && PERIOD_MS % ms === 0,
      "must divide a day into equal parts, from 1s to 24h",
    )
    .prefault("1h")
    .describe("Length of a window; windows begin at midnight UTC."),
  close_after: durationMs
    .prefault("5m")
    .describe("How long after its end a window still takes records."),
  max_future_skew: durationMs
    .prefault("1m")
    .describe("How far ahead of this machine's clock a record may be."),
  late: z
    .enum(["drop", "delta_cell"])
    .default("drop")
    .describe("A record of a closed window: not counted, or counted in cells of its own."),
  late_close_after: durationMs
    .prefault("6h")
    .describe("How long after its end a window takes late records, with late: delta_cell."),
  release_tick: durationMs
    .refine((ms) => ms >= 100, "must be at least 100ms")
    .prefault("1s")
    .describe("Releases are prepared at one multiple of this and handed on at the next."),
});

/** Powers of one half, so that scaling up is exact. */
export const SAMPLE_RATES = ["1", "1/2", "1/4", "1/8", "1/16", "1/32", "1/64"] as const;

const contribution = z.strictObject({
  max_cells_per_period: z
    .int()
    .min(1)
    .max(256)
    .default(8)
    .describe("Cells (a group of a window) in which one unit counts, per day. Drives the noise."),
  max_tracked_units: z
    .int()
    .min(1)
    .max(2_000_000)
    .default(200_000)
    .describe("Units counted per day, the first that come. Bounds memory."),
  sample_rate: z
    .enum(SAMPLE_RATES)
    .default("1")
    .describe("Share of units that count, by a keyed hash, for a day; results are scaled up."),
});

const metricName = z.string().regex(/^[a-z][a-z0-9_.]{0,63}$/, "expected a lower-case name");
const weight = z
  .int()
  .min(1)
  .max(1000)
  .default(1)
  .describe("Share of the budget, relative to the other metrics.");
const perCell = (records: number) =>
  z
    .int()
    .min(1)
    .max(10_000)
    .default(records)
    .describe("Records of one unit that count in one cell.");
const clamped = {
  field: attributeName.describe("Attribute that holds the number."),
  per_cell: perCell(1),
  clamp: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, "must be two numbers, the smaller one first")
    .describe("Least and greatest value; what lies beyond counts as the bound."),
  resolution: z
    .number()
    .positive()
    .default(1)
    .describe("Values are rounded to multiples of this. The noise is one of whole steps."),
};
const metric = z.discriminatedUnion("kind", [
  z.strictObject({
    name: metricName,
    kind: z.literal("count").describe("Records."),
    per_cell: perCell(4),
    weight,
  }),
  z.strictObject({
    name: metricName,
    kind: z.literal("distinct_units").describe("Units that have at least one record."),
    weight,
  }),
  z.strictObject({
    name: metricName,
    kind: z
      .literal("running_units")
      .describe("Units so far in the UTC day; a unit counts in max_cells_per_period groups."),
    weight,
  }),
  z.strictObject({
    name: metricName,
    kind: z.literal("sum").describe("Sum of a number that records carry."),
    ...clamped,
    weight,
  }),
  z.strictObject({
    name: metricName,
    kind: z.literal("mean").describe("Mean of such a number: a noisy sum by a noisy count."),
    ...clamped,
    weight,
  }),
  z.strictObject({
    name: metricName,
    kind: z.literal("histogram").describe("Records by the range in which such a number lies."),
    field: attributeName.describe("Attribute that holds the number."),
    per_cell: perCell(1),
    buckets: z
      .array(z.number())
      .min(1)
      .max(100)
      .refine(
        (edges) => edges.every((edge, index) => index === 0 || edges[index - 1]! < edge),
        "must rise",
      )
      .describe("Upper edges; one more bucket takes what lies above the last."),
    quantiles: z
      .array(z.number().min(0.001).max(0.999))
      .max(16)
      .default([])
      .describe("Quantiles read off the noisy buckets, such as 0.5 and 0.95. They cost nothing."),
    weight,
  }),
]);

const output = z.strictObject({
  ci_level: z
    .number()
    .min(0.5)
    .max(0.9999)
    .default(0.95)
    .describe("Probability that the interval holds the bounded count without noise."),
  nonnegative: z
    .boolean()
    .default(false)
    .describe("Show a negative count as 0. It makes sums of many windows too large."),
  max_groups: z
    .int()
    .min(1)
    .max(10_000)
    .default(1000)
    .describe("Groups of a window at most, where they come from the data: the largest."),
  max_pending: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe("Releases that wait for an exporter; when so many wait, no further one is made."),
});

export const configSchema = z
  .strictObject({
    dataset: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "expected lower-case letters, digits, '.', '_', '-'")
      .describe("Name of the data that is protected: one budget and one ledger."),
    unit: unit.describe("Whom the guarantee protects."),
    budget: budget.describe("How much may be learned about a unit and day, at most."),
    window: window.prefault({}).describe("When counts begin, end and are released."),
    contribution: contribution.prefault({}).describe("What one unit may add."),
    partitions: partitions.prefault({}).describe("Groups with rows of their own; default none."),
    metrics: z
      .array(metric)
      .min(1)
      .max(16)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "names repeat")
      .default([
        { name: "requests", kind: "count", per_cell: 4, weight: 2 },
        { name: "users", kind: "distinct_units", weight: 1 },
      ])
      .describe("What is counted in each cell."),
    mechanism: z
      .enum(["auto", "discrete_laplace", "discrete_gaussian"])
      .default("auto")
      .describe("The noise; auto takes what is narrower for this configuration."),
    output: output.prefault({}).describe("How a result is shown."),
    host_mode: z
      .enum(["local", "gateway"])
      .default("local")
      .describe("gateway: the records of all hosts come to this agent, and the claim says so."),
  })
  .superRefine(checkTogether);

export type DpWindowConfig = z.infer<typeof configSchema>;

interface Issues {
  addIssue(issue: { code: "custom"; path: string[]; message: string }): void;
}

/** What only several options together can get wrong. */
function checkTogether(config: DpWindowConfig, issues: Issues): void {
  const refuse = (path: string[], message: string): void =>
    issues.addIssue({ code: "custom", path, message });
  const {
    size,
    close_after: closeAfter,
    max_future_skew: skew,
    release_tick: tick,
  } = config.window;
  if (tick > size) refuse(["window", "release_tick"], "must not be longer than window.size");
  const lateMs = lateCloseAfterOf(config);
  if ((lateMs ?? closeAfter) + skew >= PERIOD_MS) {
    const option = lateMs === undefined ? "close_after" : "late_close_after";
    refuse(["window", option], "with max_future_skew must be shorter than 24h");
  }
  if (lateMs !== undefined && lateMs <= closeAfter) {
    refuse(["window", "late_close_after"], "must be longer than close_after");
  }
  if (config.mechanism === "discrete_gaussian" && Number(config.budget.delta) === 0) {
    refuse(["budget", "delta"], "must be above 0 for discrete_gaussian");
  }
  const names = [config.unit.attribute, ...config.unit.fallback];
  if (new Set(names).size !== names.length) refuse(["unit", "fallback"], "names repeat");
  for (const key of config.partitions.keys) {
    if (names.includes(key)) refuse(["partitions", "keys"], `${key} is the unit, not a group`);
  }
  checkSelection(config, refuse);
  checkRunning(config, refuse);
  const cells = cellCount(groupKeysOf(config).filter(isPublic));
  if (cells > CELLS_MAX) refuse(["partitions"], `makes ${cells} cells; at most ${CELLS_MAX}`);
  const { max_cells_per_period: cellsMax, max_tracked_units: unitsMax } = config.contribution;
  if (unitsMax * cellsMax > ENTRIES_MAX) {
    refuse(["contribution"], `max_tracked_units times max_cells_per_period passes ${ENTRIES_MAX}`);
  }
  config.metrics.forEach((metric, index) => {
    const magnitude = Math.max(...measuresOf(metric).map((measure) => measure.magnitude));
    if (unitsMax * perCellOf(metric) * magnitude <= Number.MAX_SAFE_INTEGER) return;
    const sum = "max_tracked_units times per_cell times the largest value in steps of resolution";
    refuse(["metrics", String(index)], `${sum} passes ${Number.MAX_SAFE_INTEGER}`);
  });
  const openWindows = Math.ceil(((lateMs ?? closeAfter) + skew) / size) + 3;
  const blocks = blocksOf(config);
  if (cells * blocks > VALUES_MAX) refuse(["partitions"], `makes more than ${VALUES_MAX} values`);
  if (openWindows * cells * blocks > OPEN_VALUES_MAX) {
    refuse(["window", "close_after"], "keeps too many windows open for so many cells");
  }
}

/** How long after its end a window takes late records; undefined when it does not. */
export function lateCloseAfterOf({ window }: DpWindowConfig): number | undefined {
  return window.late === "delta_cell" ? window.late_close_after : undefined;
}

/** What open groups need. */
function checkSelection(
  config: DpWindowConfig,
  refuse: (path: string[], message: string) => void,
): void {
  const [first, ...others] = openKeysOf(config);
  if (first === undefined) return;
  if (Number(config.budget.delta) === 0) {
    refuse(["budget", "delta"], "must be above 0 where groups come from the data");
  }
  const deciding = DECIDING_KIND[first.mode];
  if (!config.metrics.some(({ kind }) => kind === deciding)) {
    refuse(["metrics"], `need one of kind ${deciding}: it decides which groups are shown`);
  }
  const ruleOf = (open: OpenKeyConfig): string =>
    JSON.stringify([open.mode, open.sticky, open.mode === "threshold" && open.min_units]);
  for (const open of others) {
    if (ruleOf(open) === ruleOf(first)) continue;
    const message = `needs mode, min_units and sticky as ${first.key}: one row is of both`;
    refuse(["partitions", open.key], message);
  }
  const { max_cells_per_period: cells, max_tracked_units: units } = config.contribution;
  if (units * cells * blocksOf(config) > ENTRIES_MAX) {
    const product = "max_tracked_units times max_cells_per_period times the values of a cell";
    refuse(["contribution"], `${product} passes ${ENTRIES_MAX}`);
  }
  if (config.output.max_groups * blocksOf(config) > VALUES_MAX) {
    refuse(["output", "max_groups"], `makes more than ${VALUES_MAX} values`);
  }
}

function blocksOf(config: DpWindowConfig): number {
  return config.metrics.flatMap(measuresOf).reduce((total, { parts }) => total + parts, 0);
}

/** What running totals need. */
function checkRunning(
  config: DpWindowConfig,
  refuse: (path: string[], message: string) => void,
): void {
  const running = config.metrics.filter(({ kind }) => kind === "running_units");
  if (running.length === 0) return;
  const keys = groupKeysOf(config);
  if (running.length > 1) refuse(["metrics"], "can have one of kind running_units");
  const [open] = openKeysOf(config);
  const windows = PERIOD_MS / config.window.size;
  const { max_cells_per_period: cells, max_tracked_units: units } = config.contribution;
  if (open?.mode === "threshold") {
    refuse(["metrics"], "running_units needs public groups, or those of mode: discover");
  } else if (open !== undefined && units * cells * 2 * windows > ENTRIES_MAX) {
    const product = "max_tracked_units times max_cells_per_period times the windows of a day";
    refuse(["contribution"], `${product} passes ${ENTRIES_MAX / 2}`);
  } else if (keys.every(isPublic) && cellCount(keys) > GROUPS_MAX) {
    refuse(["partitions"], `makes more than ${GROUPS_MAX} cells, too many for running_units`);
  }
  if (Number(config.budget.delta) === 0) {
    refuse(["budget", "delta"], "must be above 0 for running_units, whose noise is Gaussian");
  }
  if (config.mechanism === "discrete_laplace") {
    refuse(["mechanism"], "must not be discrete_laplace with running_units");
  }
  if (PERIOD_MS / config.window.size > RUNNING_WINDOWS_MAX) {
    refuse(["window", "size"], "must be at least 1m with running_units");
  }
}

/** Records of one unit that a metric counts in one cell. */
export function perCellOf(metric: DpWindowConfig["metrics"][number]): number {
  return "per_cell" in metric ? metric.per_cell : 1;
}
