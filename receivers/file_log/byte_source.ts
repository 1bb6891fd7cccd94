/**
 * The bytes of a file at a position: as they lie on disk, or as they are after decompression.
 *
 * Invariant: positions name the same bytes in both forms, so that a log that was rotated and then
 * compressed goes on where its plain form was left.
 */
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { constants, createGunzip } from "node:zlib";

export interface ByteSource {
  /**
   * Fills as much of `target` as there is from `position` on, and returns the number of bytes. Less
   * than asked for means that there is no more for now. Positions never go back by more than the
   * last call returned.
   */
  read(target: Buffer, position: number): Promise<number>;
  /** Frees what belongs to the source; the handle is its owner's. */
  close(): void;
}

export function plainSource(handle: FileHandle): ByteSource {
  return {
    async read(target, position) {
      let filled = 0;
      while (filled < target.length) {
        const left = target.length - filled;
        const { bytesRead } = await handle.read(target, filled, left, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    close: () => {},
  };
}

const RAW_CHUNK_BYTES = 64 * 1024;

/** The file's own bytes, without taking the handle over as a stream of it would. */
async function* rawChunks(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const chunk = Buffer.allocUnsafe(RAW_CHUNK_BYTES);
    const { bytesRead } = await handle.read(chunk, 0, RAW_CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** Decompresses from the beginning; several gzip members one after the other are one text. */
export function gzipSource(handle: FileHandle): ByteSource {
  const compressed = Readable.from(rawChunks(handle));
  // A file that is still being written ends in the middle; what is there is good.
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  compressed.on("error", (error) => gunzip.destroy(error));
  const chunks = compressed.pipe(gunzip)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let window: Buffer[] = [];
  let windowStart = 0;
  let windowEnd = 0;
  let ended = false;
  return {
    async read(target, position) {
      while (!ended && windowEnd < position + target.length) {
        const next = await chunks.next();
        if (next.done === true) ended = true;
        else {
          window.push(next.value);
          windowEnd += next.value.length;
        }
        // What lies before the position is not asked for again.
        while (window.length > 0 && windowStart + window[0]!.length <= position) {
          windowStart += window.shift()!.length;
        }
      }
      const bytes = Buffer.concat(window).subarray(Math.max(0, position - windowStart));
      window = bytes.length > 0 ? [bytes] : [];
      windowStart = windowEnd - bytes.length;
      return bytes.copy(target);
    },
    close: () => {
      compressed.destroy();
      gunzip.destroy();
    },
  };
}
