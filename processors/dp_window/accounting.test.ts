import assert from "node:assert/strict";
import { test } from "node:test";
import { deltaOfRho, rhoOfEpsilonDelta } from "./accounting.ts";
import type { Rational } from "./rational.ts";
import { formatDecimal, isAtMost, parseDecimal, roundUp, toNumber } from "./rational.ts";

function decimal(text: string): Rational {
  const value = parseDecimal(text);
  assert.ok(value !== undefined, text);
  return value;
}

// Computed with 50 digits elsewhere; 1 / 10^8 is their last digit.
const RHO = [
  ["1", "1e-6", 0.02435597],
  ["1", "1e-9", 0.01497306],
  ["2", "1e-9", 0.0561305],
  ["6", "1e-9", 0.43534563],
] as const;

test("converts (ε, δ) to the published ρ, to all of their digits", () => {
  for (const [epsilon, delta, expected] of RHO) {
    const rho = toNumber(rhoOfEpsilonDelta(decimal(epsilon), decimal(delta)));
    assert.equal(rho.toFixed(8), expected.toFixed(8), `ρ(${epsilon}, ${delta})`);
  }
});

test("converts ρ and ε to the published δ", () => {
  assert.equal(deltaOfRho(0.05, 0.25).toFixed(10), (0.0817727531).toFixed(10));
});

test("rounds outwards: the δ of the ρ it gives never passes the δ that was asked for", () => {
  for (const epsilon of ["0.001", "0.1", "0.5", "1", "2", "7.3", "50"]) {
    for (const delta of ["1e-3", "1e-6", "1e-9", "1e-12", "1e-18"]) {
      const rho = rhoOfEpsilonDelta(decimal(epsilon), decimal(delta));
      assert.ok(rho.numerator > 0n, `ρ(${epsilon}, ${delta}) is positive`);
      assert.ok(deltaOfRho(toNumber(rho), Number(epsilon)) <= Number(delta));
      assert.ok(
        deltaOfRho(toNumber(rho) * (1 + 1e-6), Number(epsilon)) > Number(delta),
        "is tight",
      );
    }
  }
});

test("reads decimals exactly and refuses everything else", () => {
  assert.deepEqual(decimal("1e-9"), { numerator: 1n, denominator: 10n ** 9n });
  assert.deepEqual(decimal("0.30"), { numerator: 30n, denominator: 100n });
  assert.deepEqual(decimal("2e2"), { numerator: 200n, denominator: 1n });
  for (const text of ["", "-1", "1.", ".5", "0x2", "1e", "Infinity", "NaN", "1/2", " 1", "1,5"]) {
    assert.equal(parseDecimal(text), undefined, text);
  }
});

test("writes decimals back in one form", () => {
  for (const [text, form] of [
    ["2", "2"],
    ["2.0", "2"],
    ["0", "0"],
    ["0.000", "0"],
    ["20", "20"],
    ["12.5", "12.5"],
    ["0.05", "0.05"],
    ["1e-9", "1e-9"],
    ["2.5e-10", "2.5e-10"],
    ["0.0000000010", "1e-9"],
  ] as const) {
    assert.equal(formatDecimal(decimal(text)), form, text);
    assert.ok(isAtMost(decimal(form), decimal(text)) && isAtMost(decimal(text), decimal(form)));
  }
});

test("rounds a variance up and never down", () => {
  assert.deepEqual(roundUp({ numerator: 1n, denominator: 3n }, 1024n), {
    numerator: 342n,
    denominator: 1024n,
  });
  assert.deepEqual(roundUp({ numerator: 3n, denominator: 1n }, 1024n).numerator, 3072n);
});
