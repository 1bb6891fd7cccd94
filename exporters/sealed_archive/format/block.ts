/**
 * A block: records sealed together.
 *
 *     file      = age(zstd(plaintext))
 *     plaintext = block secret (48 bytes) || (uint32 LE length || record)*
 *     record    = OTLP `LogsData` with one record, as protobuf
 *
 * Invariant: the descriptor's root, count and time bounds are those of exactly these records, in
 * this order, and each block has a fresh secret, which lies only inside the encrypted block.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { RandomSource } from "../../../src/component/settings.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import type { AgeRecipient } from "../../../src/lib/age/age_file.ts";
import { encryptAgeFile } from "../../../src/lib/age/age_file.ts";
import type { SharedEncoding } from "../../../src/otlp/shared_encoding.ts";
import type { SingleRecordAppender } from "../../../src/otlp/single_record.ts";
import { innerRoot, recordSalts, SECRET_BYTES } from "./inner_tree.ts";
import { sha256 } from "./merkle.ts";
import { recordTimeMs } from "./record_time.ts";

const LENGTH_BYTES = 4;
/** No block that this program writes unpacks to more; a reader refuses one that does. */
export const PLAINTEXT_BYTES_MAX = 256 * 1024 * 1024;
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export interface SealedBlock {
  /** The age file. */
  readonly bytes: Buffer;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly count: number;
  readonly root: Buffer;
  readonly timeBoundsMs: readonly [number, number];
}

export class BlockBuilder {
  readonly #appender: SingleRecordAppender;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #earliestMs = Number.POSITIVE_INFINITY;
  #latestMs = Number.NEGATIVE_INFINITY;

  /** The appender's buffer is this block's until it is sealed; what was in it is lost. */
  constructor(appender: SingleRecordAppender, random: RandomSource) {
    this.#appender = appender;
    const { writer } = appender;
    writer.truncate();
    const start = writer.skip(SECRET_BYTES);
    random(writer.buffer.subarray(start, start + SECRET_BYTES));
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Bytes of plaintext so far. */
  get sizeBytes(): number {
    return this.#appender.writer.length;
  }

  /**
   * `encoding` is that of the record's batch, in which it is number `index`; without it the record
   * is encoded here. Throws `otlp.limit_exceeded` for a record that has no encoding; the block is as before.
   */
  append(record: LogRecord, encoding?: SharedEncoding, index = 0): void {
    const { writer } = this.#appender;
    const lengthAt = writer.skip(LENGTH_BYTES);
    try {
      if (encoding === undefined) this.#appender.append(record);
      else this.#appender.appendEncoded(record, encoding, index);
    } catch (error) {
      writer.truncate(lengthAt);
      throw error;
    }
    const start = lengthAt + LENGTH_BYTES;
    writer.buffer.writeUInt32LE(writer.length - start, lengthAt);
    this.#starts.push(start);
    this.#ends.push(writer.length);
    const timeMs = recordTimeMs(record);
    if (timeMs < this.#earliestMs) this.#earliestMs = timeMs;
    if (timeMs > this.#latestMs) this.#latestMs = timeMs;
  }

  /** Call once, with at least one record inside. */
  seal(recipients: readonly AgeRecipient[], random: RandomSource): SealedBlock {
    const { writer } = this.#appender;
    const plaintext = writer.buffer.subarray(0, writer.length);
    const root = innerRoot(plaintext, { starts: this.#starts, ends: this.#ends });
    const bytes = encryptAgeFile(zstdCompressSync(plaintext, COMPRESSION), recipients, random);
    return {
      bytes,
      sha256: sha256(bytes).toString("hex"),
      count: this.count,
      root,
      timeBoundsMs: [this.#earliestMs, this.#latestMs],
    };
  }
}

export interface OpenedBlock {
  readonly root: Buffer;
  /** The bytes of each record, in order. */
  readonly records: readonly Buffer[];
  /** The salt of each record in the tree. */
  salts(): Buffer[];
}

/** Unpacks what age decrypted. Undefined when it is not whole, or too large. */
export function openBlock(compressed: Uint8Array): OpenedBlock | undefined {
  let plaintext: Buffer;
  try {
    plaintext = zstdDecompressSync(compressed, { maxOutputLength: PLAINTEXT_BYTES_MAX });
  } catch {
    return undefined;
  }
  const starts: number[] = [];
  const ends: number[] = [];
  let offset = SECRET_BYTES;
  while (offset + LENGTH_BYTES <= plaintext.length) {
    const start = offset + LENGTH_BYTES;
    const end = start + plaintext.readUInt32LE(offset);
    if (end > plaintext.length) return undefined;
    starts.push(start);
    ends.push(end);
    offset = end;
  }
  if (offset !== plaintext.length || starts.length === 0) return undefined;
  const root = innerRoot(plaintext, { starts, ends });
  return {
    root,
    records: starts.map((start, index) => plaintext.subarray(start, ends[index])),
    salts: () => recordSalts(plaintext.subarray(0, SECRET_BYTES), starts.length),
  };
}
