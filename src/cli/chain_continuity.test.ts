import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "../../exporters/sealed_archive/reader/finding.ts";
import {
  INTEGRITY_CHAIN,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
} from "../data/integrity.ts";
import { LogRecord } from "../data/log_record.ts";
import { ChainContinuity } from "./chain_continuity.ts";

interface Statement {
  readonly at: number;
  readonly restart?: string;
  readonly undelivered?: string;
}

type Step = number | Statement | { readonly dropped: readonly [first: number, last: number] };

function findingsOf(steps: readonly Step[], chain = "c1"): string[] {
  const continuity = new ChainContinuity();
  for (const [index, step] of steps.entries()) {
    if (typeof step === "object" && "dropped" in step) {
      continuity.dropped([[chain, ...step.dropped]]);
      continue;
    }
    const statement: Statement = typeof step === "number" ? { at: step } : step;
    const { at, restart, undelivered } = statement;
    const attributes = {
      [INTEGRITY_CHAIN]: chain,
      [INTEGRITY_SEQUENCE]: at,
      ...(restart !== undefined && { [INTEGRITY_RESTART]: restart }),
      ...(undelivered !== undefined && { [INTEGRITY_UNDELIVERED]: undelivered }),
    };
    const place = { file: "blocks/default/00000001.blk", entry: 1, record: index };
    continuity.record(new LogRecord({ attributes }), place);
  }
  const findings: Finding[] = [];
  continuity.finish((finding) => findings.push(finding));
  return findings.map(({ reason, record }) => `${record}: ${reason}`);
}

const restart = (acknowledged: number, reserved: number): string =>
  JSON.stringify({ run: 0, acknowledged, reserved_until: reserved });

test("finds nothing wrong with an unbroken chain, from wherever it begins", () => {
  assert.deepEqual(findingsOf([0, 1, 2, 3]), []);
  assert.deepEqual(findingsOf([700, 701]), []);
});

test("names a hole and the record behind it", () => {
  assert.deepEqual(findingsOf([0, 1, 5, 6]), [
    "2: records 2 to 4 of chain c1 are missing before this one",
  ]);
});

test("names a record that occurs twice", () => {
  assert.deepEqual(findingsOf([0, 1, 1, 2]), ["2: record 1 of chain c1 occurs a second time"]);
});

test("takes records that come late, in any order", () => {
  assert.deepEqual(findingsOf([0, 4, 3, 1, 2, 5]), []);
});

test("takes a chain that zones divided among their blocks, whichever comes first", () => {
  assert.deepEqual(findingsOf([1, 3, 5, 0, 2, 4, 6]), []);
  assert.deepEqual(findingsOf([3, 5, 0, 2, 4]), [
    "2: records 1 to 1 of chain c1 are missing before this one",
  ]);
});

test("accepts what the archive says it dropped, said before or after the hole", () => {
  assert.deepEqual(findingsOf([0, { dropped: [1, 3] }, 4]), []);
  assert.deepEqual(findingsOf([0, 4, { dropped: [1, 3] }]), []);
  assert.deepEqual(findingsOf([5, { dropped: [1, 1] }, { dropped: [3, 3] }, 0, 2, 4, 6]), []);
  assert.deepEqual(findingsOf([5, { dropped: [1, 1] }, 0, 2, 4]), [
    "2: records 3 to 3 of chain c1 are missing before this one",
  ]);
  assert.deepEqual(findingsOf([0, { dropped: [1, 2] }, 4]), [
    "2: records 3 to 3 of chain c1 are missing before this one",
  ]);
});

test("accepts what a restart or an undelivered batch explains, and nothing beyond it", () => {
  assert.deepEqual(findingsOf([0, { at: 100, restart: restart(0, 100) }, 101]), []);
  assert.deepEqual(findingsOf([0, { at: 100, restart: restart(5, 100) }]), [
    "1: records 1 to 5 of chain c1 are missing before this one",
  ]);
  assert.deepEqual(findingsOf([0, { at: 4, undelivered: "1-3" }]), []);
  assert.deepEqual(findingsOf([0, { at: 4, restart: "not a statement" }]).length, 1);
});

test("does not let a late statement explain holes far in the past", () => {
  const late = 3_000_000;
  const steps = [0, 10, { at: late, restart: restart(-1, late) }];
  assert.match(findingsOf(steps)[0]!, /records 1 to 9 of chain/);
});
