/**
 * Counts records into the open windows, within the bounds of each unit.
 *
 * Invariants:
 * - which windows are open depends on the wall clock alone; the time stamp of a record can only
 *   lose that record;
 * - a record that a bound stops leaves no trace, in no counter;
 * - everything happens within one call, without waiting: what a release takes out is one moment.
 */
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { PERIOD_MS } from "./config.ts";
import type { CellOf } from "./groups.ts";
import { compileCells } from "./groups.ts";
import type { Add } from "./measures.ts";
import { compileAdd } from "./measures.ts";
import type { Period } from "./period.ts";
import type { Spec } from "./spec.ts";
import { blocksOfSpec, cellsOfSpec, partsOf } from "./spec.ts";
import { canonicalUnit, unitText } from "./unit.ts";
import { UNTRACKED } from "./unit_table.ts";

export interface WindowTiming {
  readonly closeAfterMs: number;
  readonly maxFutureSkewMs: number;
}

/** Exact sums of one window: `blocks` of `cells` integers each. Never leaves this folder. */
export type WindowCounts = Float64Array;

/** Gives the period of a day, or undefined when the day is silent. */
export type PeriodOfDay = (day: number) => Period | undefined;

export class Aggregator {
  readonly #spec: Spec;
  readonly #timing: WindowTiming;
  readonly #periodOfDay: PeriodOfDay;
  readonly #cellOf: CellOf;
  readonly #cells: number;
  readonly #windowsPerDay: number;
  readonly #blocks: number;
  /** Of each metric: records of a unit that count in a cell, and how one is added. */
  readonly #metrics: readonly { readonly perCell: number; readonly add: Add }[];
  readonly #perCellMax: number;
  readonly #windows = new Map<number, WindowCounts>();
  #firstOpen = 0;

  constructor(spec: Spec, timing: WindowTiming, periodOfDay: PeriodOfDay) {
    this.#spec = spec;
    this.#timing = timing;
    this.#periodOfDay = periodOfDay;
    this.#cellOf = compileCells(spec.groups);
    this.#cells = cellsOfSpec(spec);
    this.#windowsPerDay = PERIOD_MS / spec.windowMs;
    this.#blocks = blocksOfSpec(spec);
    let block = 0;
    this.#metrics = spec.metrics.map((metric) => {
      const { kind, reading, perCell } = metric;
      const add = compileAdd(kind, reading, block, this.#cells);
      block += partsOf(metric);
      return { perCell, add };
    });
    this.#perCellMax = Math.max(...spec.metrics.map(({ perCell }) => perCell));
  }

  /** Windows below this number are closed for ever; a clock that goes back does not reopen one. */
  get firstOpen(): number {
    return this.#firstOpen;
  }

  /** Closes all windows below `window`; their counts are gone unless they were taken. */
  closeBefore(window: number): void {
    if (window <= this.#firstOpen) return;
    this.#firstOpen = window;
    for (const open of this.#windows.keys()) if (open < window) this.#windows.delete(open);
  }

  /** The first window that still takes records at `nowMs`. */
  firstOpenAt(nowMs: number): number {
    return Math.floor((nowMs - this.#timing.closeAfterMs) / this.#spec.windowMs);
  }

  /** The last window that takes records at `nowMs`. */
  lastOpenAt(nowMs: number): number {
    return Math.floor((nowMs + this.#timing.maxFutureSkewMs) / this.#spec.windowMs);
  }

  /** The counts of a window, zeros when nothing came. The caller owns them; closes the window. */
  take(window: number): WindowCounts {
    const counts = this.#windows.get(window) ?? this.#emptyWindow();
    this.closeBefore(window + 1);
    return counts;
  }

  add(records: readonly LogRecord[], nowMs: number): void {
    const latestMs = nowMs + this.#timing.maxFutureSkewMs;
    const first = Math.max(this.#firstOpen, this.firstOpenAt(nowMs));
    const units = new UnitFinder(this.#spec);
    let currentWindow = Number.NaN;
    let period: Period | undefined;
    let day = Number.NaN;
    let counts: WindowCounts | undefined;
    let windowKey = 0;
    for (const record of records) {
      const timeMs = eventTimeMs(record, nowMs);
      const window = Math.floor(timeMs / this.#spec.windowMs);
      // Written so that a time stamp that is no number fails it.
      if (!(window >= first && timeMs <= latestMs)) continue;
      if (window !== currentWindow) {
        currentWindow = window;
        const windowDay = Math.floor(window / this.#windowsPerDay);
        if (windowDay !== day) {
          day = windowDay;
          period = this.#periodOfDay(day);
          units.forget();
        }
        windowKey = (window - day * this.#windowsPerDay) * this.#cells;
        counts = this.#windows.get(window);
      }
      if (period === undefined) continue;
      const slot = units.slotOf(record, period);
      if (slot === UNTRACKED) continue;
      const cell = this.#cellOf(record.attributes);
      const count = period.table.count(slot, windowKey + cell, this.#perCellMax);
      if (count === 0) continue;
      if (counts === undefined) {
        counts = this.#emptyWindow();
        this.#windows.set(window, counts);
      }
      for (let metric = 0; metric < this.#metrics.length; metric++) {
        const { perCell, add } = this.#metrics[metric]!;
        if (count <= perCell) add(record, counts, cell);
      }
    }
  }

  #emptyWindow(): WindowCounts {
    return new Float64Array(this.#blocks * this.#cells);
  }
}

/**
 * Finds the slots of the units of one batch. Records of a batch often share a unit, and one lookup
 * by its text is much cheaper than a keyed hash; the texts are forgotten with the batch.
 */
class UnitFinder {
  readonly #attributes: readonly string[];
  readonly #canonical: Spec["unit"]["canonical"];
  readonly #slots: readonly Map<AnyValue, number>[];

  constructor(spec: Spec) {
    this.#attributes = spec.unit.attributes;
    this.#canonical = spec.unit.canonical;
    this.#slots = spec.unit.attributes.map(() => new Map());
  }

  forget(): void {
    for (const slots of this.#slots) slots.clear();
  }

  slotOf(record: LogRecord, period: Period): number {
    for (let attribute = 0; attribute < this.#attributes.length; attribute++) {
      const value = record.attributes[this.#attributes[attribute]!];
      if (value === undefined) continue;
      const known = this.#slots[attribute]!.get(value);
      if (known !== undefined) return known;
      const text = unitText(value instanceof Double ? value.value : value);
      if (text === undefined) continue;
      const slot = period.slotOf(attribute, canonicalUnit(text, this.#canonical));
      this.#slots[attribute]!.set(value, slot);
      return slot;
    }
    return UNTRACKED;
  }
}

/** When it happened, or was observed, or now: the first that the record says. */
function eventTimeMs(record: LogRecord, nowMs: number): number {
  const [seconds, nanos] = record.hrTime;
  if (seconds !== 0 || nanos !== 0) return seconds * 1000 + Math.floor(nanos / 1_000_000);
  const [observedSeconds, observedNanos] = record.hrTimeObserved;
  if (observedSeconds === 0 && observedNanos === 0) return nowMs;
  return observedSeconds * 1000 + Math.floor(observedNanos / 1_000_000);
}
