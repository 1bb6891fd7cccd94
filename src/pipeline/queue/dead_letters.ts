/**
 * Keeps what an exporter refused for good: the same encrypted frames in a folder of their own.
 *
 * Invariant: nothing in it is ever sent or removed by the agent. When it is full, later ones are
 * not kept, and whoever asks is told.
 */
import { makePrivateDirectory } from "../../lib/durable_file.ts";
import type { EncodedPart } from "./batch_codec.ts";
import type { QueueStoreOptions } from "./queue_store.ts";
import { QueueStore } from "./queue_store.ts";

export class DeadLetters {
  readonly #store: QueueStore;
  readonly #bytesMax: number;
  #bytes: number;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(store: QueueStore, bytes: number, bytesMax: number) {
    this.#store = store;
    this.#bytes = bytes;
    this.#bytesMax = bytesMax;
  }

  static async open(options: QueueStoreOptions, bytesMax: number): Promise<DeadLetters> {
    await makePrivateDirectory(options.directory);
    const { store, recovered } = await QueueStore.open(options);
    const bytes = recovered.frames.reduce((sum, frame) => sum + frame.bytes, 0);
    return new DeadLetters(store, bytes, bytesMax);
  }

  /** False: there is no room, or the disk takes nothing. */
  async keep(parts: readonly EncodedPart[], { enqueuedMs }: { enqueuedMs: number }) {
    const writing = this.#writing.then(() => this.#append(parts, enqueuedMs));
    this.#writing = writing.catch(() => {});
    return writing.catch(() => false);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#store.close();
  }

  async #append(parts: readonly EncodedPart[], enqueuedMs: number): Promise<boolean> {
    const size = parts.reduce((sum, { plain }) => sum + plain.length, 0);
    if (this.#bytes + size > this.#bytesMax) return false;
    const frames = await this.#store.append(parts.map((part) => ({ ...part, enqueuedMs })));
    for (const frame of frames) this.#bytes += frame.bytes;
    return true;
  }
}
