/**
 * High-water marks: which records of each source are sealed, in whichever zone.
 *
 * Invariant: the durable marks are exactly those of the frames that are on disk. What was taken into
 * an open block and what is in a frame on its way to the disk are kept apart, so that neither a
 * frame nor a snapshot ever claims more than a crash at that moment leaves.
 *
 * BUG: beyond `marksMax` sources the one that was longest without a record is forgotten. Were such a
 * source replayed after that, its records would be sealed twice.
 */
import { Cover } from "./cover.ts";
import type { Mark } from "./wal.ts";

/** A source with records that are not durable yet. */
export interface LiveSource {
  /** With the open blocks. */
  readonly taken: Cover;
  /** With the blocks that are in frames. */
  readonly framed: Cover;
  /** Blocks with its records that are not durable, open ones among them. */
  blocks: number;
}

export class Marks {
  readonly #marksMax: number;
  /** Least recently moved first. Never changed, only replaced. */
  readonly #durable = new Map<string, Cover>();
  readonly #live = new Map<string, LiveSource>();

  constructor(marksMax: number) {
    this.#marksMax = marksMax;
  }

  /** The positions of the source that are taken, on disk or on the way. */
  taken(id: string): Cover | undefined {
    return this.#live.get(id)?.taken ?? this.#durable.get(id);
  }

  isPending(id: string): boolean {
    return this.#live.has(id);
  }

  /** For a block that gets its first record of the source; its frame must have one mark of it. */
  enter(id: string): LiveSource {
    let source = this.#live.get(id);
    if (source === undefined) {
      const durable = this.#durable.get(id) ?? new Cover();
      source = { taken: durable.copy(), framed: durable.copy(), blocks: 0 };
      this.#live.set(id, source);
    }
    source.blocks++;
    return source;
  }

  /** Takes in the marks of a frame that is on disk. */
  commit(marks: readonly Mark[]): void {
    for (const [id, position, ...above] of marks) {
      const source = this.#live.get(id);
      if (source !== undefined && --source.blocks === 0) this.#live.delete(id);
      this.#durable.delete(id);
      this.#durable.set(id, new Cover(position, above));
    }
    for (const id of this.#durable.keys()) {
      if (this.#durable.size <= this.#marksMax) break;
      this.#durable.delete(id);
    }
  }

  /** A copy of the durable marks, least recently moved first. */
  snapshot(): Mark[] {
    return [...this.#durable].map(([id, cover]) => toMark(id, cover));
  }
}

export function toMark(id: string, { to, above }: Cover): Mark {
  return [id, to, ...above];
}
