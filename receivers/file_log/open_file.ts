/** An open log file: its handle, its bytes and its head. */
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, realpath } from "node:fs/promises";
import type { ByteSource } from "./byte_source.ts";
import { gzipSource, plainSource } from "./byte_source.ts";
import type { FileLogConfig } from "./config.ts";
import type { Ownership } from "./file_owner.ts";
import { ownershipOf } from "./file_owner.ts";
import type { Head } from "./fingerprint.ts";
import { beginsAsGzip, readHead } from "./fingerprint.ts";

/** Device and inode: the name of a file as long as it exists. */
export interface FileKey {
  readonly device: string;
  readonly inode: string;
}

/** Decimal texts, because inode numbers can exceed what a double holds. */
export function keyOf(stats: { readonly dev: bigint; readonly ino: bigint }): FileKey {
  return { device: String(stats.dev), inode: String(stats.ino) };
}

export function keyText({ device, inode }: FileKey): string {
  return `${device}:${inode}`;
}

export class OpenFile {
  readonly path: string;
  readonly resolvedPath: string;
  /** Undefined where nobody asks for it. */
  readonly ownership: Ownership | undefined;
  readonly #handle: FileHandle;
  readonly #config: FileLogConfig;
  #source: ByteSource | undefined;
  #isGzip = false;

  private constructor(
    path: string,
    resolvedPath: string,
    ownership: Ownership | undefined,
    handle: FileHandle,
    config: FileLogConfig,
  ) {
    this.path = path;
    this.resolvedPath = resolvedPath;
    this.ownership = ownership;
    this.#handle = handle;
    this.#config = config;
  }

  static async open(path: string, config: FileLogConfig): Promise<OpenFile> {
    // Without O_NONBLOCK, opening a FIFO that took the file's place would wait for a writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const wantsResolved = config.include_file_name_resolved || config.include_file_path_resolved;
      const resolvedPath = wantsResolved ? await realpath(path) : path;
      const wantsOwnership =
        config.include_file_owner_name ||
        config.include_file_owner_group_name ||
        config.include_file_permissions;
      const ownership = wantsOwnership
        ? await ownershipOf(await handle.stat({ bigint: true }))
        : undefined;
      const file = new OpenFile(path, resolvedPath, ownership, handle, config);
      // From the start it has to be known whether the bytes are compressed.
      await file.head();
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get isGzip(): boolean {
    return this.#isGzip;
  }

  async stat(): Promise<{ key: FileKey; sizeBytes: number; modifiedMs: number; links: number }> {
    const stats = await this.#handle.stat({ bigint: true });
    return {
      key: keyOf(stats),
      sizeBytes: Number(stats.size),
      modifiedMs: Number(stats.mtimeMs),
      links: Number(stats.nlink),
    };
  }

  async head(): Promise<Head> {
    const head = await readHead(this.#handle, this.#config);
    this.#isGzip = head.isGzip;
    return head;
  }

  /** Whether a file that is read as text begins as a gzip file does. */
  static looksCompressed(head: Head): boolean {
    return !head.isGzip && beginsAsGzip(head.bytes);
  }

  async read(target: Buffer, position: number): Promise<number> {
    this.#source ??= this.#isGzip ? gzipSource(this.#handle) : plainSource(this.#handle);
    const bytesRead = await this.#source.read(target, position);
    // A compressed stream that has ended does not see what is appended; the next one does.
    if (this.#isGzip && bytesRead < target.length) this.#closeSource();
    return bytesRead;
  }

  async close(): Promise<void> {
    this.#closeSource();
    await this.#handle.close();
  }

  #closeSource(): void {
    this.#source?.close();
    this.#source = undefined;
  }
}
