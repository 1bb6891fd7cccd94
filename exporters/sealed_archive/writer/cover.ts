/**
 * Which positions of one source are sealed: all up to one, and pieces above it while the blocks of
 * several zones, among which the source's records are divided, become durable at different times.
 *
 * Invariant: the pieces are in order, apart from each other and above the lower part, so a source
 * whose blocks are all durable is one number again.
 */

/** Positions above `after`, up to `to`. */
export type Span = readonly [after: number, to: number];

export class Cover {
  #to: number;
  #above: readonly Span[];

  constructor(to = -1, above: readonly Span[] = []) {
    this.#to = to;
    this.#above = above;
  }

  /** Everything up to here is covered; -1 for nothing. */
  get to(): number {
    return this.#to;
  }

  get above(): readonly Span[] {
    return this.#above;
  }

  copy(): Cover {
    return new Cover(this.#to, this.#above);
  }

  has(position: number): boolean {
    if (position <= this.#to) return true;
    return this.#above.some(([after, to]) => after < position && position <= to);
  }

  /**
   * Covers a position that was not, with all between it and the covered one before it: a source
   * delivers in order, so what it left out will not come. Returns that one before it.
   */
  take(position: number): number {
    if (this.#above.length === 0) {
      const after = this.#to;
      this.#to = position;
      return after;
    }
    const after = this.#above.findLast(([, to]) => to < position)?.[1] ?? this.#to;
    this.add([[after, position]]);
    return after;
  }

  add(spans: readonly Span[]): void {
    const above: [after: number, to: number][] = [];
    for (const [after, to] of [...this.#above, ...spans].sort((a, b) => a[0] - b[0])) {
      const last = above.at(-1);
      if (after <= this.#to) this.#to = Math.max(this.#to, to);
      else if (last !== undefined && after <= last[1]) last[1] = Math.max(last[1], to);
      else above.push([after, to]);
    }
    this.#above = above;
  }
}
