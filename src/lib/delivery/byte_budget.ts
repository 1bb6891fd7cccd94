/**
 * How many bytes may be read and not yet acknowledged: this is a receiver's backpressure and its
 * bound on memory.
 *
 * Invariant: who asked first gets first. A request larger than the whole budget is granted when
 * nothing else is out, so that nobody waits for ever.
 */
export class ByteBudget {
  readonly #maxBytes: number;
  #usedBytes = 0;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** False when there is no room now; nothing is taken then. */
  tryTake(bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) return false;
    this.#usedBytes += bytes;
    return true;
  }

  async take(bytes: number): Promise<void> {
    if (this.tryTake(bytes)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, grant: resolve });
    await promise;
  }

  /** Takes more than was asked for, because what came is larger than it seemed. */
  exceed(bytes: number): void {
    this.#usedBytes += bytes;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0]!.bytes)) {
      const { bytes: next, grant } = this.#waiting.shift()!;
      this.#usedBytes += next;
      grant();
    }
  }

  /** Lets everybody go on, because nothing is to be read any more. */
  open(): void {
    for (const { bytes, grant } of this.#waiting.splice(0)) {
      this.#usedBytes += bytes;
      grant();
    }
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.#maxBytes;
  }
}
