/**
 * HMAC-SHA-256 (RFC 2104, FIPS 198-1) for many short messages of one size.
 *
 * Two one-shot hashes over preset buffers: `crypto.createHmac` makes an object a message and costs
 * more than twice as much (see the README). Invariant: the pads in the buffers are those of the key
 * set last; the key itself is not kept.
 */
import { hash } from "node:crypto";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

export class HmacSha256 {
  /** The message; fill it before {@link digest}. */
  readonly message: Buffer;
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  constructor(messageSizeBytes: number) {
    this.#inner = Buffer.alloc(BLOCK_BYTES + messageSizeBytes);
    this.#outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
    this.message = this.#inner.subarray(BLOCK_BYTES);
  }

  /** Overwrites what was known of the key before. */
  setKey(key: Uint8Array): void {
    const block = key.length > BLOCK_BYTES ? hash("sha256", key, "buffer") : key;
    for (let index = 0; index < BLOCK_BYTES; index++) {
      const byte = index < block.length ? block[index]! : 0;
      this.#inner[index] = byte ^ INNER_PAD;
      this.#outer[index] = byte ^ OUTER_PAD;
    }
  }

  /** The MAC of what {@link message} holds. */
  digest(encoding: "base64" | "hex" | "latin1"): string {
    this.#outer.write(hash("sha256", this.#inner, "latin1"), BLOCK_BYTES, "latin1");
    return hash("sha256", this.#outer, encoding);
  }

  /** Forgets the key. */
  clear(): void {
    this.#inner.fill(0);
    this.#outer.fill(0);
  }
}
