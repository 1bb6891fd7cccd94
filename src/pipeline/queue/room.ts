/** Who may enter a bounded queue, in order. What is larger than the whole queue enters alone. */
import { AgentError } from "../../component/errors.ts";

export interface Load {
  /** Counted as the queue's sizer says. */
  readonly size: number;
  readonly bytes: number;
}

export class Room {
  readonly capacity: number;
  readonly #bytesMax: number;
  readonly #waiting: { readonly load: Load; readonly gate: PromiseWithResolvers<void> }[] = [];
  #size = 0;
  #bytes = 0;

  constructor(capacity: number, bytesMax: number) {
    this.capacity = capacity;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True: taken at once. False: there is no room, or others wait. */
  tryTake(load: Load): boolean {
    if (this.#waiting.length > 0 || !this.#fits(load)) return false;
    this.add(load);
    return true;
  }

  /** @throws AgentError `pipeline.shutting_down` */
  async take(load: Load): Promise<void> {
    if (this.tryTake(load)) return;
    const gate = Promise.withResolvers<void>();
    this.#waiting.push({ load, gate });
    await gate.promise;
  }

  /** Whoever waits is given back what it brought. */
  close(): void {
    for (const { gate } of this.#waiting.splice(0)) {
      gate.reject(new AgentError("pipeline.shutting_down", "the queue is full and stops"));
    }
  }

  /** Without asking, for what is there already. */
  add({ size, bytes }: Load): void {
    this.#size += size;
    this.#bytes += bytes;
  }

  give({ size, bytes }: Load): void {
    this.#size -= size;
    this.#bytes -= bytes;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#fits(next.load)) return;
      this.#waiting.shift();
      this.add(next.load);
      next.gate.resolve();
    }
  }

  #fits({ size, bytes }: Load): boolean {
    if (this.#size === 0 && this.#bytes === 0) return true;
    return this.#size + size <= this.capacity && this.#bytes + bytes <= this.#bytesMax;
  }
}
