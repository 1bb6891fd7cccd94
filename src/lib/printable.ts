/**
 * Text that is shown to a person or written to a line-based log.
 *
 * Invariant: what these functions return holds no character that moves a cursor, ends a line, turns
 * the direction of writing or cannot be seen, so that text from outside cannot drive a terminal or
 * forge a line.
 */

/** Control, format, unassigned and private characters, lone surrogates, and line separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text, each unprintable character as `\n`, `\r`, `\t` or `\uXXXX` (a UTF-16 unit each). */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeCharacter);
}

/** The text as a JSON string of printable characters, with its quotation marks. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  let escaped = "";
  for (let index = 0; index < character.length; index++) {
    escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
