import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { Aggregator } from "./aggregator.ts";
import { configSchema } from "./config.ts";
import { cellCount, compileCells, labelsOf } from "./groups.ts";
import { Period } from "./period.ts";
import { specOf } from "./spec.ts";
import { canonicalUnit, unitText } from "./unit.ts";
import { newUnitKey, UnitHash } from "./unit_key.ts";
import { UNTRACKED, UnitTable } from "./unit_table.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12, 30);
const HOUR_MS = 3_600_000;

function aggregatorOf(overrides: object = {}): Aggregator {
  const config = configSchema.parse({
    dataset: "test",
    unit: { attribute: "user.id", fallback: ["client.address"] },
    budget: { epsilon: "1", delta: "1e-9" },
    contribution: { max_cells_per_period: 3, max_tracked_units: 100 },
    metrics: [
      { name: "requests", kind: "count", per_cell: 2 },
      { name: "users", kind: "distinct_units" },
    ],
    ...overrides,
  });
  const spec = specOf(config);
  const periods = new Map<number, Period>();
  const timing = { closeAfterMs: 300_000, maxFutureSkewMs: 60_000 };
  return new Aggregator(spec, timing, (day) => {
    assert.ok(Number.isInteger(day), "no day begins for a time stamp that is none");
    const period =
      periods.get(day) ?? new Period(newUnitKey(seededRandom(`${day}`)), spec.contribution);
    periods.set(day, period);
    return period;
  });
}

function visit(attributes: Record<string, AnyValue>, timeMs = NOW_MS): LogRecord {
  return new LogRecord({ hrTime: hrTimeFromUnixMs(timeMs), attributes });
}

function takeNow(aggregator: Aggregator): number[] {
  return [...aggregator.take(Math.floor(NOW_MS / HOUR_MS), 0).sums];
}

test("a unit counts per_cell times in a cell, and once as a unit", () => {
  const aggregator = aggregatorOf();
  aggregator.add(
    [1, 2, 3, 4].map(() => visit({ "user.id": "ann" })),
    NOW_MS,
  );
  aggregator.add([visit({ "user.id": "ben" }), visit({ "user.id": "ann" })], NOW_MS);
  assert.deepEqual(takeNow(aggregator), [3, 2]);
});

test("a unit counts in max_cells_per_period cells of a day, over all windows", () => {
  const aggregator = aggregatorOf();
  const windows = [0, 1, 2, 3, 4].map((hour) => {
    const nowMs = NOW_MS + hour * HOUR_MS;
    aggregator.add([visit({ "user.id": "ann" }, nowMs)], nowMs);
    return [...aggregator.take(Math.floor(nowMs / HOUR_MS), 0).sums];
  });
  assert.deepEqual(
    windows.map(([requests]) => requests),
    [1, 1, 1, 0, 0],
  );
});

test("the next day the unit counts again", () => {
  const aggregator = aggregatorOf();
  for (const hour of [0, 1, 2, 3, 24]) {
    const nowMs = NOW_MS + hour * HOUR_MS;
    aggregator.add([visit({ "user.id": "ann" }, nowMs)], nowMs);
  }
  assert.deepEqual([...aggregator.take(Math.floor(NOW_MS / HOUR_MS) + 24, 0).sums], [1, 1]);
});

test("of a sample the same units count all day, and about as many as it says", () => {
  const contribution = { max_cells_per_period: 3, max_tracked_units: 10_000, sample_rate: "1/8" };
  const aggregator = aggregatorOf({ contribution });
  const all = Array.from({ length: 8000 }, (_, unit) => visit({ "user.id": `${unit}` }));
  aggregator.add(all, NOW_MS);
  const [requests, users] = takeNow(aggregator);
  assert.equal(requests, users);
  // Six standard deviations of a binomial law.
  assert.ok(Math.abs(users! - 1000) < 6 * Math.sqrt(1000 * (7 / 8)), `${users}`);
  const nowMs = NOW_MS + HOUR_MS;
  const later = all.map(({ attributes }) => visit(attributes, nowMs));
  aggregator.add(later, nowMs);
  const [, again] = aggregator.take(Math.floor(nowMs / HOUR_MS), 0).sums;
  assert.equal(again, users);
});

test("a record without a unit is not counted, and the fallback names another unit", () => {
  const aggregator = aggregatorOf();
  aggregator.add(
    [
      visit({}),
      visit({ "user.id": "" }),
      visit({ "user.id": null }),
      visit({ "user.id": { id: "ann" } }),
      visit({ "user.id": "10.0.0.1" }),
      visit({ "client.address": "10.0.0.1" }),
      visit({ "user.id": "", "client.address": "10.0.0.2" }),
    ],
    NOW_MS,
  );
  assert.deepEqual(takeNow(aggregator), [3, 3]);
});

test("time stamps outside the open windows lose only their own record", () => {
  const aggregator = aggregatorOf();
  for (const timeMs of [0, NOW_MS - 2 * HOUR_MS, NOW_MS + HOUR_MS, 1e300, -1e300, Number.NaN]) {
    aggregator.add(
      [visit({ "user.id": `${timeMs}` }, timeMs), visit({ "user.id": "ann" })],
      NOW_MS,
    );
  }
  // The first is a record of unknown time: it counts now.
  assert.deepEqual(takeNow(aggregator), [3, 2]);
  assert.equal(aggregator.firstOpen(0), Math.floor(NOW_MS / HOUR_MS) + 1);
  assert.deepEqual([...aggregator.take(aggregator.firstOpen(0), 0).sums], [0, 0]);
});

test("a closed window takes nothing more, even when the clock goes back", () => {
  const aggregator = aggregatorOf();
  aggregator.add([visit({ "user.id": "ann" })], NOW_MS);
  takeNow(aggregator);
  aggregator.add([visit({ "user.id": "ben" })], NOW_MS);
  aggregator.add([visit({ "user.id": "ben" }, NOW_MS - 1000)], NOW_MS - 1000);
  assert.deepEqual(takeNow(aggregator), [0, 0]);
});

test("a window takes records until close_after has passed", () => {
  const aggregator = aggregatorOf();
  const endMs = Math.ceil(NOW_MS / HOUR_MS) * HOUR_MS;
  aggregator.add([visit({ "user.id": "ann" }, endMs - 1)], endMs + 299_999);
  aggregator.add([visit({ "user.id": "ben" }, endMs - 1)], endMs + 300_000);
  assert.deepEqual(takeNow(aggregator), [1, 1]);
});

test("groups are the public values, and _other for all else", () => {
  const keys = [
    { key: "status", public: [200, 404], other: "_other" },
    { key: "method", public: ["GET"], other: "_rest" },
  ];
  const cellOf = compileCells(keys);
  const labels = (attributes: Record<string, AnyValue>) => labelsOf(keys, cellOf(attributes));
  assert.equal(cellCount(keys), 6);
  assert.deepEqual(labels({ status: 404, method: "GET" }), [404, "GET"]);
  assert.deepEqual(labels({ status: "404", method: "get" }), [404, "_rest"]);
  assert.deepEqual(labels({ status: new Double(200) }), [200, "_rest"]);
  assert.deepEqual(labels({ status: 200n, method: ["GET"] }), [200, "_rest"]);
  assert.deepEqual(labels({ status: 500 }), ["_other", "_rest"]);
  for (let cell = 0; cell < 6; cell++) {
    const [status, method] = labelsOf(keys, cell);
    assert.equal(cellOf({ status, method }), cell);
  }
});

test("spellings of one unit are one, and different units stay apart", () => {
  const same = (...texts: string[]): string[] => [
    ...new Set(texts.map((text) => canonicalUnit(text, ["lower", "ipv6_64"]))),
  ];
  assert.deepEqual(same("Ann@Example.com", "ann@example.COM"), ["ann@example.com"]);
  assert.deepEqual(same("2001:db8::1", "2001:DB8:0:0:ffff::9", "2001:db8::1%eth0"), [
    "2001:db8:0:0::/64",
  ]);
  assert.deepEqual(same("::ffff:192.0.2.7", "::FFFF:c000:207", "192.0.2.7"), ["192.0.2.7"]);
  assert.deepEqual(same("::1", "fe80::1:2:3:4"), ["0:0:0:0::/64", "fe80:0:0:0::/64"]);
  assert.deepEqual(same("64:ff9b::192.0.2.7"), ["64:ff9b:0:0::/64"]);
  assert.deepEqual(same("a:b", "urn:user:7"), ["a:b", "urn:user:7"]);
  assert.equal(canonicalUnit("Ann", []), "Ann");
  assert.deepEqual([7, 7n, "7", "", true, null, undefined, [1]].map(unitText), [
    ...["7", "7", "7"],
    ...[undefined, undefined, undefined, undefined, undefined],
  ]);
});

test("a unit is the first 128 bits of HMAC-SHA-256", () => {
  const key = newUnitKey(seededRandom("key"));
  const unitHash = new UnitHash(key);
  for (const text of ["", "ann", "0:ünïcode 😀", "x".repeat(1000)]) {
    unitHash.update(text);
    const expected = createHmac("sha256", key).update(text).digest().subarray(0, 16);
    assert.deepEqual(Buffer.from(unitHash.words.buffer), expected, text);
  }
});

test("the table tracks the first units, never evicts one, and bounds each", () => {
  const table = new UnitTable(2000, 2);
  const id = (unit: number): Uint32Array => Uint32Array.of(unit % 7, unit, 0, 0);
  for (let unit = 0; unit < 3000; unit++) {
    assert.equal(table.slotOf(id(unit)), unit < 2000 ? unit : UNTRACKED);
  }
  for (let unit = 0; unit < 2000; unit++) assert.equal(table.slotOf(id(unit)), unit);
  assert.deepEqual(
    [5, 5, 5, 6, 7, 5].map((cell) => table.count(3, cell, 2)),
    [1, 2, 0, 1, 0, 0],
  );
});

test("a restored table goes on within the same bounds", () => {
  const table = new UnitTable(10, 2);
  const changes: Uint8Array[] = [];
  const ann = table.slotOf(Uint32Array.of(1, 2, 3, 4));
  table.count(ann, 1, 1);
  changes.push(table.takeChanges());
  table.count(ann, 2, 1);
  table.slotOf(Uint32Array.of(5, 6, 7, 8));
  changes.push(table.takeChanges());
  table.count(ann, 3, 1);
  const restored = new UnitTable(10, 2);
  for (const change of changes) assert.ok(restored.restore(change));
  assert.equal(restored.slotOf(Uint32Array.of(1, 2, 3, 4)), ann);
  assert.equal(restored.count(ann, 9, 1), 0);
  assert.equal(restored.count(restored.slotOf(Uint32Array.of(5, 6, 7, 8)), 9, 1), 1);
  assert.equal(restored.restore(changes[0]!), false, "out of order");
});
