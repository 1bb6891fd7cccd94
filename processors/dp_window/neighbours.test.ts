/**
 * Neighbouring streams: everything before the noise, on a stream and on the same stream without
 * one unit. What anybody can see must be equal, and what the noise has to hide must stay within
 * the bounds that the specification declares, whatever the time stamps, overflows and crashes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { Aggregator } from "./aggregator.ts";
import { configSchema, PERIOD_MS } from "./config.ts";
import { Period } from "./period.ts";
import type { Spec } from "./spec.ts";
import { cellsOfSpec, specOf } from "./spec.ts";
import { newUnitKey } from "./unit_key.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1, 20);
const RUNS = 20_000;
const UNITS = 6;

interface Visit {
  readonly kind: "record";
  readonly unit: number;
  readonly cell: number;
  /** Index of {@link SIZES}. */
  readonly size: number;
  /** Of the time stamp, against the clock: honest, late, or forged. */
  readonly offsetMs: number;
}
type Event =
  | Visit
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "release" }
  | { readonly kind: "crash" };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      unit: fc.nat({ max: UNITS - 1 }),
      cell: fc.integer({ min: 0, max: 2 }),
      size: fc.nat({ max: 14 }),
      offsetMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        fc.constantFrom(-HOUR_MS, -2 * HOUR_MS, 50_000, 3 * HOUR_MS, 1e15, -1e15, Number.NaN),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.integer({ min: 0, max: 2 * HOUR_MS }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "release" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "crash" as const }) },
);

function smallSpec(units: number, cells: number, perCell: number): Spec {
  return specOf(
    configSchema.parse({
      dataset: "test",
      unit: { attribute: "user.id" },
      budget: { epsilon: "1", delta: "1e-9" },
      contribution: { max_cells_per_period: cells, max_tracked_units: units },
      partitions: { keys: ["status"], status: { public: ["a", "b"] } },
      metrics: [
        { name: "requests", kind: "count", per_cell: perCell },
        { name: "users", kind: "distinct_units" },
        { name: "bytes", kind: "sum", field: "size", clamp: [-3, 7], per_cell: perCell },
        { name: "average", kind: "mean", field: "size", clamp: [-3, 7], resolution: 2 },
        { name: "sizes", kind: "histogram", field: "size", buckets: [0, 4], per_cell: perCell },
      ],
    }),
  );
}

/** Numbers as they come, and what is none. */
const SIZES: readonly AnyValue[] = [
  ...[0, 7, -3, 4, 2.4999, -0, 1e300, -1e300],
  ...[Number.NaN, Number.POSITIVE_INFINITY, "7", 9007199254740993n, new Double(5), true, undefined],
];

/**
 * A processor without its noise and its files: what is written before a release survives a crash.
 */
class Machine {
  readonly released = new Map<number, Float64Array>();
  readonly #spec: Spec;
  readonly #keys = new Map<number, Uint8Array>();
  readonly #written = new Map<number, Uint8Array[]>();
  #periods = new Map<number, Period>();
  #aggregator: Aggregator;

  constructor(spec: Spec) {
    this.#spec = spec;
    this.#aggregator = this.#newAggregator();
    this.#aggregator.closeBefore(this.#aggregator.firstOpenAt(START_MS));
  }

  record(visit: Visit, nowMs: number): void {
    const record = new LogRecord({
      hrTime: hrTimeFromUnixMs(nowMs + visit.offsetMs),
      attributes: {
        "user.id": `unit ${visit.unit}`,
        status: ["a", "b", "c"][visit.cell],
        size: SIZES[visit.size],
      },
    });
    this.#aggregator.add([record], nowMs);
  }

  release(nowMs: number): void {
    const end = this.#aggregator.firstOpenAt(nowMs);
    const days = new Set<number>();
    for (let window = this.#aggregator.firstOpen; window < end; window++) {
      this.released.set(window, this.#aggregator.take(window));
      days.add(Math.floor((window * HOUR_MS) / PERIOD_MS));
    }
    for (const day of days) {
      const frames = this.#written.get(day) ?? [];
      frames.push(this.#period(day).table.takeChanges());
      this.#written.set(day, frames);
    }
  }

  crash(): void {
    const firstOpen = this.#aggregator.firstOpen;
    this.#periods = new Map();
    for (const [day, frames] of this.#written) {
      for (const frame of frames) assert.ok(this.#period(day).table.restore(frame));
    }
    this.#aggregator = this.#newAggregator();
    this.#aggregator.closeBefore(firstOpen);
  }

  #newAggregator(): Aggregator {
    const timing = { closeAfterMs: 1.5 * HOUR_MS, maxFutureSkewMs: 60_000 };
    return new Aggregator(this.#spec, timing, (day) => this.#period(day));
  }

  #period(day: number): Period {
    let period = this.#periods.get(day);
    if (period === undefined) {
      const key = this.#keys.get(day) ?? newUnitKey(seededRandom(`day ${day}`));
      this.#keys.set(day, key);
      period = new Period(key, this.#spec.contribution);
      this.#periods.set(day, period);
    }
    return period;
  }
}

function run(spec: Spec, events: readonly Event[], without: number | undefined): Machine {
  const machine = new Machine(spec);
  let nowMs = START_MS;
  for (const step of events) {
    if (step.kind === "pass") nowMs += step.ms;
    else if (step.kind === "release") machine.release(nowMs);
    else if (step.kind === "crash") machine.crash();
    else if (step.unit !== without) machine.record(step, nowMs);
  }
  machine.release(nowMs + 30 * HOUR_MS);
  return machine;
}

/** Checks L0, L1, L2² and L∞ of the difference, for each metric and day. */
function assertWithinBounds(spec: Spec, one: Machine, other: Machine): void {
  assert.deepEqual([...one.released.keys()], [...other.released.keys()]);
  // With room for all units nobody is displaced, and the unit's own C cells are all.
  const displacement = spec.contribution.trackedUnits < UNITS ? 2 : 1;
  const cells = cellsOfSpec(spec);
  let block = 0;
  for (const { perCell, measures } of spec.metrics) {
    for (const { parts, magnitude, span } of measures) {
      const days = new Map<number, number[]>();
      for (const [window, counts] of one.released) {
        const day = Math.floor((window * HOUR_MS) / PERIOD_MS);
        const differences = days.get(day) ?? [];
        days.set(day, differences);
        const others = other.released.get(window)!;
        for (let at = block * cells; at < (block + parts) * cells; at++) {
          const difference = Math.abs(counts[at]! - others[at]!);
          if (difference > 0) differences.push(difference);
        }
      }
      const bound = { magnitude: perCell * magnitude, span: perCell * span };
      for (const differences of days.values()) {
        assertBounds(differences, displacement, spec.contribution.cells, bound);
      }
      block += parts;
    }
  }
}

function assertBounds(
  differences: readonly number[],
  displacement: number,
  cells: number,
  { magnitude, span }: { readonly magnitude: number; readonly span: number },
): void {
  const lInfinity = displacement === 2 ? span : magnitude;
  assert.ok(Math.max(0, ...differences) <= lInfinity, "L∞");
  const l1 = differences.reduce((sum, each) => sum + each, 0);
  assert.ok(l1 <= displacement * cells * magnitude, `L1 ${l1}`);
  const l2Squared = differences.reduce((sum, each) => sum + each * each, 0);
  const perCell = Math.max(displacement * magnitude ** 2, displacement === 2 ? span ** 2 : 0);
  assert.ok(l2Squared <= cells * perCell, `L2² ${l2Squared}`);
}

test(`${RUNS} neighbours differ within the declared bounds and show the same trace`, () => {
  let displaced = 0;
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 10, maxLength: 80 }),
      fc.constantFrom(1, 2, 3, UNITS),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat({ max: UNITS - 1 }),
      (events, units, cells, perCell, without) => {
        const spec = smallSpec(units, cells, perCell);
        const whole = run(spec, events, undefined);
        const less = run(spec, events, without);
        assertWithinBounds(spec, whole, less);
        for (const [window, counts] of whole.released) {
          // Without the unit another count is higher: somebody was displaced.
          if (counts.some((count, at) => count < less.released.get(window)![at]!)) displaced++;
        }
      },
    ),
    { numRuns: RUNS, seed: 20261121 },
  );
  assert.ok(displaced > RUNS / 20, `the streams are not hard enough: ${displaced} displacements`);
});

test("the bound is reached: a crafted stream differs in 2C cells", () => {
  const spec = smallSpec(1, 3, 2);
  const visits = (unit: number): Event[] =>
    [0, 1, 2].flatMap((cell) =>
      [0, 0].map((offsetMs) => ({ kind: "record", unit, cell, size: 1, offsetMs }) as const),
    );
  // With unit 0 there, unit 1 finds the table full; a window later it would count, without unit 0.
  const hour: Event = { kind: "pass", ms: HOUR_MS };
  const events: Event[] = [...visits(0), hour, ...visits(1)];
  const whole = run(spec, events, undefined);
  const less = run(spec, events, 0);
  assertWithinBounds(spec, whole, less);
  let different = 0;
  for (const [window, counts] of whole.released) {
    const cells = cellsOfSpec(spec);
    for (let at = 0; at < cells; at++) {
      if (counts[at] !== less.released.get(window)![at]) different++;
    }
  }
  assert.equal(different, 2 * 3);
});
