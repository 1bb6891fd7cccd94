/**
 * A text as the name model reads it: words, numbers, punctuation marks and line ends, by place.
 *
 * Invariant: words rise and do not overlap, and white space other than a line end is in none.
 */
export interface Words {
  count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly texts: string[];
}

/** Stands for what was found before, or for a token: one word of a text, whatever it covers. */
export const COVER = "\ufffc";

/** More words are not looked at together; a longer text is cut at this place. */
export const WORDS_MAX = 512;

const WORD = /\p{L}[\p{L}\p{M}]*(?:[’'-]\p{Lu}[\p{L}\p{M}]*)*|\d+(?:[.,]\d+)*|\r?\n|[^\s\p{L}\d]/gu;

export function newWords(): Words {
  return {
    count: 0,
    starts: new Int32Array(WORDS_MAX),
    ends: new Int32Array(WORDS_MAX),
    texts: Array.from({ length: WORDS_MAX }, () => ""),
  };
}

/** Fills `words` from `from` on; gives the place behind the last word, at last the text's end. */
export function readWords(text: string, from: number, words: Words): number {
  WORD.lastIndex = from;
  let count = 0;
  while (count < WORDS_MAX) {
    const match = WORD.exec(text);
    if (match === null) break;
    words.starts[count] = match.index;
    words.ends[count] = WORD.lastIndex;
    words.texts[count] = match[0];
    count++;
  }
  words.count = count;
  return count < WORDS_MAX ? text.length : words.ends[count - 1]!;
}
