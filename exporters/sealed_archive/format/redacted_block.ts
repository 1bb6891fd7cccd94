/**
 * What stands in the place of a block after some of its records were erased:
 *
 *     file      = age(zstd(plaintext))
 *     plaintext = (uint32 LE length || salt (16 bytes) || record)
 *               | (0xffffffff || leaf hash (32 bytes))             for an erased record, and so on
 *
 * Invariant: the inner root stays what the log has. The block secret is not in it, from which the
 * salts of the erased records would follow: with those anybody who opens the block could test a guess
 * of what was erased against its leaf hash.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { PLAINTEXT_BYTES_MAX } from "./block.ts";
import { recordLeaf, SALT_BYTES } from "./inner_tree.ts";
import { HASH_BYTES, treeRoot } from "./merkle.ts";

export type RedactedItem =
  | { readonly salt: Buffer; readonly record: Buffer }
  | { readonly leaf: Buffer };

const LENGTH_BYTES = 4;
const ERASED = 0xffffffff;

export function leafOf(item: RedactedItem): Buffer {
  return "leaf" in item ? item.leaf : recordLeaf(item.salt, item.record);
}

export function redactedRoot(items: readonly RedactedItem[]): Buffer {
  return treeRoot(items.map(leafOf));
}

/** What age encrypts. */
export function packRedacted(items: readonly RedactedItem[]): Buffer {
  const parts = items.flatMap((item) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    if ("leaf" in item) {
      length.writeUInt32LE(ERASED);
      return [length, item.leaf];
    }
    length.writeUInt32LE(item.record.length);
    return [length, item.salt, item.record];
  });
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  return zstdCompressSync(Buffer.concat(parts), { params });
}

/** Unpacks what age decrypted. Undefined when it is not whole, or too large. */
export function openRedacted(compressed: Uint8Array): RedactedItem[] | undefined {
  let plaintext: Buffer;
  try {
    plaintext = zstdDecompressSync(compressed, { maxOutputLength: PLAINTEXT_BYTES_MAX });
  } catch {
    return undefined;
  }
  const items: RedactedItem[] = [];
  let offset = 0;
  while (offset + LENGTH_BYTES <= plaintext.length) {
    const length = plaintext.readUInt32LE(offset);
    offset += LENGTH_BYTES;
    const end = offset + (length === ERASED ? HASH_BYTES : SALT_BYTES + length);
    if (end > plaintext.length) return undefined;
    const bytes = plaintext.subarray(offset, end);
    if (length === ERASED) items.push({ leaf: bytes });
    else items.push({ salt: bytes.subarray(0, SALT_BYTES), record: bytes.subarray(SALT_BYTES) });
    offset = end;
  }
  return offset === plaintext.length && items.length > 0 ? items : undefined;
}
