/**
 * A text as the scanner reads it: its UTF-16 code units in a typed array, which V8 reads several
 * times as fast as `charCodeAt` on a string that is a slice of a larger one.
 *
 * Invariant: `codes[0 .. length)` are the code units of `string`. What stands behind them is left
 * over from longer texts, but for three zeros, so readers go through {@link codeAt} and
 * {@link classAt}, or keep below `length` themselves.
 */
import { endianness } from "node:os";
import { CLASSES } from "./characters.ts";

/** Zeros behind the text: what looks a little ahead needs no look at the length. */
const EDGE = 3;
/** Below this length a loop is faster than the call into the runtime. */
const SHORT = 24;
const IS_LITTLE_ENDIAN = endianness() === "LE";

export class ScannedText {
  codes = new Uint16Array(4096);
  length = 0;
  string = "";
  #bytes = Buffer.from(this.codes.buffer);

  set(string: string): void {
    const length = string.length;
    if (length + EDGE > this.codes.length) {
      this.codes = new Uint16Array(length * 2 + EDGE);
      this.#bytes = Buffer.from(this.codes.buffer);
    }
    this.string = string;
    this.length = length;
    if (length < SHORT || !IS_LITTLE_ENDIAN) {
      for (let index = 0; index < length; index++) this.codes[index] = string.charCodeAt(index);
    } else this.#bytes.write(string, 0, "utf16le");
    for (let index = 0; index < EDGE; index++) this.codes[length + index] = 0;
  }

  slice(start: number, end?: number): string {
    return this.string.slice(start, end);
  }

  /** Does the ASCII text `word` stand at `start`? */
  startsWith(word: string, start: number): boolean {
    if (start < 0 || start + word.length > this.length) return false;
    for (let index = 0; index < word.length; index++) {
      if (this.codes[start + index] !== word.charCodeAt(index)) return false;
    }
    return true;
  }

  /** The same for a lower-case `word`, in any case. */
  startsWithIgnoringCase(word: string, start: number): boolean {
    if (start < 0 || start + word.length > this.length) return false;
    for (let index = 0; index < word.length; index++) {
      const code = this.codes[start + index]!;
      const lower = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
      if (lower !== word.charCodeAt(index)) return false;
    }
    return true;
  }
}

/** The code unit at `index`, 0 outside the text: verifiers need no bounds checks. */
export function codeAt(text: ScannedText, index: number): number {
  return index >= 0 && index < text.length ? text.codes[index]! : 0;
}

/** The classes of the character at `index` (characters.ts), 0 outside the text. */
export function classAt(text: ScannedText, index: number): number {
  return index >= 0 && index < text.length ? CLASSES[text.codes[index]!]! : 0;
}

/** The index after the run of characters of `classes` that begins at `start`, at most `limit`. */
export function runEnd(text: ScannedText, start: number, classes: number, limit: number): number {
  const end = Math.min(limit, text.length);
  let index = start;
  while (index < end && (CLASSES[text.codes[index]!]! & classes) !== 0) index++;
  return index;
}
