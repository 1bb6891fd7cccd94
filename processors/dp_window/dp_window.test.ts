/**
 * The whole processor on real files, with a clock that the test moves and randomness that repeats.
 */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { cp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { AgentError } from "../../src/component/errors.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { FrameLog } from "../../src/lib/frame_log.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { DpWindow } from "./dp_window.ts";
import {
  bytesOf,
  DAY_MS,
  datasetFiles,
  HOUR_MS,
  ids,
  MINUTE_MS,
  NO_DEADLINE,
  pass,
  START_MS,
  startRig,
  visits,
} from "./testing/rig.ts";

test("releases noisy counts of a window, and nothing of its records", async (t) => {
  const { clock, sink, processor } = await startRig(t);
  await processor.consumeLogs(visits(START_MS, 500));
  await pass(clock, "a release", () => sink.records.length >= 2);
  const [requests, users] = sink.records;
  assert.equal(requests?.body, "dp.window");
  assert.deepEqual(requests?.hrTime, hrTimeFromUnixMs(START_MS + MINUTE_MS));
  assert.equal(requests?.resource.attributes["service.name"], "vouchsafe");
  const { attributes } = users!;
  assert.equal(attributes["dp.metric"], "users");
  const value = Number(attributes["dp.value"]);
  const deviation = Math.sqrt(Number(attributes["dp.variance"]));
  assert.ok(Number.isInteger(value) && Math.abs(value - 500) < 8 * deviation, `${value}`);
  assert.equal(Number(attributes["dp.ci.high"]) - value, value - Number(attributes["dp.ci.low"]));
  assert.equal(attributes["dp.epsilon"], "2");
  assert.match(String(attributes["dp.claim"]), /\(2, 1e-9\)-differentially private/);
  assert.equal(attributes["dp.window.start"], "2026-01-01T12:00:00.000Z");
  assert.equal(attributes["dp.status"], "ok");
  assert.doesNotMatch(sink.batches.map(bytesOf).join(), /u\d+/);
});

test("an empty window gives the same rows at the same time as a full one", async (t) => {
  const full = await startRig(t, { seed: "a" });
  const empty = await startRig(t, { seed: "b" });
  await full.processor.consumeLogs(visits(START_MS, 900));
  const traces = [];
  for (const { clock, sink, settings } of [full, empty]) {
    await pass(clock, "two releases", () => sink.batches.length >= 2);
    const measured = ["dp.value", "dp.ci.low", "dp.ci.high", "dp.release_id", "dp.ledger.head"];
    const rows = sink.records.map(({ attributes, ...rest }) => ({
      ...rest,
      attributes: Object.fromEntries(
        Object.entries(attributes).filter(([key]) => !measured.includes(key)),
      ),
    }));
    traces.push(JSON.stringify({ rows, logged: settings.logged, statuses: settings.statuses }));
  }
  assert.equal(traces[0], traces[1]);
});

test("a sample is scaled up, and its noise with it", async (t) => {
  const contribution = { max_cells_per_period: 1, max_tracked_units: 9000, sample_rate: "1/4" };
  const config = { contribution, budget: { epsilon: "20" } };
  const { clock, sink, processor } = await startRig(t, { config });
  await processor.consumeLogs(visits(START_MS, 8000));
  await pass(clock, "a release", () => sink.batches.length >= 1);
  const [, users] = sink.records.map(({ attributes }) => attributes);
  const value = Number(users!["dp.value"]);
  // Six standard deviations of the sample, and what the noise adds is little.
  assert.ok(value % 4 === 0 && Math.abs(value - 8000) < 6 * 4 * Math.sqrt(2000 * 0.75) + 50);
  assert.equal(users!["dp.contribution.one_in"], 4);
  // Discrete Laplace of scale 2 / (20 / 3), four times as wide.
  const ratio = Math.exp(-1 / 0.3);
  const variance = (16 * 2 * ratio) / (1 - ratio) ** 2;
  assert.ok(Math.abs(Number(users!["dp.variance"]) / variance - 1) < 1e-4);
});

test("the first release of a day carries what was paid, the others do not", async (t) => {
  const config = {
    budget: { epsilon: "2", delta: "1e-9", horizon: { period: "3d", epsilon: "5" } },
  };
  const { clock, sink } = await startRig(t, { config });
  await pass(clock, "three releases", () => sink.batches.length >= 3);
  const debits = sink.batches.map(({ records }) =>
    records.filter(({ body }) => body === "dp.debit"),
  );
  assert.deepEqual(
    debits.map(({ length }) => length),
    [1, 0, 0],
  );
  const { attributes } = debits[0]![0]!;
  const [row] = sink.records;
  assert.deepEqual([attributes["dp.day"], attributes["dp.epsilon"]], ["2026-01-01", "2"]);
  assert.equal(attributes["dp.horizon.epsilon"], "5");
  assert.equal(attributes["dp.processor"], "dp_window in logs/numbers");
  assert.equal(attributes["dp.ledger.head"], row!.attributes["dp.ledger.head"]);
});

test("says at the start how wide the noise is", async (t) => {
  const { settings } = await startRig(t);
  const lines = settings.logged.filter(({ message }) => message === "noise of a private metric");
  assert.deepEqual(
    lines.map(({ attributes }) => attributes.metric),
    ["requests", "users"],
  );
  // σ² = 2 · 8 / (2 ρ / 3) with ρ = 0.0561305.
  assert.equal(lines[1]?.attributes.standard_deviation, 20.7);
  assert.equal(lines[1]?.attributes.interval, "value ± 41");
});

test("a release that was not delivered comes again after a restart, byte for byte", async (t) => {
  const root = await temporaryDirectory(t);
  const first = await startRig(t, { root });
  first.sink.gate = () => Promise.reject(new AgentError("storage.unwritable", "not now"));
  await first.processor.consumeLogs(visits(START_MS, 300));
  await pass(first.clock, "an attempt", () => first.sink.batches.length >= 1);
  await first.processor.shutdown(NO_DEADLINE);
  const tried = [...new Set(first.sink.batches.map(bytesOf))];

  const nowMs = first.clock.nowMs() + 5000;
  const second = await startRig(t, { root, nowMs, seed: "another" });
  await pass(second.clock, "the release", () => second.sink.batches.length >= 1);
  assert.equal(bytesOf(second.sink.batches[0]!), tried[0]);
  await second.processor.shutdown(NO_DEADLINE);

  const third = await startRig(t, { root, nowMs: second.clock.nowMs() + 1000, seed: "third" });
  await pass(third.clock, "the next window", () => third.sink.batches.length >= 1);
  assert.ok(!ids(third.sink).includes(ids(second.sink)[0]), "a delivered one does not come again");
});

test("a retryable refusal is tried again, a final one is told and left", async (t) => {
  const { clock, sink, processor, settings } = await startRig(t);
  sink.gate = () => Promise.reject(new AgentError("storage.unwritable", "not now"));
  await pass(clock, "attempts", () => sink.batches.length >= 3);
  assert.equal(ids(sink).length, 1);
  sink.gate = () => Promise.reject(new AgentError("storage.corrupt", "never"));
  await pass(clock, "the next release", () => ids(sink).length >= 2);
  sink.gate = async () => {};
  await processor.shutdown(NO_DEADLINE);
  assert.ok(settings.logged.some(({ message }) => message === "a release was refused and is lost"));
});

test("does not release early at shutdown, and forgets the open window", async (t) => {
  const root = await temporaryDirectory(t);
  const first = await startRig(t, { root });
  await first.processor.consumeLogs(visits(START_MS, 900));
  first.clock.advance(30_000);
  await first.processor.shutdown(NO_DEADLINE);
  await first.processor.shutdown(NO_DEADLINE);
  assert.equal(first.sink.batches.length, 0);
  assert.equal(first.clock.pendingTimers, 0);
  const second = await startRig(t, { root, nowMs: first.clock.nowMs() });
  await pass(second.clock, "the window", () => second.sink.batches.length >= 1);
  const [, users] = second.sink.records;
  assert.equal(users?.attributes["dp.status"], "partial");
  assert.ok(Math.abs(Number(users?.attributes["dp.value"])) < 200, "the 900 are gone");
});

test("bounds hold across a restart: a unit does not count again in the same day", async (t) => {
  const root = await temporaryDirectory(t);
  const cells = {
    contribution: { max_cells_per_period: 1, max_tracked_units: 1000 },
    budget: { epsilon: "50" },
  };
  const first = await startRig(t, { root, config: cells });
  await first.processor.consumeLogs(visits(START_MS, 400));
  await pass(first.clock, "a release", () => first.sink.batches.length >= 1);
  assert.ok(Math.abs(Number(first.sink.records[1]?.attributes["dp.value"]) - 400) < 20);
  await first.processor.shutdown(NO_DEADLINE);

  const nowMs = first.clock.nowMs();
  const second = await startRig(t, { root, nowMs, config: cells });
  await second.processor.consumeLogs(visits(nowMs, 400));
  await second.processor.consumeLogs(visits(nowMs, 100, 5000));
  await pass(second.clock, "a release", () => second.sink.batches.length >= 1);
  const value = Number(second.sink.records[1]?.attributes["dp.value"]);
  assert.ok(Math.abs(value - 100) < 20, `only new units count: ${value}`);
});

test("lost or rolled-back contributions silence the day, and say so once", async (t) => {
  for (const damage of ["removed", "rolled back"] as const) {
    const root = await temporaryDirectory(t);
    const first = await startRig(t, { root });
    const folder = await datasetFiles(first.settings);
    await pass(first.clock, "a release", () => first.sink.batches.length >= 1);
    const name = (await readdir(folder)).find((file) => file.startsWith("contributions~"))!;
    const { size } = await stat(join(folder, name));
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
    await pass(first.clock, "a release", () => first.sink.batches.length >= 2);
    await first.processor.shutdown(NO_DEADLINE);
    if (damage === "removed") await rm(join(folder, name));
    else await truncate(join(folder, name), size);

    const second = await startRig(t, { root, nowMs: first.clock.nowMs() });
    await second.processor.consumeLogs(visits(second.clock.nowMs(), 100));
    await pass(second.clock, "the status", () => second.sink.batches.length >= 1);
    for (let minute = 0; minute < 5; minute++) second.clock.advance(MINUTE_MS);
    const { body, attributes } = second.sink.records[0]!;
    assert.deepEqual([body, attributes["dp.status"]], ["dp.status", "state_lost"], damage);
    assert.equal(second.settings.statuses.at(-1)?.status, "degraded");
    assert.equal(second.sink.batches.length, 1);
    await second.processor.shutdown(NO_DEADLINE);

    const third = await startRig(t, { root, nowMs: first.clock.nowMs() + DAY_MS });
    await pass(third.clock, "the next day", () => third.sink.batches.length >= 1);
    assert.equal(third.sink.records[0]?.body, "dp.window");
  }
});

test("a changed configuration is silent until the next day", async (t) => {
  const root = await temporaryDirectory(t);
  const first = await startRig(t, { root });
  await pass(first.clock, "a release", () => first.sink.batches.length >= 1);
  await first.processor.shutdown(NO_DEADLINE);
  const config = { budget: { epsilon: "4", delta: "1e-9" } };
  const second = await startRig(t, { root, nowMs: first.clock.nowMs(), config });
  await pass(second.clock, "the status", () => second.sink.batches.length >= 1);
  assert.equal(second.sink.records[0]?.attributes["dp.status"], "exhausted");
  await second.processor.shutdown(NO_DEADLINE);
  const third = await startRig(t, { root, nowMs: START_MS + DAY_MS, config });
  await pass(third.clock, "the next day", () => third.sink.batches.length >= 1);
  assert.equal(third.sink.records[0]?.attributes["dp.epsilon"], "4");
});

test("two halves of a budget both release, of two wholes only one", async (t) => {
  const half = { budget: { epsilon: "2", delta: "1e-9", share: "0.5" } };
  for (const [config, expected] of [
    [half, "dp.window"],
    [{}, "dp.status"],
  ] as const) {
    const root = await temporaryDirectory(t);
    const one = await startRig(t, { root, name: "a", config });
    const other = await startRig(t, { root, name: "b", config });
    await pass(one.clock, "a release", () => one.sink.batches.length >= 1);
    await pass(other.clock, "an answer", () => other.sink.batches.length >= 1);
    assert.equal(one.sink.records[0]?.body, "dp.window");
    assert.equal(other.sink.records[0]?.body, expected);
    await one.processor.shutdown(NO_DEADLINE);
    await other.processor.shutdown(NO_DEADLINE);
  }
});

test("refuses to start with a clock far behind the ledger", async (t) => {
  const root = await temporaryDirectory(t);
  const first = await startRig(t, { root });
  await pass(first.clock, "a release", () => first.sink.batches.length >= 1);
  await first.processor.shutdown(NO_DEADLINE);
  await assert.rejects(
    startRig(t, { root, nowMs: START_MS - HOUR_MS }),
    (error) => error instanceof AgentError && error.code === "dp_window.clock_behind_ledger",
  );
  const again = await startRig(t, { root, nowMs: START_MS });
  await again.processor.consumeLogs(visits(START_MS, 100));
  again.clock.advance(MINUTE_MS);
  await pass(again.clock, "the next window", () => again.sink.batches.length >= 1);
  const starts = again.sink.records.map(({ attributes }) => attributes["dp.window.start"]);
  assert.ok(
    !starts.includes("2026-01-01T12:00:00.000Z"),
    "the released window is not released again",
  );
  const unwell = again.settings.logged.filter(({ level }) => level !== "info");
  assert.deepEqual(unwell, [], "nor is it tried");
});

test("erases key and contributions when the day is over", async (t) => {
  const { clock, sink, settings } = await startRig(t, { nowMs: Date.UTC(2026, 0, 1, 23, 58) });
  const folder = await datasetFiles(settings);
  await pass(clock, "a release", () => sink.batches.length >= 1);
  const days = async (): Promise<string[]> =>
    (await readdir(folder))
      .filter((name) => name.startsWith("contributions~"))
      .map((name) => name.slice(14, 24));
  assert.deepEqual(await days(), ["2026-01-01"]);
  await pass(clock, "releases of the next day", () => sink.batches.length >= 4);
  await waitUntil("the erasure", async () => {
    clock.advance(1000);
    return !(await days()).includes("2026-01-01");
  });
});

test("a machine that slept does not release windows it never saw", async (t) => {
  const { clock, sink } = await startRig(t);
  await pass(clock, "a release", () => sink.batches.length >= 1);
  clock.step(6 * HOUR_MS);
  await pass(clock, "a release after the sleep", () => sink.batches.length >= 3);
  const starts = [
    ...new Set(sink.records.map(({ attributes }) => String(attributes["dp.window.start"]))),
  ];
  const asleep = starts.filter((start) => start > "2026-01-01T12:05" && start < "2026-01-01T18:00");
  assert.deepEqual(asleep, []);
  assert.ok(starts.some((start) => start > "2026-01-01T18:00"));
});

test("killed after any write of the ledger, no release id has two payloads", async (t) => {
  const root = await temporaryDirectory(t);
  const first = await startRig(t, { root });
  const folder = await datasetFiles(first.settings);
  const emitted: { size: number; bytes: string; id: string }[] = [];
  first.sink.gate = async () => {
    const batch = first.sink.batches.at(-1)!;
    const id = String(batch.records[0]?.attributes["dp.release_id"]);
    emitted.push({ size: statSync(join(folder, "ledger")).size, bytes: bytesOf(batch), id });
  };
  await first.processor.consumeLogs(visits(START_MS, 100));
  await pass(first.clock, "three releases", () => emitted.length >= 3);
  const nowMs = first.clock.nowMs();
  await first.processor.shutdown(NO_DEADLINE);
  const ledger = await readFile(join(folder, "ledger"));
  const { log, frames } = await FrameLog.open(join(folder, "ledger"));
  await log.close();
  for (const { id, size } of emitted) {
    assert.ok(
      ledger.subarray(0, size).includes(id),
      "the ledger was never behind what was emitted",
    );
  }
  let end = 8 + frames[0]!.length;
  const cuts = frames.slice(1).flatMap((frame) => {
    end += 8 + frame.length;
    return [end - 1, end];
  });
  for (const cut of cuts) {
    const copy = await temporaryDirectory(t);
    await cp(root, copy, { recursive: true });
    await writeFile(join(copy, "dp_window", "datasets", "logs", "ledger"), ledger.subarray(0, cut));
    const second = await startRig(t, { root: copy, nowMs, seed: `after ${cut}` });
    await pass(second.clock, "a new window", () =>
      second.sink.records.some(
        ({ attributes }) => String(attributes["dp.window.start"]) > "2026-01-01T12:03",
      ),
    );
    await second.processor.shutdown(NO_DEADLINE);
    const seen = new Map(
      emitted.filter(({ size }) => size <= cut).map(({ id, bytes }) => [id, bytes]),
    );
    for (const batch of second.sink.batches) {
      const id = String(batch.records[0]?.attributes["dp.release_id"]);
      assert.equal(seen.get(id) ?? bytesOf(batch), bytesOf(batch), `cut at ${cut}`);
      seen.set(id, bytesOf(batch));
    }
  }
});

test("a full disk holds releases back, says so once, and loses none", async (t) => {
  const root = await temporaryDirectory(t);
  const { clock, sink, settings } = await startRig(t, { root });
  const handle = await open(join(root, "handle"), "w");
  const fault = t.mock.method(Object.getPrototypeOf(handle), "appendFile", async () => {
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  });
  await handle.close();
  await pass(clock, "the problem", () => settings.statuses.at(-1)?.status === "degraded");
  assert.match(String(settings.statuses.at(-1)?.reason), /storage\.unwritable/);
  clock.advance(2 * MINUTE_MS);
  assert.equal(sink.batches.length, 0);
  fault.mock.restore();
  await pass(clock, "the releases", () => sink.batches.length >= 3);
  const starts = [...new Set(sink.records.map(({ attributes }) => attributes["dp.window.start"]))];
  assert.equal(starts[0], "2026-01-01T12:00:00.000Z");
  assert.equal(starts[1], "2026-01-01T12:01:00.000Z");
  assert.equal(settings.statuses.at(-1)?.status, "ok");
  assert.equal(settings.logged.filter(({ level }) => level === "warn").length, 1, "said once");
});

test("more waiting releases than max_pending stop the next ones and nothing else", async (t) => {
  const { clock, sink, settings } = await startRig(t, { config: { output: { max_pending: 2 } } });
  sink.gate = () => Promise.reject(new AgentError("storage.unwritable", "not now"));
  await pass(clock, "the limit", () => settings.statuses.at(-1)?.status === "degraded");
  assert.match(String(settings.statuses.at(-1)?.reason), /2 releases wait/);
  sink.gate = async () => {};
  await pass(clock, "recovery", () => settings.statuses.at(-1)?.status === "ok");
});

test("before the start it takes records and stops without complaint", async (t) => {
  const settings = await testSettings(t, { type: "dp_window" });
  const config = configSchema.parse({
    dataset: "logs",
    unit: { attribute: "user.id" },
    budget: { epsilon: "2" },
  });
  const processor = new DpWindow(config, settings, new CollectingConsumer());
  await processor.shutdown(NO_DEADLINE);
  await processor.consumeLogs(visits(START_MS, 3));
  assert.deepEqual(await readdir(settings.root), []);
});
