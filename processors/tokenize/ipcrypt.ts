/**
 * Encryption of IP addresses as IP addresses: draft-denis-ipcrypt, the deterministic and the
 * prefix-preserving variant.
 *
 * Invariant: a permutation of the addresses. `ipcrypt-pfx` keeps the family, and two addresses that
 * share their first n bits share exactly n bits afterwards: that is what it is for, and what it
 * tells. `ipcrypt-deterministic` tells only that two addresses are equal; IPv4 becomes IPv6.
 */
import { createCipheriv } from "node:crypto";
import { ADDRESS_BYTES, isMapped } from "../../src/lib/ip_address.ts";

const BITS = ADDRESS_BYTES * 8;
const MAPPED_BITS = 96;

export const DETERMINISTIC_KEY_BYTES = 16;
export const PFX_KEY_BYTES = 32;

/** One AES-128 block. `key`: 16 bytes. */
export function encryptDeterministic(key: Uint8Array, address: Uint8Array): Uint8Array {
  return aes128(key, address);
}

/**
 * Each bit is turned by a bit of AES(K1, prefix) ^ AES(K2, prefix), where the prefix is the bits
 * before it, padded with a one and zeros in front. `key`: 32 bytes, of two different halves.
 */
export function encryptPfx(key: Uint8Array, address: Uint8Array): Uint8Array {
  const first = isMapped(address) ? MAPPED_BITS : 0;
  const prefix = new Uint8Array(ADDRESS_BYTES);
  if (first === 0) prefix[ADDRESS_BYTES - 1] = 1;
  else prefix.set([1, ...new Array<number>(10).fill(0), 0xff, 0xff], 3);
  // The prefixes depend on the plain bits only, so all of them are encrypted in one call.
  const prefixes = new Uint8Array((BITS - first) * ADDRESS_BYTES);
  for (let bit = first; bit < BITS; bit++) {
    prefixes.set(prefix, (bit - first) * ADDRESS_BYTES);
    appendBit(prefix, bitOf(address, bit));
  }
  const one = aes128(key.subarray(0, 16), prefixes);
  const other = aes128(key.subarray(16), prefixes);
  const encrypted = new Uint8Array(address);
  for (let bit = first; bit < BITS; bit++) {
    const last = (bit - first + 1) * ADDRESS_BYTES - 1;
    const turn = (one[last]! ^ other[last]!) & 1;
    encrypted[bit >> 3]! ^= turn << (7 - (bit & 7));
  }
  return encrypted;
}

function aes128(key: Uint8Array, blocks: Uint8Array): Buffer {
  return createCipheriv("aes-128-ecb", key, null).setAutoPadding(false).update(blocks);
}

/** Bit 0 is the first of the address. */
function bitOf(bytes: Uint8Array, bit: number): number {
  return (bytes[bit >> 3]! >> (7 - (bit & 7))) & 1;
}

/** Shifts all bits to the left by one and puts `bit` behind them. */
function appendBit(bytes: Uint8Array, bit: number): void {
  for (let index = 0; index < bytes.length - 1; index++) {
    bytes[index] = (bytes[index]! << 1) | (bytes[index + 1]! >> 7);
  }
  bytes[bytes.length - 1] = (bytes[bytes.length - 1]! << 1) | bit;
}
