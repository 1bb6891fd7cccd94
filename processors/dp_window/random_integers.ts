/**
 * Uniform integers below any bound, from secure random bytes.
 *
 * Invariant: every value below the bound is equally likely (bits are masked and a value that is too
 * large is thrown away; there is no modulo and no float), and bytes are zeroed once used. A failing
 * random source throws: no value is made up.
 */
import type { RandomSource } from "../../src/component/settings.ts";

const POOL_BYTES = 8192;

export class RandomIntegers {
  readonly #random: RandomSource;
  readonly #pool = new Uint8Array(POOL_BYTES);
  #used = POOL_BYTES;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** Uniform in `[0, bound)`; `bound` is at least 1. */
  below(bound: bigint): bigint {
    const bits = bitLength(bound - 1n);
    if (bits <= 32) return BigInt(this.#belowSmall(Number(bound), bits));
    for (;;) {
      const value = this.#bits(bits);
      if (value < bound) return value;
    }
  }

  /** Forgets the bytes that were not used. Call it when a release is done. */
  clear(): void {
    this.#pool.fill(0);
    this.#used = POOL_BYTES;
  }

  #belowSmall(bound: number, bits: number): number {
    const bytes = (bits + 7) >> 3;
    const mask = 2 ** bits - 1;
    for (;;) {
      let value = 0;
      for (let index = 0; index < bytes; index++) value = value * 256 + this.#byte();
      // `>>> 0` because a 32-bit mask is negative as a signed integer.
      value = (value & mask) >>> 0;
      if (value < bound) return value;
    }
  }

  #bits(bits: number): bigint {
    let value = 0n;
    for (let left = bits; left > 0; left -= 8) value = (value << 8n) | BigInt(this.#byte());
    return value & ((1n << BigInt(bits)) - 1n);
  }

  #byte(): number {
    if (this.#used === POOL_BYTES) {
      this.#random(this.#pool);
      this.#used = 0;
    }
    const byte = this.#pool[this.#used]!;
    this.#pool[this.#used++] = 0;
    return byte;
  }
}

function bitLength(value: bigint): number {
  if (value <= 0xffff_ffffn) return 32 - Math.clz32(Number(value));
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
}
