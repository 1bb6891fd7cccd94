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
import { blocksOfSpec, publicCellsOf, runningOf, specOf } from "./spec.ts";
import { drawCount } from "./testing/randomness.ts";
import { newUnitKey } from "./unit_key.ts";
import type { WindowCounts } from "./window_counts.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1, 20);
const RUNS = drawCount(20_000);
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

interface SmallSpec {
  readonly units: number;
  readonly cells: number;
  readonly perCell: number;
  readonly isOpen: boolean;
  /** Open groups are found by the day so far. */
  readonly discovers?: boolean;
}

const specs = new Map<string, Spec>();

function smallSpec(small: SmallSpec): Spec {
  const key = JSON.stringify(small);
  const spec = specs.get(key) ?? newSpec(small);
  specs.set(key, spec);
  return spec;
}

function newSpec({ units, cells, perCell, isOpen, discovers = false }: SmallSpec): Spec {
  const open = discovers ? { mode: "discover" } : { mode: "threshold", min_units: 2 };
  return specOf(
    configSchema.parse({
      dataset: "test",
      unit: { attribute: "user.id" },
      budget: { epsilon: "1", delta: "1e-9" },
      contribution: { max_cells_per_period: cells, max_tracked_units: units },
      partitions: {
        keys: ["status"],
        status: isOpen ? open : { public: ["a", "b"] },
      },
      metrics: [
        { name: "requests", kind: "count", per_cell: perCell },
        { name: "users", kind: "distinct_units" },
        ...(isOpen && discovers ? [{ name: "today", kind: "running_units" }] : []),
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
  /** By window and revision, then by cell (its number, or its labels): the sums of its blocks. */
  readonly released = new Map<string, Map<string, Float64Array>>();
  readonly #spec: Spec;
  readonly #isLateCounted: boolean;
  readonly #keys = new Map<number, Uint8Array>();
  readonly #written = new Map<number, Uint8Array[]>();
  #periods = new Map<number, Period>();
  #aggregator: Aggregator;

  constructor(spec: Spec, isLateCounted: boolean) {
    this.#spec = spec;
    this.#isLateCounted = isLateCounted;
    this.#aggregator = this.#newAggregator();
    for (const revision of this.#aggregator.revisions) {
      const first = this.#aggregator.firstOpenAt(START_MS, revision);
      this.#aggregator.closeBefore(first, revision);
    }
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
    const days = new Set<number>();
    for (const revision of this.#aggregator.revisions) {
      const end = this.#aggregator.firstOpenAt(nowMs, revision);
      for (let window = this.#aggregator.firstOpen(revision); window < end; window++) {
        const counts = this.#aggregator.take(window, revision);
        this.released.set(`${window} ${revision}`, byCell(this.#spec, counts));
        days.add(Math.floor((window * HOUR_MS) / PERIOD_MS));
      }
    }
    for (const day of days) {
      const frames = this.#written.get(day) ?? [];
      frames.push(this.#period(day).table.takeChanges());
      this.#written.set(day, frames);
    }
  }

  crash(): void {
    const before = this.#aggregator;
    this.#periods = new Map();
    for (const [day, frames] of this.#written) {
      for (const frame of frames) assert.ok(this.#period(day).table.restore(frame));
    }
    this.#aggregator = this.#newAggregator();
    for (const revision of before.revisions) {
      this.#aggregator.closeBefore(before.firstOpen(revision), revision);
    }
  }

  #newAggregator(): Aggregator {
    const timing = {
      closeAfterMs: 1.5 * HOUR_MS,
      lateUntilMs: this.#isLateCounted ? 3 * HOUR_MS : undefined,
      maxFutureSkewMs: 60_000,
    };
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

function byCell(spec: Spec, counts: WindowCounts): Map<string, Float64Array> {
  const blocks = blocksOfSpec(spec);
  const cells = publicCellsOf(spec);
  if (cells === undefined) {
    return new Map([...counts.labels].map((labels) => [labels, counts.of(labels).slice()]));
  }
  const sums = (cell: number) => counts.sums.slice(cell * blocks, (cell + 1) * blocks);
  return new Map(Array.from({ length: cells }, (_, cell) => [`${cell}`, sums(cell)]));
}

interface Scenario {
  readonly spec: Spec;
  readonly isLateCounted: boolean;
  readonly events: readonly Event[];
}

function run({ spec, isLateCounted, events }: Scenario, without: number | undefined): Machine {
  const machine = new Machine(spec, isLateCounted);
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

/** The sums of every cell of a day that either stream has, in pairs. */
function* pairsByDay(
  spec: Spec,
  one: Machine,
  other: Machine,
): Generator<(readonly [Float64Array, Float64Array])[]> {
  const none = new Float64Array(blocksOfSpec(spec));
  const days = new Map<number, (readonly [Float64Array, Float64Array])[]>();
  for (const [window, cells] of one.released) {
    const day = Math.floor((Number.parseInt(window, 10) * HOUR_MS) / PERIOD_MS);
    const pairs = days.get(day) ?? [];
    days.set(day, pairs);
    const others = other.released.get(window)!;
    for (const cell of new Set([...cells.keys(), ...others.keys()])) {
      pairs.push([cells.get(cell) ?? none, others.get(cell) ?? none]);
    }
  }
  yield* days.values();
}

/** Checks L0, L1, L2² and L∞ of the difference, for each metric and day. */
function assertWithinBounds(spec: Spec, one: Machine, other: Machine): void {
  assert.deepEqual([...one.released.keys()], [...other.released.keys()]);
  // With room for all units nobody is displaced, and the unit's own C cells are all.
  const displacement = spec.contribution.trackedUnits < UNITS ? 2 : 1;
  for (const pairs of pairsByDay(spec, one, other)) {
    let block = 0;
    for (const { perCell, measures } of spec.metrics) {
      for (const { parts, magnitude, span } of measures) {
        const differences = pairs
          .flatMap(([a, b]) =>
            Array.from({ length: parts }, (_, part) =>
              Math.abs(a[block + part]! - b[block + part]!),
            ),
          )
          .filter((difference) => difference > 0);
        const bound = { magnitude: perCell * magnitude, span: perCell * span };
        assertBounds(differences, displacement, spec.contribution.cells, bound);
        block += parts;
      }
    }
    const isByWindow = spec.selection !== undefined && spec.selection.thresholds === undefined;
    if (isByWindow) assertCandidates(spec, pairs);
  }
}

/** A cell that only one stream could show has just enough units there, and there are C at most. */
function assertCandidates(
  { selection, contribution }: Spec,
  pairs: readonly (readonly [Float64Array, Float64Array])[],
): void {
  const { block, minUnits } = selection!;
  let onlyOne = 0;
  let onlyOther = 0;
  for (const [one, other] of pairs) {
    const [a, b] = [one[block]!, other[block]!];
    if (a >= minUnits === b >= minUnits) continue;
    assert.equal(Math.max(a, b), minUnits);
    if (a > b) onlyOne++;
    else onlyOther++;
  }
  assert.ok(onlyOne <= contribution.cells && onlyOther <= contribution.cells);
}

/** Of units of the day so far, a group has at most one more on one side and on the other. */
function assertOnceInGroup(spec: Spec, one: Machine, other: Machine): void {
  const { block } = runningOf(spec)!;
  const seen = new Set<string>();
  for (const [window, cells] of one.released) {
    const day = Math.floor((Number.parseInt(window, 10) * HOUR_MS) / PERIOD_MS);
    const others = other.released.get(window)!;
    for (const cell of new Set([...cells.keys(), ...others.keys()])) {
      const difference = (cells.get(cell)?.[block] ?? 0) - (others.get(cell)?.[block] ?? 0);
      if (difference === 0) continue;
      assert.equal(Math.abs(difference), 1);
      const key = `${day} ${difference} ${cell}`;
      assert.equal(seen.has(key), false, "a unit counts twice in a group");
      seen.add(key);
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
  let candidates = 0;
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 10, maxLength: 80 }),
      fc.record({
        units: fc.constantFrom(1, 2, 3, UNITS),
        cells: fc.integer({ min: 1, max: 3 }),
        perCell: fc.integer({ min: 1, max: 3 }),
        isOpen: fc.boolean(),
        discovers: fc.boolean(),
      }),
      fc.boolean(),
      fc.nat({ max: UNITS - 1 }),
      (events, small, isLateCounted, without) => {
        const spec = smallSpec(small);
        const whole = run({ spec, isLateCounted, events }, undefined);
        const less = run({ spec, isLateCounted, events }, without);
        assertWithinBounds(spec, whole, less);
        // After a crash a day has no totals of open groups.
        const isWhole = events.every(({ kind }) => kind !== "crash");
        if (small.isOpen && small.discovers && isWhole) assertOnceInGroup(spec, whole, less);
        for (const pairs of pairsByDay(spec, whole, less)) {
          // Without the unit another count is higher: somebody was displaced.
          if (pairs.some(([a, b]) => a.some((sum, at) => sum < b[at]!))) displaced++;
          if (small.isOpen && pairs.some(([{ 1: a }, { 1: b }]) => a! > 1 !== b! > 1)) candidates++;
        }
      },
    ),
    { numRuns: RUNS, seed: 20261121 },
  );
  assert.ok(displaced > RUNS / 20, `the streams are not hard enough: ${displaced} displacements`);
  assert.ok(candidates > RUNS / 50, `too few groups of one stream only: ${candidates}`);
});

test("the bound is reached: a crafted stream differs in 2C cells", () => {
  const visits = (unit: number): Event[] =>
    [0, 1, 2].flatMap((cell) =>
      [0, 0].map((offsetMs) => ({ kind: "record", unit, cell, size: 1, offsetMs }) as const),
    );
  // With unit 0 there, unit 1 finds the table full; a window later it would count, without unit 0.
  const hour: Event = { kind: "pass", ms: HOUR_MS };
  const events: Event[] = [...visits(0), hour, ...visits(1)];
  for (const isOpen of [false, true]) {
    const spec = smallSpec({ units: 1, cells: 3, perCell: 2, isOpen });
    const whole = run({ spec, isLateCounted: false, events }, undefined);
    const less = run({ spec, isLateCounted: false, events }, 0);
    assertWithinBounds(spec, whole, less);
    const pairs = [...pairsByDay(spec, whole, less)].flat();
    assert.equal(pairs.filter(([a, b]) => a[0] !== b[0]).length, 2 * 3);
  }
});

test("a late record counts in cells of its own, and they count towards the bounds", () => {
  const late: Event = { kind: "record", unit: 0, cell: 0, size: 0, offsetMs: -3 * HOUR_MS };
  const inTime: Event = { ...late, offsetMs: 0 };
  const events: Event[] = [inTime, { kind: "pass", ms: 3 * HOUR_MS }, late, late, inTime];
  for (const isOpen of [false, true]) {
    const spec = smallSpec({ units: UNITS, cells: 2, perCell: 2, isOpen });
    const { released } = run({ spec, isLateCounted: true, events }, undefined);
    const users = [...released].map(([window, cells]) => {
      const sum = [...cells.values()].reduce((total, sums) => total + sums[1]!, 0);
      return [window, sum] as const;
    });
    const counted = users.filter(([, sum]) => sum > 0);
    const window = START_MS / HOUR_MS;
    // The third cell of the unit, three hours on, is one too many.
    assert.deepEqual(counted, [
      [`${window} 0`, 1],
      [`${window} 1`, 1],
    ]);
  }
});
