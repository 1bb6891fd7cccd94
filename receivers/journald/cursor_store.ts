/**
 * How far the journal was acknowledged: the cursor of the last entry, in one small file.
 *
 * Invariant: the file on disk never names an entry before everything up to it was acknowledged.
 *
 * Trust: the agent alone writes it (0600 in a 0700 folder). Whoever changes it can make the agent
 * read entries again or skip some; it holds no log content.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import { writeFileDurably } from "../../src/lib/durable_file.ts";

const FILE_NAME = "cursor";
const WRITE_INTERVAL_MS = 1_000;
/** What sd_journal_get_cursor(3) gives, and "" for the beginning. */
const CURSOR = /^$|^[\x21-\x7e]{1,512}$/;

export class CursorStore {
  readonly #path: string;
  readonly #settings: Pick<Settings, "clock" | "logger">;
  #cursor: string | undefined;
  #stored: string | undefined;
  #cancelTimer: CancelTimer | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  private constructor(
    path: string,
    settings: Pick<Settings, "clock" | "logger">,
    cursor: string | undefined,
  ) {
    this.#path = path;
    this.#settings = settings;
    this.#cursor = cursor;
    this.#stored = cursor;
  }

  /** @throws AgentError `storage.corrupt` */
  static async open(settings: Settings): Promise<CursorStore> {
    const path = join(await settings.stateDirectory(), FILE_NAME);
    let text: string | undefined;
    try {
      text = await readFile(path, "latin1");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        const problem = `${path}: cannot be read (${describeError(error)})`;
        throw new AgentError("storage.corrupt", problem, { cause: error });
      }
    }
    const cursor = text?.replace(/\n$/, "");
    if (cursor !== undefined && !CURSOR.test(cursor)) {
      throw new AgentError("storage.corrupt", `${path}: holds no cursor`);
    }
    return new CursorStore(path, settings, cursor);
  }

  /** Undefined when nothing was ever read. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Stored within a second. */
  set(cursor: string): void {
    this.#cursor = cursor;
    if (this.#closed) return;
    this.#cancelTimer ??= this.#settings.clock.setTimer(WRITE_INTERVAL_MS, () => {
      this.#cancelTimer = undefined;
      // One that cannot be written now is written with the next; until then entries would be reread.
      this.#writing = this.#write().catch((error: unknown) => {
        this.#settings.logger.error("the cursor is not stored", { error: describeError(error) });
        this.set(this.#cursor!);
      });
    });
  }

  /** Stores it now. */
  async flush(): Promise<void> {
    await this.#writing;
    await this.#write();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.flush();
  }

  async #write(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor === undefined || cursor === this.#stored) return;
    await writeFileDurably(this.#path, `${cursor}\n`);
    this.#stored = cursor;
  }
}
