/**
 * Writes blocks into the segment files of one zone.
 *
 * Invariant: every byte is written at the place that its entry names, never "at the end", so
 * repeating a write after an error gives the same file, and bytes that someone else appended are
 * overwritten instead of moving ours. Symbolic links are not followed.
 */
import type { FileHandle } from "node:fs/promises";
import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory, writeFileDurably } from "../../../src/lib/durable_file.ts";
import { segmentFileName, segmentName } from "../format/position.ts";

export const SUMS_FILE = "SHA256SUMS";
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export const PUBLIC_FILE_MODE = 0o644;

export interface BlockWrite {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

export class SegmentFiles {
  readonly #directory: string;
  #open: { segment: number; handle: FileHandle } | undefined;

  /** `directory` is `<archive>/blocks/<zone>` and exists. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes blocks of one segment that lie back to back, and makes them durable. */
  async write(blocks: readonly BlockWrite[]): Promise<void> {
    const first = blocks[0]!;
    const handle = await this.#segment(first.segment);
    const bytes = Buffer.concat(blocks.map((block) => block.bytes));
    let written = 0;
    while (written < bytes.length) {
      const rest = bytes.subarray(written);
      written += (await handle.write(rest, 0, rest.length, first.offset + written)).bytesWritten;
    }
    await handle.datasync();
    if (first.offset === 0) await syncDirectory(this.#directory);
  }

  /** Ends a segment at `sizeBytes` and replaces the list of check sums. */
  async finish(segment: number, sizeBytes: number, sums: string): Promise<void> {
    await this.cut(segment, sizeBytes);
    await writeFileDurably(join(this.#directory, SUMS_FILE), sums, PUBLIC_FILE_MODE);
    await this.close();
  }

  /** Takes back what lies beyond `sizeBytes`. */
  async cut(segment: number, sizeBytes: number): Promise<void> {
    const handle = await this.#segment(segment);
    if ((await handle.stat()).size <= sizeBytes) return;
    await handle.truncate(sizeBytes);
    await handle.datasync();
  }

  async close(): Promise<void> {
    const { handle } = this.#open ?? {};
    this.#open = undefined;
    await handle?.close();
  }

  async #segment(segment: number): Promise<FileHandle> {
    if (this.#open?.segment === segment) return this.#open.handle;
    await this.close();
    const path = join(this.#directory, segmentFileName(segmentName(segment)));
    const handle = await open(path, OPEN_FLAGS, PUBLIC_FILE_MODE);
    this.#open = { segment, handle };
    return handle;
  }
}
