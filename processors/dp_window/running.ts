/**
 * The running totals of a day: what was counted in its windows so far, and what was measured of it.
 *
 * Invariants:
 * - what leaves is a function of measurements, each an exact integer with one draw of noise;
 * - exact counts of a day stay in memory until the day is over, and never go to disk. After a
 *   restart the windows before it count as empty, which only takes away; what was released of them
 *   is the base on which totals go on. (Open groups have no base: see the releaser.)
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
  /** By number, or by labels where groups are open. */
  readonly #cells = new Map<number | string, Cell>();
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
      for (const { counted } of this.#cells.values()) counted.fill(0);
      this.#cells.clear();
      this.#windows = 0;
    }
    this.#windows++;
  }

  /** Variance of the totals of this window, for noise of variance 1. */
  get spread(): number {
    return this.#base.spread + spreadOf(this.#squareRoot, this.#windows);
  }

  /** Open groups in which something was counted on this day. */
  get known(): Iterable<number | string> {
    return this.#cells.keys();
  }

  /**
   * Takes what a cell counted in this window; gives its total so far. A cell that comes late has
   * the noise of all windows before it.
   */
  next(key: number | string, count: number, noisy: (exact: number) => bigint): bigint {
    const cell = this.#cells.get(key) ?? { counted: [], measured: [] };
    this.#cells.set(key, cell);
    while (cell.counted.length < this.#windows - 1) this.#measure(cell, 0, noisy);
    this.#measure(cell, count, noisy);
    const { totalling } = this.#squareRoot;
    const last = cell.measured.length - 1;
    const total = cell.measured.reduce(
      (sum, each, at) => sum + Number(each) * totalling[last - at]!,
      0,
    );
    const base = typeof key === "number" ? this.#base.totals[key] : undefined;
    return BigInt(base ?? "0") + BigInt(Math.round(total));
  }

  #measure(cell: Cell, count: number, noisy: (exact: number) => bigint): void {
    cell.counted.push(count);
    const { measuring } = this.#squareRoot;
    const last = cell.counted.length - 1;
    // Each unit counts once a day, so the sum is below the number of units times 2^20.
    const exact = cell.counted.reduce((sum, each, at) => sum + each * measuring[last - at]!, 0);
    cell.measured.push(noisy(exact));
  }
}
