/**
 * A batch as the bytes of a frame: OTLP protobuf, compressed with zstd before it is encrypted.
 *
 * Invariant: what comes out is record for record what went in, without the source position, which
 * nothing behind a queue uses.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { AgentError } from "../../component/errors.ts";
import type { LogBatch } from "../../data/log_batch.ts";
import type { LogRecord } from "../../data/log_record.ts";
import { decodeLogs } from "../../otlp/decode_logs.ts";
import { encodeLogsData } from "../../otlp/encode_logs.ts";
import { STORED_DECODE_LIMITS } from "../../otlp/limits.ts";
import { sharedEncodingOf } from "../../otlp/shared_encoding.ts";

/** Of uncompressed OTLP in one frame; a larger batch takes several. */
export const FRAME_PLAIN_BYTES_MAX = 16 * 1024 * 1024;
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export interface EncodedPart {
  readonly records: number;
  readonly plain: Buffer;
}

/**
 * The frames that hold the records, in order.
 * @throws AgentError `queue.record_too_large`, `otlp.limit_exceeded`
 */
export function encodeParts(records: readonly LogRecord[]): EncodedPart[] {
  const request = sharedEncodingOf(records)?.request ?? encodeLogsData(records);
  if (request.length <= FRAME_PLAIN_BYTES_MAX) {
    return [{ records: records.length, plain: zstdCompressSync(request, FAST) }];
  }
  if (records.length === 1) {
    const message = `a record of ${request.length} bytes is larger than ${FRAME_PLAIN_BYTES_MAX}`;
    throw new AgentError("queue.record_too_large", message);
  }
  const middle = records.length >> 1;
  return [...encodeParts(records.slice(0, middle)), ...encodeParts(records.slice(middle))];
}

/** @throws when the bytes are not what {@link encodeParts} made. */
export function decodePart(plain: Uint8Array): LogBatch {
  const request = zstdDecompressSync(plain, { maxOutputLength: FRAME_PLAIN_BYTES_MAX });
  return { records: decodeLogs(request, STORED_DECODE_LIMITS).records };
}
