/**
 * Reads Bech32 (BIP 173), the writing of age recipients. age allows more than the 90 characters of
 * the original, so no length limit but the caller's applies.
 */
const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM_LENGTH = 6;

/** Undefined for a wrong character, mixed case, a wrong check sum or non-zero padding. */
export function decodeBech32(text: string): { prefix: string; bytes: Uint8Array } | undefined {
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) return undefined;
  const separator = lower.lastIndexOf("1");
  if (separator < 1 || separator + 1 + CHECKSUM_LENGTH > lower.length) return undefined;
  const prefix = lower.slice(0, separator);
  const values = Array.from(lower.slice(separator + 1), (digit) => ALPHABET.indexOf(digit));
  if (values.includes(-1) || polymod([...expandPrefix(prefix), ...values]) !== 1) return undefined;
  const bytes = toBytes(values.slice(0, -CHECKSUM_LENGTH));
  return bytes === undefined ? undefined : { prefix, bytes };
}

function polymod(values: readonly number[]): number {
  let checksum = 1;
  for (const value of values) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of GENERATOR.entries()) {
      if ((top >>> bit) & 1) checksum ^= generator;
    }
  }
  return checksum;
}

function expandPrefix(prefix: string): number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function toBytes(values: readonly number[]): Uint8Array | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let pending = 0;
  for (const value of values) {
    pending = (pending << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((pending >> bits) & 0xff);
    pending &= (1 << bits) - 1;
  }
  return bits < 5 && pending === 0 ? Uint8Array.from(bytes) : undefined;
}
