/**
 * Reads and decompresses the body of an HTTP request, piece by piece.
 *
 * Invariant: no piece is kept before it is within the size limit and within the bytes in flight, so
 * a decompression bomb, or many of them at once, cost no more memory than honest requests.
 */
import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { constants, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { AgentError } from "../../src/component/errors.ts";
import type { Reservation } from "./in_flight.ts";

/** 8 MiB, the window that RFC 9659 allows for the content encoding `zstd`. */
const ZSTD_WINDOW_LOG_MAX = 23;
const CHUNK_SIZE = 64 * 1024;

const inflate = (): Transform => createInflate({ chunkSize: CHUNK_SIZE });

/** The content encodings that are understood, beside `identity`. */
const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ chunkSize: CHUNK_SIZE }),
  deflate: inflate,
  // The Collector's name for the same; RFC 9110 has only `deflate`.
  zlib: inflate,
  zstd: () =>
    createZstdDecompress({
      chunkSize: CHUNK_SIZE,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    }),
};

/**
 * @param contentEncoding a key of {@link decompressors}, or `identity`.
 * @throws AgentError `otlp.too_large`, `otlp.overloaded`, `otlp.malformed` (compression),
 *   `otlp.client_gone`. What is left of the request is discarded as it arrives.
 */
export async function readBody(
  request: IncomingMessage,
  contentEncoding: string,
  sizeMax: number,
  reservation: Reservation,
): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > sizeMax) throw tooLarge(sizeMax);
  const decompressor = decompressors[contentEncoding]?.();
  const chunks: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();

  let wireSize = 0;
  request.on("data", (chunk: Buffer) => {
    // Also without output: a stream of empty gzip members or zstd frames has none.
    wireSize += chunk.length;
    if (wireSize > sizeMax) reject(tooLarge(sizeMax));
  });
  request.on("close", () => {
    if (!request.complete) reject(new AgentError("otlp.client_gone", "the client went away"));
  });
  request.on("error", () => reject(new AgentError("otlp.client_gone", "the client went away")));

  let size = 0;
  const source = decompressor === undefined ? request : request.pipe(decompressor);
  source.on("data", (chunk: Buffer) => {
    size += chunk.length;
    try {
      if (size > sizeMax) throw tooLarge(sizeMax);
      reservation.take(chunk.length);
      chunks.push(chunk);
    } catch (error) {
      reject(error);
    }
  });
  source.on("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
  decompressor?.on("error", () => {
    const problem = `the body is not ${contentEncoding}, or is cut off`;
    reject(new AgentError("otlp.malformed", problem));
  });
  try {
    return await promise;
  } finally {
    if (decompressor !== undefined) {
      request.unpipe(decompressor);
      decompressor.destroy();
    }
    source.removeAllListeners("data");
    request.removeAllListeners("data");
    request.resume();
  }
}

function tooLarge(sizeMax: number): AgentError {
  return new AgentError("otlp.too_large", `a request may have ${sizeMax} bytes; send less at once`);
}
