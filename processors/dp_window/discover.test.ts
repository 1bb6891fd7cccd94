/** Groups that are discovered over a day, by running totals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { Aggregator } from "./aggregator.ts";
import { configSchema } from "./config.ts";
import { noisyValues } from "./noisy_values.ts";
import { Period } from "./period.ts";
import { parseDecimal } from "./rational.ts";
import { RunningTotals } from "./running.ts";
import type { Draws } from "./samplers.ts";
import { drawsFrom } from "./samplers.ts";
import { deviationsFor, shownFrom } from "./selection.ts";
import type { Spec } from "./spec.ts";
import { specOf } from "./spec.ts";
import { squareRootOf } from "./square_root.ts";
import { boundsOf, drawCount, randomFor } from "./testing/randomness.ts";
import type { Rig } from "./testing/rig.ts";
import { NO_DEADLINE, pass, START_MS, startRig, visits } from "./testing/rig.ts";
import { newUnitKey } from "./unit_key.ts";
import { WindowCounts } from "./window_counts.ts";

const HOUR_MS = 3_600_000;
const WINDOWS = 24;
const DAY_MS = WINDOWS * HOUR_MS;
const UNITS = 5;
const DISCOVER = {
  partitions: { keys: ["route"], route: { mode: "discover" } },
  metrics: [{ name: "today", kind: "running_units" }],
};

function specWith(overrides: object): Spec {
  return specOf(
    configSchema.parse({
      dataset: "test",
      unit: { attribute: "user.id" },
      budget: { epsilon: "1", delta: "1e-9" },
      ...DISCOVER,
      ...overrides,
    }),
  );
}

function countsOf(groups: Readonly<Record<string, number>>): WindowCounts {
  const counts = new WindowCounts(1, undefined);
  Object.entries(groups).forEach(([name, units], index) => {
    counts.open(JSON.stringify([name]), index);
    counts.sums[index] = units;
  });
  return counts;
}

test("a group of one unit is discovered in a day no oftener than is charged", () => {
  const contribution = { max_cells_per_period: 1 };
  const spec = specWith({ budget: { epsilon: "0.5", delta: "0.001" }, contribution });
  const draws = drawsFrom(randomFor("one unit a day"));
  const runs = drawCount(4000);
  let found = 0;
  for (let run = 0; run < runs; run++) {
    const running = new RunningTotals(squareRootOf(WINDOWS), undefined);
    let shown = false;
    for (let window = 0; window < WINDOWS; window++) {
      running.begin(0);
      const counts = countsOf(window === 0 ? { a: 1 } : {});
      shown ||= noisyValues(spec, counts, draws, { running }).groups!.length > 0;
    }
    if (shown) found++;
  }
  assert.ok(boundsOf(found, runs).low <= Number(spec.selection!.delta), `${found}`);
});

test("many over the day are found, though no window has enough of them", () => {
  const spec = specWith({ budget: { epsilon: "4", delta: "1e-9" } });
  const draws = drawsFrom(seededRandom("a day"));
  const running = new RunningTotals(squareRootOf(WINDOWS), undefined);
  const found: number[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    running.begin(0);
    const counts = countsOf({ steady: 20, ...(window === 3 && { rare: 5 }) });
    const { groups, values, spread } = noisyValues(spec, counts, draws, { running });
    assert.ok(shownFrom(spec.selection!, spread) > 60n);
    assert.ok(!groups!.includes('["rare"]'));
    if (groups!.length === 0) continue;
    found.push(window);
    const { variance } = spec.metrics[0]!.measures[0]!;
    assert.ok(Math.abs(Number(values[0]) - 20 * (window + 1)) < 6 * Math.sqrt(variance));
  }
  assert.ok(found[0]! > 1 && found.length > 10, `${found}`);
});

test("the threshold leaves no more than δ for all groups and windows of a unit", () => {
  for (const [epsilon, delta, cells, windows] of [
    ["0.5", "1e-3", 1, 24],
    ["2", "1e-9", 8, 1440],
    ["10", "1e-12", 256, 2],
  ] as const) {
    const exact = { delta: parseDecimal(delta)!, cells };
    const z = deviationsFor(exact, { windows, epsilon: parseDecimal(epsilon)! });
    const risk = (1 + Math.exp(Number(epsilon))) * cells * windows * Math.exp(-(z ** 2) / 2);
    assert.ok(risk <= Number(delta) && risk > Number(delta) * (1 - 1e-9), `${risk}`);
  }
  const { selection } = specWith({});
  const least = shownFrom(selection!, 4);
  assert.ok(least >= BigInt(Math.ceil(1 + 2 * selection!.deviation!)) + 1n);
});

test("what was released of a day is public for the rest of it, whatever was counted since", () => {
  const spec = specWith({});
  const draws = drawsFrom(seededRandom("base"));
  const base = { day: 5, totals: { '["big"]': "90000" }, spread: 1 };
  const running = new RunningTotals(squareRootOf(WINDOWS), base);
  running.begin(5);
  // A unit more or less in it since the restart shows in no other way than in the number.
  for (const units of [0, 1]) {
    const { groups, values } = noisyValues(spec, countsOf({ big: units }), draws, { running });
    assert.deepEqual(groups, ['["big"]']);
    assert.ok(Math.abs(Number(values[0]) - 90_000) < 5000);
  }
  running.begin(6);
  assert.deepEqual(noisyValues(spec, countsOf({ big: 1 }), draws, { running }).groups, []);
});

/** Noise of one size, and how often it was drawn. */
function constantNoise(size: bigint): Draws & { drawn: number } {
  const draws = {
    drawn: 0,
    below: () => 0n,
    bernoulli: () => false,
    bernoulliExp: () => true,
    laplace: () => {
      draws.drawn++;
      return size;
    },
  };
  return draws;
}

test("min_units are exact, whatever the noise", () => {
  const partitions = { keys: ["route"], route: { mode: "discover", min_units: 100 } };
  const spec = specWith({ partitions });
  const running = new RunningTotals(squareRootOf(WINDOWS), undefined);
  running.begin(0);
  const counts = countsOf({ few: 99, enough: 100 });
  const { groups } = noisyValues(spec, counts, constantNoise(10n ** 12n), { running });
  assert.deepEqual(groups, ['["enough"]']);
});

test("a group that comes later has noise of all windows of the day", () => {
  const spec = specWith({});
  const draws = constantNoise(0n);
  const running = new RunningTotals(squareRootOf(WINDOWS), undefined);
  for (const [groups, expected] of [
    [{ a: 1 }, 1],
    [{}, 2],
    [{ b: 1 }, 6],
    [{}, 8],
  ] as const) {
    running.begin(0);
    noisyValues(spec, countsOf(groups), draws, { running });
    assert.equal(draws.drawn, expected);
  }
});

interface Visit {
  readonly hour: number;
  readonly unit: number;
  readonly route: string;
}
interface Stream {
  readonly visits: readonly Visit[];
  readonly crashes: readonly number[];
}

/** Counts of each window by group; a crash keeps the table as the last release left it. */
function windowsOf(spec: Spec, { visits: all, crashes }: Stream, without?: number) {
  const key = newUnitKey(seededRandom("key"));
  const frames: Uint8Array[] = [];
  const restored = (): Period => {
    const period = new Period(key, spec.contribution);
    for (const frame of frames) assert.ok(period.table.restore(frame));
    return period;
  };
  let period = restored();
  const timing = { closeAfterMs: 0, maxFutureSkewMs: 0 };
  let aggregator = new Aggregator(spec, timing, () => period);
  return Array.from({ length: WINDOWS }, (_, hour) => {
    if (crashes.includes(hour)) {
      period = restored();
      aggregator = new Aggregator(spec, timing, () => period);
    }
    const nowMs = DAY_MS + hour * HOUR_MS;
    const records = all
      .filter((visit) => visit.hour === hour && visit.unit !== without)
      .map(({ unit, route }) => {
        const attributes = { "user.id": `${unit}`, route };
        return new LogRecord({ hrTime: hrTimeFromUnixMs(nowMs), attributes });
      });
    aggregator.add(records, nowMs);
    const counts = aggregator.take(WINDOWS + hour, 0);
    frames.push(period.table.takeChanges());
    return new Map([...counts.labels].map((labels) => [labels, counts.of(labels)[0]!]));
  });
}

type Windows = ReturnType<typeof windowsOf>;

/** Squared length of the difference of what is measured, and groups of one stream only. */
function difference(one: Windows, other: Windows, crashes: readonly number[]) {
  const { measuring } = squareRootOf(WINDOWS);
  let squared = 0;
  let onlyOne = 0;
  for (const labels of new Set([...one, ...other].flatMap((window) => [...window.keys()]))) {
    const apart = one.map(
      (window, at) => (window.get(labels) ?? 0) - (other[at]!.get(labels) ?? 0),
    );
    let start = 0;
    apart.forEach((_, hour) => {
      if (crashes.includes(hour)) start = hour;
      let sum = 0;
      for (let at = start; at <= hour; at++) sum += apart[at]! * measuring[hour - at]!;
      squared += sum ** 2;
    });
    const total = (windows: Windows): number =>
      windows.reduce((sum, window) => sum + (window.get(labels) ?? 0), 0);
    if (total(one) > 0 && total(other) === 0) onlyOne++;
  }
  return { squared, onlyOne };
}

test("neighbours differ by what the noise was made for, in C groups of one stream only", () => {
  const visit = fc.record({
    hour: fc.nat({ max: WINDOWS - 1 }),
    unit: fc.nat({ max: UNITS - 1 }),
    route: fc.constantFrom("/a", "/b", "/c", "/d", "/e"),
  });
  const crashes = fc.array(fc.integer({ min: 1, max: WINDOWS - 1 }), { maxLength: 2 });
  const specs = new Map<string, Spec>();
  let largest = 0;
  fc.assert(
    fc.property(
      fc.array(visit, { maxLength: 30 }),
      crashes,
      fc.integer({ min: 1, max: UNITS }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat({ max: UNITS - 1 }),
      (all, hours, units, cells, without) => {
        const contribution = { max_cells_per_period: cells, max_tracked_units: units };
        const key = `${units} ${cells}`;
        const spec = specs.get(key) ?? specWith({ contribution });
        specs.set(key, spec);
        const stream = { visits: all, crashes: hours };
        const one = windowsOf(spec, stream);
        const other = windowsOf(spec, stream, without);
        const bound = 2 * cells * Number(squareRootOf(WINDOWS).normSquared);
        const { squared, onlyOne } = difference(one, other, hours);
        assert.ok(squared <= bound, `${squared} of ${bound}`);
        assert.ok(onlyOne <= cells && difference(other, one, hours).onlyOne <= cells);
        largest = Math.max(largest, squared / bound);
      },
    ),
    { numRuns: 2000, seed: 20261128 },
  );
  assert.ok(largest > 0.5, `the streams are not hard enough: ${largest}`);
});

test("a discovered group goes on after a restart, and a rare one is never shown", async (t) => {
  const root = await temporaryDirectory(t);
  const config = { ...DISCOVER, budget: { epsilon: "40", delta: "1e-6" } };
  const on = (timeMs: number, route: string, people: number, first = 0) =>
    visits(timeMs, people, first).records.map(
      ({ hrTime, attributes }) => new LogRecord({ hrTime, attributes: { ...attributes, route } }),
    );
  const rows = ({ sink }: Rig) =>
    sink.records.map(({ attributes }) => attributes).filter((row) => row.route !== undefined);
  const heads = ({ sink }: Rig) =>
    sink.records.filter(({ attributes }) => attributes["dp.metric.kind"] === "groups");
  const first = await startRig(t, { root, config });
  const records = [...on(START_MS, "/home", 700), ...on(START_MS, "/secret", 1)];
  await first.processor.consumeLogs({ records });
  await pass(first.clock, "a window", () => heads(first).length >= 2);
  await first.processor.shutdown(NO_DEADLINE);
  const second = await startRig(t, { root, config, nowMs: first.clock.nowMs() });
  const again = on(second.clock.nowMs(), "/home", 100, 700);
  await second.processor.consumeLogs({ records: again });
  await pass(second.clock, "a window", () => heads(second).length >= 1);
  const all = [...rows(first), ...rows(second)];
  assert.deepEqual([...new Set(all.map(({ route }) => route))], ["/home"]);
  assert.equal(all[0]!["dp.selection"], "discover");
  assert.ok(Math.abs(Number(all[0]!["dp.value"]) - 700) < 100);
  assert.ok(Math.abs(Number(all.at(-1)!["dp.value"]) - 800) < 100, `${all.at(-1)!["dp.value"]}`);
});
