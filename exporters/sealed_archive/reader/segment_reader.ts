/**
 * Reads blocks out of segment files, one open file at a time. Symbolic links are not followed, and
 * what is no regular file counts as missing.
 */
import type { FileHandle } from "node:fs/promises";
import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import { segmentFileName } from "../format/position.ts";
import { READ_AT_ONCE } from "../optional_file.ts";

export class SegmentReader {
  readonly #archive: string;
  #open: { path: string; handle: FileHandle } | undefined;

  constructor(archive: string) {
    this.#archive = archive;
  }

  /** The bytes from `offset`; fewer when the file ends, none when there is no such file. */
  async read(zone: string, segment: string, offset: number, length: number): Promise<Buffer> {
    const handle = await this.#segment(zone, segment);
    if (handle === undefined) return Buffer.alloc(0);
    // A forged length must not reserve memory for bytes that the file does not have.
    const available = Math.max(0, (await handle.stat()).size - offset);
    const bytes = Buffer.allocUnsafe(Math.min(length, available));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
    return bytes.subarray(0, bytesRead);
  }

  /** -1 when there is no such file. */
  async size(zone: string, segment: string): Promise<number> {
    const handle = await this.#segment(zone, segment);
    return handle === undefined ? -1 : (await handle.stat()).size;
  }

  async close(): Promise<void> {
    const { handle } = this.#open ?? {};
    this.#open = undefined;
    await handle?.close();
  }

  async #segment(zone: string, segment: string): Promise<FileHandle | undefined> {
    const path = join(this.#archive, "blocks", zone, segmentFileName(segment));
    if (this.#open?.path === path) return this.#open.handle;
    await this.close();
    try {
      const handle = await open(path, READ_AT_ONCE | constants.O_NOFOLLOW);
      this.#open = { path, handle };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "ENOENT" || code === "ELOOP") return undefined;
      throw error;
    }
    if ((await this.#open.handle.stat()).isFile()) return this.#open.handle;
    await this.close();
    return undefined;
  }
}
