/**
 * The running totals of one processor: how many units were seen in each cell since the day began.
 *
 * Invariant: each measurement of a cell at a step is drawn once and kept for the day, in memory
 * alone. A day of which an earlier process released anything has no running totals, because its
 * measurements are lost, and measuring again would tell twice as much.
 */
import { PERIOD_MS } from "./config.ts";
import { drawNoise } from "./noise.ts";
import { RunningTotals } from "./running_totals.ts";
import type { Draws } from "./samplers.ts";
import type { MeasureSpec, Spec } from "./spec.ts";

/** The counts and measurements of one cell, by step. */
interface Cell {
  readonly counts: Float64Array;
  readonly measured: Float64Array;
  next: number;
}

/** The totals at the end of one window. Cells go by their labels, or by their number as text. */
export interface RunningStep {
  /** Of the day, from 0. */
  readonly step: number;
  /** Cells of which something was counted on this day. */
  readonly known: Iterable<string>;
  /** The noisy total, rounded. `exact` is what the window adds to it. Once a cell and window. */
  readonly total: (cell: string, exact: number, draws: Draws) => bigint;
}

export class RunningCounters {
  readonly #measure: MeasureSpec;
  readonly #totals: RunningTotals;
  readonly #wasBegun: (day: number) => boolean;
  readonly #cells = new Map<string, Cell>();
  readonly #begun = new Set<number>();
  #day = Number.NaN;

  /** `wasBegun` tells whether anything of a day is released already. */
  constructor(spec: Spec, measure: MeasureSpec, wasBegun: (day: number) => boolean) {
    this.#measure = measure;
    this.#totals = new RunningTotals(PERIOD_MS / spec.windowMs);
    this.#wasBegun = wasBegun;
  }

  /** Undefined where the day has no running totals. Windows must rise. */
  at(window: number): RunningStep | undefined {
    const { steps } = this.#totals;
    const day = Math.floor(window / steps);
    if (day !== this.#day) this.#begin(day);
    if (!this.#begun.has(day)) return undefined;
    const step = window - day * steps;
    return {
      step,
      known: this.#cells.keys(),
      total: (cell, exact, draws) => this.#total(cell, step, exact, draws),
    };
  }

  #begin(day: number): void {
    this.erase();
    this.#day = day;
    this.#begun.clear();
    if (!this.#wasBegun(day)) this.#begun.add(day);
  }

  #total(key: string, step: number, exact: number, draws: Draws): bigint {
    const cell = this.#cells.get(key) ?? this.#newCell(key);
    // Steps without a window of their own, or before the first record, have noise all the same.
    for (; cell.next < step; cell.next++) this.#take(cell, 0, draws);
    if (cell.next === step) {
      this.#take(cell, exact, draws);
      cell.next++;
    }
    return BigInt(Math.round(this.#totals.total(cell.measured.subarray(0, step + 1))));
  }

  #take(cell: Cell, exact: number, draws: Draws): void {
    const step = cell.next;
    cell.counts[step] = exact;
    const measured = this.#totals.measure(cell.counts.subarray(0, step + 1));
    // Both are integers below 2^53, as the configuration makes sure.
    cell.measured[step] = measured + Number(drawNoise(draws, this.#measure.noise));
  }

  #newCell(key: string): Cell {
    const { steps } = this.#totals;
    const cell = { counts: new Float64Array(steps), measured: new Float64Array(steps), next: 0 };
    this.#cells.set(key, cell);
    return cell;
  }

  erase(): void {
    for (const { counts } of this.#cells.values()) counts.fill(0);
    this.#cells.clear();
  }
}
