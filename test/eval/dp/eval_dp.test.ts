import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Evaluation } from "./evaluation.ts";
import { evaluate, evaluationPage, KEPT_FILE } from "./evaluation.ts";

test("over six days errors are as wide as said, and restarts change no number", async () => {
  const hours = { yearHours: 144, restartHours: 72 };
  const { metrics, ledger, restarts } = await evaluate(200, hours);
  for (const { metric, numbers, errorOverSd, biasSigmas, covered } of metrics) {
    // The spread of a measured sd is 1 / sqrt(2 n); the run is seeded, so that this is no chance.
    const slack = 4 / Math.sqrt(2 * numbers);
    assert.ok(Math.abs(errorOverSd - 1) < slack, `${metric}: ${errorOverSd}`);
    assert.ok(Math.abs(biasSigmas) < 4, `${metric}: ${biasSigmas}`);
    assert.ok(covered > 0.95 - slack && covered < 0.96 + slack, `${metric}: ${covered}`);
  }
  assert.deepEqual([ledger.days, ledger.epsilonOfDay, ledger.withinBudget], [6, "2", true]);
  assert.ok(restarts.restarts > 15 && restarts.areRepeated);
  assert.deepEqual([restarts.changed, restarts.differentValues], [0, 0]);
});

test("the kept figures are those of a whole year, and hold what they should", () => {
  const kept = JSON.parse(readFileSync(KEPT_FILE, "utf8")) as Evaluation;
  assert.equal(kept.hours, 365 * 24);
  for (const { metric, errorOverSd, biasSigmas, covered } of kept.metrics) {
    assert.ok(Math.abs(errorOverSd - 1) < 0.03, metric);
    assert.ok(Math.abs(biasSigmas) < 4, metric);
    assert.ok(covered > 0.945 && covered < 0.965, metric);
  }
  assert.equal(kept.restarts.changed + kept.restarts.differentValues, 0);
  assert.equal(readFileSync(KEPT_FILE.replace(/json$/, "md"), "utf8"), evaluationPage(kept));
});
