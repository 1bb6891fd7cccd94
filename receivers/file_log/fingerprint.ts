/**
 * By what a file is known again: its first bytes, and how many of them there were.
 *
 * Only a hash of them is kept, so that the stored offsets hold no log content.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { constants, gunzipSync } from "node:zlib";
import type { FileLogConfig } from "./config.ts";

export interface Fingerprint {
  /** SHA-256 of the first `length` bytes (after decompression), lower-case hex. */
  readonly hash: string;
  readonly length: number;
}

export interface Head {
  /** The first bytes of the text, at most `fingerprint_size`. */
  readonly bytes: Buffer;
  readonly isGzip: boolean;
}

/** Compressed, the first bytes are seldom longer, and then by no more than this. */
const COMPRESSED_HEAD_BYTES = 4096;

export function fingerprintOf(head: Buffer, length = head.length): Fingerprint {
  return {
    hash: createHash("sha256").update(head.subarray(0, length)).digest("hex"),
    length,
  };
}

/** Whether a file with this head can be the one that had the fingerprint. */
export function matchesHead(fingerprint: Fingerprint, head: Buffer): boolean {
  return (
    head.length >= fingerprint.length &&
    fingerprintOf(head, fingerprint.length).hash === fingerprint.hash
  );
}

export async function readHead(
  handle: FileHandle,
  config: Pick<FileLogConfig, "compression" | "fingerprint_size">,
): Promise<Head> {
  const sizeBytes = config.fingerprint_size;
  const asked = config.compression === "" ? sizeBytes : sizeBytes + COMPRESSED_HEAD_BYTES;
  const buffer = Buffer.allocUnsafe(asked);
  const { bytesRead } = await handle.read(buffer, 0, asked, 0);
  const raw = buffer.subarray(0, bytesRead);
  const isGzip =
    config.compression === "gzip" || (config.compression === "auto" && beginsAsGzip(raw));
  return { bytes: (isGzip ? inflate(raw) : raw).subarray(0, sizeBytes), isGzip };
}

/** RFC 1952 section 2.3.1: the two identification bytes of a gzip member. */
export function beginsAsGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function inflate(raw: Buffer): Buffer {
  if (raw.length === 0) return raw;
  return gunzipSync(raw, { finishFlush: constants.Z_SYNC_FLUSH });
}
