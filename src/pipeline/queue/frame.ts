/**
 * Frames of the durable queue, one for each batch, and how they are found again in a damaged file.
 *
 *     "VSQ1" || length u32 || index u64 || records u32 || enqueued ms u64 || run (16 bytes)
 *            || CRC-32C of all this u32 || payload of `length` bytes            (little endian)
 *
 * Invariant: whatever bytes of a file are changed, removed or added, the frames whose own bytes are
 * whole are found. A header is believed when its check sum fits and its index rises; the payload is
 * encrypted, so it holds no header but by a chance of 2^-64.
 */
import { crc32c } from "../../lib/crc32c.ts";

const MARKER = Buffer.from("VSQ1");
const CRC_AT = 44;
export const HEADER_BYTES = 48;
export const RUN_BYTES = 16;

export interface FrameHeader {
  /** Rises by one from batch to batch, for ever. */
  readonly index: number;
  readonly records: number;
  readonly enqueuedMs: number;
  /** Random name of the key stream: the files of one run of the agent between two failures. */
  readonly run: Uint8Array;
}

export interface FoundFrame extends FrameHeader {
  /** Place of the header in the file. */
  readonly offset: number;
  /** Header and payload. */
  readonly bytes: number;
}

export interface Scan {
  readonly frames: readonly FoundFrame[];
  /** Bytes between frames that belong to none. */
  readonly skippedBytes: number;
  /** Bytes behind the last frame: a write that a crash cut off, or damage. */
  readonly tailBytes: number;
}

export function encodeHeader(header: FrameHeader, payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MARKER.copy(bytes);
  bytes.writeUInt32LE(payloadBytes, 4);
  bytes.writeBigUInt64LE(BigInt(header.index), 8);
  bytes.writeUInt32LE(header.records, 16);
  bytes.writeBigUInt64LE(BigInt(Math.max(0, Math.floor(header.enqueuedMs))), 20);
  bytes.set(header.run, 28);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** Undefined when no whole header begins there. */
export function headerAt(content: Buffer, offset: number): FoundFrame | undefined {
  if (offset + HEADER_BYTES > content.length) return undefined;
  const bytes = content.subarray(offset, offset + HEADER_BYTES);
  if (!bytes.subarray(0, MARKER.length).equals(MARKER)) return undefined;
  if (crc32c(bytes.subarray(0, CRC_AT)) !== bytes.readUInt32LE(CRC_AT)) return undefined;
  return {
    index: Number(bytes.readBigUInt64LE(8)),
    records: bytes.readUInt32LE(16),
    enqueuedMs: Number(bytes.readBigUInt64LE(20)),
    run: Uint8Array.from(bytes.subarray(28, CRC_AT)),
    offset,
    bytes: HEADER_BYTES + bytes.readUInt32LE(4),
  };
}

export function scanFrames(content: Buffer): Scan {
  const frames: FoundFrame[] = [];
  let skippedBytes = 0;
  let offset = 0;
  let lastIndex = -1;
  while (offset < content.length) {
    const frame = headerAt(content, offset);
    const isNext = frame !== undefined && frame.index > lastIndex;
    const end = isNext ? frame.offset + frame.bytes : offset;
    if (isNext && end <= content.length) {
      frames.push(frame);
      lastIndex = frame.index;
      if (end === content.length || headerAt(content, end) !== undefined) {
        offset = end;
        continue;
      }
    }
    // Bytes may be missing, so the next frame may begin before this one claims to end.
    const from = isNext ? offset + HEADER_BYTES : offset + 1;
    const next = nextHeader(content, from, lastIndex);
    const known = isNext && frames.at(-1) === frame ? Math.min(end, next ?? end) : offset;
    if (next === undefined) return { frames, skippedBytes, tailBytes: content.length - known };
    skippedBytes += next - known;
    offset = next;
  }
  return { frames, skippedBytes, tailBytes: 0 };
}

function nextHeader(content: Buffer, from: number, lastIndex: number): number | undefined {
  for (let at = content.indexOf(MARKER, from); at >= 0; at = content.indexOf(MARKER, at + 1)) {
    const frame = headerAt(content, at);
    if (frame !== undefined && frame.index > lastIndex) return at;
  }
  return undefined;
}
