/**
 * Bytes that come in pieces, kept up to a maximum.
 *
 * Invariant: never more than the maximum is kept, and each byte is copied a bounded number of times.
 */
const FIRST_CAPACITY = 1024;
const EMPTY = Buffer.alloc(0);

export class BoundedBuffer {
  #bytes = EMPTY;
  #size = 0;
  #isCut = false;

  get size(): number {
    return this.#size;
  }

  /** Keeps what fits. */
  append(piece: Buffer, sizeMax: number): void {
    const room = Math.max(0, sizeMax - this.#size);
    if (piece.length > room) this.#isCut = true;
    const size = this.#size + Math.min(piece.length, room);
    if (size > this.#bytes.length) {
      const capacity = Math.max(FIRST_CAPACITY, size, this.#bytes.length * 2);
      const larger = Buffer.allocUnsafe(Math.min(capacity, sizeMax));
      this.#bytes.copy(larger, 0, 0, this.#size);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#size, 0, room);
    this.#size = size;
  }

  /** What was kept, and whether some was not. The buffer is empty then. */
  take(): { readonly bytes: Buffer; readonly isCut: boolean } {
    const taken = { bytes: this.#bytes.subarray(0, this.#size), isCut: this.#isCut };
    this.#bytes = EMPTY;
    this.#size = 0;
    this.#isCut = false;
    return taken;
  }
}
