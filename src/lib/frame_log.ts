/**
 * An append-only file of checked frames: `uint32 LE length || uint32 LE CRC-32C || payload`.
 *
 * Invariant: after {@link FrameLog.sync} resolved, the frames appended before it are read again by
 * the next {@link FrameLog.open}. A torn tail, which a crash can leave and which was therefore never
 * synced, is cut off when the file is opened; a damaged frame with whole frames behind it is no
 * crash but corruption, and opening fails.
 */
import type { FileHandle } from "node:fs/promises";
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError } from "../component/errors.ts";
import { crc32c } from "./crc32c.ts";
import { syncDirectory } from "./durable_file.ts";

const HEADER_BYTES = 8;
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

export interface OpenedFrameLog {
  readonly log: FrameLog;
  /** Payloads in the order in which they were appended. */
  readonly frames: readonly Uint8Array[];
  /** Bytes of a torn tail that were cut off. */
  readonly cutBytes: number;
}

export class FrameLog {
  readonly #path: string;
  readonly #handle: FileHandle;
  #sizeBytes: number;
  #syncedBytes: number;
  /** Bytes of a failed write may lie behind the end and must go before anything else is written. */
  #torn = false;

  private constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
    this.#syncedBytes = sizeBytes;
  }

  /** Opens or creates the file (mode 0600). Throws `storage.corrupt` for damage inside. */
  static async open(path: string): Promise<OpenedFrameLog> {
    const handle = await open(path, "a+", 0o600);
    try {
      const content = await readFile(handle);
      const { frames, endBytes } = parseFrames(content, path);
      const cutBytes = content.length - endBytes;
      if (cutBytes > 0) {
        await handle.truncate(endBytes);
        await handle.sync();
      }
      await syncDirectory(dirname(path));
      return { log: new FrameLog(path, handle, endBytes), frames, cutBytes };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The whole frames of a file, which another process may be writing. Changes nothing. */
  static async read(path: string): Promise<readonly Uint8Array[]> {
    return parseFrames(await readFile(path), path).frames;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Appends the payloads with one write. A write that failed half-way is cut off again, at the
   * latest before the next one, so that the file stays whole; the error says `storage.unwritable`
   * and the call may be repeated.
   */
  async append(payloads: readonly Uint8Array[]): Promise<void> {
    const bytes = encodeFrames(payloads);
    try {
      if (this.#torn) await this.#cutTo(this.#sizeBytes);
      this.#torn = true;
      await this.#handle.appendFile(bytes);
      this.#torn = false;
      this.#sizeBytes += bytes.length;
    } catch (cause) {
      await this.#cutTo(this.#sizeBytes).catch(() => {});
      throw new AgentError("storage.unwritable", `cannot append to ${this.#path}`, { cause });
    }
  }

  /** After an error, frames since the last sync may be lost: see {@link discardUnsynced}. */
  async sync(): Promise<void> {
    const sizeBytes = this.#sizeBytes;
    try {
      await this.#handle.datasync();
      this.#syncedBytes = sizeBytes;
    } catch (cause) {
      throw new AgentError("storage.unwritable", `cannot sync ${this.#path}`, {
        cause,
      });
    }
  }

  /**
   * Takes back what was appended since the last successful sync, so that it can be appended again.
   * A kernel that failed to write pages may drop them and report success to the next sync, so after
   * a failed one nothing short of writing the data again is safe.
   */
  async discardUnsynced(): Promise<void> {
    try {
      await this.#cutTo(this.#syncedBytes);
    } catch (cause) {
      throw new AgentError("storage.unwritable", `cannot truncate ${this.#path}`, { cause });
    }
  }

  async #cutTo(sizeBytes: number): Promise<void> {
    await this.#handle.truncate(sizeBytes);
    this.#sizeBytes = sizeBytes;
    this.#torn = false;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function encodeFrames(payloads: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const payload of payloads) length += HEADER_BYTES + payload.length;
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const payload of payloads) {
    bytes.writeUInt32LE(payload.length, offset);
    bytes.writeUInt32LE(crc32c(payload), offset + 4);
    bytes.set(payload, offset + HEADER_BYTES);
    offset += HEADER_BYTES + payload.length;
  }
  return bytes;
}

function parseFrames(content: Buffer, path: string): { frames: Uint8Array[]; endBytes: number } {
  const frames: Uint8Array[] = [];
  let offset = 0;
  while (offset < content.length) {
    const payload = frameAt(content, offset);
    if (payload === undefined) {
      if (hasWholeFrameAfter(content, offset)) {
        throw new AgentError("storage.corrupt", `${path} is damaged at byte ${offset}`);
      }
      break;
    }
    frames.push(payload);
    offset += HEADER_BYTES + payload.length;
  }
  return { frames, endBytes: offset };
}

function frameAt(content: Buffer, offset: number): Uint8Array | undefined {
  if (offset + HEADER_BYTES > content.length) return undefined;
  const length = content.readUInt32LE(offset);
  const end = offset + HEADER_BYTES + length;
  if (length === 0 || length > FRAME_BYTES_MAX || end > content.length) return undefined;
  const payload = content.subarray(offset + HEADER_BYTES, end);
  return crc32c(payload) === content.readUInt32LE(offset + 4) ? payload : undefined;
}

/** Does the frame that the damaged length claims end where another whole frame begins? */
function hasWholeFrameAfter(content: Buffer, offset: number): boolean {
  if (offset + HEADER_BYTES > content.length) return false;
  const next = offset + HEADER_BYTES + content.readUInt32LE(offset);
  return next < content.length && frameAt(content, next) !== undefined;
}
