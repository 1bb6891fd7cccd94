/**
 * What the `extra` line of a proof says about one record: its block's entry, and the way from the
 * record to the inner root in that entry.
 *
 *     { "entry": "<the entry, as it is in the log>",
 *       "record": { "at": 3, "path": [base64...], "leaf": base64 }            not disclosed
 *               | { "at": 3, "path": [base64...], "salt": base64, "data": base64 } }
 *
 * `at` counts from the block's first record, `path` goes from the leaf's sibling up, `leaf` is
 * `SHA-256(0x00 || salt || data)` and `data` an OTLP `LogsData` with one record, as protobuf.
 *
 * Invariant: without `data` and `salt` nothing can be learned of the record, not even by guessing:
 * the salt is 16 bytes that nobody but the block's recipients has.
 */
import { z } from "zod";
import type { CanonicalValue } from "../format/canonical_json.ts";
import { canonicalJson, parseCanonicalJson } from "../format/canonical_json.ts";
import { recordLeaf, SALT_BYTES } from "../format/inner_tree.ts";
import { HASH_BYTES } from "../format/merkle.ts";
import { decodeBase64 } from "../format/note.ts";
import { decodeHashes } from "../format/tlog_proof.ts";

export interface RecordPart {
  /** From the block's first record, which is 0. */
  readonly at: number;
  readonly path: readonly Buffer[];
  readonly leaf: Buffer;
  /** Undefined when the record is not disclosed. */
  readonly disclosed: { readonly salt: Buffer; readonly data: Buffer } | undefined;
}

export interface ProofExtra {
  /** The bytes of the block's entry. */
  readonly entry: Buffer;
  /** Undefined when the proof is of the block alone. */
  readonly record: RecordPart | undefined;
}

const place = { at: z.number().int().min(0), path: z.array(z.string()) };
const extraSchema = z.strictObject({
  entry: z.string(),
  record: z
    .union([
      z.strictObject({ ...place, leaf: z.string() }),
      z.strictObject({ ...place, salt: z.string(), data: z.string() }),
    ])
    .optional(),
});

export function encodeExtra({ entry, record }: ProofExtra): Buffer {
  const text = entry.toString();
  if (record === undefined) return Buffer.from(canonicalJson({ entry: text }));
  const { at, path, leaf, disclosed } = record;
  const content: CanonicalValue =
    disclosed === undefined
      ? { leaf: leaf.toString("base64") }
      : { salt: disclosed.salt.toString("base64"), data: disclosed.data.toString("base64") };
  const way = { at, path: path.map((hash) => hash.toString("base64")) };
  return Buffer.from(canonicalJson({ entry: text, record: { ...way, ...content } }));
}

/** Undefined for anything malformed. */
export function decodeExtra(bytes: Buffer): ProofExtra | undefined {
  const parsed = extraSchema.safeParse(parseCanonicalJson(bytes.toString()));
  if (!parsed.success) return undefined;
  const entry = Buffer.from(parsed.data.entry);
  const { record } = parsed.data;
  if (record === undefined) return { entry, record };
  const path = decodeHashes(record.path);
  if (path === undefined) return undefined;
  if ("leaf" in record) {
    const leaf = decodeBase64(record.leaf);
    if (leaf?.length !== HASH_BYTES) return undefined;
    return { entry, record: { at: record.at, path, leaf, disclosed: undefined } };
  }
  const salt = decodeBase64(record.salt);
  const data = decodeBase64(record.data);
  if (salt?.length !== SALT_BYTES || data === undefined) return undefined;
  const leaf = recordLeaf(salt, data);
  return { entry, record: { at: record.at, path, leaf, disclosed: { salt, data } } };
}
