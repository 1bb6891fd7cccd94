/**
 * The tree inside a block: RFC 6962 over salted leaves `SHA-256(0x00 || salt || record)`.
 *
 * The salts are the AES-256-CTR key stream under the block secret (32 bytes of key, 16 of counter),
 * 16 bytes a record, so that nobody without the secret can test a guess of a record against the
 * root in the public log.
 *
 * Each hash is one call of one-shot `crypto.hash` with a string result, the quickest way Node.js
 * has: the two children of a node are written side by side behind the prefix byte, and nothing is
 * copied but the hashes.
 */
import { createCipheriv, hash } from "node:crypto";
import { HASH_BYTES, hashLeaf } from "./merkle.ts";

export const SECRET_BYTES = 48;
const KEY_BYTES = 32;
export const SALT_BYTES = 16;
const LEAF_HEAD_BYTES = 1 + SALT_BYTES;
const PAIR_BYTES = 1 + 2 * HASH_BYTES;

export interface RecordSpans {
  /** Byte offsets of each record in the block's plaintext, end exclusive. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/**
 * Root of the records of a block. `plaintext` starts with the block secret and has at least
 * 17 bytes before the first record; it is written to for a moment and left as it was.
 */
export function innerRoot(plaintext: Buffer, records: RecordSpans): Buffer {
  const count = records.starts.length;
  const salts = saltsOf(plaintext.subarray(0, SECRET_BYTES), count);
  const nodes = Buffer.alloc(Math.ceil(count / 2) * PAIR_BYTES);
  const saved = new Uint8Array(LEAF_HEAD_BYTES);
  for (let index = 0; index < count; index++) {
    // The leaf's head goes where the bytes before the record are, which are put back after it.
    const head = records.starts[index]! - LEAF_HEAD_BYTES;
    for (let at = 0; at < LEAF_HEAD_BYTES; at++) saved[at] = plaintext[head + at]!;
    plaintext[head] = 0;
    const salt = index * SALT_BYTES;
    for (let at = 0; at < SALT_BYTES; at++) plaintext[head + 1 + at] = salts[salt + at]!;
    const leaf = hash("sha256", plaintext.subarray(head, records.ends[index]!), "latin1");
    for (let at = 0; at < LEAF_HEAD_BYTES; at++) plaintext[head + at] = saved[at]!;
    nodes.write(leaf, slotOf(index), "latin1");
  }
  return reduce(nodes, count);
}

/** The salt of each record under a block secret. */
export function recordSalts(secret: Buffer, count: number): Buffer[] {
  const salts = saltsOf(secret, count);
  return Array.from({ length: count }, (_, index) =>
    salts.subarray(index * SALT_BYTES, (index + 1) * SALT_BYTES),
  );
}

/** One leaf, for who proves or checks a single record. */
export function recordLeaf(salt: Buffer, record: Uint8Array): Buffer {
  return hashLeaf(Buffer.concat([salt, record]));
}

function saltsOf(secret: Buffer, count: number): Buffer {
  const cipher = createCipheriv(
    "aes-256-ctr",
    secret.subarray(0, KEY_BYTES),
    secret.subarray(KEY_BYTES),
  );
  return cipher.update(Buffer.alloc(count * SALT_BYTES));
}

/** Node `index` of a level lies in pair `index >> 1`, behind that pair's prefix byte. */
function slotOf(index: number): number {
  return (index >> 1) * PAIR_BYTES + 1 + (index & 1) * HASH_BYTES;
}

/** Reduces level after level in place; an odd last node goes up unchanged. */
function reduce(nodes: Buffer, leaves: number): Buffer {
  let count = leaves;
  while (count > 1) {
    const pairs = count >> 1;
    for (let index = 0; index < pairs; index++) {
      const start = index * PAIR_BYTES;
      nodes[start] = 1;
      const node = hash("sha256", nodes.subarray(start, start + PAIR_BYTES), "latin1");
      nodes.write(node, slotOf(index), "latin1");
    }
    if (count % 2 === 1) {
      const last = slotOf(count - 1);
      nodes.copyWithin(slotOf(pairs), last, last + HASH_BYTES);
    }
    count = pairs + (count % 2);
  }
  return Buffer.from(nodes.subarray(1, 1 + HASH_BYTES));
}
