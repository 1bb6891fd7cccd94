/** The base 64 of crypt(3), which is that of nobody else. */
const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Encodes bytes in the order of `places`, three at a time, the first of them as the highest; what
 * stands for no byte is -1, and a last group may be shorter.
 */
export function encodeCrypt(bytes: Uint8Array, places: readonly (readonly number[])[]): string {
  let text = "";
  for (const group of places) {
    let value = 0;
    for (const place of group) value = (value << 8) | bytes[place]!;
    for (let count = Math.ceil((group.length * 8) / 6); count > 0; count--, value >>>= 6) {
      text += ALPHABET[value & 63];
    }
  }
  return text;
}
