/**
 * A look over JSON text before `JSON.parse` sees it, for the two things that it cannot do: stop at
 * a nesting depth, and say beforehand whether a number needs more digits than a double has.
 */

export interface JsonScan {
  readonly depth: number;
  /** True when a number may exceed 2^53: only then is the slow exact parse worth it. */
  readonly hasLongNumber: boolean;
}

/** An integer of 15 digits is below 2^53. */
const EXACT_DIGITS = 15;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Reads to the end, or until the nesting is deeper than `depthMax`. */
export function scanJson(bytes: Uint8Array, depthMax: number): JsonScan {
  let depth = 0;
  let deepest = 0;
  let digits = 0;
  let hasLongNumber = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!;
    if (byte === QUOTE) {
      index = endOfString(bytes, index + 1);
      digits = 0;
    } else if (byte >= 0x30 && byte <= 0x39) {
      if (++digits > EXACT_DIGITS) hasLongNumber = true;
    } else {
      digits = 0;
      // `[` and `{`, `]` and `}` differ in one bit.
      if ((byte | 0x20) === 0x7b) {
        if (++depth > deepest) deepest = depth;
        if (depth > depthMax) break;
      } else if ((byte | 0x20) === 0x7d) depth--;
    }
  }
  return { depth: deepest, hasLongNumber };
}

function endOfString(bytes: Uint8Array, start: number): number {
  let index = start;
  while (index < bytes.length && bytes[index] !== QUOTE)
    index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}
