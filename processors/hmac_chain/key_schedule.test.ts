import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { firstRunKey, KeyCursor, nextRunKey, STEPS_PER_SPAN, StepRatchet } from "./key_schedule.ts";

const chain = "0123456789abcdef0123456789abcdef";
const chainKey = Uint8Array.from({ length: 32 }, (_, index) => index);
const enough = () => ({ left: 1_000_000 });
const sha256 = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const same = (a: Uint8Array | undefined, b: Uint8Array) =>
  assert.equal(Buffer.from(a ?? []).toString("hex"), Buffer.from(b).toString("hex"));

test("derives keys as the README says", () => {
  const run0 = sha256("vouchsafe chain start", Buffer.from(chain, "hex"), chainKey);
  const run1 = sha256("vouchsafe chain run", run0);
  const span0 = sha256("vouchsafe chain span", run1);
  const span1 = sha256("vouchsafe chain span", span0);
  const step0 = sha256("vouchsafe chain step", span0);
  same(firstRunKey(chainKey, chain), run0);
  same(nextRunKey(run0), run1);
  const start = KeyCursor.atStart(chainKey, chain);
  same(start.advanceTo(1, 0, enough())?.key, step0);
  same(start.advanceTo(1, 2, enough())?.key, sha256("ratchet", sha256("ratchet", step0)));
  const first = sha256("vouchsafe chain step", span1);
  same(start.advanceTo(1, STEPS_PER_SPAN, enough())?.key, first);
  same(start.advanceTo(1, STEPS_PER_SPAN + 1, enough())?.key, sha256("ratchet", first));
});

test("a verifier reaches the agent's key at every step, from wherever it stands", () => {
  const ratchet = new StepRatchet(firstRunKey(chainKey, chain));
  let follower: KeyCursor | undefined = KeyCursor.atStart(chainKey, chain);
  const start = follower;
  for (let step = 0; step < 2 * STEPS_PER_SPAN + 3; step++) {
    follower = follower?.advanceTo(0, step, enough());
    same(follower?.key, ratchet.key);
    if (step % 511 === 0) same(start.advanceTo(0, step, enough())?.key, ratchet.key);
    ratchet.advance();
  }
  const skipping = start.advanceTo(0, 700, enough())?.advanceTo(0, 2050, enough());
  same(skipping?.key, start.advanceTo(0, 2050, enough())!.key);
});

test("goes forwards only, and no farther than the budget reaches", () => {
  const place = KeyCursor.atStart(chainKey, chain).advanceTo(2, 5, enough());
  assert.equal(place?.advanceTo(2, 4, enough()), undefined);
  assert.equal(place?.advanceTo(1, 9, enough()), undefined);
  assert.equal(place?.advanceTo(2, 5, enough()), place);
  const budget = { left: 100 };
  assert.equal(place?.advanceTo(2, Number.MAX_SAFE_INTEGER, budget), undefined);
  assert.equal(place?.advanceTo(0xffff_ffff, 0, budget), undefined);
  assert.equal(budget.left, 100);
});

test("overwrites the run key and every step key that was used", () => {
  const runKey = firstRunKey(chainKey, chain);
  const ratchet = new StepRatchet(runKey);
  assert.deepEqual([...runKey], new Array(32).fill(0));
  const { key } = ratchet;
  const used = Buffer.from(key).toString("hex");
  ratchet.advance();
  assert.notEqual(Buffer.from(key).toString("hex"), used);
  ratchet.clear();
  assert.deepEqual([...key], new Array(32).fill(0));
});
