/**
 * Counts records into the open windows, within the bounds of each unit.
 *
 * Invariants:
 * - which windows are open depends on the wall clock alone; the time stamp of a record can only
 *   lose that record;
 * - a window has at most two lives: its own, and after its close one for late records (a revision),
 *   whose cells are cells of their own and count towards the bounds of a unit as such;
 * - a record that a bound stops leaves no trace, in no counter;
 * - everything happens within one call, without waiting: what a release takes out is one moment.
 */
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { PERIOD_MS } from "./config.ts";
import type { CellOf, LabelsOf } from "./groups.ts";
import { compileCells, compileLabels, isPublic } from "./groups.ts";
import type { Revision } from "./ledger_state.ts";
import type { Add } from "./measures.ts";
import { compileAdd } from "./measures.ts";
import type { Period } from "./period.ts";
import type { Spec } from "./spec.ts";
import { blocksOfSpec, partsOf, publicCellsOf, runningOf } from "./spec.ts";
import { canonicalUnit, unitText } from "./unit.ts";
import { UNTRACKED } from "./unit_table.ts";
import { WindowCounts } from "./window_counts.ts";

export interface WindowTiming {
  readonly closeAfterMs: number;
  /** How long after its end a window's late records are counted; absent when they are not. */
  readonly lateUntilMs?: number | undefined;
  readonly maxFutureSkewMs: number;
}

/** Gives the period of a day, or undefined when the day is silent. */
export type PeriodOfDay = (day: number) => Period | undefined;

interface Lane {
  readonly openForMs: number;
  readonly windows: Map<number, WindowCounts>;
  firstOpen: number;
}

/** Where a record belongs: its window, and the period that bounds its unit. */
interface Place {
  readonly window: number;
  readonly revision: Revision;
  readonly period: Period;
  /** Number of the first of the window's public cells among those of its day. */
  readonly firstCell: number;
  counts: WindowCounts | undefined;
}

export class Aggregator {
  readonly #spec: Spec;
  readonly #timing: WindowTiming;
  readonly #periodOfDay: PeriodOfDay;
  readonly #cellOf: CellOf;
  readonly #labelsOf: LabelsOf | undefined;
  /** Public cells of a window; undefined where groups are open. */
  readonly #cells: number | undefined;
  readonly #windowsPerDay: number;
  readonly #blocks: number;
  readonly #running: ReturnType<typeof runningOf>;
  /** Of each metric: records of a unit that count in a cell, and how one is added. */
  readonly #metrics: readonly { readonly perCell: number; readonly add: Add }[];
  readonly #perCellMax: number;
  /** By revision. */
  readonly #lanes: readonly Lane[];

  constructor(spec: Spec, timing: WindowTiming, periodOfDay: PeriodOfDay) {
    this.#spec = spec;
    this.#timing = timing;
    this.#periodOfDay = periodOfDay;
    this.#cellOf = compileCells(spec.groups.filter(isPublic));
    this.#cells = publicCellsOf(spec);
    this.#labelsOf = this.#cells === undefined ? compileLabels(spec.groups) : undefined;
    this.#windowsPerDay = PERIOD_MS / spec.windowMs;
    this.#blocks = blocksOfSpec(spec);
    this.#running = runningOf(spec);
    let block = 0;
    this.#metrics = spec.metrics.flatMap((metric) => {
      const { kind, reading, perCell } = metric;
      const add = compileAdd(kind, reading, block, this.#blocks);
      block += partsOf(metric);
      // Running totals have bounds of their own.
      return kind === "running_units" ? [] : [{ perCell, add }];
    });
    this.#perCellMax = Math.max(...spec.metrics.map(({ perCell }) => perCell));
    const { closeAfterMs, lateUntilMs } = timing;
    this.#lanes = [closeAfterMs, lateUntilMs]
      .filter((openForMs) => openForMs !== undefined)
      .map((openForMs) => ({ openForMs, windows: new Map(), firstOpen: 0 }));
  }

  /** The revisions that windows of this configuration have. */
  get revisions(): readonly Revision[] {
    return this.#lanes.length === 1 ? [0] : [0, 1];
  }

  /** Windows below this number are closed for ever; a clock that goes back does not reopen one. */
  firstOpen(revision: Revision): number {
    return this.#lanes[revision]!.firstOpen;
  }

  /** Closes all windows below `window`; their counts are gone unless they were taken. */
  closeBefore(window: number, revision: Revision): void {
    const lane = this.#lanes[revision]!;
    if (window <= lane.firstOpen) return;
    lane.firstOpen = window;
    for (const open of lane.windows.keys()) if (open < window) lane.windows.delete(open);
  }

  /** The first window that still takes records at `nowMs`. */
  firstOpenAt(nowMs: number, revision: Revision): number {
    return Math.floor((nowMs - this.#lanes[revision]!.openForMs) / this.#spec.windowMs);
  }

  /** When a window began to take records. */
  opensAtMs(window: number, revision: Revision): number {
    const startMs = window * this.#spec.windowMs;
    return revision === 0 ? startMs : startMs + this.#spec.windowMs + this.#timing.closeAfterMs;
  }

  /** The last window that takes records at `nowMs`. */
  lastOpenAt(nowMs: number): number {
    return Math.floor((nowMs + this.#timing.maxFutureSkewMs) / this.#spec.windowMs);
  }

  /** The first day of which anything can still be counted. */
  get firstDay(): number {
    const windows = this.#lanes.map(({ firstOpen }) => firstOpen);
    return Math.floor(Math.min(...windows) / this.#windowsPerDay);
  }

  /** The counts of a window, zeros when nothing came. The caller owns them; closes the window. */
  take(window: number, revision: Revision): WindowCounts {
    const counts = this.#lanes[revision]!.windows.get(window) ?? this.#emptyWindow();
    this.closeBefore(window + 1, revision);
    return counts;
  }

  add(records: readonly LogRecord[], nowMs: number): void {
    const latestMs = nowMs + this.#timing.maxFutureSkewMs;
    const firsts = this.revisions.map((revision) =>
      Math.max(this.firstOpen(revision), this.firstOpenAt(nowMs, revision)),
    );
    const units = new UnitFinder(this.#spec);
    let window = Number.NaN;
    let place: Place | undefined;
    for (const record of records) {
      const timeMs = eventTimeMs(record, nowMs);
      // Written so that a time stamp that is no number fails it.
      if (!(timeMs <= latestMs)) continue;
      const recordWindow = Math.floor(timeMs / this.#spec.windowMs);
      if (recordWindow !== window) {
        window = recordWindow;
        const before = place?.period;
        place = this.#placeOf(window, firsts);
        if (place?.period !== before) units.forget();
      }
      if (place === undefined) continue;
      const slot = units.slotOf(record, place.period);
      if (slot !== UNTRACKED) this.#count(record, slot, place);
    }
  }

  #placeOf(window: number, firsts: readonly number[]): Place | undefined {
    // The first revision that takes the window, if one does.
    const revision = firsts.findIndex((first) => window >= first) as Revision | -1;
    if (revision === -1) return undefined;
    const day = Math.floor(window / this.#windowsPerDay);
    const period = this.#periodOfDay(day);
    if (period === undefined) return undefined;
    const inDay = window - day * this.#windowsPerDay + revision * this.#windowsPerDay;
    const counts = this.#lanes[revision]!.windows.get(window);
    return { window, revision, period, firstCell: inDay * (this.#cells ?? 0), counts };
  }

  #count(record: LogRecord, slot: number, place: Place): void {
    const { table } = place.period;
    let cell: number;
    let id: number;
    let labels: string | undefined;
    if (this.#labelsOf === undefined) {
      cell = this.#cellOf(record.attributes);
      id = place.firstCell + cell;
    } else {
      labels = this.#labelsOf(record.attributes);
      let open = place.counts?.find(labels);
      if (open === undefined) {
        // A cell is begun only for a unit that can open it: others could fill the memory.
        if (!table.hasRoom(slot)) return;
        open = this.#countsOf(place).open(labels, place.period.newCellId());
      }
      ({ index: cell, id } = open);
    }
    this.#countRunning(slot, cell, labels, place);
    if (this.#metrics.length === 0) return;
    const count = table.count(slot, id, this.#perCellMax);
    if (count === 0) return;
    const counts = this.#countsOf(place);
    for (let metric = 0; metric < this.#metrics.length; metric++) {
      const { perCell, add } = this.#metrics[metric]!;
      if (count <= perCell) add(record, counts.sums, cell);
    }
  }

  /** Late records are left out: their window's total was released. */
  #countRunning(slot: number, cell: number, labels: string | undefined, place: Place): void {
    if (this.#running === undefined || place.revision !== 0) return;
    const { block, groups } = this.#running;
    const { table } = place.period;
    if (labels === undefined) {
      if (!table.mark(slot, cell, groups)) return;
    } else {
      // An open group of a day is one more cell of the unit.
      const id = place.period.dayCellId(labels, table.hasRoom(slot));
      if (id === undefined || table.count(slot, id, 1) === 0) return;
    }
    const { sums } = this.#countsOf(place);
    const index = cell * this.#blocks + block;
    sums[index] = sums[index]! + 1;
  }

  #countsOf(place: Place): WindowCounts {
    if (place.counts === undefined) {
      place.counts = this.#emptyWindow();
      this.#lanes[place.revision]!.windows.set(place.window, place.counts);
    }
    return place.counts;
  }

  #emptyWindow(): WindowCounts {
    return new WindowCounts(this.#blocks, this.#cells);
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
