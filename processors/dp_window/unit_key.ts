/**
 * The secret of one period under which units are known: HMAC-SHA-256 (RFC 2104), cut to 128 bits.
 *
 * Invariant: a unit's text leaves no trace but its id, and ids of two periods cannot be linked once
 * the keys are gone.
 *
 * The key is 64 bytes of seven random bits (448 bits), one block. Both pads are then ASCII, so that
 * a text can be hashed without being copied into a buffer first; the result is plain HMAC.
 */
import { hash } from "node:crypto";
import type { RandomSource } from "../../src/component/settings.ts";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

export const KEY_BYTES = BLOCK_BYTES;

export function newUnitKey(random: RandomSource): Uint8Array {
  const key = new Uint8Array(BLOCK_BYTES);
  random(key);
  return key.map((byte) => byte & 0x7f);
}

export class UnitHash {
  readonly #inner: string;
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  readonly #digest = Buffer.alloc(DIGEST_BYTES);
  readonly #view = new DataView(this.#digest.buffer, this.#digest.byteOffset, DIGEST_BYTES);
  /** The id of the last call, as four 32-bit words. Read it before the next call. */
  readonly words = new Uint32Array(4);

  constructor(key: Uint8Array) {
    this.#inner = Buffer.from(key.map((byte) => byte ^ INNER_PAD)).toString("latin1");
    this.#outer.set(key.map((byte) => byte ^ OUTER_PAD));
  }

  /** Sets {@link words} to the id of a text. */
  update(text: string): void {
    this.#outer.write(hash("sha256", this.#inner + text, "latin1"), BLOCK_BYTES, "latin1");
    this.#digest.write(hash("sha256", this.#outer, "latin1"), "latin1");
    for (let index = 0; index < 4; index++) {
      this.words[index] = this.#view.getUint32(index * 4, true);
    }
  }
}
