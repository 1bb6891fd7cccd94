/**
 * At most `max_concurrent_files` open files. Who needs one more gets the place of the file that was
 * idle for longest, or waits until one becomes idle.
 */
export interface HandleHolder {
  /** Closes its file if it has no use for it now, and says whether it did. */
  closeIfIdle(): boolean;
}

export class HandleLimit {
  readonly #max: number;
  /** Least recently used first. */
  readonly #holders = new Set<HandleHolder>();
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#holders.size;
  }

  async acquire(holder: HandleHolder): Promise<void> {
    while (this.#holders.size >= this.#max && !this.#makeRoom()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    this.#holders.add(holder);
  }

  /** Marks the holder as the one used last. */
  touch(holder: HandleHolder): void {
    if (this.#holders.delete(holder)) this.#holders.add(holder);
  }

  release(holder: HandleHolder): void {
    if (this.#holders.delete(holder)) this.#waiting.shift()?.();
  }

  /** A holder has become idle: somebody may want its place. */
  becameIdle(): void {
    this.#waiting.shift()?.();
  }

  #makeRoom(): boolean {
    for (const holder of this.#holders) if (holder.closeIfIdle()) return true;
    return false;
  }
}
