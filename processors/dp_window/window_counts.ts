/**
 * The exact sums of one window: for each cell one integer per block (a part of a measure). They
 * never leave this folder.
 *
 * Invariant: with open groups a cell is there only while some unit has opened it, so that there are
 * at most as many as the bounds on units and their cells allow.
 */
const INITIAL_CELLS = 64;

export interface OpenCell {
  readonly index: number;
  /** Number of the cell among all of its day, for the table of units. */
  readonly id: number;
}

export class WindowCounts {
  readonly #blocks: number;
  readonly #cells = new Map<string, OpenCell>();
  #sums: Float64Array;

  /** `cells` is the number of public cells, or undefined where groups are open. */
  constructor(blocks: number, cells: number | undefined) {
    this.#blocks = blocks;
    this.#sums = new Float64Array(blocks * (cells ?? INITIAL_CELLS));
  }

  /** By cell, then by block. Growing replaces it, so ask again after {@link open}. */
  get sums(): Float64Array {
    return this.#sums;
  }

  /** The labels of all open cells, in no order that may be shown. */
  get labels(): Iterable<string> {
    return this.#cells.keys();
  }

  find(labels: string): OpenCell | undefined {
    return this.#cells.get(labels);
  }

  /** Begins an open cell. */
  open(labels: string, id: number): OpenCell {
    const cell = { index: this.#cells.size, id };
    this.#cells.set(labels, cell);
    if (this.#cells.size * this.#blocks > this.#sums.length) {
      const larger = new Float64Array(this.#sums.length * 2);
      larger.set(this.#sums);
      this.#sums.fill(0);
      this.#sums = larger;
    }
    return cell;
  }

  /** The sums of an open cell, zeros when nobody opened it. */
  of(labels: string): Float64Array {
    const index = this.#cells.get(labels)?.index;
    if (index === undefined) return new Float64Array(this.#blocks);
    return this.#sums.subarray(index * this.#blocks, (index + 1) * this.#blocks);
  }

  erase(): void {
    this.#sums.fill(0);
    this.#cells.clear();
  }
}
