/** What only several options of `dp_window` together can get wrong. */
import type { DpWindowConfig } from "./config.ts";
import { groupKeysOf, lateCloseAfterOf, openKeysOf, PERIOD_MS, perCellOf } from "./config.ts";
import { cellCount, isPublic } from "./groups.ts";
import { measuresOf } from "./measures.ts";
import { GROUPS_MAX } from "./unit_table.ts";

const CELLS_MAX = 10_000;
/** Noisy values of one release. */
const VALUES_MAX = 100_000;
const ENTRIES_MAX = 2 ** 26;
const OPEN_VALUES_MAX = 5_000_000;
const RUNNING_WINDOWS_MAX = 1440;

interface Issues {
  addIssue(issue: { code: "custom"; path: string[]; message: string }): void;
}

export function checkTogether(config: DpWindowConfig, issues: Issues): void {
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
  const isDiscovered = first.mode === "discover";
  if (isDiscovered && config.metrics.some(({ kind }) => kind !== "running_units")) {
    refuse(["metrics"], "can be of kind running_units only where groups are discovered");
  }
  if (!isDiscovered && !config.metrics.some(({ kind }) => kind === "distinct_units")) {
    refuse(["metrics"], "need one of kind distinct_units: it decides which groups are shown");
  }
  const { delta, horizon } = config.budget;
  if (horizon !== undefined) {
    // Choosing groups takes its part of δ each day, and these parts add up.
    const all = (horizon.period / PERIOD_MS) * Number(delta);
    if (Number(horizon.delta ?? delta) <= all) {
      const least = `must be above ${Number(all.toPrecision(3))}`;
      const why = "budget.delta for each of its days, where groups come from the data";
      refuse(["budget", "horizon", "delta"], `${least}, ${why}`);
    }
  }
  for (const { key, mode, min_units: minUnits, sticky } of others) {
    const isSame = minUnits === first.min_units && sticky === first.sticky && mode === first.mode;
    if (isSame) continue;
    const same = `needs mode, min_units and sticky as ${first.key}: one row is of both`;
    refuse(["partitions", key], same);
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
  const isDiscovered = openKeysOf(config)[0]?.mode === "discover";
  if (!keys.every(isPublic)) {
    if (!isDiscovered) refuse(["metrics"], "running_units needs public groups, or mode discover");
  } else if (cellCount(keys) > GROUPS_MAX) {
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
