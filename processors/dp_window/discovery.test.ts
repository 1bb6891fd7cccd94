/** Groups that are found by the units of the day so far, through the whole processor. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes } from "../../src/data/any_value.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import type { Rig } from "./testing/rig.ts";
import {
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

const place = { mode: "discover", sticky: "1h" };
const config = {
  window: HOURLY,
  budget: BUDGET,
  metrics: TODAY,
  contribution: { max_cells_per_period: 2, max_tracked_units: 1000 },
  partitions: { keys: ["place"], place },
};

function heads({ sink }: Rig): Attributes[] {
  return sink.records
    .map(({ attributes }) => attributes)
    .filter((row) => row["dp.metric.kind"] === "groups");
}

/** Twenty more people at the market in each hour, and the same two at home by turns. */
function visitsOf(hour: number): LogBatch[] {
  const timeMs = START_MS + hour * HOUR_MS;
  return [people(timeMs, hour * 20, 20, "market"), people(timeMs, 500 + (hour % 2), 1, "home")];
}

test("finds a group that no single window would show, and never a rare one", async (t) => {
  const rig = await startRig(t, { config });
  await hours(
    rig,
    Array.from({ length: 6 }, (_, hour) => visitsOf(hour)),
  );
  assert.equal(heads(rig)[0]!["dp.value"], 0);
  assert.equal(heads(rig)[0]!["dp.selection"], "discover");
  assert.equal(heads(rig).at(-1)!["dp.value"], 1);
  const found = rows(rig);
  assert.ok(found.length > 0 && found.every((row) => row.place === "market"));
  assert.ok(Number(found[0]!["dp.threshold"]) > 20, "more than come in a window");
  const last = found.at(-1)!;
  const deviation = Math.sqrt(Number(last["dp.variance"]));
  assert.ok(Math.abs(Number(last["dp.value"]) - 120) < 6 * deviation, `${last["dp.value"]}`);
});

test("after a restart no group is measured again on the same day", async (t) => {
  const root = await temporaryDirectory(t);
  const first = await startRig(t, { root, config });
  await hours(first, [visitsOf(0)]);
  await first.processor.shutdown(NO_DEADLINE);
  const again = await startRig(t, { root, config, nowMs: first.clock.nowMs() });
  await hours(
    again,
    Array.from({ length: 11 }, (_, hour) => visitsOf(hour + 1)),
  );
  assert.ok(heads(again).every((head) => head["dp.value"] === 0));
  assert.equal(rows(again).length, 0);
  const before = again.sink.batches.length;
  await hours(
    again,
    Array.from({ length: 8 }, (_, hour) => visitsOf(hour + 12)),
  );
  assert.ok(again.sink.batches.length > before);
  assert.equal(heads(again).at(-1)!["dp.value"], 1, "the next day is another");
});
