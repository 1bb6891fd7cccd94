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

/**
 * Where totals stand: as released, by cell (its number, or its labels as JSON), with the variance
 * for noise of variance 1.
 */
export interface RunningBase {
  readonly day: number;
  readonly totals: Readonly<Record<string, string>>;
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
  #cells = new Map<string, Cell>();
  #windows = 0;

  /** Goes on from the base if the next window is of its day. */
  constructor(squareRoot: SquareRoot, base: RunningBase | undefined) {
    this.#squareRoot = squareRoot;
    this.#base = base ?? { day: Number.NEGATIVE_INFINITY, totals: {}, spread: 0 };
  }

  /** Begins a window. Call it before {@link next}, once for each window that is released. */
  begin(day: number): void {
    if (day !== this.#base.day) {
      this.#base = { day, totals: {}, spread: 0 };
      for (const { counted } of this.#cells.values()) counted.fill(0);
      this.#cells = new Map();
      this.#windows = 0;
    }
    this.#windows++;
  }

  /** Variance of the totals of this window, for noise of variance 1. */
  get spread(): number {
    return this.#base.spread + spreadOf(this.#squareRoot, this.#windows);
  }

  /** The cells that counted anything since the base. */
  get cells(): Iterable<string> {
    return this.#cells.keys();
  }

  /** The cells that stand in the base: what was released of them is known. */
  get released(): Iterable<string> {
    return Object.keys(this.#base.totals);
  }

  /** Exact: what a cell counted since the base. Never leaves this folder. */
  countedIn(name: string): number {
    return this.#cells.get(name)?.counted.reduce((sum, each) => sum + each, 0) ?? 0;
  }

  /** Takes what a cell counted in this window; gives its total so far, a decimal integer. */
  next(name: string, count: number, noisy: (exact: number) => bigint): string {
    const cell = this.#cells.get(name) ?? { counted: [], measured: [] };
    this.#cells.set(name, cell);
    // A cell that appears now counted nothing before, and its noise of then is drawn now.
    while (cell.counted.length < this.#windows - 1) {
      cell.counted.push(0);
      cell.measured.push(noisy(0));
    }
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
    return (BigInt(this.#base.totals[name] ?? "0") + BigInt(Math.round(total))).toString();
  }
}
