/**
 * What each unit has contributed in one period, in memory that is bounded beforehand.
 *
 * Invariants, on which the declared sensitivity stands:
 * - the first `unitsMax` units of the period are tracked; nobody is ever evicted or replaced, so
 *   one unit more displaces at most one other unit, and always the same one;
 * - a tracked unit opens at most `cellsMax` cells (a cell is one group of one window) in the
 *   period;
 * - what is restored after a crash is the table as it stood at one moment, whole.
 */
const INITIAL_UNITS = 1024;
const ID_WORDS = 4;
const HEADER_BYTES = 12;
const NEW_BYTES = 22;
const CHANGED_BYTES = 10;
/** Groups that a unit can be marked in. */
export const GROUPS_MAX = 32;
/** No tracked unit: the table was full when the unit came. */
export const UNTRACKED = -1;

export class UnitTable {
  readonly #unitsMax: number;
  readonly #cellsMax: number;
  #capacity: number;
  #count = 0;
  /** Slot + 1 by hash; 0 is free. Twice as many places as slots, a power of two. */
  #places: Int32Array;
  #ids: Uint32Array;
  /** Cells opened by a unit in the period, across restarts. */
  #opened: Uint16Array;
  /** Groups in which a unit was marked in the period: a bit each, across restarts. */
  #marked: Uint32Array;
  /** Of those, the ones that this process knows: the entries of the slot. */
  #known: Uint16Array;
  #entryCells: Uint32Array;
  #entryCounts: Uint16Array;
  /** Slots below were written to disk; of these, the marked ones have changed since. */
  #written = 0;
  #changed = new Set<number>();

  constructor(unitsMax: number, cellsMax: number) {
    this.#unitsMax = unitsMax;
    this.#cellsMax = cellsMax;
    this.#capacity = Math.min(INITIAL_UNITS, unitsMax);
    this.#places = new Int32Array(placesFor(this.#capacity));
    this.#ids = new Uint32Array(this.#capacity * ID_WORDS);
    this.#opened = new Uint16Array(this.#capacity);
    this.#marked = new Uint32Array(this.#capacity);
    this.#known = new Uint16Array(this.#capacity);
    this.#entryCells = new Uint32Array(this.#capacity * cellsMax);
    this.#entryCounts = new Uint16Array(this.#capacity * cellsMax);
  }

  /** The slot of a unit, a new one while there is room, or {@link UNTRACKED}. */
  slotOf(id: Uint32Array): number {
    const mask = this.#places.length - 1;
    // The id is the output of a keyed hash: any of its words is a good hash of it.
    let place = id[0]! & mask;
    for (; this.#places[place] !== 0; place = (place + 1) & mask) {
      const slot = this.#places[place]! - 1;
      if (this.#hasId(slot, id)) return slot;
    }
    if (this.#count === this.#unitsMax) return UNTRACKED;
    if (this.#count === this.#capacity) {
      this.#grow();
      return this.slotOf(id);
    }
    const slot = this.#count++;
    this.#ids.set(id, slot * ID_WORDS);
    this.#places[place] = slot + 1;
    return slot;
  }

  /**
   * Counts a record of a unit in a cell. Gives how many it is for this unit in this cell (1 opens
   * the cell), at most `countMax`; 0 when the record lies beyond a bound and must not be counted.
   */
  count(slot: number, cell: number, countMax: number): number {
    const first = slot * this.#cellsMax;
    const end = first + this.#known[slot]!;
    for (let entry = end - 1; entry >= first; entry--) {
      if (this.#entryCells[entry] !== cell) continue;
      const count = this.#entryCounts[entry]!;
      if (count === countMax) return 0;
      this.#entryCounts[entry] = count + 1;
      return count + 1;
    }
    if (this.#opened[slot] === this.#cellsMax) return 0;
    this.#opened[slot] = this.#opened[slot]! + 1;
    this.#known[slot] = this.#known[slot]! + 1;
    this.#entryCells[end] = cell;
    this.#entryCounts[end] = 1;
    if (slot < this.#written) this.#changed.add(slot);
    return 1;
  }

  /** Marks a unit in a group; true the first time in the period, in `groupsMax` groups at most. */
  mark(slot: number, group: number, groupsMax: number): boolean {
    const marked = this.#marked[slot]!;
    const bit = (1 << group) >>> 0;
    if ((marked & bit) !== 0 || bitCount(marked) === groupsMax) return false;
    this.#marked[slot] = marked | bit;
    if (slot < this.#written) this.#changed.add(slot);
    return true;
  }

  /** True when the unit may open one more cell. */
  hasRoom(slot: number): boolean {
    return this.#opened[slot]! < this.#cellsMax;
  }

  /** What changed since the last call, for {@link restore}. Call it when a release is prepared. */
  takeChanges(): Uint8Array {
    const added = this.#count - this.#written;
    const bytes = new Uint8Array(
      HEADER_BYTES + added * NEW_BYTES + this.#changed.size * CHANGED_BYTES,
    );
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#written, true);
    view.setUint32(4, added, true);
    view.setUint32(8, this.#changed.size, true);
    let offset = HEADER_BYTES;
    for (let slot = this.#written; slot < this.#count; slot++, offset += NEW_BYTES) {
      for (let word = 0; word < ID_WORDS; word++) {
        view.setUint32(offset + word * 4, this.#ids[slot * ID_WORDS + word]!, true);
      }
      view.setUint16(offset + 16, this.#opened[slot]!, true);
      view.setUint32(offset + 18, this.#marked[slot]!, true);
    }
    for (const slot of this.#changed) {
      view.setUint32(offset, slot, true);
      view.setUint16(offset + 4, this.#opened[slot]!, true);
      view.setUint32(offset + 6, this.#marked[slot]!, true);
      offset += CHANGED_BYTES;
    }
    this.#written = this.#count;
    this.#changed.clear();
    return bytes;
  }

  /** Applies changes in the order in which they were taken. False: they are not of this table. */
  restore(bytes: Uint8Array): boolean {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== this.#count) return false;
    const added = view.getUint32(4, true);
    const changed = view.getUint32(8, true);
    if (bytes.length !== HEADER_BYTES + added * NEW_BYTES + changed * CHANGED_BYTES) return false;
    let offset = HEADER_BYTES;
    const id = new Uint32Array(ID_WORDS);
    for (let index = 0; index < added; index++, offset += NEW_BYTES) {
      for (let word = 0; word < ID_WORDS; word++) {
        id[word] = view.getUint32(offset + word * 4, true);
      }
      const slot = this.slotOf(id);
      if (slot !== this.#written + index) return false;
      this.#opened[slot] = view.getUint16(offset + 16, true);
      this.#marked[slot] = view.getUint32(offset + 18, true);
    }
    for (let index = 0; index < changed; index++, offset += CHANGED_BYTES) {
      const slot = view.getUint32(offset, true);
      if (slot >= this.#count) return false;
      this.#opened[slot] = view.getUint16(offset + 4, true);
      this.#marked[slot] = view.getUint32(offset + 6, true);
    }
    this.#written = this.#count;
    return true;
  }

  #hasId(slot: number, id: Uint32Array): boolean {
    const first = slot * ID_WORDS;
    return (
      this.#ids[first] === id[0] &&
      this.#ids[first + 1] === id[1] &&
      this.#ids[first + 2] === id[2] &&
      this.#ids[first + 3] === id[3]
    );
  }

  #grow(): void {
    this.#capacity = Math.min(this.#capacity * 2, this.#unitsMax);
    this.#ids = enlarged(this.#ids, new Uint32Array(this.#capacity * ID_WORDS));
    this.#opened = enlarged(this.#opened, new Uint16Array(this.#capacity));
    this.#marked = enlarged(this.#marked, new Uint32Array(this.#capacity));
    this.#known = enlarged(this.#known, new Uint16Array(this.#capacity));
    const entries = this.#capacity * this.#cellsMax;
    this.#entryCells = enlarged(this.#entryCells, new Uint32Array(entries));
    this.#entryCounts = enlarged(this.#entryCounts, new Uint16Array(entries));
    this.#places = new Int32Array(placesFor(this.#capacity));
    const mask = this.#places.length - 1;
    for (let slot = 0; slot < this.#count; slot++) {
      let place = this.#ids[slot * ID_WORDS]! & mask;
      while (this.#places[place] !== 0) place = (place + 1) & mask;
      this.#places[place] = slot + 1;
    }
  }
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

function placesFor(slots: number): number {
  let places = 2;
  while (places < slots * 2) places *= 2;
  return places;
}

function enlarged<T extends Uint16Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
