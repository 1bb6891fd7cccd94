/**
 * Words near a number that say what it is. Looked at only around candidates, never as a pass over
 * the text.
 */
const WINDOW = 48;

/**
 * Does one of the lower-case `words` stand within 48 characters before or after `[start, end)`, or
 * in the attribute name above the value? A word counts only as a whole (`pan`, not `company`).
 */
export function hasContext(
  text: string,
  start: number,
  end: number,
  key: string,
  words: readonly string[],
): boolean {
  if (key !== "" && containsWord(key, words)) return true;
  const before = text.slice(Math.max(0, start - WINDOW), start).toLowerCase();
  if (containsWord(before, words)) return true;
  return containsWord(text.slice(end, end + WINDOW).toLowerCase(), words);
}

function containsWord(text: string, words: readonly string[]): boolean {
  for (const word of words) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (!isLetter(text, at - 1) && !isLetter(text, at + word.length)) return true;
    }
  }
  return false;
}

function isLetter(text: string, index: number): boolean {
  const code = index >= 0 && index < text.length ? text.charCodeAt(index) : 0;
  return code >= 0x61 && code <= 0x7a;
}
