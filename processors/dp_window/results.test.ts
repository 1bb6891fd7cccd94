import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LogRecord } from "../../src/data/log_record.ts";
import { configSchema } from "./config.ts";
import { compileAdd, measuresOf, readingOf } from "./measures.ts";
import { resultsOf } from "./results.ts";
import type { MetricSpec, Spec } from "./spec.ts";
import { specOf } from "./spec.ts";

function specFor(metric: object): { spec: Spec; metric: MetricSpec } {
  const spec = specOf(
    configSchema.parse({
      dataset: "test",
      unit: { attribute: "user.id" },
      budget: { epsilon: "2", delta: "1e-9" },
      metrics: [metric],
    }),
  );
  return { spec, metric: spec.metrics[0]! };
}

const MEAN = { name: "size", kind: "mean", field: "bytes", clamp: [0, 1000], resolution: 10 };
const HISTOGRAM = {
  name: "latency",
  kind: "histogram",
  field: "ms",
  buckets: [10, 20, 40],
  quantiles: [0.5, 0.9],
};

test("a sum is steps times resolution, and so is its interval", () => {
  const { spec, metric } = specFor({ ...MEAN, kind: "sum" });
  const [row] = resultsOf(spec, metric, [70n]);
  const [{ halfWidth, variance }] = metric.measures as [MetricSpec["measures"][number]];
  assert.equal(row!["dp.value"], 700);
  assert.equal(row!["dp.ci.low"], 700 - 10 * halfWidth);
  assert.equal(row!["dp.variance"], variance * 100);
  assert.deepEqual(row!["dp.contribution.clamp"], [0, 1000]);
});

test("a mean is the middle and the sum around it over the count, never outside the clamp", () => {
  const { spec, metric } = specFor(MEAN);
  // 100,000 values of 620: 12 steps above the middle each.
  const [row] = resultsOf(spec, metric, [1_200_000n, 100_000n]);
  assert.equal(row!["dp.value"], 620);
  assert.ok(Number(row!["dp.ci.low"]) < 620 && Number(row!["dp.ci.high"]) > 620);
  assert.equal(resultsOf(spec, metric, [10n ** 9n, 100_000n])[0]!["dp.value"], 1000);
  const [nobody] = resultsOf(spec, metric, [-5000n, -3n]);
  assert.deepEqual([nobody!["dp.ci.low"], nobody!["dp.ci.high"]], [0, 1000]);
});

test("a histogram has a row for each bucket, and quantiles read off them", () => {
  const { spec, metric } = specFor(HISTOGRAM);
  const rows = resultsOf(spec, metric, [0n, 100_000n, 100_000n, -40n]);
  assert.deepEqual(
    rows.slice(0, 4).map((row) => [row["dp.bucket.above"], row["dp.bucket.to"]]),
    [
      [undefined, 10],
      [10, 20],
      [20, 40],
      [40, undefined],
    ],
  );
  const [median, high] = rows.slice(4);
  assert.equal(median!["dp.metric.kind"], "quantile");
  assert.equal(median!["dp.value"], 20);
  assert.equal(high!["dp.value"], 36);
  assert.ok(Number(high!["dp.ci.low"]) < 36 && Number(high!["dp.ci.high"]) > 36);
});

test("a quantile in the last bucket has an open interval, one of nothing has no value", () => {
  const { spec, metric } = specFor(HISTOGRAM);
  const [median] = resultsOf(spec, metric, [0n, 0n, 0n, 9000n]).slice(4);
  assert.equal(median!["dp.value"], 40);
  assert.equal(median!["dp.ci.high"], undefined);
  const [none] = resultsOf(spec, metric, [-1n, 0n, -7n, 0n]).slice(4);
  assert.equal(none!["dp.value"], undefined);
});

test("whatever a field holds, one record moves no more than the declared magnitude", () => {
  const anything = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.string(),
    fc.constantFrom(null, undefined, true, Number.MAX_VALUE, -Number.MAX_VALUE, 500, 505),
  );
  const clamp = fc
    .tuple(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    )
    .map(([low, width]): [number, number] => [low, low + width]);
  const resolution = fc.double({ min: 0.001, max: 1000, noNaN: true });
  const kind = fc.constantFrom("sum" as const, "mean" as const);
  fc.assert(
    fc.property(anything, anything, clamp, resolution, kind, (one, other, range, step, of) => {
      const metric = { ...MEAN, kind: of, clamp: range, resolution: step, per_cell: 1, weight: 1 };
      const [measure] = measuresOf(metric);
      const add = compileAdd(of, readingOf(metric), 0, 1);
      const [a, b] = [one, other].map((bytes) => {
        const counts = new Float64Array(2);
        add(new LogRecord({ attributes: { bytes } }), counts, 0);
        return counts[0]!;
      }) as [number, number];
      assert.ok(Number.isSafeInteger(a) && Math.abs(a) <= measure!.magnitude, `${a}`);
      assert.ok(Math.abs(a - b) <= measure!.span, `${a - b}`);
    }),
    { numRuns: 5000, seed: 20261127 },
  );
});

test("a value on an edge belongs to the bucket below it", () => {
  const metric = { ...HISTOGRAM, kind: "histogram" as const, per_cell: 1, weight: 1 };
  const add = compileAdd("histogram", readingOf(metric), 0, 1);
  const counts = new Float64Array(4);
  for (const ms of [10, 10.001, 20, 40, 41, -5]) {
    add(new LogRecord({ attributes: { ms } }), counts, 0);
  }
  assert.deepEqual([...counts], [2, 2, 1, 1]);
});
