/**
 * The dead letters of a stopped agent, for the person who decides about them.
 *
 * Invariant: a letter leaves only dropped on request, or when it is on disk in the queue again. A
 * crash between the two has it in both, and it is sent twice.
 */
import { join } from "node:path";
import { AgentError } from "../../component/errors.ts";
import type { QueueOptions } from "../../component/queue.ts";
import type { RandomSource } from "../../component/settings.ts";
import type { LogBatch } from "../../data/log_batch.ts";
import { decodePart } from "./batch_codec.ts";
import type { Frame } from "./queue_store.ts";
import { QueueStore } from "./queue_store.ts";

export interface DeadLetterBoxOptions {
  /** The folder `queue` of the exporter. */
  readonly directory: string;
  readonly queue: QueueOptions;
  readonly random: RandomSource;
}

export class DeadLetterBox {
  readonly #options: DeadLetterBoxOptions;
  readonly #keyFile: string;
  readonly #store: QueueStore;
  /** Oldest first. */
  readonly letters: readonly Frame[];
  /** Letters that are damaged and lost. */
  readonly lost: number;

  private constructor(
    options: DeadLetterBoxOptions,
    keyFile: string,
    store: QueueStore,
    recovered: { readonly frames: readonly Frame[]; readonly lostFrames: number },
  ) {
    this.#options = options;
    this.#keyFile = keyFile;
    this.#store = store;
    this.letters = recovered.frames;
    this.lost = recovered.lostFrames;
  }

  /** The folder `dead_letters` must exist. Throws as {@link QueueStore.open}. */
  static async open(options: DeadLetterBoxOptions): Promise<DeadLetterBox> {
    const { directory, queue, random } = options;
    const keyFile = queue.keyFile ?? join(directory, "queue.key");
    const place = { directory: join(directory, "dead_letters"), keyFile, random };
    const { store, recovered } = await QueueStore.open(place);
    return new DeadLetterBox(options, keyFile, store, recovered);
  }

  /** Throws `queue.dead_letter_damaged`. */
  async read(letter: Frame): Promise<LogBatch> {
    return decodePart(await this.#plain(letter));
  }

  drop(letter: Frame): void {
    this.#store.finish(letter);
  }

  /** Puts all of them behind what waits in the queue; they keep their time. */
  async resendAll(): Promise<void> {
    const { directory, random } = this.#options;
    const place = { directory, keyFile: this.#keyFile, random };
    const { store } = await QueueStore.open(place);
    try {
      for (const letter of this.letters) {
        const { records, enqueuedMs } = letter;
        await store.append([{ plain: await this.#plain(letter), records, enqueuedMs }]);
        this.#store.finish(letter);
      }
    } finally {
      await store.close();
    }
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async #plain(letter: Frame): Promise<Buffer> {
    const plain = await this.#store.read(letter);
    if (plain !== undefined) return plain;
    const message = `letter ${letter.index} in ${letter.segment.path} is damaged`;
    throw new AgentError("queue.dead_letter_damaged", message);
  }
}
