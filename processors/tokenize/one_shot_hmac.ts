/** HMAC-SHA-256 (RFC 2104) and base32 (RFC 4648), as fast as a token on the hot path needs. */
import { hash } from "node:crypto";

const BLOCK_BYTES = 64;
export const DIGEST_BYTES = 32;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * HMAC-SHA-256 of `prefix || text` with both pads laid out beforehand: two one-shot hashes of
 * `node:crypto` cost less than half of `createHmac`. The digest is a latin-1 string, because asking
 * for a `Buffer` costs as much as the hash.
 */
export class OneShotHmac {
  #inner: Buffer;
  readonly #innerStart: number;
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);

  /** `key` has at most 64 bytes; a longer one would have to be hashed first (RFC 2104). */
  constructor(key: Uint8Array, prefix: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new RangeError("the key is longer than a block");
    this.#innerStart = BLOCK_BYTES + prefix.length;
    this.#inner = Buffer.alloc(this.#innerStart + 512);
    this.#inner.fill(0x36, 0, BLOCK_BYTES);
    this.#outer.fill(0x5c, 0, BLOCK_BYTES);
    for (const [index, byte] of key.entries()) {
      this.#inner[index]! ^= byte;
      this.#outer[index]! ^= byte;
    }
    this.#inner.set(prefix, BLOCK_BYTES);
  }

  /** 32 characters, each one byte of the digest. */
  digest(text: string): string {
    // Three bytes a UTF-16 code unit is the most that UTF-8 needs.
    const sizeMax = this.#innerStart + text.length * 3;
    if (this.#inner.length < sizeMax) {
      this.#inner = Buffer.concat([this.#inner], sizeMax * 2);
    }
    const end = this.#innerStart + this.#inner.write(text, this.#innerStart, "utf8");
    const inner = hash("sha256", this.#inner.subarray(0, end), "latin1");
    this.#outer.write(inner, BLOCK_BYTES, "latin1");
    return hash("sha256", this.#outer, "latin1");
  }
}

/** RFC 4648 section 6, lower case, no padding, of the first `size` bytes of a latin-1 text. */
export function base32(bytes: string, size: number): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (let index = 0; index < size; index++) {
    value = ((value << 8) | bytes.charCodeAt(index)) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text;
}
