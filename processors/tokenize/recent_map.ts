/**
 * A bounded cache that keeps what is in use: two generations of entries. What is found in the older
 * one is put into the newer; when the newer is full, the older is forgotten.
 *
 * Invariant: holds at most `sizeMax` entries. An access costs one or two `Map` look-ups and no
 * bookkeeping, which is less than an exact list by last use costs.
 */
export class RecentMap<Key, Value> {
  readonly #generationSize: number;
  #newer = new Map<Key, Value>();
  #older = new Map<Key, Value>();

  /** Below 2 nothing is kept. */
  constructor(sizeMax: number) {
    this.#generationSize = Math.floor(sizeMax / 2);
  }

  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  get(key: Key): Value | undefined {
    const value = this.#newer.get(key);
    if (value !== undefined) return value;
    const old = this.#older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#generationSize === 0) return;
    if (this.#newer.size >= this.#generationSize) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, value);
  }
}
