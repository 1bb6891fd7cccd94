/**
 * The Merkle tree hash of RFC 6962 section 2.1 with SHA-256, used for the log and inside blocks.
 *
 * Invariant: leaves and nodes are hashed with different first bytes, so that no node can be passed
 * off as a leaf.
 */
import { createHash, hash } from "node:crypto";

export const HASH_BYTES = 32;

const LEAF_PREFIX = Buffer.of(0);
const NODE_PREFIX = Buffer.of(1);

export function sha256(bytes: Uint8Array | string): Buffer {
  return hash("sha256", bytes, "buffer");
}

/** RFC 6962 2.1: `SHA-256(0x00 || entry)`. */
export function hashLeaf(entry: Uint8Array): Buffer {
  return createHash("sha256").update(LEAF_PREFIX).update(entry).digest();
}

/** RFC 6962 2.1: `SHA-256(0x01 || left || right)`. */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash("sha256").update(NODE_PREFIX).update(left).update(right).digest();
}

/**
 * Root over the hashes of subtrees that are all perfect and of one size, but for the last, which
 * may be smaller. Pairing neighbours and passing an odd last one up is the same tree as RFC 6962's
 * split at the largest power of two.
 */
export function treeRoot(hashes: readonly Uint8Array[]): Buffer {
  if (hashes.length === 0) return sha256("");
  let level = hashes;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let index = 0; index + 1 < level.length; index += 2) {
      above.push(hashNode(level[index]!, level[index + 1]!));
    }
    if (level.length % 2 === 1) above.push(level.at(-1)!);
    level = above;
  }
  return Buffer.from(level[0]!);
}
