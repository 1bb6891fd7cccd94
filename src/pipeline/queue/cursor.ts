/**
 * Which frames are done: all below `done`, and those in `above`.
 *
 * Invariant: the file never says more than what is true. It is written after the fact, so a crash
 * costs duplicates; one that is damaged or not ours counts as none, which costs duplicates, too.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileDurably } from "../../lib/durable_file.ts";
import type { FrameCipher } from "./frame_cipher.ts";

const FILE = "cursor.json";

export class Cursor {
  readonly #path: string;
  readonly #cipher: FrameCipher;
  readonly #above = new Set<number>();
  #done = 0;
  /** The index that the next batch would get, as far as a file or a frame tells. */
  next = 0;
  /** False: there was no file, or one that cannot be used. */
  isKnown = false;

  private constructor(directory: string, cipher: FrameCipher) {
    this.#path = join(directory, FILE);
    this.#cipher = cipher;
  }

  static async open(directory: string, cipher: FrameCipher): Promise<Cursor> {
    const cursor = new Cursor(directory, cipher);
    try {
      const [text = "", mac = ""] = (await readFile(cursor.#path, "utf8")).split("\n");
      if (cipher.isMac(text, mac)) cursor.#take(JSON.parse(text) as Content);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return cursor;
  }

  /** Everything below is done. */
  get done(): number {
    return this.#done;
  }

  isDone(index: number): boolean {
    return index < this.#done || this.#above.has(index);
  }

  /** False when it was done already. */
  add(index: number): boolean {
    if (this.isDone(index)) return false;
    this.#above.add(index);
    while (this.#above.delete(this.#done)) this.#done += 1;
    return true;
  }

  async write(): Promise<void> {
    const content: Content = { done: this.#done, above: [...this.#above], next: this.next };
    const text = JSON.stringify(content);
    await writeFileDurably(this.#path, `${text}\n${this.#cipher.mac(text)}\n`);
  }

  /** For a cursor that is not known: the oldest frame that is there. */
  startAt(index: number): number {
    this.#done = index;
    return index;
  }

  #take({ done, above, next }: Content): void {
    this.isKnown = true;
    this.#done = done;
    this.next = next;
    for (const index of above) this.#above.add(index);
  }
}

interface Content {
  readonly done: number;
  readonly above: readonly number[];
  readonly next: number;
}
