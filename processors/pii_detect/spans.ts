/**
 * What one scan found: offsets in one text, sorted and without overlaps.
 *
 * Invariant: after {@link Spans.settle} every character that any finding covered is covered by
 * exactly one span. Of findings that overlap, the longest gives its name to all of them together,
 * then the one with the higher score, then the earlier entity.
 *
 * One object serves all scans and keeps numbers only, so that a scan allocates nothing.
 */
export class Spans {
  #starts = new Int32Array(64);
  #ends = new Int32Array(64);
  #entities = new Int32Array(64);
  #scores = new Float64Array(64);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  start(index: number): number {
    return this.#starts[index]!;
  }

  end(index: number): number {
    return this.#ends[index]!;
  }

  /** A number that the scanner gave to the entity. */
  entity(index: number): number {
    return this.#entities[index]!;
  }

  score(index: number): number {
    return this.#scores[index]!;
  }

  add(entity: number, start: number, end: number, score: number): void {
    if (this.#count === this.#starts.length) this.#grow();
    const index = this.#count++;
    this.#starts[index] = start;
    this.#ends[index] = end;
    this.#entities[index] = entity;
    this.#scores[index] = score;
  }

  /** Sorts by place and joins what overlaps. */
  settle(): void {
    if (this.#count < 2) return;
    if (!this.#isSorted()) this.#sort();
    let last = 0;
    for (let index = 1; index < this.#count; index++) {
      if (this.#starts[index]! >= this.#ends[last]!) {
        last++;
        this.#copy(index, last);
        continue;
      }
      const start = this.#starts[last]!;
      const end = Math.max(this.#ends[last]!, this.#ends[index]!);
      if (this.#isStronger(index, last)) this.#copy(index, last);
      this.#starts[last] = start;
      this.#ends[last] = end;
    }
    this.#count = last + 1;
  }

  #isStronger(candidate: number, other: number): boolean {
    const length = this.#ends[candidate]! - this.#starts[candidate]!;
    const otherLength = this.#ends[other]! - this.#starts[other]!;
    if (length !== otherLength) return length > otherLength;
    const score = this.#scores[candidate]! - this.#scores[other]!;
    if (score !== 0) return score > 0;
    return this.#entities[candidate]! < this.#entities[other]!;
  }

  #isSorted(): boolean {
    for (let index = 1; index < this.#count; index++) {
      if (this.#starts[index]! < this.#starts[index - 1]!) return false;
    }
    return true;
  }

  #sort(): void {
    const order = Array.from({ length: this.#count }, (_, index) => index);
    order.sort((a, b) => this.#starts[a]! - this.#starts[b]!);
    this.#starts = Int32Array.from(order, (index) => this.#starts[index]!);
    this.#ends = Int32Array.from(order, (index) => this.#ends[index]!);
    this.#entities = Int32Array.from(order, (index) => this.#entities[index]!);
    this.#scores = Float64Array.from(order, (index) => this.#scores[index]!);
  }

  #copy(from: number, to: number): void {
    this.#starts[to] = this.#starts[from]!;
    this.#ends[to] = this.#ends[from]!;
    this.#entities[to] = this.#entities[from]!;
    this.#scores[to] = this.#scores[from]!;
  }

  #grow(): void {
    this.#starts = grown(this.#starts, new Int32Array(this.#starts.length * 2));
    this.#ends = grown(this.#ends, new Int32Array(this.#ends.length * 2));
    this.#entities = grown(this.#entities, new Int32Array(this.#entities.length * 2));
    this.#scores = grown(this.#scores, new Float64Array(this.#scores.length * 2));
  }
}

function grown<Numbers extends Int32Array | Float64Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
