/**
 * The model as it is kept: magic, the four filters of the lexicon, the weights, all under Brotli.
 * It is made by `npm run train:names`, and the tests make it again and compare.
 */
import { readFileSync } from "node:fs";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { FEATURES } from "./features.ts";
import { FILTER_BYTES, FILTER_KINDS, Lexicon } from "./lexicon.ts";
import { LABELS, Tagger } from "./tagger.ts";

const MAGIC = Buffer.from("vouchsafe names 1\n");
const WEIGHTS = FEATURES * LABELS.length;
const MODEL_FILE = new URL("./model.bin", import.meta.url);

export function encodeModel(filters: readonly Uint8Array[], weights: Int8Array): Buffer {
  const bytes = Buffer.concat([MAGIC, ...filters, Buffer.from(weights.buffer)]);
  return brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 },
  });
}

export function decodeModel(file: Uint8Array): Tagger {
  const bytes = brotliDecompressSync(file);
  const expected = MAGIC.length + FILTER_KINDS.length * FILTER_BYTES + WEIGHTS;
  if (bytes.length !== expected || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Error("the name model's file is not of this version");
  }
  const filters = FILTER_KINDS.map((_, index) => {
    const start = MAGIC.length + index * FILTER_BYTES;
    return Uint8Array.from(bytes.subarray(start, start + FILTER_BYTES));
  });
  const weights = Int8Array.from(
    new Int8Array(bytes.buffer, bytes.byteOffset + expected - WEIGHTS, WEIGHTS),
  );
  return new Tagger(weights, new Lexicon(filters));
}

export function loadModel(): Tagger {
  return decodeModel(readFileSync(MODEL_FILE));
}
