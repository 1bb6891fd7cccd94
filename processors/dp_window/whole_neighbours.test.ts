/**
 * Neighbouring streams through the whole processor, with its files, restarts and rows. Both runs
 * draw the same noise, so that what differs in the rows is what the noise has to hide.
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import type { Attributes } from "../../src/data/any_value.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { readLedger } from "./ledger.ts";
import type { LedgerBody } from "./ledger_state.ts";
import type { Rig } from "./testing/rig.ts";
import {
  datasetFiles,
  MINUTE_MS,
  NO_DEADLINE,
  START_MS,
  startRig,
  visits,
  WINDOW,
} from "./testing/rig.ts";

const RUNS = 24;
const TICK_POLLS = 4;
const CELLS = 2;
const PER_CELL = 2;
const CONFIG = {
  window: { ...WINDOW, late: "delta_cell", late_close_after: "70s" },
  contribution: { max_cells_per_period: CELLS, max_tracked_units: 4 },
  partitions: { keys: ["status"], status: { public: ["a", "b"] } },
  metrics: [
    { name: "requests", kind: "count", per_cell: PER_CELL },
    { name: "users", kind: "distinct_units" },
  ],
};
/** What the noise moves, and what hangs on the random id of an installation. Else all is equal. */
const MEASURED = ["dp.value", "dp.ci.low", "dp.ci.high", "dp.release_id", "dp.ledger.head"];

type Carry = Extract<LedgerBody, { kind: "carry" }>;

interface Visit {
  readonly unit: number;
  readonly status: string;
  readonly offsetMs: number;
}
interface Minute {
  readonly visits: readonly Visit[];
  readonly restarts: boolean;
}

const minute: fc.Arbitrary<Minute> = fc.record({
  visits: fc.array(
    fc.record({
      unit: fc.nat({ max: 3 }),
      status: fc.constantFrom("a", "b", "c"),
      offsetMs: fc.constantFrom(0, 0, 0, -MINUTE_MS, 1e12, -1e12),
    }),
    { maxLength: 12 },
  ),
  restarts: fc.boolean(),
});

interface Stream {
  readonly minutes: readonly Minute[];
  readonly without: number | undefined;
}

/** All released rows. Each minute has its records and its releases at fixed times of the clock. */
async function run(t: TestContext, { minutes, without }: Stream): Promise<Attributes[]> {
  const root = await temporaryDirectory(t);
  const sink = new CollectingConsumer();
  let rig = await startRig(t, { root, sink, config: CONFIG });
  for (const [index, { visits: events, restarts }] of minutes.entries()) {
    const startMs = START_MS + index * MINUTE_MS;
    const dueMs = startMs + 45_000 - rig.clock.nowMs();
    assert.ok(dueMs >= 0, "the release took too long for this test");
    rig.clock.advance(dueMs);
    if (restarts) {
      await rig.processor.shutdown(NO_DEADLINE);
      const nowMs = rig.clock.nowMs();
      rig = await startRig(t, { root, sink, nowMs, seed: `${index}`, config: CONFIG });
    }
    await rig.processor.consumeLogs(recordsOf(events, without, rig.clock.nowMs()));
    rig.clock.advance(26_000);
    await settle(rig, startMs, index === 0 ? 1 : 2);
  }
  await rig.processor.shutdown(NO_DEADLINE);
  return sink.records.map(({ attributes }) => attributes);
}

function recordsOf(events: readonly Visit[], without: number | undefined, nowMs: number): LogBatch {
  // One comes first in both streams, so that both draw the key of the day at the same moment.
  const records = visits(nowMs, 1, 99).records.slice();
  for (const { unit, status, offsetMs } of events) {
    const attributes = { "user.id": `u${unit}`, status };
    const hrTime = hrTimeFromUnixMs(nowMs + offsetMs);
    if (unit !== without) records.push(new LogRecord({ hrTime, attributes }));
  }
  return { records };
}

/** Waits for the disk at one tick, and for what the window's close releases at the next ones. */
async function settle({ clock, sink, settings }: Rig, startMs: number, due: number): Promise<void> {
  const directory = await datasetFiles(settings);
  const window = startMs / MINUTE_MS;
  let polls = 0;
  // A disk may be slow, and there is less than a minute for all ticks.
  const tick = (): void => {
    if (polls++ % TICK_POLLS === 0) clock.advance(1000);
  };
  const isCommitted = async (): Promise<boolean> => {
    const { lastWindows } = (await readLedger(directory, "logs")).carry(0) as Carry;
    const last = new Map(lastWindows.map(([lane, number]) => [lane.slice(-1), number]));
    return last.get("0") === window && (due === 1 || last.get("1") === window - 1);
  };
  await waitUntil("the ledger", async () => {
    if (await isCommitted()) return true;
    tick();
    return false;
  });
  const closed = isoTime(startMs);
  const late = isoTime(startMs - MINUTE_MS);
  const arrived = (): number =>
    new Set(
      sink.records
        .map(({ attributes }) => `${attributes["dp.window.start"]} ${attributes["dp.revision"]}`)
        .filter((place) => place === `${closed} 0` || place === `${late} 1`),
    ).size;
  await waitUntil("the releases", () => {
    if (arrived() < due) tick();
    return arrived() === due;
  });
}

function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

function pick(rows: readonly Attributes[], isMeasured: boolean): Attributes[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).filter(([key]) => MEASURED.includes(key) === isMeasured),
    ),
  );
}

function assertBounds(one: readonly Attributes[], other: readonly Attributes[]): number {
  const differences = { requests: [] as number[], users: [] as number[] };
  one.forEach((row, index) => {
    const difference = Math.abs(Number(row["dp.value"]) - Number(other[index]!["dp.value"]));
    if (difference > 0) differences[row["dp.metric"] as "requests" | "users"].push(difference);
  });
  for (const [metric, perCell] of [
    ["requests", PER_CELL],
    ["users", 1],
  ] as const) {
    const found = differences[metric];
    assert.ok(found.length <= 2 * CELLS, `L0 of ${metric}`);
    assert.ok(Math.max(0, ...found) <= perCell, `L∞ of ${metric}`);
    const squares = found.reduce((sum, each) => sum + each ** 2, 0);
    assert.ok(squares <= 2 * CELLS * perCell ** 2, `L2² of ${metric}`);
  }
  return differences.requests.length;
}

test("without one person all is the same but numbers, and they stay in bounds", async (t) => {
  let moved = 0;
  let most = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(minute, { minLength: 3, maxLength: 4 }),
      fc.nat({ max: 3 }),
      async (minutes, without) => {
        const whole = await run(t, { minutes, without: undefined });
        const less = await run(t, { minutes, without });
        assert.deepEqual(pick(whole, false), pick(less, false));
        const cells = assertBounds(whole, less);
        most = Math.max(most, cells);
        if (cells > 0) moved++;
      },
    ),
    { numRuns: RUNS, seed: 20261128, endOnFailure: true },
  );
  assert.ok(moved > RUNS / 3 && most > CELLS, `${moved} streams moved, ${most} cells at most`);
});
