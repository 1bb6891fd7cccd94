/**
 * Secrets that a key names: `password=x`, `"api_key": "x"`, `Authorization: Bearer x`,
 * `Cookie: a=x; b=y`, in plain text, logfmt, query strings and JSON, also JSON inside JSON.
 * The three entities share one trigger, because the key decides which of them it is.
 */
import { CLASSES, KEY, LOWER, UPPER, WORD } from "../characters.ts";
import { type KeyMeaning, keyStart, meaningOfKey } from "../key_names.ts";
import { isPlaceholder, looksRandom } from "../placeholders.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { CharacterTrigger, Entity, Found } from "./entity.ts";
import { reportAuthorization, reportCookies, verifyScheme } from "./http_headers.ts";

/** How far a value of a `likely` key is looked at before it is known to be a secret. */
const LIKELY_LENGTH_MAX = 512;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const EQUALS = 0x3d;
const COLON = 0x3a;

const keyTriggers: readonly CharacterTrigger[] = [
  { characters: "=", before: "\\w \"']", verify: verifyKeyed },
  // A digit before a colon belongs to a time or an address.
  { characters: ":", before: "\\a \"'", verify: verifyKeyed },
];

export const secret: Entity = {
  name: "secret",
  description: "value of a key such as `password`, `api_key`, `client_secret`, `token`",
  tier: "A",
  nature: "secret",
  triggers: keyTriggers,
};

export const authorization: Entity = {
  name: "authorization",
  description: "credentials of an `Authorization` header; `Bearer …` and `Basic …` anywhere",
  tier: "A",
  nature: "secret",
  triggers: [
    ...keyTriggers,
    { characters: "Bb", before: "\\W", after: "ea", verify: verifyScheme },
  ],
};

export const cookie: Entity = {
  name: "cookie",
  description: "values of a `Cookie` or `Set-Cookie` header",
  tier: "A",
  nature: "secret",
  triggers: keyTriggers,
};

/** Reports the whole of `text`, the value of an attribute whose name has this meaning. */
export function reportNamed(text: ScannedText, meaning: KeyMeaning, found: Found): void {
  const header = { text, start: 0, limit: text.length, isQuoted: true };
  if (meaning === "authorization") reportAuthorization(header, found);
  else if (meaning === "cookie") reportCookies(header, found);
  else if (!isPlaceholder(text.string, 0, text.length)) {
    const isSecret = meaning === "secret" || looksRandom(text.string, 0, text.length);
    if (isSecret) found.add("secret", 0, text.length, meaning === "secret" ? 0.95 : 0.75);
  }
}

function verifyKeyed(text: ScannedText, at: number, found: Found): void {
  const keyEnd = keyEndBefore(text, at);
  const start = keyStart(text, keyEnd);
  if (start < 0) return;
  const meaning = meaningOfKey(text.slice(start, keyEnd));
  if (meaning === undefined || isOwnMark(text, start, keyEnd)) return;
  const certain = meaning === "secret";
  if (!found.wants(certain || meaning === "likely" ? "secret" : meaning)) return;
  const opening = openingOf(text, at);
  if (meaning === "authorization" || meaning === "cookie") {
    const isQuoted = opening.quote !== 0;
    const limit = isQuoted ? quotedEnd(text, opening) : text.length;
    const header = { text, start: opening.start, limit, isQuoted };
    if (meaning === "cookie") reportCookies(header, found);
    else reportAuthorization(header, found);
    return;
  }
  const limit = certain ? text.length : Math.min(text.length, opening.start + LIKELY_LENGTH_MAX);
  let end = valueEnd(text, opening, limit);
  if (!isSecretValue(text, at, opening, end, certain)) return;
  if (end === limit) end = valueEnd(text, opening, text.length);
  // Everything inside is covered, so the scan goes on behind it.
  if (found.add("secret", opening.start, end, certain ? 0.9 : 0.7)) found.resume = end;
}

/** Skips what stands between a key and its `=` or `:`: a space, a quotation mark, a backslash. */
function keyEndBefore(text: ScannedText, at: number): number {
  let end = at;
  if (codeAt(text, end - 1) === SPACE) end--;
  // `config['secret'] =`
  if (codeAt(text, end - 1) === 0x5d) end--;
  const quote = codeAt(text, end - 1);
  if (quote === DOUBLE_QUOTE || quote === SINGLE_QUOTE) end--;
  while (codeAt(text, end - 1) === BACKSLASH && at - end < 4) end--;
  return end;
}

/** Is the key the name of an entity that was redacted before: `[REDACTED:stripe_key]=`? */
function isOwnMark(text: ScannedText, start: number, end: number): boolean {
  const word = "[REDACTED:";
  return codeAt(text, end) === 0x5d && text.startsWith(word, start - word.length);
}

/** Where a value begins: behind the quotation mark, if it has one. */
interface Opening {
  readonly start: number;
  /** Code of the quotation mark, 0 for none. */
  readonly quote: number;
  /** Backslashes before the mark: JSON inside JSON. */
  readonly escapes: number;
}

function openingOf(text: ScannedText, at: number): Opening {
  let index = at + 1;
  // `=>` of Ruby and PHP, `==`
  const next = codeAt(text, index);
  if (next === EQUALS || (next === 0x3e && text.codes[at]! === EQUALS)) index++;
  while (codeAt(text, index) === SPACE && index - at < 4) index++;
  // Of a list the first value is taken; marks of our own begin with the same character.
  if (codeAt(text, index) === 0x5b && !isLetterAt(text, index + 1)) index++;
  let mark = index;
  while (codeAt(text, mark) === BACKSLASH && mark - index < 4) mark++;
  const quote = codeAt(text, mark);
  if (quote !== DOUBLE_QUOTE && quote !== SINGLE_QUOTE) {
    return { start: index, quote: 0, escapes: 0 };
  }
  return { start: mark + 1, quote, escapes: mark - index };
}

function valueEnd(text: ScannedText, opening: Opening, limit: number): number {
  return opening.quote === 0
    ? bareEnd(text, opening.start, limit)
    : quotedEnd(text, opening, limit);
}

/** The closing mark has as many backslashes before it as the opening one; more are content. */
function quotedEnd(text: ScannedText, opening: Opening, limit = text.length): number {
  let backslashes = 0;
  for (let index = opening.start; index < limit; index++) {
    const code = text.codes[index]!;
    if (code === BACKSLASH) {
      backslashes++;
      continue;
    }
    if (code === opening.quote) {
      if (backslashes === opening.escapes) return index - opening.escapes;
      // Two backslashes are one of content, so the mark behind them closes after all.
      if (opening.escapes === 0 && backslashes % 2 === 0) return index;
    }
    backslashes = 0;
  }
  return limit;
}

/** The end of a value without quotation marks: white space and the delimiters of URLs and JSON. */
function bareEnd(text: ScannedText, start: number, limit: number): number {
  for (let index = start; index < limit; index++) {
    const code = text.codes[index]!;
    if (code <= SPACE || code === DOUBLE_QUOTE || code === SINGLE_QUOTE) return index;
    if (code === 0x26 || code === 0x2c || code === 0x3b || code === BACKSLASH) return index;
    if (code === 0x7b && index === start) return index;
    if (index > start && (code === 0x29 || code === 0x7d || code === 0x3c)) return index;
  }
  return limit;
}

function isSecretValue(
  text: ScannedText,
  at: number,
  opening: Opening,
  end: number,
  certain: boolean,
): boolean {
  if (isPlaceholder(text.string, opening.start, end)) return false;
  if (!certain) return looksRandom(text.string, opening.start, end);
  if (opening.quote !== 0 || text.codes[at]! === EQUALS) return true;
  if (codeAt(text, at + 1) !== SPACE) return true;
  // `password: must be longer` and `invalid password: user unknown` are sentences.
  return !isPlainWord(text, opening.start, end) || !isWordBehind(text, end);
}

function isLetterAt(text: ScannedText, index: number): boolean {
  return (classAt(text, index) & (LOWER | UPPER)) !== 0;
}

function isPlainWord(text: ScannedText, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const isFirst = index === start;
    if ((classAt(text, index) & (isFirst ? LOWER | UPPER : LOWER)) === 0) return false;
  }
  return true;
}

function isWordBehind(text: ScannedText, end: number): boolean {
  if (codeAt(text, end) !== SPACE) return false;
  let index = end + 1;
  if ((classAt(text, index) & (LOWER | UPPER)) === 0) return false;
  // `password: swordfish user=bob`: what follows is the next key.
  while ((CLASSES[codeAt(text, index)]! & (KEY | WORD)) !== 0) index++;
  return codeAt(text, index) !== EQUALS && codeAt(text, index) !== COLON;
}
