/**
 * The contributions of one UTC day: who is tracked, and under which key.
 *
 * Invariant: as long as anything of the day can still be counted, there is one key and one table; a
 * restart continues them from disk or the day stays silent.
 */
import { UnitHash } from "./unit_key.ts";
import { UnitTable } from "./unit_table.ts";

export interface PeriodBounds {
  readonly trackedUnits: number;
  readonly cells: number;
}

export class Period {
  readonly key: Uint8Array;
  readonly table: UnitTable;
  readonly #hash: UnitHash;
  #openCells = 0;

  constructor(key: Uint8Array, bounds: PeriodBounds) {
    this.key = key;
    this.table = new UnitTable(bounds.trackedUnits, bounds.cells);
    this.#hash = new UnitHash(key);
  }

  /** The slot of a unit, or `UNTRACKED`. `attribute` keeps values of different attributes apart. */
  slotOf(attribute: number, canonical: string): number {
    this.#hash.update(`${attribute}:${canonical}`);
    return this.table.slotOf(this.#hash.words);
  }

  /**
   * A number for one more cell of open groups. Numbers begin anew after a restart, when the table
   * knows how many cells each unit has opened but not which.
   */
  newCellId(): number {
    return this.#openCells++;
  }
}
