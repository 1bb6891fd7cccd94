/**
 * What survives a restart: each file's random id, how to know it again, and how far its logs were
 * acknowledged. One JSON file, written whole and durably.
 *
 * Invariant: after `commit` resolved, the file on disk holds every change that was made before the
 * call. Concurrent commits share one write.
 *
 * Trust: the agent alone writes the file (0600 in a 0700 folder). Whoever changes it can make the
 * agent read logs again or skip some; it holds paths and hashes, no log content.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import { writeFileDurably } from "../../src/lib/durable_file.ts";

const FILE_NAME = "offsets.json";
const WRITE_INTERVAL_MS = 1000;
const RETRY_MS = 1000;

const fileEntry = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** Where the file was last seen; for people, and for finding a renamed file beside it. */
  path: z.string(),
  device: z.string(),
  inode: z.string(),
  /**
   * `copy`: what is left of it is a copy. `truncated`: its inode belongs to another content now.
   * `gone`: nobody knows where it is.
   */
  state: z.enum(["here", "copy", "truncated", "gone"]),
  /** Milliseconds since the epoch since which the state is not `here`. */
  lost_since_ms: z.number(),
  fingerprint: z.strictObject({ hash: z.string(), length: z.int().min(0) }),
  /** Everything before this byte is acknowledged. */
  offset: z.int().min(0),
  /** Logs before that byte. */
  logs: z.int().min(0),
  /** Places after the offset at which an unfinished log was handed on by force. */
  cuts: z.array(z.int().min(0)),
});
const offsetsFile = z.strictObject({ version: z.literal(1), files: z.array(fileEntry) });

/** One incarnation of a file. Its owner changes it in place and then says so. */
export type FileEntry = z.infer<typeof fileEntry>;

export class OffsetStore {
  readonly #path: string;
  readonly #settings: Settings;
  readonly #entries = new Map<string, FileEntry>();
  /** Resolves when the write that is wanted next is on disk. */
  #next: PromiseWithResolvers<void> | undefined;
  /** The write under way and those that follow it. */
  #writes: Promise<void> | undefined;
  #writable = true;
  #cancelTimer: CancelTimer | undefined;
  #endPause: (() => void) | undefined;
  #stopped = false;

  private constructor(path: string, settings: Settings) {
    this.#path = path;
    this.#settings = settings;
  }

  /** `isNew`: nothing was stored before. Throws `storage.corrupt` when the file is damaged. */
  static async open(settings: Settings): Promise<{ store: OffsetStore; isNew: boolean }> {
    const path = join(await settings.stateDirectory(), FILE_NAME);
    const store = new OffsetStore(path, settings);
    const text = await readIfPresent(path);
    if (text === undefined) return { store, isNew: true };
    for (const entry of parseOffsets(text, path)) store.#entries.set(entry.id, entry);
    return { store, isNew: false };
  }

  get entries(): IterableIterator<FileEntry> {
    return this.#entries.values();
  }

  /** False while the state directory cannot be written; nothing should be read then. */
  get writable(): boolean {
    return this.#writable;
  }

  add(entry: FileEntry): void {
    this.#entries.set(entry.id, entry);
  }

  remove(id: string): void {
    this.#entries.delete(id);
    this.changed();
  }

  /** Has the changes written within a second. */
  changed(): void {
    if (this.#cancelTimer !== undefined || this.#stopped) return;
    this.#cancelTimer = this.#settings.clock.setTimer(WRITE_INTERVAL_MS, () => {
      this.#cancelTimer = undefined;
      void this.commit();
    });
  }

  /**
   * Resolves when all changes made so far are on disk, however long that takes; or when the store
   * is closed, so look whether the work is still wanted.
   */
  commit(): Promise<void> {
    this.#next ??= Promise.withResolvers();
    const { promise } = this.#next;
    this.#writes ??= this.#writeAll();
    return promise;
  }

  /** One last write, without waiting for room on a full disk; rejects when it fails. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#endPause?.();
    await this.#writes;
    this.#next?.resolve();
    await writeFileDurably(this.#path, this.#serialize());
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== undefined && !this.#stopped) {
      const current = this.#next;
      this.#next = undefined;
      try {
        await writeFileDurably(this.#path, this.#serialize());
        this.#succeeded();
        current.resolve();
      } catch (error) {
        this.#failed(error);
        this.#next = joined(current, this.#next);
        await this.#pause();
      }
    }
    this.#writes = undefined;
  }

  #serialize(): string {
    return `${JSON.stringify({ version: 1, files: [...this.#entries.values()] })}\n`;
  }

  #succeeded(): void {
    if (this.#writable) return;
    this.#writable = true;
    this.#settings.logger.info("offsets can be stored again", { path: this.#path });
    this.#settings.reportStatus("ok");
  }

  #failed(error: unknown): void {
    if (!this.#writable) return;
    this.#writable = false;
    const reason = new AgentError("storage.unwritable", `cannot write ${this.#path}`, {
      cause: error,
    });
    const attributes = { path: this.#path, error: describeError(error) };
    this.#settings.logger.error("offsets cannot be stored; reading waits", attributes);
    this.#settings.reportStatus("degraded", describeError(reason));
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#settings.clock.setTimer(RETRY_MS, resolve);
    this.#endPause = resolve;
    return promise.finally(cancel);
  }
}

/** Both callers wait for the same write. */
function joined(
  first: PromiseWithResolvers<void>,
  second: PromiseWithResolvers<void> | undefined,
): PromiseWithResolvers<void> {
  if (second !== undefined) void first.promise.then(second.resolve);
  return first;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AgentError("storage.unwritable", `cannot read ${path}`, { cause: error });
  }
}

function parseOffsets(text: string, path: string): FileEntry[] {
  try {
    return offsetsFile.parse(JSON.parse(text)).files;
  } catch (cause) {
    throw new AgentError(
      "storage.corrupt",
      `${path} is damaged; restore it, or move it away: files are then treated as never seen`,
      { cause },
    );
  }
}
