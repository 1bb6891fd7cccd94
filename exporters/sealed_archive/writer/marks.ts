/**
 * High-water marks: up to which position the records of each source are sealed.
 *
 * Invariant: the durable marks are exactly those of the frames that are on disk; what was taken
 * into a block but is not yet on disk is kept apart as pending, so that a snapshot never claims
 * more than a crash leaves.
 *
 * BUG: beyond `marksMax` sources the one that was longest without a record is forgotten. Were such a
 * source replayed after that, its records would be sealed twice.
 */
import type { Mark } from "./wal.ts";

export class Marks {
  readonly #marksMax: number;
  /** Least recently moved first. */
  readonly #durable = new Map<string, number>();
  readonly #pending = new Map<string, number>();

  constructor(marksMax: number) {
    this.#marksMax = marksMax;
  }

  /** Position up to which records of the source are taken, on disk or on the way; -1 for none. */
  taken(id: string): number {
    return this.#pending.get(id) ?? this.#durable.get(id) ?? -1;
  }

  isPending(id: string): boolean {
    return this.#pending.has(id);
  }

  take(id: string, position: number): void {
    this.#pending.set(id, position);
  }

  commit(marks: readonly Mark[]): void {
    for (const [id, position] of marks) {
      if (this.#pending.get(id) === position) this.#pending.delete(id);
      this.#durable.delete(id);
      this.#durable.set(id, position);
    }
    for (const id of this.#durable.keys()) {
      if (this.#durable.size <= this.#marksMax) break;
      this.#durable.delete(id);
    }
  }

  /** A copy of the durable marks, least recently moved first. */
  snapshot(): Mark[] {
    return [...this.#durable];
  }
}
