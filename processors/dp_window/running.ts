/**
 * The running totals of a day: what was counted in its windows so far, and what was measured of it.
 *
 * Invariants:
 * - what leaves is a function of measurements, each an exact integer with one draw of noise;
 * - exact counts of a day stay in memory until the day is over, and never go to disk. After a
 *   restart the windows before it count as empty, which only takes away; what was released of them
 *   is the base on which totals go on.
 */
import type { SquareRoot } from "./square_root.ts";
import { spreadOf } from "./square_root.ts";

/** Where totals stand: as released, by cell, with the variance for noise of variance 1. */
export interface RunningBase {
  readonly day: number;
  readonly totals: readonly string[];
  readonly spread: number;
}

interface Cell {
  /** Exact counts of the windows since the base. */
  readonly counted: number[];
  readonly measured: bigint[];
}

export class RunningTotals {
  readonly #squareRoot: SquareRoot;
  #base: RunningBase;
  #cells: Cell[] = [];
  #windows = 0;

  /** Goes on from the base if the next window is of its day. */
  constructor(squareRoot: SquareRoot, base: RunningBase | undefined) {
    this.#squareRoot = squareRoot;
    this.#base = base ?? { day: Number.NEGATIVE_INFINITY, totals: [], spread: 0 };
  }

  /** Begins a window. Call it before {@link next}, once for each window that is released. */
  begin(day: number): void {
    if (day !== this.#base.day) {
      this.#base = { day, totals: [], spread: 0 };
      for (const { counted } of this.#cells) counted.fill(0);
      this.#cells = [];
      this.#windows = 0;
    }
    this.#windows++;
  }

  /** Variance of the totals of this window, for noise of variance 1. */
  get spread(): number {
    return this.#base.spread + spreadOf(this.#squareRoot, this.#windows);
  }

  /** Takes what a cell counted in this window; gives its total so far, a decimal integer. */
  next(index: number, count: number, noisy: (exact: number) => bigint): string {
    const cell = this.#cells[index] ?? { counted: [], measured: [] };
    this.#cells[index] = cell;
    cell.counted.push(count);
    const { measuring, totalling } = this.#squareRoot;
    const last = cell.counted.length - 1;
    // Each unit counts once a day, so the sum is below the number of units times 2^20.
    const exact = cell.counted.reduce((sum, each, at) => sum + each * measuring[last - at]!, 0);
    cell.measured.push(noisy(exact));
    const total = cell.measured.reduce(
      (sum, each, at) => sum + Number(each) * totalling[last - at]!,
      0,
    );
    return (BigInt(this.#base.totals[index] ?? "0") + BigInt(Math.round(total))).toString();
  }
}
