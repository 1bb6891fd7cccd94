/** Whole URLs, for those who may not let out which pages people see. */

import { ALNUM } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const LENGTH_MAX = 4096;
const SCHEMES = ["https", "http", "ftp", "wss", "ws"];
const SLASH = 0x2f;
/** `"`, `'`, `<`, `>`, `\`, `` ` ``, `{`, `}`, `|`, `^`: no part of a URL (RFC 3986). */
const STOPS = new Set(Array.from("\"'<>\\`{}|^", (character) => character.charCodeAt(0)));
/** What ends a sentence and not a URL. */
const TRAILING = new Set(Array.from(".,;:!?)]", (character) => character.charCodeAt(0)));

export const url: Entity = {
  name: "url",
  description: "URL with `http`, `https`, `ftp`, `ws` or beginning with `www.`",
  tier: "A",
  nature: "identifying",
  isOnRequest: true,
  triggers: [
    { characters: ":", before: "\\a", after: "/", verify: verifyScheme },
    { characters: "w", before: "\\W", after: "w", verify: verifyWww },
  ],
};

function verifyScheme(text: ScannedText, at: number, found: Found): void {
  if (codeAt(text, at + 2) !== SLASH) return;
  const scheme = SCHEMES.find(
    (name) =>
      text.startsWithIgnoringCase(name, at - name.length) &&
      (classAt(text, at - name.length - 1) & ALNUM) === 0,
  );
  if (scheme !== undefined) report(text, at - scheme.length, at + 3, found);
}

function verifyWww(text: ScannedText, at: number, found: Found): void {
  if (text.startsWith("www.", at) && codeAt(text, at - 1) !== SLASH)
    report(text, at, at + 4, found);
}

function report(text: ScannedText, start: number, from: number, found: Found): void {
  const limit = Math.min(text.length, start + LENGTH_MAX);
  let end = from;
  while (end < limit && text.codes[end]! > 0x20 && !STOPS.has(text.codes[end]!)) end++;
  while (end > from && TRAILING.has(text.codes[end - 1]!)) end--;
  if (end === from) return;
  found.add("url", start, end, 0.8);
  // What is inside is covered, however long it is.
  found.resume = end;
}
