/** Groups that come from the data, and records that come late, through the whole processor. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { NO_DEADLINE, pass, START_MS, startRig, visits, WINDOW } from "./testing/rig.ts";

/** Visits of 600 people to each of the routes. */
function routeVisits(timeMs: number, ...routes: string[]): LogBatch {
  return {
    records: routes.flatMap((route) =>
      visits(timeMs, 600).records.map(
        ({ hrTime, attributes }) => new LogRecord({ hrTime, attributes: { ...attributes, route } }),
      ),
    ),
  };
}

test("a group of many appears, stays after a restart, and no rare one is shown", async (t) => {
  const root = await temporaryDirectory(t);
  const config = {
    partitions: { keys: ["route"], route: { mode: "threshold", sticky: "10m" } },
    metrics: [{ name: "users", kind: "distinct_units" }],
  };
  const first = await startRig(t, { root, config });
  await first.processor.consumeLogs(routeVisits(START_MS, "/home", "/cart"));
  const secret = { "user.id": "u1", route: "/secret" };
  const rare = new LogRecord({ hrTime: hrTimeFromUnixMs(START_MS), attributes: secret });
  await first.processor.consumeLogs({ records: [rare] });
  await pass(first.clock, "two windows", () => first.sink.batches.length >= 2);
  await first.processor.shutdown(NO_DEADLINE);
  const second = await startRig(t, { root, config, nowMs: first.clock.nowMs() });
  await pass(second.clock, "a window", () => second.sink.batches.length >= 1);
  for (const { records } of [...first.sink.batches, ...second.sink.batches]) {
    const [head, ...rows] = records
      .filter(({ body }) => body === "dp.window")
      .map(({ attributes }) => attributes);
    assert.deepEqual([head!["dp.metric.kind"], head!["dp.value"]], ["groups", 2]);
    assert.deepEqual(
      rows.map(({ route }) => route),
      ["/cart", "/home"],
    );
    assert.equal(rows[0]!["dp.selection"], "threshold");
    const isFirst = rows[0]!["dp.window.start"] === "2026-01-01T12:00:00.000Z";
    assert.ok(Math.abs(Number(rows[0]!["dp.value"]) - (isFirst ? 600 : 0)) < 200);
  }
});

test("without any group an open release has its head alone", async (t) => {
  const config = { partitions: { keys: ["route"], route: { mode: "threshold" } } };
  const { clock, sink, processor } = await startRig(t, { config });
  await processor.consumeLogs(visits(START_MS, 5));
  await pass(clock, "a window", () => sink.batches.length >= 1);
  assert.deepEqual(
    sink.batches[0]!.records.map(({ body, attributes }) => [body, attributes["dp.value"]]),
    [
      ["dp.window", 0],
      ["dp.debit", undefined],
    ],
  );
});

test("late records come in cells of their own, the released window stays", async (t) => {
  const config = { window: { ...WINDOW, late: "delta_cell", late_close_after: "3m" } };
  const { clock, sink, processor } = await startRig(t, { config });
  await pass(clock, "the window", () => sink.batches.length >= 1);
  await processor.consumeLogs(visits(START_MS, 700));
  const first = () =>
    sink.records
      .map(({ attributes }) => attributes)
      .filter((row) => row["dp.window.start"] === "2026-01-01T12:00:00.000Z")
      .filter((row) => row["dp.metric"] === "users");
  await pass(clock, "its late cells", () => first().length >= 2);
  const [inTime, late] = first();
  assert.deepEqual([inTime!["dp.revision"], late!["dp.revision"]], [0, 1]);
  assert.notEqual(inTime!["dp.release_id"], late!["dp.release_id"]);
  assert.ok(Math.abs(Number(inTime!["dp.value"])) < 200);
  assert.ok(Math.abs(Number(late!["dp.value"]) - 700) < 200);
});
