/**
 * FF1 format-preserving encryption: NIST SP 800-38G, algorithms 7 and 8, on AES.
 *
 * Invariant: a numeral string becomes one of the same length and radix, and every key and tweak
 * gives a permutation. FF3 and FF3-1 are broken or withdrawn and are not here.
 *
 * What it does not give: a small domain can be listed, so the standard asks for at least 10^6
 * values; the same value always gives the same result.
 */
import { createCipheriv } from "node:crypto";

const ROUNDS = 10;
const BLOCK_BYTES = 16;
/** SP 800-38G, appendix on the size of the domain. */
const DOMAIN_MIN = 1_000_000n;
const ZERO_BLOCK = new Uint8Array(BLOCK_BYTES);

export class Ff1 {
  readonly #key: Uint8Array;
  readonly #radix: bigint;

  /** `key`: 16, 24 or 32 bytes. `radix`: 2 to 36; a digit of it is one of `0-9a-z`. */
  constructor(key: Uint8Array, radix: number) {
    this.#key = key;
    this.#radix = BigInt(radix);
  }

  /** False for a string so short that all of its values could be tried. */
  covers(length: number): boolean {
    return this.#radix ** BigInt(length) >= DOMAIN_MIN;
  }

  encrypt(numerals: string, tweak: Uint8Array): string {
    return this.#rounds(numerals, tweak, 1n);
  }

  decrypt(numerals: string, tweak: Uint8Array): string {
    return this.#rounds(numerals, tweak, -1n);
  }

  #rounds(numerals: string, tweak: Uint8Array, direction: 1n | -1n): string {
    const length = numerals.length;
    if (!this.covers(length)) throw new RangeError("the domain of FF1 is too small");
    const radix = this.#radix;
    const leftLength = length >> 1;
    const rightLength = length - leftLength;
    const moduli = [radix ** BigInt(leftLength), radix ** BigInt(rightLength)] as const;
    const numberBytes = byteLength(moduli[1] - 1n);
    const resultBytes = 4 * Math.ceil(numberBytes / 4) + 4;
    const head = headOf(Number(radix), leftLength, length, tweak.length);
    const padding = (BLOCK_BYTES - ((tweak.length + numberBytes + 1) % BLOCK_BYTES)) % BLOCK_BYTES;
    const message = Buffer.concat([head, tweak, Buffer.alloc(padding + 1 + numberBytes)]);
    const roundAt = message.length - numberBytes - 1;

    let left = parseNumerals(numerals.slice(0, leftLength), radix);
    let right = parseNumerals(numerals.slice(leftLength), radix);
    for (let step = 0; step < ROUNDS; step++) {
      const round = direction === 1n ? step : ROUNDS - 1 - step;
      message[roundAt] = round;
      // Encrypting, the right half goes into the function and the left one is changed; decrypting,
      // it is the other way round.
      writeNumber(message, roundAt + 1, numberBytes, direction === 1n ? right : left);
      const noise = this.#noise(message, resultBytes);
      const modulus = moduli[round % 2]!;
      if (direction === 1n) [left, right] = [right, (left + noise) % modulus];
      else {
        const before = (right - noise) % modulus;
        [left, right] = [before < 0n ? before + modulus : before, left];
      }
    }
    return formatNumerals(left, leftLength, radix) + formatNumerals(right, rightLength, radix);
  }

  /** NUM(first `size` bytes of R || AES(R ^ 1) || AES(R ^ 2) ...), R the CBC-MAC of the message. */
  #noise(message: Uint8Array, size: number): bigint {
    const bits = this.#key.length * 8;
    const mac = createCipheriv(`aes-${bits}-cbc`, this.#key, ZERO_BLOCK).setAutoPadding(false);
    const result = Buffer.from(mac.update(message).subarray(-BLOCK_BYTES));
    const blocks = [result];
    for (let block = 1; block * BLOCK_BYTES < size; block++) {
      const counter = Buffer.from(result);
      counter.writeUInt32BE((counter.readUInt32BE(12) ^ block) >>> 0, 12);
      const cipher = createCipheriv(`aes-${bits}-ecb`, this.#key, null).setAutoPadding(false);
      blocks.push(cipher.update(counter));
    }
    return BigInt(`0x${Buffer.concat(blocks).subarray(0, size).toString("hex")}`);
  }
}

/** P = 1 || 2 || 1 || radix (3) || 10 || u mod 256 || n (4) || t (4). */
function headOf(radix: number, left: number, length: number, tweakBytes: number): Buffer {
  const head = Buffer.alloc(BLOCK_BYTES);
  head.set([1, 2, 1]);
  head.writeUIntBE(radix, 3, 3);
  head[6] = ROUNDS;
  head[7] = left % 256;
  head.writeUInt32BE(length, 8);
  head.writeUInt32BE(tweakBytes, 12);
  return head;
}

function byteLength(value: bigint): number {
  return Math.ceil(value.toString(2).length / 8);
}

function writeNumber(target: Buffer, at: number, size: number, value: bigint): void {
  target.write(value.toString(16).padStart(size * 2, "0"), at, "hex");
}

function parseNumerals(numerals: string, radix: bigint): bigint {
  let value = 0n;
  for (const numeral of numerals) value = value * radix + digitOf(numeral, radix);
  return value;
}

function digitOf(numeral: string, radix: bigint): bigint {
  const digit = Number.parseInt(numeral, 36);
  if (!(digit < radix)) throw new RangeError("a numeral does not belong to the radix");
  return BigInt(digit);
}

function formatNumerals(value: bigint, length: number, radix: bigint): string {
  return value.toString(Number(radix)).padStart(length, "0");
}
