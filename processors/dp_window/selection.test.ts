/** Which open groups are shown, against published thresholds, exact tails and counted releases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { configSchema } from "./config.ts";
import { compileLabels } from "./groups.ts";
import type { Noise } from "./noise.ts";
import { noisyValues } from "./noisy_values.ts";
import { parseDecimal } from "./rational.ts";
import { drawsFrom } from "./samplers.ts";
import { logTailOf, thresholdOf } from "./selection.ts";
import type { Spec } from "./spec.ts";
import { blocksOfSpec, specOf } from "./spec.ts";
import { DEVIATIONS, drawCount, randomFor } from "./testing/randomness.ts";
import { WindowCounts } from "./window_counts.ts";

const LAPLACE = (scale: string): Noise => ({ mechanism: "discrete_laplace", parameter: scale });
const GAUSSIAN = (variance: string): Noise => ({
  mechanism: "discrete_gaussian",
  parameter: variance,
});

function openSpec(overrides: object = {}): Spec {
  return specOf(
    configSchema.parse({
      dataset: "test",
      unit: { attribute: "user.id" },
      budget: { epsilon: "1", delta: "0.001" },
      contribution: { max_cells_per_period: 1 },
      partitions: { keys: ["route"], route: { mode: "threshold" } },
      ...overrides,
    }),
  );
}

/** One window with `units` units in each of the groups, one record each. */
function countsOf(spec: Spec, groups: Readonly<Record<string, number>>): WindowCounts {
  const counts = new WindowCounts(blocksOfSpec(spec), undefined);
  Object.entries(groups).forEach(([name, units], index) => {
    counts.open(JSON.stringify([name]), index);
    const blocks = blocksOfSpec(spec);
    counts.sums.fill(units, index * blocks, (index + 1) * blocks);
  });
  return counts;
}

test("thresholds of discrete Laplace noise are the published ones", () => {
  // ε, units' cells and the number of units that are shown every other time, for δ = 1e-9.
  const published = [
    ...[["2/1", 1, 42] as const, ["1/1", 1, 22] as const, ["1/2", 1, 12] as const],
    ...[["6/1", 3, 129] as const, ["3/1", 3, 65] as const, ["3/2", 3, 34] as const],
    ...[["16/1", 8, 356] as const, ["8/1", 8, 179] as const, ["4/1", 8, 90] as const],
  ];
  const delta = parseDecimal("1e-9")!;
  for (const [scale, cells, expected] of published) {
    assert.equal(thresholdOf(LAPLACE(scale), { delta, cells, minUnits: 1 }), expected, scale);
    assert.equal(thresholdOf(LAPLACE(scale), { delta, cells, minUnits: 5 }), expected + 4, scale);
  }
});

test("the tail that is charged is never below the exact one, and close to it", () => {
  for (const [noise, weightOf] of [
    [LAPLACE("1/3"), (y: number) => Math.exp(-3 * y)],
    [LAPLACE("8/1"), (y: number) => Math.exp(-y / 8)],
    [GAUSSIAN("1/4"), (y: number) => Math.exp(-2 * y ** 2)],
    [GAUSSIAN("9/1"), (y: number) => Math.exp(-(y ** 2) / 18)],
    [GAUSSIAN("427/1"), (y: number) => Math.exp(-(y ** 2) / 854)],
  ] as const) {
    const weights = Array.from({ length: 1000 }, (_, y) => weightOf(y));
    const sumFrom = (first: number): number =>
      weights.slice(first).reduceRight((sum, weight) => sum + weight, 0);
    const total = 2 * sumFrom(0) - 1;
    for (const least of [1, 2, 5, 20, 100]) {
      const exact = Math.log(sumFrom(least) / total);
      if (exact < -300) continue;
      const excess = logTailOf(noise, least) - exact;
      assert.ok(excess > 0, `${noise.parameter} ${least}: ${excess}`);
      // Far out it is as good as exact; near the middle the geometric bound of a Gaussian is loose.
      if (exact < Math.log(1e-6)) assert.ok(excess < 0.1, `${noise.parameter} ${least}: ${excess}`);
    }
  }
});

test("the threshold and its tail are the same event: one less would be too likely", () => {
  for (const noise of [LAPLACE("8/1"), GAUSSIAN("427/1"), GAUSSIAN("1/4")]) {
    for (const delta of ["1e-3", "1e-9", "1e-15"]) {
      const bounds = { delta: parseDecimal(delta)!, cells: 8, minUnits: 1 };
      const beyond = thresholdOf(noise, bounds) - 1;
      assert.ok(logTailOf(noise, beyond) <= Math.log(Number(delta) / 8));
      assert.ok(beyond === 1 || logTailOf(noise, beyond - 1) > Math.log(Number(delta) / 8));
    }
  }
});

test("a group of one unit is shown with the probability that is charged, no oftener", () => {
  const runs = drawCount(200_000);
  for (const mechanism of ["discrete_laplace", "discrete_gaussian"]) {
    const spec = openSpec({ mechanism, metrics: [{ name: "users", kind: "distinct_units" }] });
    const { threshold, delta } = spec.selection!;
    const draws = drawsFrom(randomFor(`one unit ${mechanism}`));
    const counts = countsOf(spec, { a: 1 });
    let shown = 0;
    for (let run = 0; run < runs; run++) {
      shown += noisyValues(spec, counts, draws).groups!.length;
    }
    const exact = Math.exp(logTailOf(spec.metrics[0]!.measures[0]!.noise, threshold - 1));
    assert.ok(exact <= Number(delta), "what is charged");
    const slack = DEVIATIONS * Math.sqrt(runs * exact);
    assert.ok(Math.abs(shown - runs * exact) < slack, `${shown} of ${runs * exact}`);
  }
});

test("fewer than min_units are never shown, and the draw that decides is what is shown", () => {
  const spec = openSpec({
    partitions: { keys: ["route"], route: { mode: "threshold", min_units: 20 } },
  });
  const { block, threshold } = spec.selection!;
  const draws = drawsFrom(seededRandom("min units"));
  const counts = countsOf(spec, { few: 19, some: 20, many: 100_000 });
  let some = 0;
  for (let run = 0; run < 2000; run++) {
    const { groups, values } = noisyValues(spec, counts, draws);
    assert.ok(!groups!.includes('["few"]') && groups!.includes('["many"]'));
    if (groups!.includes('["some"]')) some++;
    assert.deepEqual(groups, groups!.toSorted());
    for (let cell = 0; cell < groups!.length; cell++) {
      assert.ok(BigInt(values[cell * blocksOfSpec(spec) + block]!) >= BigInt(threshold));
    }
  }
  assert.ok(some < 20, `${some}`);
  // By chance alone they would be shown some forty times.
  for (let run = 0; run < 100_000; run++) {
    assert.deepEqual(noisyValues(spec, countsOf(spec, { few: 19 }), draws).groups, []);
  }
});

test("groups shown before have rows whatever they count, and the largest are kept", () => {
  const spec = openSpec({ output: { max_groups: 2 } });
  const draws = drawsFrom(seededRandom("sticky"));
  const counts = countsOf(spec, { big: 9000, huge: 90_000 });
  const sticky = noisyValues(spec, countsOf(spec, {}), draws, { shown: ['["gone"]'] });
  assert.deepEqual(sticky.groups, ['["gone"]']);
  assert.ok(Math.abs(Number(sticky.values[0])) < 500, "nothing but noise");
  assert.deepEqual(noisyValues(spec, counts, draws, { shown: ['["gone"]'] }).groups, [
    '["big"]',
    '["huge"]',
  ]);
});

test("labels of open groups: texts of limited length, other for the rest", () => {
  const labelsOf = compileLabels([
    { key: "route", maxBytes: 6, other: "_other" },
    { key: "status", public: [200], other: "_rest" },
  ]);
  for (const [route, expected] of [
    ["/a", "/a"],
    [7, "7"],
    [true, "true"],
    ["/ünïco", "_other"],
    ["x".repeat(100), "_other"],
    [undefined, "_other"],
    [["/a"], "_other"],
    ["_other", "_other"],
  ] as const) {
    const attributes = { route: route as string, status: "200" };
    assert.equal(labelsOf(attributes), JSON.stringify([expected, 200]));
  }
});
