/**
 * Character classes for anchored verification, by UTF-16 code unit.
 *
 * Invariant: code 0, which a reader gets outside a text, is in no class.
 */
export const DIGIT = 1;
export const UPPER = 2;
export const LOWER = 4;
export const HEX = 8;
/** `-` and `_`: what base64url adds to letters and digits. */
export const DASH = 16;
/** Letters, digits, `_`, and the letters of Latin, Greek and Cyrillic beyond ASCII. */
export const WORD = 32;
/** Letters beyond ASCII. */
export const EXTENDED = 64;
/** What stands in a key name: letters, digits, `_`, `-`, `.`. */
export const KEY = 128;

export const ALNUM = DIGIT | UPPER | LOWER;

export const CLASSES = new Uint8Array(65_536);

function mark(first: number, last: number, bits: number): void {
  for (let code = first; code <= last; code++) CLASSES[code]! |= bits;
}

mark(0x30, 0x39, DIGIT | HEX | WORD | KEY);
mark(0x41, 0x5a, UPPER | WORD | KEY);
mark(0x61, 0x7a, LOWER | WORD | KEY);
mark(0x41, 0x46, HEX);
mark(0x61, 0x66, HEX);
mark(0x5f, 0x5f, DASH | WORD | KEY);
mark(0x2d, 0x2d, DASH | KEY);
mark(0x2e, 0x2e, KEY);
mark(0xc0, 0x24f, EXTENDED | WORD);
mark(0x370, 0x52f, EXTENDED | WORD);
