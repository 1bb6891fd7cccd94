/**
 * The guarantee measured from outside, and what time tells: bounded counts of neighbouring streams
 * go in, noisy numbers come out, and nothing of the code in between is believed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { Aggregator } from "./aggregator.ts";
import { configSchema } from "./config.ts";
import { noisyValues } from "./noisy_values.ts";
import { Period } from "./period.ts";
import { drawsFrom } from "./samplers.ts";
import type { Spec } from "./spec.ts";
import { specOf } from "./spec.ts";
import { boundsOf, DEVIATIONS, drawCount, randomFor } from "./testing/randomness.ts";
import { newUnitKey } from "./unit_key.ts";
import type { WindowCounts } from "./window_counts.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12, 30);
const DRAWS = drawCount(500_000);

function specWith(budget: object, mechanism: string, metrics: object[]): Spec {
  return specOf(
    configSchema.parse({
      dataset: "test",
      unit: { attribute: "user.id" },
      budget,
      mechanism,
      contribution: { max_cells_per_period: 1, max_tracked_units: 1 },
      partitions: { keys: ["status"], status: { public: ["a"] } },
      metrics,
    }),
  );
}

const USERS = [{ name: "users", kind: "distinct_units" }];

/** The table holds one unit: with u it is u, in group a; without u it is v, in the other. */
function countsOf(spec: Spec, ...units: ("u" | "v")[]): WindowCounts {
  const period = new Period(newUnitKey(seededRandom("key")), spec.contribution);
  const timing = { closeAfterMs: 0, maxFutureSkewMs: 0 };
  const aggregator = new Aggregator(spec, timing, () => period);
  const records = units.map(
    (unit) =>
      new LogRecord({
        hrTime: hrTimeFromUnixMs(NOW_MS),
        attributes: { "user.id": unit, status: unit === "u" ? "a" : "b" },
      }),
  );
  aggregator.add(records, NOW_MS);
  return aggregator.take(Math.floor(NOW_MS / spec.windowMs), 0);
}

/** How often group a looks large and the other small, in bounds that hold at 1e-9 each. */
function likelihood(spec: Spec, counts: WindowCounts, edge: bigint, seed: string) {
  const draws = drawsFrom(randomFor(seed));
  let hits = 0;
  for (let run = 0; run < DRAWS; run++) {
    const [a = "", other = ""] = noisyValues(spec, counts, draws).values;
    if (BigInt(a) >= 1n + edge && BigInt(other) <= -edge) hits++;
  }
  return boundsOf(hits, DRAWS);
}

test("the certified ε of Laplace noise is at most the declared one, and 95 % of it", () => {
  const spec = specWith({ epsilon: "1" }, "discrete_laplace", USERS);
  const whole = likelihood(spec, countsOf(spec, "u", "v"), 0n, "with u");
  const less = likelihood(spec, countsOf(spec, "v"), 0n, "without u");
  const certified = Math.log(whole.low / less.high);
  assert.ok(certified > 0.95 && certified <= 1, `${certified}`);
});

test("Gaussian noise keeps (ε, δ) where it is worst, and would not keep half of ε", () => {
  const spec = specWith({ epsilon: "2", delta: "0.001" }, "discrete_gaussian", USERS);
  // Far out, where the likelihoods differ most.
  const whole = likelihood(spec, countsOf(spec, "u", "v"), 2n, "Gaussian with u");
  const less = likelihood(spec, countsOf(spec, "v"), 2n, "Gaussian without u");
  assert.ok(whole.low - Math.exp(2) * less.high <= 0.001);
  assert.ok(whole.low - Math.exp(1) * less.high > 0.001);
});

test("two metrics share ε: both together keep it, and use 95 % of it", () => {
  const two = [...USERS, { name: "visits", kind: "count", per_cell: 1 }];
  const spec = specWith({ epsilon: "1" }, "discrete_laplace", two);
  const seen = (counts: WindowCounts, seed: string) => {
    const draws = drawsFrom(randomFor(seed));
    let hits = 0;
    for (let run = 0; run < DRAWS; run++) {
      const [a, b, c, d] = noisyValues(spec, counts, draws).values.map(BigInt);
      if (a! >= 1n && b! >= 1n && c! <= 0n && d! <= 0n) hits++;
    }
    return boundsOf(hits, DRAWS);
  };
  const whole = seen(countsOf(spec, "u", "v"), "two with u");
  const less = seen(countsOf(spec, "v"), "two without u");
  const certified = Math.log(whole.low / less.high);
  assert.ok(certified > 0.9 && certified <= 1, `${certified}`);
});

test("released numbers are centred on the bounded count, as wide as the row says", () => {
  for (const mechanism of ["discrete_laplace", "discrete_gaussian"]) {
    const spec = specWith({ epsilon: "1", delta: "1e-9" }, mechanism, USERS);
    const { variance, halfWidth } = spec.metrics[0]!.measures[0]!;
    const counts = countsOf(spec, "u");
    const draws = drawsFrom(randomFor(`width ${mechanism}`));
    const runs = drawCount(200_000);
    let [sum, squares, inside] = [0, 0, 0];
    for (let run = 0; run < runs; run++) {
      const error = Number(noisyValues(spec, counts, draws).values[0]) - 1;
      sum += error;
      squares += error ** 2;
      if (Math.abs(error) <= halfWidth) inside++;
    }
    assert.ok(Math.abs(sum / runs) < DEVIATIONS * Math.sqrt(variance / runs));
    assert.ok(Math.abs(squares / runs / variance - 1) < 0.03, `${squares / runs} ${variance}`);
    const { low, high } = boundsOf(inside, runs);
    assert.ok(high >= 0.95 && low < 0.97, `${low} to ${high}`);
  }
});
