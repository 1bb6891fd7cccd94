import assert from "node:assert/strict";
import { test } from "node:test";
import { rhoOfEpsilonDelta } from "./accounting.ts";
import type { Cost } from "./composition.ts";
import { costOf, epsilonOf, isWithin, sumOf } from "./composition.ts";
import type { Rational } from "./rational.ts";
import { formatRational, parseDecimal, toNumber, ZERO } from "./rational.ts";

function exact(text: string): Rational {
  return parseDecimal(text)!;
}

function gaussianDay(epsilon: string, delta: string): Cost {
  const rho = formatRational(rhoOfEpsilonDelta(exact(epsilon), exact(delta)));
  const cost = { epsilon: exact(epsilon), delta: exact(delta), selectionDelta: ZERO };
  return costOf(cost, rho);
}

function pureDay(epsilon: string, selectionDelta = "0"): Cost {
  const delta = exact(selectionDelta);
  return costOf({ epsilon: exact(epsilon), delta, selectionDelta: delta }, "");
}

function many(day: Cost, days: number): Cost {
  return sumOf(Array.from({ length: days }, () => day));
}

test("days of Gaussian noise compose to the values that were computed elsewhere", () => {
  // ε a day, days, ε together, all at δ = 1e-9.
  for (const [epsilon, days, expected] of [
    ["1", 7, "2.78"],
    ["1", 30, "6.10"],
    ["1", 365, "25.8"],
    ["2", 7, "5.67"],
    ["2", 30, "12.8"],
    ["2", 365, "60.3"],
  ] as const) {
    const together = epsilonOf(many(gaussianDay(epsilon, "1e-9"), days), 1e-9);
    assert.equal(together.toPrecision(3), expected, `${days} days of ${epsilon}`);
  }
});

test("one day costs what it was made for, and a pure day no δ", () => {
  assert.ok(Math.abs(epsilonOf(gaussianDay("2", "1e-9"), 1e-9) - 2) < 1e-6);
  assert.equal(epsilonOf(pureDay("0.5"), 0), 0.5);
  assert.equal(epsilonOf(many(pureDay("0.1"), 3), 0), toNumber(exact("0.3")));
});

test("many pure days are cheaper by ρ where there is a δ", () => {
  const year = many(pureDay("0.1"), 365);
  assert.equal(epsilonOf(year, 0), 36.5);
  assert.ok(epsilonOf(year, 1e-9) < 15);
  assert.ok(isWithin(year, { days: 365, epsilon: exact("15"), delta: exact("1e-9") }));
  assert.ok(!isWithin(year, { days: 365, epsilon: exact("15"), delta: ZERO }));
  assert.ok(isWithin(year, { days: 365, epsilon: exact("36.5"), delta: ZERO }));
  assert.ok(!isWithin(year, { days: 365, epsilon: exact("36.4"), delta: ZERO }));
});

test("the δ of choosing groups is taken off before ρ is converted", () => {
  const days = many(pureDay("0.1", "1e-10"), 70);
  const horizon = { days: 70, epsilon: exact("5") };
  assert.ok(isWithin(days, { ...horizon, delta: exact("1e-5") }));
  assert.ok(!isWithin(days, { ...horizon, delta: exact("7e-9") }), "nothing is left of it");
  assert.ok(isWithin(days, { days: 70, epsilon: exact("7"), delta: exact("7e-9") }));
  assert.ok(!isWithin(days, { days: 70, epsilon: exact("7"), delta: exact("6.9e-9") }));
  assert.equal(epsilonOf(days, 1e-9), Number.POSITIVE_INFINITY);
});

test("what is within a horizon is so by the ε that is shown, on both sides of the edge", () => {
  const month = many(gaussianDay("2", "1e-9"), 30);
  const shown = epsilonOf(month, 1e-9);
  for (const [factor, expected] of [
    [1.000001, true],
    [0.999999, false],
  ] as const) {
    const epsilon = exact((shown * factor).toFixed(12));
    assert.equal(isWithin(month, { days: 30, epsilon, delta: exact("1e-9") }), expected);
  }
});

test("a year of sums stays a double for those who read it", () => {
  const year = many(pureDay("0.123456789"), 366);
  const rho = (366 * 0.123456789 ** 2) / 2;
  assert.ok(Math.abs(toNumber(year.rho) / rho - 1) < 1e-12);
  const odd = Array.from({ length: 400 }, (_, day) => costOf(pureDay(`0.1${day}`), ""));
  assert.ok(Number.isFinite(toNumber(sumOf(odd).rho)));
});
