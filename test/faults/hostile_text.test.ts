/** No text stops the detector or gets past it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzDetector } from "./pii_fuzz.ts";

const TEXTS = 8000;
/** The run by hand holds 50 ms; machines that run tests are shared. */
const BOUND_MS = 1000;

test(`${TEXTS} hostile texts are treated, in bounded time`, () => {
  const { findings, foundAgain } = fuzzDetector("pii", TEXTS, BOUND_MS);
  assert.ok(findings > TEXTS / 4, String(findings));
  assert.ok(foundAgain < TEXTS / 1000, String(foundAgain));
});
