/** Units since the day began, and groups that are found by them, through the whole processor. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes } from "../../src/data/any_value.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import type { Rig } from "./testing/rig.ts";
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  NO_DEADLINE,
  pass,
  START_MS,
  startRig,
  visits,
} from "./testing/rig.ts";

const HOURLY = { size: "1h", close_after: "10s", max_future_skew: "1s" };
const BUDGET = { epsilon: "4", delta: "1e-6" };
const TODAY = [{ name: "today", kind: "running_units" }];
const STEP_MS = 10 * MINUTE_MS;
/** Noon: the thirteenth window of a day. */
const FIRST_HOUR = 12;

/** People `first` and on, who are at a place. */
function people(timeMs: number, first: number, count: number, place = "here"): LogBatch {
  return {
    records: visits(timeMs, count, first).records.map(
      ({ hrTime, attributes }) => new LogRecord({ hrTime, attributes: { ...attributes, place } }),
    ),
  };
}

/** Lets windows end, each after its own people came. */
async function hours({ processor, clock, sink }: Rig, batches: readonly LogBatch[][]) {
  for (const hour of batches) {
    const before = sink.batches.length;
    for (const batch of hour) await processor.consumeLogs(batch);
    await pass(clock, "a window", () => sink.batches.length > before, STEP_MS);
  }
}

function rows({ sink }: Rig): Attributes[] {
  return sink.records
    .map(({ attributes }) => attributes)
    .filter((row) => row["dp.metric"] === "today");
}

const config = { window: HOURLY, budget: BUDGET, metrics: TODAY };

test("counts each unit of a day once, in the window in which it came first", async (t) => {
  const rig = await startRig(t, { config });
  await hours(rig, [
    [people(START_MS, 0, 300)],
    [people(START_MS + HOUR_MS, 200, 300)],
    [people(START_MS + 2 * HOUR_MS, 0, 500)],
  ]);
  const found = rows(rig);
  assert.equal(found.length, 3);
  for (const [index, expected] of [300, 500, 500].entries()) {
    const row = found[index]!;
    assert.equal(row["dp.metric.kind"], "running_units");
    const deviation = Math.sqrt(Number(row["dp.variance"]));
    assert.ok(Math.abs(Number(row["dp.value"]) - expected) < 6 * deviation, `${row["dp.value"]}`);
    assert.ok(deviation < 12, `${deviation}`);
    assert.ok(Number(row["dp.ci.high"]) - Number(row["dp.ci.low"]) > 3.8 * deviation);
  }
});

test("begins anew at midnight, and is silent after a restart until then", async (t) => {
  const root = await temporaryDirectory(t);
  const first = await startRig(t, { root, config });
  await hours(first, [[people(START_MS, 0, 300)]]);
  assert.equal(rows(first).length, 1);
  await first.processor.shutdown(NO_DEADLINE);
  const again = await startRig(t, { root, config, nowMs: first.clock.nowMs() });
  const rest = 24 - FIRST_HOUR - 1;
  await hours(again, Array<LogBatch[]>(rest).fill([]));
  assert.equal(rows(again).length, 0);
  await hours(again, [[people(START_MS + DAY_MS / 2, 0, 200)]]);
  const [row] = rows(again);
  assert.equal(row!["dp.window.start"], "2026-01-02T00:00:00.000Z");
  assert.ok(Math.abs(Number(row!["dp.value"]) - 200) < 50);
});

test("finds a group that no single window would show, and never a rare one", async (t) => {
  const place = { mode: "discover", sticky: "1h" };
  const contribution = { max_cells_per_period: 2, max_tracked_units: 1000 };
  const open = { ...config, contribution, partitions: { keys: ["place"], place } };
  const rig = await startRig(t, { config: open });
  const batches = Array.from({ length: 6 }, (_, hour) => [
    people(START_MS + hour * HOUR_MS, hour * 20, 20, "market"),
    people(START_MS + hour * HOUR_MS, 500 + (hour % 2), 1, "home"),
  ]);
  await hours(rig, batches);
  const heads = rig.sink.records.filter((r) => r.attributes["dp.metric.kind"] === "groups");
  assert.equal(heads[0]!.attributes["dp.value"], 0);
  assert.equal(heads[0]!.attributes["dp.selection"], "discover");
  assert.equal(heads.at(-1)!.attributes["dp.value"], 1);
  const found = rows(rig);
  assert.ok(found.length > 0 && found.every((row) => row.place === "market"));
  const threshold = Number(found[0]!["dp.threshold"]);
  assert.ok(threshold > 20, "more than come in a window");
  assert.ok(Math.abs(Number(found.at(-1)!["dp.value"]) - 120) < 40);
});
