import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { Aggregator } from "./aggregator.ts";
import { configSchema } from "./config.ts";
import { Period } from "./period.ts";
import { RunningTotals } from "./running.ts";
import { discreteGaussian, drawsFrom } from "./samplers.ts";
import type { Spec } from "./spec.ts";
import { blocksOfSpec, runningOf, specOf } from "./spec.ts";
import { spreadOf, squareRootOf } from "./square_root.ts";
import { DEVIATIONS, randomFor } from "./testing/randomness.ts";
import { NO_DEADLINE, pass, START_MS, startRig, visits } from "./testing/rig.ts";
import { newUnitKey } from "./unit_key.ts";
import { UnitTable } from "./unit_table.ts";

const HOUR_MS = 3_600_000;
const WINDOWS = 24;
const DAY_MS = WINDOWS * HOUR_MS;
const UNITS = 5;
const METRICS = [
  { name: "users", kind: "distinct_units" },
  { name: "today", kind: "running_units" },
];

test("the widest total has the published width", () => {
  // For a unit that moves one total by one, and ρ = 1/2.
  for (const [windows, widest, typical] of [
    [24, 2.07, 1.92],
    [168, 2.7, 2.54],
    [720, 3.16, 3.0],
    [1024, 3.27, 3.11],
  ] as const) {
    const squareRoot = squareRootOf(windows);
    const norm = Math.sqrt(Number(squareRoot.normSquared));
    const sd = norm * Math.sqrt(spreadOf(squareRoot, windows));
    assert.equal(sd.toFixed(2), widest.toFixed(2), `${windows}`);
    const squares = Array.from({ length: windows }, (_, at) => spreadOf(squareRoot, at + 1));
    const mean = squares.reduce((sum, each) => sum + each, 0) / windows;
    assert.equal((norm * Math.sqrt(mean)).toFixed(2), typical.toFixed(2), `${windows}`);
  }
});

test("without noise a total is the sum of its windows, also on top of a base", () => {
  const counts = [5, 0, 3, 70_000, 1, 0, 0, 2];
  const exact = (sum: number): bigint => BigInt(sum);
  let totals = new RunningTotals(squareRootOf(WINDOWS), undefined);
  let expected = 0;
  for (const [window, count] of counts.entries()) {
    if (window === 4) {
      const base = { day: 7, totals: [`${expected}`], spread: totals.spread };
      const spread = totals.spread;
      totals = new RunningTotals(squareRootOf(WINDOWS), base);
      totals.begin(7);
      assert.ok(totals.spread > spread, "the noise before it stays");
    } else {
      totals.begin(7);
    }
    expected += count;
    assert.equal(totals.next(0, count, exact), BigInt(expected));
  }
  totals.begin(8);
  assert.equal(totals.next(0, 4, exact), 4n, "a day begins anew");
});

test("totals are centred, and as wide as their release says", () => {
  const squareRoot = squareRootOf(WINDOWS);
  const draws = drawsFrom(randomFor("totals"));
  const variance = { numerator: squareRoot.normSquared, denominator: 1n };
  const runs = 4000;
  let [sum, squares] = [0, 0];
  let totals = new RunningTotals(squareRoot, undefined);
  for (let run = 0; run < runs; run++) {
    totals = new RunningTotals(squareRoot, undefined);
    let last = 0n;
    for (let window = 0; window < WINDOWS; window++) {
      totals.begin(0);
      last = totals.next(0, 10, (count) => BigInt(count) + discreteGaussian(draws, variance));
    }
    const error = Number(last) - 10 * WINDOWS;
    sum += error;
    squares += error ** 2;
  }
  // Rounding a total to a whole number adds a twelfth.
  const expected = Number(squareRoot.normSquared) * totals.spread + 1 / 12;
  assert.ok(Math.abs(sum / runs) < DEVIATIONS * Math.sqrt(expected / runs));
  const slack = DEVIATIONS * Math.sqrt(2 / runs);
  assert.ok(Math.abs(squares / runs / expected - 1) < slack, `${squares / runs} ${expected}`);
});

function specWith(units: number, cells: number): Spec {
  return specOf(
    configSchema.parse({
      dataset: "test",
      unit: { attribute: "user.id" },
      budget: { epsilon: "1", delta: "1e-9" },
      contribution: { max_cells_per_period: cells, max_tracked_units: units },
      partitions: { keys: ["status"], status: { public: ["a", "b", "c"] } },
      metrics: METRICS,
    }),
  );
}

interface Visit {
  readonly hour: number;
  readonly unit: number;
  readonly status: string;
}
interface Stream {
  readonly visits: readonly Visit[];
  /** Hours before which the agent crashes. */
  readonly crashes: readonly number[];
}

/** Exact counts of each window, by cell; a crash keeps the table as the last release left it. */
function countsOf(spec: Spec, { visits: all, crashes }: Stream, without?: number): number[][] {
  const key = newUnitKey(seededRandom("key"));
  const timing = { closeAfterMs: 0, maxFutureSkewMs: 0 };
  const frames: Uint8Array[] = [];
  const restored = (): Period => {
    const period = new Period(key, spec.contribution);
    for (const frame of frames) assert.ok(period.table.restore(frame));
    return period;
  };
  let period = restored();
  let aggregator = new Aggregator(spec, timing, () => period);
  const { block } = runningOf(spec)!;
  const blocks = blocksOfSpec(spec);
  return Array.from({ length: WINDOWS }, (_, hour) => {
    if (crashes.includes(hour)) {
      period = restored();
      aggregator = new Aggregator(spec, timing, () => period);
    }
    const nowMs = DAY_MS + hour * HOUR_MS;
    const records = all
      .filter((visit) => visit.hour === hour && visit.unit !== without)
      .map(({ unit, status }) => {
        const attributes = { "user.id": `${unit}`, status };
        return new LogRecord({ hrTime: hrTimeFromUnixMs(nowMs), attributes });
      });
    aggregator.add(records, nowMs);
    const { sums } = aggregator.take(WINDOWS + hour, 0);
    frames.push(period.table.takeChanges());
    return [...sums.filter((_, at) => at % blocks === block)];
  });
}

/** What is measured of the windows, in blocks that begin at crashes, as one long vector. */
function measured(counts: readonly number[][], crashes: readonly number[]): number[] {
  const { measuring } = squareRootOf(WINDOWS);
  let start = 0;
  return counts.flatMap((_, hour) => {
    if (crashes.includes(hour)) start = hour;
    return counts[0]!.map((__, cell) => {
      let sum = 0;
      for (let at = start; at <= hour; at++) sum += counts[at]![cell]! * measuring[hour - at]!;
      return sum;
    });
  });
}

test("neighbours differ by what the noise was made for, and displacement reaches it", () => {
  let largest = 0;
  const visit = fc.record({
    hour: fc.nat({ max: WINDOWS - 1 }),
    unit: fc.nat({ max: UNITS - 1 }),
    status: fc.constantFrom("a", "b", "c", "d"),
  });
  const crashes = fc.array(fc.integer({ min: 1, max: WINDOWS - 1 }), { maxLength: 2 });
  const specs = new Map<string, Spec>();
  fc.assert(
    fc.property(
      fc.array(visit, { maxLength: 30 }),
      crashes,
      fc.integer({ min: 1, max: UNITS }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat({ max: UNITS - 1 }),
      (all, hours, units, cells, without) => {
        const key = `${units} ${cells}`;
        const spec = specs.get(key) ?? specWith(units, cells);
        specs.set(key, spec);
        const stream = { visits: all, crashes: hours };
        const one = measured(countsOf(spec, stream), hours);
        const other = measured(countsOf(spec, stream, without), hours);
        const squared = one.reduce((sum, each, at) => sum + (each - other[at]!) ** 2, 0);
        const bound = 2 * cells * Number(squareRootOf(WINDOWS).normSquared);
        assert.ok(squared <= bound, `${squared} of ${bound}`);
        largest = Math.max(largest, squared / bound);
      },
    ),
    { numRuns: 2000, seed: 20261128 },
  );
  assert.ok(largest > 0.5, `the streams are not hard enough: ${largest}`);
  // Two units of the first hour, each in all of its groups.
  const hour = (unit: number, ...statuses: string[]): Visit[] =>
    statuses.map((status) => ({ hour: 0, unit, status }));
  const stream = { visits: [...hour(0, "a", "b"), ...hour(1, "c", "d")], crashes: [] };
  const spec = specWith(1, 2);
  const [one, other] = [undefined, 0].map((without) =>
    measured(countsOf(spec, stream, without), []),
  );
  const squared = one!.reduce((sum, each, at) => sum + (each - other![at]!) ** 2, 0);
  assert.equal(squared, 4 * Number(squareRootOf(WINDOWS).normSquared));
});

test("a table marks a unit once in a group and in so many groups, across restarts", () => {
  const table = new UnitTable(10, 1);
  const slot = table.slotOf(Uint32Array.of(1, 2, 3, 4));
  assert.deepEqual(
    [31, 31, 0, 5, 0].map((group) => table.mark(slot, group, 2)),
    [true, false, true, false, false],
  );
  const frames = [table.takeChanges()];
  const other = table.slotOf(Uint32Array.of(5, 6, 7, 8));
  frames.push(table.takeChanges());
  assert.ok(table.mark(other, 7, 2));
  frames.push(table.takeChanges());
  const restored = new UnitTable(10, 1);
  for (const frame of frames) assert.ok(restored.restore(frame));
  assert.equal(restored.mark(slot, 5, 2), false);
  assert.equal(restored.mark(other, 7, 2), false);
  assert.equal(restored.mark(other, 8, 2), true);
});

test("people so far today, through a restart, with an interval that grows", async (t) => {
  const root = await temporaryDirectory(t);
  const config = { budget: { epsilon: "20", delta: "1e-6" }, metrics: METRICS };
  const rows = (rig: Awaited<ReturnType<typeof startRig>>) =>
    rig.sink.records
      .map(({ attributes }) => attributes)
      .filter((row) => row["dp.metric"] === "today");
  const first = await startRig(t, { root, config });
  await first.processor.consumeLogs(visits(START_MS, 400));
  await pass(first.clock, "a window", () => rows(first).length >= 1);
  // The same people again, and some more.
  await first.processor.consumeLogs(visits(first.clock.nowMs(), 500));
  await pass(first.clock, "the next", () => rows(first).length >= 2);
  await first.processor.shutdown(NO_DEADLINE);
  const second = await startRig(t, { root, config, nowMs: first.clock.nowMs() });
  await second.processor.consumeLogs(visits(second.clock.nowMs(), 550));
  await pass(second.clock, "a window", () => rows(second).length >= 1);
  const seen = [...rows(first).slice(0, 2), rows(second)[0]!];
  seen.forEach((row, window) => {
    const expected = [400, 500, 550][window]!;
    assert.ok(Math.abs(Number(row["dp.value"]) - expected) < 60, `${row["dp.value"]}`);
    assert.ok(Number(row["dp.ci.low"]) < Number(row["dp.value"]));
  });
  const variances = seen.map((row) => Number(row["dp.variance"]));
  assert.ok(variances[0]! < variances[1]! && variances[1]! < variances[2]!, `${variances}`);
});
