import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Attributes } from "../../src/data/any_value.ts";
import {
  INTEGRITY_ALGORITHM,
  INTEGRITY_EPOCH,
  INTEGRITY_PREVIOUS,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
  INTEGRITY_VALUE,
} from "../../src/data/integrity.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { accessLogRecords, knownKey, named, startChain, stop, verifyRecords } from "./testing.ts";

const BATCH = 10;

/** Two runs of 50 records in batches of ten: sequences 0 to 99, the second restart orderly. */
async function twoRuns(t: TestContext, ratchet: "batch" | "record" = "batch") {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings, ratchet);
  const sink = new CollectingConsumer();
  const source = accessLogRecords(100);
  for (const run of [0, 1]) {
    const chain = await startChain(config, settings, sink);
    for (let start = run * 50; start < run * 50 + 50; start += BATCH) {
      await chain.consumeLogs({ records: source.slice(start, start + BATCH) });
    }
    await stop(chain);
  }
  return { key, records: sink.records };
}

/** As good as a random order. */
function byValue(a: LogRecord, b: LogRecord): number {
  return String(a.attributes[INTEGRITY_VALUE]) < String(b.attributes[INTEGRITY_VALUE]) ? -1 : 1;
}

function change(record: LogRecord, changed: Attributes, body = record.body): LogRecord {
  const attributes = { ...record.attributes, ...changed };
  for (const name in changed) if (changed[name] === undefined) delete attributes[name];
  return record.with(body, attributes);
}

for (const ratchet of ["batch", "record"] as const) {
  test(`finds a chain of two runs whole in any order (ratchet: ${ratchet})`, async (t) => {
    const { key, records } = await twoRuns(t, ratchet);
    const orders = [records, records.toReversed(), records.toSorted(byValue)];
    for (const order of orders) {
      const report = verifyRecords(key, order);
      assert.deepEqual(named(report), []);
      assert.equal(report.genuine, 100);
      assert.deepEqual([report.firstSequence, report.lastSequence, report.restarts], [0, 99, 1]);
      assert.equal(report.explained, 0);
    }
  });
}

test("names an edit of the body, of an attribute and of the resource", async (t) => {
  const { key, records } = await twoRuns(t);
  const edits: LogRecord[] = [
    change(records[41]!, {}, "nothing happened"),
    change(records[41]!, { "http.response.status_code": 201 }),
    change(records[41]!, { more: null }),
    Object.assign(change(records[41]!, {}), { resource: records[0]!.instrumentationScope }),
  ];
  for (const edited of edits) {
    const report = verifyRecords(key, records.with(41, edited));
    assert.deepEqual(named(report), ["edit 41-41"]);
    assert.deepEqual(report.findings[0]?.place, { line: 42, record: 1 });
    assert.equal(report.genuine, 99);
  }
});

test("names an edit of each integrity attribute", async (t) => {
  const { key, records } = await twoRuns(t);
  const value = records[7]!.attributes[INTEGRITY_VALUE];
  const cases: [Attributes, string[]][] = [
    [{ [INTEGRITY_VALUE]: value }, ["edit 41-41", "unproven 42-42"]],
    [{ [INTEGRITY_EPOCH]: "0.3" }, ["edit 41-41"]],
    [{ [INTEGRITY_EPOCH]: "0.99999999999999" }, ["edit 41-41"]],
    [{ [INTEGRITY_EPOCH]: "4294967295.0" }, ["edit 41-41"]],
    [{ [INTEGRITY_PREVIOUS]: value }, ["edit 41-41"]],
    [{ [INTEGRITY_RESTART]: "{}" }, ["edit 41-41"]],
    [{ [INTEGRITY_UNDELIVERED]: "1-2" }, ["edit 41-41"]],
    [{ [INTEGRITY_ALGORITHM]: "none" }, ["edit -1--1", "hole 41-41", "unproven 42-42"]],
    [{ [INTEGRITY_VALUE]: "short" }, ["edit -1--1", "hole 41-41", "unproven 42-42"]],
    [{ [INTEGRITY_SEQUENCE]: "41" }, ["edit -1--1", "hole 41-41", "unproven 42-42"]],
  ];
  for (const [changed, expected] of cases) {
    const report = verifyRecords(key, records.with(41, change(records[41]!, changed)));
    assert.deepEqual(named(report), expected, JSON.stringify(changed));
  }
});

test("names a forged sequence far ahead without calling all before it a hole", async (t) => {
  const { key, records } = await twoRuns(t);
  const forged = change(records[41]!, { [INTEGRITY_SEQUENCE]: 9_000_000_000_000 });
  const report = verifyRecords(key, [...records, forged]);
  assert.deepEqual(named(report), ["edit 9000000000000-9000000000000"]);
});

test("names holes: inside a batch, of whole batches, and at the beginning", async (t) => {
  const { key, records } = await twoRuns(t);
  const without = (first: number, last: number) =>
    verifyRecords(
      key,
      records.filter((_, index) => index < first || index > last),
    );
  assert.deepEqual(named(without(42, 43)), ["hole 42-43", "unproven 44-44"]);
  assert.deepEqual(named(without(10, 29)), ["hole 10-29"]);
  assert.deepEqual(named(without(0, 9)), ["hole 0-9"]);
  assert.deepEqual(named(without(45, 54)), ["hole 45-54", "unproven 55-55"]);
  assert.equal(without(10, 29).genuine, 80);
});

test("records cut off at the end show against a sequence known from elsewhere", async (t) => {
  const { key, records } = await twoRuns(t);
  const cut = records.slice(0, 90);
  assert.deepEqual(named(verifyRecords(key, cut)), []);
  assert.deepEqual(named(verifyRecords(key, cut, { expectLast: 99 })), ["hole 90-99"]);
});

test("accepts a beginning that retention took, and says what it cannot prove", async (t) => {
  const { key, records } = await twoRuns(t);
  const atBatch = verifyRecords(key, records.slice(60), { expectFirst: 60 });
  assert.deepEqual([named(atBatch), atBatch.unprovenAtBorder, atBatch.genuine], [[], [], 40]);
  const inBatch = verifyRecords(key, records.slice(65), { expectFirst: 65 });
  assert.deepEqual([named(inBatch), inBatch.unprovenAtBorder, inBatch.genuine], [[], [65], 34]);
});

test("accepts what the archive says it dropped, and nothing else", async (t) => {
  const { key, records } = await twoRuns(t);
  const left = records.filter((_, index) => index < 20 || index > 29);
  const report = verifyRecords(key, left, { dropped: [{ first: 20, last: 28 }] });
  assert.deepEqual(named(report), ["hole 29-29"]);
  const whole = verifyRecords(key, left, { dropped: [{ first: 20, last: 29 }] });
  assert.deepEqual([named(whole), whole.explained], [[], 10]);
});

test("tells a duplicate from an edited copy", async (t) => {
  const { key, records } = await twoRuns(t);
  const twice = verifyRecords(key, [...records, records[41]!]);
  assert.deepEqual(named(twice), ["duplicate 41-41"]);
  assert.equal(twice.findings[0]?.place?.line, 101);
  const edited = change(records[41]!, {}, "edited");
  assert.deepEqual(named(verifyRecords(key, [edited, ...records])), ["edit 41-41"]);
});

test("names records that exchanged their sequences", async (t) => {
  const { key, records } = await twoRuns(t);
  const exchange = (a: number, b: number) =>
    records
      .with(a, change(records[a]!, { [INTEGRITY_SEQUENCE]: b }))
      .with(b, change(records[b]!, { [INTEGRITY_SEQUENCE]: a }));
  assert.deepEqual(named(verifyRecords(key, exchange(14, 17))), ["reorder 14-14", "reorder 17-17"]);
  assert.deepEqual(named(verifyRecords(key, exchange(14, 15))), ["reorder 14-14", "reorder 15-15"]);
  const far = verifyRecords(key, exchange(14, 77));
  assert.deepEqual(named(far), ["reorder 14-14", "reorder 77-77"]);
  assert.match(far.findings[0]!.detail, /sequence 77/);
});

test("reports another order in the file only when asked to", async (t) => {
  const { key, records } = await twoRuns(t);
  const moved = [...records.slice(0, 30), ...records.slice(40, 50), ...records.slice(30, 40)];
  assert.deepEqual(named(verifyRecords(key, moved)), []);
  assert.deepEqual(named(verifyRecords(key, moved, { ordered: true })), ["reorder 30-30"]);
});

test("a record of another chain does not fit, whatever it claims", async (t) => {
  const one = await twoRuns(t);
  const other = await twoRuns(t);
  const { body, attributes } = other.records[41]!;
  const chain = one.records[0]!.attributes["audit.integrity.chain"];
  const spliced = change(
    other.records[41]!,
    { ...attributes, "audit.integrity.chain": chain },
    body,
  );
  const report = verifyRecords(one.key, one.records.with(41, spliced));
  assert.equal(named(report)[0], "edit 41-41");
});

test("another key proves nothing, and says so quickly", async (t) => {
  const { records } = await twoRuns(t, "record");
  const report = verifyRecords(new Uint8Array(32), records);
  assert.equal(report.genuine, 0);
  assert.equal(report.counts.edit + report.counts.unproven, 100);
});
