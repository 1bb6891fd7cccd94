/**
 * The files of a queue: frames are appended to the newest, and a file goes when all its frames are
 * done.
 *
 * Invariant: {@link SegmentFiles.append} resolves only when the frames are on disk. A file that a
 * write failed in is never written again: the next write begins another one with the same index,
 * and frames of a file that the next file's name says are not its own do not count.
 */
import type { FileHandle } from "node:fs/promises";
import { open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, describeError } from "../../component/errors.ts";
import { syncDirectory } from "../../lib/durable_file.ts";
import type { FoundFrame, Scan } from "./frame.ts";
import { scanFrames } from "./frame.ts";

export const SEGMENT_BYTES = 16 * 1024 * 1024;
const NAME = /^(\d{16})\.(\d+)\.queue$/;

export interface Segment {
  readonly path: string;
  /** Index of its first frame. */
  readonly firstIndex: number;
  /** Which of several files with this first index. */
  readonly attempt: number;
  bytes: number;
  handle: FileHandle | undefined;
}

export interface FoundSegment {
  readonly segment: Segment;
  readonly scan: Scan;
}

export class SegmentFiles {
  readonly #directory: string;
  #active: Segment | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What an earlier run left, oldest first. One file at a time is in memory. */
  async *find(): AsyncGenerator<FoundSegment> {
    const segments = (await readdir(this.#directory)).flatMap((name): Segment[] => {
      const match = NAME.exec(name);
      if (match === null) return [];
      const path = join(this.#directory, name);
      const [firstIndex, attempt] = [Number(match[1]), Number(match[2])];
      return [{ path, firstIndex, attempt, bytes: 0, handle: undefined }];
    });
    segments.sort((a, b) => a.firstIndex - b.firstIndex || a.attempt - b.attempt);
    for (const [position, segment] of segments.entries()) {
      const content = await readFile(segment.path);
      segment.bytes = content.length;
      const scan = scanFrames(content);
      const end = segments[position + 1]?.firstIndex ?? Number.MAX_SAFE_INTEGER;
      const isOwn = ({ index }: FoundFrame): boolean => index >= segment.firstIndex && index < end;
      yield { segment, scan: { ...scan, frames: scan.frames.filter(isOwn) } };
    }
  }

  /**
   * Appends the bytes with one write and one sync, and tells where they begin.
   * @throws AgentError `storage.unwritable`; nothing of it counts then, and the call may be repeated.
   */
  async append(bytes: Buffer, firstIndex: number): Promise<{ segment: Segment; offset: number }> {
    let segment = this.#active;
    try {
      if (segment !== undefined && segment.bytes >= SEGMENT_BYTES) segment = undefined;
      segment ??= await this.#create(firstIndex);
      const offset = segment.bytes;
      await segment.handle!.appendFile(bytes);
      await segment.handle!.datasync();
      segment.bytes += bytes.length;
      return { segment, offset };
    } catch (cause) {
      // Its frames, if it has any, are read through a handle of their own.
      if (this.#active !== undefined) await this.close(this.#active).catch(() => {});
      const message = `cannot write to the queue in ${this.#directory} (${describeError(cause)})`;
      throw new AgentError("storage.unwritable", message, { cause });
    }
  }

  /** Undefined when the file is gone; fewer bytes when it ends before. */
  async read(segment: Segment, offset: number, bytes: number): Promise<Buffer | undefined> {
    try {
      segment.handle ??= await open(segment.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const buffer = Buffer.allocUnsafe(bytes);
    const { bytesRead } = await segment.handle.read(buffer, 0, bytes, offset);
    return buffer.subarray(0, bytesRead);
  }

  isActive(segment: Segment): boolean {
    return segment === this.#active;
  }

  async remove(segment: Segment): Promise<void> {
    await this.close(segment);
    await rm(segment.path, { force: true });
  }

  async close(segment: Segment): Promise<void> {
    if (segment === this.#active) this.#active = undefined;
    await segment.handle?.close();
    segment.handle = undefined;
  }

  async #create(firstIndex: number): Promise<Segment> {
    for (let attempt = 0; ; attempt++) {
      const name = `${String(firstIndex).padStart(16, "0")}.${attempt}.queue`;
      const path = join(this.#directory, name);
      try {
        const handle = await open(path, "ax+", 0o600);
        const segment = { path, firstIndex, attempt, bytes: 0, handle };
        this.#active = segment;
        await syncDirectory(this.#directory);
        return segment;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
  }
}
