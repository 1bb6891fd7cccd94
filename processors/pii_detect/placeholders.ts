/** Values that stand where a secret was or will be: treating them again would say nothing. */
import { tokenEndAt } from "../../src/data/token.ts";

const WORDS = new Set(
  (
    "null none nil true false undefined empty unset yes no redacted hidden masked secret " +
    "(secret) (none) (null) password n/a - ? required optional invalid missing"
  ).split(" "),
);
const LENGTH_MAX = 200;

/** Is `[start, end)` empty, a word such as `null`, a mask, a variable or one of our own marks? */
export function isPlaceholder(text: string, start: number, end: number): boolean {
  if (start >= end) return true;
  const first = text.charCodeAt(start);
  if (first === 0x3c && tokenEndAt(text, start) === end) return true;
  if (end - start > LENGTH_MAX) return false;
  const value = text.slice(start, end);
  if (first === 0x5b && /^\[[A-Z]+(?::[a-z0-9_]+)?\]?$/.test(value)) return true;
  if (/^(?:\*+|[xX]{3,}|\.{2,}|#+|•+|-+|_+)$/.test(value)) return true;
  // `${VAR}`, `{{ var }}`, `%s`, `%(name)s`, `<password>`
  if (/^(?:\$\{?\w|\{\{|%[sdv]$|%\(\w+\)s$|<[\w -]+>$)/.test(value)) return true;
  return WORDS.has(value.toLowerCase());
}

/** Does `[start, end)` look like a random token: at least eight characters, not one plain word? */
export function looksRandom(text: string, start: number, end: number): boolean {
  if (end - start < 8) return false;
  const value = text.slice(start, Math.min(end, start + LENGTH_MAX));
  // Numbers in hexadecimal are identifiers of sessions and objects inside a program.
  if (!/^[\w.~+/=:%-]+$/.test(value) || /^0x/i.test(value)) return false;
  if (/\d/.test(value)) return /[a-z]/i.test(value);
  return /[a-z]/.test(value.slice(1)) && /[A-Z]/.test(value.slice(1)) && value.length >= 16;
}
