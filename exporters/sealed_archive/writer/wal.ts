/**
 * The write-ahead log: every entry of the archive's log, with the high-water marks of the sources
 * whose records its block closes over, in one frame and so in one atomic step.
 *
 * Invariant: once {@link Wal.sync} resolved, the entry is part of the log for ever, and recovery
 * finds it here until a signed checkpoint and a snapshot cover it. Files are named by the index of
 * their first frame; indexes run on without gaps from file to file.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AgentError } from "../../../src/component/errors.ts";
import { FrameLog } from "../../../src/lib/frame_log.ts";
import type { Span } from "./cover.ts";

/**
 * `[source id, position, [after, to]...]`: records of the source up to the position are sealed, and
 * so are those in the pieces above it.
 */
export type Mark = readonly [id: string, position: number, ...above: Span[]];

export const markSchema = z.tuple([z.string(), z.number()]).rest(z.tuple([z.number(), z.number()]));

export interface WalFrame {
  readonly index: number;
  /** The entry's bytes as text; entries are JSON. */
  readonly entry: string;
  readonly marks: readonly Mark[];
}

const frameSchema = z.object({
  index: z.number().int(),
  entry: z.string(),
  marks: z.array(markSchema),
});

export interface OpenedWal {
  readonly wal: Wal;
  readonly frames: readonly WalFrame[];
}

interface WalFile {
  readonly first: number;
  readonly log: FrameLog;
}

export class Wal {
  readonly #directory: string;
  /** Oldest first; frames go into the last one. */
  #files: WalFile[];

  private constructor(directory: string, files: WalFile[]) {
    this.#directory = directory;
    this.#files = files;
  }

  /** Throws `storage.corrupt` when a frame is damaged or missing. */
  static async open(directory: string): Promise<OpenedWal> {
    const files: WalFile[] = [];
    const frames: WalFrame[] = [];
    for (const first of await listFiles(directory)) {
      const path = join(directory, fileName(first));
      const opened = await FrameLog.open(path);
      files.push({ first, log: opened.log });
      for (const payload of opened.frames) frames.push(decodeFrame(payload, path));
    }
    const start = files[0]?.first ?? 0;
    for (const [offset, frame] of frames.entries()) {
      if (frame.index === start + offset) continue;
      throw new AgentError("storage.corrupt", `the write-ahead log lacks frame ${start + offset}`);
    }
    const wal = new Wal(directory, files);
    if (files.length === 0) await wal.rotate(0);
    return { wal, frames };
  }

  get sizeBytes(): number {
    return this.#current.sizeBytes;
  }

  async append(frames: readonly WalFrame[]): Promise<void> {
    await this.#current.append(frames.map((frame) => Buffer.from(JSON.stringify(frame))));
  }

  async sync(): Promise<void> {
    await this.#current.sync();
  }

  async discardUnsynced(): Promise<void> {
    await this.#current.discardUnsynced();
  }

  /** Frames from `index` on go into a new file. */
  async rotate(index: number): Promise<void> {
    if (this.#files.at(-1)?.first === index) return;
    const { log } = await FrameLog.open(join(this.#directory, fileName(index)));
    this.#files.push({ first: index, log });
  }

  /** Removes the files whose frames all lie before `index`. */
  async removeBefore(index: number): Promise<void> {
    while (this.#files.length > 1 && this.#files[1]!.first <= index) {
      const [oldest] = this.#files.splice(0, 1);
      await oldest!.log.close();
      await rm(join(this.#directory, fileName(oldest!.first)));
    }
  }

  async close(): Promise<void> {
    for (const { log } of this.#files.splice(0)) await log.close();
  }

  get #current(): FrameLog {
    return this.#files.at(-1)!.log;
  }
}

function fileName(first: number): string {
  return `wal-${String(first).padStart(16, "0")}`;
}

async function listFiles(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => /^wal-\d{16}$/.test(name))
    .map((name) => Number(name.slice(4)))
    .sort((a, b) => a - b);
}

function decodeFrame(payload: Uint8Array, path: string): WalFrame {
  try {
    return frameSchema.parse(JSON.parse(Buffer.from(payload).toString()));
  } catch (cause) {
    throw new AgentError("storage.corrupt", `${path} holds a frame of another kind`, { cause });
  }
}
