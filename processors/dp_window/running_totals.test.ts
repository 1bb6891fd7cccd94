import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { RunningTotals } from "./running_totals.ts";
import { discreteGaussian, drawsFrom } from "./samplers.ts";

/** Of one number of 1 at ρ = 1/2, where a measurement of it has the deviation 1. */
function unitDeviation(totals: RunningTotals): number {
  return Math.sqrt(Number(totals.sensitivitySquared));
}

test("the largest deviation is that of the factorisation, for a day, a week and a year", () => {
  // The squares of c sum up to the same for B as for C, so the last step has the largest.
  const published: readonly (readonly [number, number])[] = [
    [24, 2.07],
    [168, 2.7],
    [720, 3.16],
    [1024, 3.27],
  ];
  for (const [steps, deviation] of published) {
    const totals = new RunningTotals(steps);
    const largest = totals.deviation(steps - 1, unitDeviation(totals));
    assert.ok(Math.abs(largest - deviation) < 0.006, `${steps} steps: ${largest}`);
  }
});

test("without noise the totals are the sums", () => {
  const totals = new RunningTotals(96);
  fc.assert(
    fc.property(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 96 }), (counts) => {
      const measured = counts.map((_, step) => totals.measure(counts.slice(0, step + 1)));
      assert.ok(measured.every(Number.isSafeInteger));
      let sum = 0;
      for (const [step, count] of counts.entries()) {
        sum += count;
        const total = totals.total(measured.slice(0, step + 1));
        assert.ok(Math.abs(total - sum) <= 1e-9 * Math.max(1, sum), `${total} for ${sum}`);
      }
    }),
  );
});

test("one more at any step moves the measurements by no more than is said", () => {
  const totals = new RunningTotals(48);
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { minLength: 48, maxLength: 48 }),
      fc.nat(47),
      (counts, at) => {
        const more = counts.with(at, counts[at]! + 1);
        let squares = 0n;
        for (let step = 0; step < 48; step++) {
          const apart =
            totals.measure(more.slice(0, step + 1)) - totals.measure(counts.slice(0, step + 1));
          if (step < at) assert.equal(apart, 0);
          squares += BigInt(apart) ** 2n;
        }
        assert.ok(squares <= totals.sensitivitySquared);
        if (at === 0) assert.equal(squares, totals.sensitivitySquared);
      },
    ),
  );
});

test("the noise of a total has the deviation that is said", () => {
  const steps = 24;
  const totals = new RunningTotals(steps);
  const variance = { numerator: totals.sensitivitySquared * 9n, denominator: 1n };
  const deviation = Math.sqrt(Number(variance.numerator));
  const draws = drawsFrom(seededRandom("running totals"));
  const rounds = 4000;
  const squares = new Float64Array(steps);
  for (let round = 0; round < rounds; round++) {
    const measured: number[] = [];
    for (let step = 0; step < steps; step++) {
      measured.push(Number(discreteGaussian(draws, variance)));
      squares[step]! += totals.total(measured) ** 2;
    }
  }
  for (let step = 0; step < steps; step++) {
    const found = Math.sqrt(squares[step]! / rounds);
    const ratio = found / totals.deviation(step, deviation);
    // The ratio of a right one has the deviation 1 / √8000.
    assert.ok(Math.abs(ratio - 1) < 0.06, `step ${step}: ${ratio}`);
  }
});

test("whoever is alone in a group is shown no more often than delta allows", () => {
  const [steps, groups, delta] = [12, 4, 0.05];
  const totals = new RunningTotals(steps);
  const variance = { numerator: totals.sensitivitySquared * BigInt(groups), denominator: 1n };
  const deviation = Math.sqrt(Number(variance.numerator));
  const draws = drawsFrom(seededRandom("alone"));
  const days = 3000;
  let shown = 0;
  for (let day = 0; day < days; day++) {
    // All groups from the first step on, which is the worst that one can do.
    const isShown = Array.from({ length: groups }, () => {
      const measured: number[] = [];
      let crossed = false;
      for (let step = 0; step < steps; step++) {
        const counts = Array.from({ length: step + 1 }, (_, index) => (index === 0 ? 1 : 0));
        measured.push(totals.measure(counts) + Number(discreteGaussian(draws, variance)));
        crossed ||= totals.total(measured) >= totals.threshold(step, deviation, groups, delta);
      }
      return crossed;
    });
    if (isShown.includes(true)) shown++;
  }
  assert.ok(shown > 0, "the threshold is not out of reach");
  assert.ok(shown / days <= delta, `${shown} of ${days} days`);
});
