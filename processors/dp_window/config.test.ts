import assert from "node:assert/strict";
import { test } from "node:test";
import { configSchema } from "./config.ts";
import { checkPosition } from "./position.ts";
import { hashOfSpec, shownRho, specOf } from "./spec.ts";

const SHORT = {
  dataset: "access-logs",
  unit: { attribute: "user.id", fallback: ["client.address"] },
  budget: { epsilon: "2", delta: "1e-9" },
  window: { size: "1m" },
};

const SUM = { name: "bytes", kind: "sum", field: "size", clamp: [0, 1000] };
const HISTOGRAM = {
  name: "latency",
  kind: "histogram",
  field: "duration",
  buckets: Array.from({ length: 20 }, (_, edge) => edge),
};

const MANY = [{ name: "users", kind: "distinct_units" }, HISTOGRAM];
const OPEN = { partitions: { keys: ["route"], route: { mode: "threshold" } } };
const RUNNING = { name: "today", kind: "running_units" };
const LATE = { late: "delta_cell" };

function manyCells(count: number): object {
  const values = Array.from({ length: count - 1 }, (_, value) => value);
  return { partitions: { keys: ["status"], status: { public: values } } };
}

/** `path: message` of every issue. */
function problemsOf(overrides: object): string[] {
  const result = configSchema.safeParse({ ...SHORT, ...overrides });
  assert.equal(result.success, false);
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("the short example is valid and counts requests and users in one cell", () => {
  const spec = specOf(configSchema.parse(SHORT));
  assert.equal(spec.windowMs, 60_000);
  assert.deepEqual(spec.groups, []);
  assert.deepEqual(
    spec.metrics.map(({ name, kind, perCell }) => ({ name, kind, perCell })),
    [
      { name: "requests", kind: "count", perCell: 4 },
      { name: "users", kind: "distinct_units", perCell: 1 },
    ],
  );
});

test("a float budget is refused, and the message says how to write it", () => {
  for (const epsilon of [2, 0.1]) {
    const [problem] = problemsOf({ budget: { epsilon } });
    assert.match(problem ?? "", /^budget\.epsilon: expected a decimal in quotes, such as "2"/);
  }
  assert.match(
    problemsOf({ budget: { epsilon: "2", delta: 1e-9 } })[0]!,
    /^budget\.delta: .*quotes/,
  );
});

test("refuses budgets that are no decimal, none at all, or beyond all sense", () => {
  for (const epsilon of ["0", "-1", "1e9", "NaN", "Infinity", "1/2", "two", ""]) {
    assert.match(problemsOf({ budget: { epsilon } })[0]!, /^budget\.epsilon: /);
  }
  assert.match(problemsOf({ budget: { epsilon: "1", delta: "0.5" } })[0]!, /^budget\.delta: /);
  assert.match(problemsOf({ budget: { epsilon: "1", share: "2" } })[0]!, /^budget\.share: /);
});

test("refuses what only several options together get wrong, and unknown keys", () => {
  const cases: [RegExp, object][] = [
    [/^window\.size: /, { window: { size: "7m" } }],
    [/^window\.size: /, { window: { size: "48h" } }],
    [/^window\.release_tick: /, { window: { size: "5s", release_tick: "10s" } }],
    [/^window\.close_after: /, { window: { close_after: "24h" } }],
    [/^budget\.delta: /, { budget: { epsilon: "1" }, mechanism: "discrete_gaussian" }],
    [
      /^partitions\.keys: user\.id is the unit/,
      { partitions: { keys: ["user.id"], "user.id": { public: ["a"] } } },
    ],
    [/^partitions\.status: needs/, { partitions: { keys: ["status"] } }],
    [/^partitions\.status: is not one of keys/, { partitions: { status: { public: [200] } } }],
    [/twice/, { partitions: { keys: ["status"], status: { public: [200, "200"] } } }],
    [/metrics\.0\.clamp: .*smaller/, { metrics: [{ ...SUM, clamp: [2, 1] }] }],
    [/metrics\.0\.clamp\.1: /, { metrics: [{ ...SUM, clamp: [0, Number.NaN] }] }],
    [/metrics\.0\.buckets: must rise/, { metrics: [{ ...HISTOGRAM, buckets: [5, 5] }] }],
    [/100000 values/, { metrics: [HISTOGRAM], ...manyCells(9_000) }],
    [/names repeat/, { metrics: [1, 2].map(() => ({ name: "a", kind: "distinct_units" })) }],
    [
      /^metrics\.0: .*9007199254740991/,
      {
        metrics: [{ name: "a", kind: "sum", field: "b", clamp: [0, 1e12], per_cell: 100 }],
        contribution: { max_tracked_units: 1_000_000 },
      },
    ],
    [/dp\./, { partitions: { keys: ["dp.value"], "dp.value": { public: [1] } } }],
    [
      /^partitions\.status\.public\.0: /,
      { partitions: { keys: ["status"], status: { public: [0.5] } } },
    ],
    [/^budget\.delta: must be above 0 where/, { ...OPEN, budget: { epsilon: "1" } }],
    [/^metrics: need one of kind distinct_units/, { ...OPEN, metrics: [SUM] }],
    [
      /^partitions\.method: needs mode, min_units and sticky as route/,
      {
        partitions: {
          keys: ["route", "method"],
          route: { mode: "threshold" },
          method: { mode: "threshold", min_units: 5 },
        },
      },
    ],
    [/^output\.max_groups: /, { ...OPEN, output: { max_groups: 10_000 }, metrics: MANY }],
    [/^contribution: /, { ...OPEN, metrics: MANY, contribution: { max_tracked_units: 2_000_000 } }],
    [/^window\.late_close_after: must be longer/, { window: { ...LATE, close_after: "7h" } }],
    [/^window\.late_close_after: .*24h/, { window: { ...LATE, late_close_after: "24h" } }],
    [/^metrics: can have one of kind running/, { metrics: [RUNNING, { ...RUNNING, name: "b" }] }],
    [/^metrics: running_units needs public/, { ...OPEN, metrics: [RUNNING, MANY[0]] }],
    [/^partitions: .*32 cells/, { ...manyCells(33), metrics: [RUNNING] }],
    [/^budget\.delta: .*running_units/, { budget: { epsilon: "1" }, metrics: [RUNNING] }],
    [/^mechanism: /, { mechanism: "discrete_laplace", metrics: [RUNNING] }],
    [/^window\.size: .*running_units/, { window: { size: "30s" }, metrics: [RUNNING] }],
    [
      /^budget\.horizon\.period: .*whole number of days/,
      { budget: { epsilon: "1", horizon: { period: "36h", epsilon: "3" } } },
    ],
    [/budget\.horizon\.epsilon: .*quotes/, { budget: { horizon: { period: "3d", epsilon: 3 } } }],
  ];
  for (const [expected, overrides] of cases) {
    const problems = problemsOf(overrides).join("\n");
    assert.match(problems, expected, problems);
  }
});

test("Gaussian noise follows from ρ and the L2 bound with displacement", () => {
  const { metrics, spent } = specOf(configSchema.parse(SHORT));
  assert.equal(shownRho(spent)!.toFixed(8), "0.05613050");
  // Weights 2 and 1; L2² = 2 · 8 · 16 and 2 · 8.
  const [requests, users] = metrics.map(({ measures }) => measures[0]);
  const rho = shownRho(spent)!;
  assert.ok(Math.abs(requests!.variance / (256 / (2 * rho * (2 / 3))) - 1) < 1e-5);
  assert.ok(Math.abs(users!.variance / (16 / (2 * rho * (1 / 3))) - 1) < 1e-4);
  assert.equal(users!.noise.mechanism, "discrete_gaussian");
  assert.equal(spent.delta, "1e-9");
  // 1.96 standard deviations, on the lattice.
  assert.ok(Math.abs(users!.halfWidth - 1.96 * Math.sqrt(users!.variance)) < 1);
});

test("with open groups half of δ is for a Gaussian and half for the threshold", () => {
  const { spent, selection } = specOf(configSchema.parse({ ...SHORT, ...OPEN }));
  assert.equal(spent.delta, "1e-9");
  assert.equal(selection!.delta, "5e-10");
  assert.equal(shownRho(spent), shownRho(specOf(configSchema.parse(halfDelta())).spent));
  const laplace = { ...SHORT, ...OPEN, mechanism: "discrete_laplace" };
  assert.equal(specOf(configSchema.parse(laplace)).selection!.delta, "1e-9");
});

function halfDelta(): object {
  return { ...SHORT, budget: { epsilon: "2", delta: "5e-10" } };
}

test("Laplace noise has the exact scale L1 / ε and needs no δ", () => {
  const config = configSchema.parse({ ...SHORT, budget: { epsilon: "0.3" } });
  const { metrics, spent } = specOf(config);
  const [, users] = metrics.map(({ measures }) => measures[0]!);
  const [numerator, denominator] = users!.noise.parameter.split("/").map(BigInt);
  // 2 · 8 · 1 / (0.3 / 3) = 160.
  assert.equal(numerator, 160n * denominator!);
  assert.equal(users!.noise.mechanism, "discrete_laplace");
  assert.deepEqual(spent, { epsilon: "0.3", delta: "0", rho: "" });
  assert.ok(Math.abs(users!.variance / (2 * 160 ** 2) - 1) < 1e-4);
  assert.equal(users!.halfWidth, Math.ceil(-160 * Math.log(0.05)) - 1);
});

test("the noise of a sum grows with its clamp, that of a histogram not with its buckets", () => {
  const laplace = { ...SHORT, budget: { epsilon: "4" } };
  const metrics = [
    { ...SUM, resolution: 10, per_cell: 2 },
    { ...SUM, name: "signed", clamp: [-300, 100], resolution: 1 },
    HISTOGRAM,
    { ...SUM, name: "average", kind: "mean", resolution: 10 },
  ];
  const spec = specOf(configSchema.parse({ ...laplace, metrics }));
  const scales = spec.metrics.flatMap(({ measures }) =>
    measures.map(({ noise }) => {
      const [numerator, denominator] = noise.parameter.split("/").map(BigInt);
      assert.equal(numerator! % denominator!, 0n);
      return numerator! / denominator!;
    }),
  );
  // 2 · 8 · per_cell · magnitude / ε with ε = 1 a metric, and ½ for each half of a mean.
  assert.deepEqual(scales, [16n * 2n * 100n, 16n * 300n, 16n, 16n * 50n * 2n, 16n * 2n]);
});

test("values of both signs are charged for pulling the same way in the same cells", () => {
  const sigma2 = (clamp: [number, number], kind = "sum"): number => {
    const metrics = [{ ...SUM, kind, clamp }];
    const gaussian = { ...SHORT, mechanism: "discrete_gaussian", metrics };
    const [metric] = specOf(configSchema.parse(gaussian)).metrics;
    return metric!.measures[0]!.variance;
  };
  // Per cell max(2 · 10², span²); a mean shares its budget with its count.
  assert.ok(Math.abs(sigma2([-10, 10]) / sigma2([0, 10]) - 2) < 0.001);
  assert.ok(Math.abs(sigma2([-2, 10]) / sigma2([0, 10]) - 1) < 0.001);
  assert.ok(Math.abs(sigma2([-8, 10]) / sigma2([0, 10]) - 18 ** 2 / 200) < 0.001);
  assert.ok(Math.abs(sigma2([0, 20], "mean") / sigma2([-10, 10]) - 2) < 0.001);
});

test("auto takes Laplace where it is narrower", () => {
  const one = {
    contribution: { max_cells_per_period: 1 },
    metrics: [{ name: "users", kind: "distinct_units" }],
  };
  const { spent, metrics } = specOf(configSchema.parse({ ...SHORT, ...one }));
  assert.equal(metrics[0]!.measures[0]!.noise.mechanism, "discrete_laplace");
  assert.deepEqual(spent, { epsilon: "2", delta: "0", rho: "" });
});

test("the noise is what the project's notes computed for hourly cells, within 3 %", () => {
  const users = { name: "users", kind: "distinct_units" };
  const requests = { name: "requests", kind: "count", per_cell: 1 };
  const four = [
    { ...requests, weight: 2 },
    users,
    { ...SUM, clamp: [0, 1] },
    { ...HISTOGRAM, weight: 2 },
  ];
  // ε, cells a day, metrics, sd of the first; all at δ = 1e-9, displacement included.
  const notes = [
    ...[["1", 8, [users], 22.6] as const, ["1", 32, [users], 47.1] as const],
    ...[["2", 8, [users], 11.3] as const, ["4", 8, [users], 5.6] as const],
    ...[["1", 8, [requests, users], 33.3] as const, ["1", 32, [requests, users], 66.6] as const],
    ...[["2", 8, [requests, users], 17.2] as const, ["4", 8, [requests, users], 9.0] as const],
    ...[["1", 8, four, 40.8] as const, ["1", 32, four, 81.6] as const],
    ...[["2", 8, four, 21.1] as const, ["4", 8, four, 11.0] as const],
  ];
  for (const [epsilon, cells, metrics, expected] of notes) {
    const config = {
      ...SHORT,
      budget: { epsilon, delta: "1e-9" },
      contribution: { max_cells_per_period: cells },
      metrics,
    };
    const sd = Math.sqrt(specOf(configSchema.parse(config)).metrics[0]!.measures[0]!.variance);
    assert.ok(Math.abs(sd / expected - 1) < 0.03, `ε ${epsilon}, ${cells} cells: ${sd}`);
  }
});

test("a running total is charged for all windows of a day in each group of a unit", () => {
  const metrics = [RUNNING];
  const config = { ...SHORT, window: { size: "1h" }, metrics };
  const { rho, variance } = (({ spent, metrics: [metric] }) => ({
    rho: shownRho(spent)!,
    variance: metric!.measures[0]!.variance,
  }))(specOf(configSchema.parse({ ...config, ...manyCells(20) })));
  // 2.07 is the width for one unit in one group and ρ = 1/2, at the end of 24 windows.
  const expected = (2 * 8 * 2.07 ** 2) / (2 * rho);
  assert.ok(Math.abs(variance / expected - 1) < 0.01, `${variance} ${expected}`);
});

test("where groups are chosen, auto takes the noise that shows them sooner", () => {
  const thresholds = (epsilon: string, cells: number) =>
    ["auto", "discrete_laplace", "discrete_gaussian"].map((mechanism) => {
      const contribution = { max_cells_per_period: cells };
      const budget = { epsilon, delta: "1e-9" };
      const metrics = [{ name: "users", kind: "distinct_units" }];
      const config = { ...SHORT, ...OPEN, budget, contribution, metrics, mechanism };
      return specOf(configSchema.parse(config)).selection!.threshold;
    });
  // Laplace noise is narrower here, but its tail is longer.
  const [auto, laplace, gaussian] = thresholds("1", 8);
  assert.ok(auto === gaussian && gaussian! < laplace! / 2);
  const [autoOfOne, laplaceOfOne, gaussianOfOne] = thresholds("4", 1);
  assert.ok(autoOfOne === laplaceOfOne && laplaceOfOne! < gaussianOfOne!);
});

test("the claim says what the noise was made for", () => {
  const claimOf = (overrides: object): string =>
    specOf(configSchema.parse({ ...SHORT, ...overrides })).claim;
  assert.match(claimOf({}), /value u of the unit attribute \(user\.id, else client\.address\)/);
  assert.match(claimOf({}), /dataset access-logs is \(2, 1e-9\)-differentially private/);
  const laplace = claimOf({ mechanism: "discrete_laplace" });
  assert.match(laplace, /is \(2, 0\)-differentially private/);
  const half = claimOf({ budget: { epsilon: "2", delta: "1e-9", share: "0.5" } });
  assert.match(half, /is \(1, 5e-10\)-.*together keep to \(2, 1e-9\)/);
});

test("the hash covers what is measured and its noise, not when it is released", () => {
  const hashOf = (overrides: object): string =>
    hashOfSpec(specOf(configSchema.parse({ ...SHORT, ...overrides })));
  assert.equal(hashOf({}), hashOf({ window: { size: "1m", close_after: "2m" } }));
  assert.notEqual(hashOf({}), hashOf({ budget: { epsilon: "2.1", delta: "1e-9" } }));
  assert.notEqual(hashOf({}), hashOf({ contribution: { max_tracked_units: 1000 } }));
});

test("stands once in a pipeline and before nothing that changes values", () => {
  const config = configSchema.parse(SHORT);
  const position = { pipeline: "logs", before: [], after: [], exporters: ["debug"] };
  assert.equal(
    checkPosition(config, { ...position, before: ["tokenize"], after: ["hmac_chain"] }),
    undefined,
  );
  assert.match(checkPosition(config, { ...position, before: ["dp_window"] }) ?? "", /own pipeline/);
  assert.match(
    checkPosition(config, { ...position, after: ["pii_detect"] }) ?? "",
    /before dp_window/,
  );
});
