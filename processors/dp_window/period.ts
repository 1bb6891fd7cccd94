/**
 * The contributions of one UTC day: who is tracked, and under which key.
 *
 * Invariant: as long as anything of the day can still be counted, there is one key and one table; a
 * restart continues them from disk or the day stays silent. Whether a unit is of the sample depends
 * on that key and on the unit alone.
 */
import { UnitHash } from "./unit_key.ts";
import { UNTRACKED, UnitTable } from "./unit_table.ts";

const SAMPLE_WORD = 3;

export interface PeriodBounds {
  readonly trackedUnits: number;
  readonly cells: number;
  readonly oneIn: number;
}

export class Period {
  readonly key: Uint8Array;
  readonly table: UnitTable;
  readonly #hash: UnitHash;
  /** Units whose hash has other bits than zeros here are not of the sample. */
  readonly #sampleMask: number;
  #openCells = 0;
  readonly #dayCells = new Map<string, number>();

  constructor(key: Uint8Array, bounds: PeriodBounds) {
    this.key = key;
    this.table = new UnitTable(bounds.trackedUnits, bounds.cells);
    this.#hash = new UnitHash(key);
    this.#sampleMask = bounds.oneIn - 1;
  }

  /** The slot of a unit, or `UNTRACKED`. `attribute` keeps values of different attributes apart. */
  slotOf(attribute: number, canonical: string): number {
    this.#hash.update(`${attribute}:${canonical}`);
    // Not the word by which the table finds its places.
    if ((this.#hash.words[SAMPLE_WORD]! & this.#sampleMask) !== 0) return UNTRACKED;
    return this.table.slotOf(this.#hash.words);
  }

  /**
   * A number for one more cell of open groups. Numbers begin anew after a restart, when the table
   * knows how many cells each unit has opened but not which.
   */
  newCellId(): number {
    return this.#openCells++;
  }

  /**
   * The number of the cell of open groups that stands for the whole day. A new one is made only
   * where it `mayBegin`, so that nobody fills the memory with them.
   */
  dayCellId(labels: string, mayBegin: boolean): number | undefined {
    let id = this.#dayCells.get(labels);
    if (id === undefined && mayBegin) {
      id = this.newCellId();
      this.#dayCells.set(labels, id);
    }
    return id;
  }
}
