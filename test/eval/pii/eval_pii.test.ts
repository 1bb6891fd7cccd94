import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CONFIG_NAMES } from "./detect.ts";
import type { Evaluation } from "./evaluation.ts";
import { CORPORA, evaluate, evaluationPage, KEPT_FILE } from "./evaluation.ts";

const isMissing = !existsSync(CORPORA);
const skip = isMissing && process.env.REQUIRE_TOOLS !== "1" && "the corpora are not beside it";
const kept = JSON.parse(readFileSync(KEPT_FILE, "utf8")) as Evaluation;

test("personal data is found at least as well as before", { skip }, () => {
  const now = evaluate();
  for (const name of CONFIG_NAMES) {
    const { overall, byType } = now.sentences[name];
    assertKept(`${name}, all`, overall.f2, kept.sentences[name].overall.f2);
    assertKept(`${name}, posts`, now.posts[name].overall.f2, kept.posts[name].overall.f2);
    for (const [type, { f2 }] of Object.entries(kept.sentences[name].byType)) {
      assertKept(`${name}, ${type}`, byType[type]!.f2, f2);
    }
    for (const [log, { falsePer1000Lines }] of Object.entries(kept.realLogs[name])) {
      const found = now.realLogs[name][log]!.falsePer1000Lines;
      assert.ok(found <= falsePer1000Lines, `${name}, ${log}: ${found} false findings`);
    }
  }
  for (const [entity, { precision, recall }] of Object.entries(kept.logLines)) {
    assertKept(`${entity}, recall`, now.logLines[entity]?.recall ?? 1, recall);
    assertKept(`${entity}, precision`, now.logLines[entity]?.precision ?? 1, precision);
  }
});

test("the aims are reached", () => {
  assert.ok(kept.sentences.recall.overall.f2 > 0.9);
  for (const { falsePer1000Lines } of Object.values(kept.realLogs.precise)) {
    assert.ok(falsePer1000Lines < 1);
  }
  for (const [entity, { values, precision, recall }] of Object.entries(kept.logLines)) {
    if (values > 0) assert.ok(precision >= 0.99 && recall >= 0.99, entity);
  }
});

test("the page shows the kept figures", () => {
  assert.equal(readFileSync(KEPT_FILE.replace(/json$/, "md"), "utf8"), evaluationPage(kept));
});

function assertKept(what: string, now: number, before: number): void {
  assert.ok(now >= before, `${what}: ${now}, and was ${before}; see npm run eval:pii`);
}
