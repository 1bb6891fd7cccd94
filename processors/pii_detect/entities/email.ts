/** E-mail addresses (RFC 5321 without quoted local parts), also with a percent-encoded `@`. */
import { ALNUM, CLASSES, EXTENDED, HEX, LOWER, UPPER } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const LOCAL_LENGTH_MAX = 64;
const DOMAIN_LENGTH_MAX = 253;
const AT = 0x40;
const DOT = 0x2e;
const DASH = 0x2d;
const PERCENT = 0x25;

/** Last labels that are no top-level domain but the end of a file or unit name (`logo@2x.png`). */
const FILE_SUFFIXES = new Set(
  (
    "png jpg jpeg gif svg webp ico css js mjs ts tsx jsx html php json xml yaml yml txt log java " +
    "class jar kt cpp service socket timer mount scope slice target conf lock gz tgz tar"
  ).split(" "),
);

export const email: Entity = {
  name: "email",
  description: "e-mail address, also with `%40` for `@`",
  tier: "A",
  nature: "identifying",
  triggers: [
    { characters: "@", before: "\\w-+'", after: "\\w", verify: verifyEmail },
    { characters: "%", before: "\\w-+'", after: "4", verify: verifyEmail },
  ],
};

function verifyEmail(text: ScannedText, at: number, found: Found): void {
  const encoded = text.codes[at]! !== AT;
  if (encoded && codeAt(text, at + 2) !== 0x30) return;
  const domainStart = at + (encoded ? 3 : 1);
  const start = localStart(text, at);
  if (start === at) return;
  const end = domainEnd(text, domainStart);
  if (end < 0) return;
  // `git@host:path` names a repository, not a person.
  if (at - start === 3 && text.startsWith("git", start) && codeAt(text, end) === 0x3a) return;
  found.add("email", start, end, 0.95);
}

function localStart(text: ScannedText, at: number): number {
  const limit = Math.max(0, at - LOCAL_LENGTH_MAX);
  let index = at;
  while (index > limit) {
    const code = text.codes[index - 1]!;
    if ((CLASSES[code]! & HEX) !== 0 && isPercentTriplet(text, index)) {
      if (!isLocal(Number.parseInt(text.slice(index - 2, index), 16))) break;
      index -= 3;
    } else if (isLocal(code)) index--;
    else break;
  }
  while (index < at && !isLocalEdge(text.codes[index]!)) index++;
  return index;
}

/** Is the character before `end` the last of `%XX`? */
function isPercentTriplet(text: ScannedText, end: number): boolean {
  return codeAt(text, end - 3) === PERCENT && (classAt(text, end - 2) & HEX) !== 0;
}

/** Letters, digits, and `. _ + - '`: RFC 5321 allows more, but in logs those are delimiters. */
function isLocal(code: number): boolean {
  if ((CLASSES[code]! & (ALNUM | EXTENDED)) !== 0) return true;
  return code === DOT || code === 0x5f || code === 0x2b || code === DASH || code === 0x27;
}

function isLocalEdge(code: number): boolean {
  return (CLASSES[code]! & (ALNUM | EXTENDED)) !== 0 || code === 0x5f || code === PERCENT;
}

/** The end of the longest domain at `start` whose last label can be a top-level domain, or -1. */
function domainEnd(text: ScannedText, start: number): number {
  const limit = Math.min(text.length, start + DOMAIN_LENGTH_MAX);
  if (codeAt(text, start) === DASH) return -1;
  // Images for dense screens: `logo@2x.min.png`.
  if (codeAt(text, start + 1) === 0x78 && codeAt(text, start + 2) === DOT) return -1;
  let labels = 0;
  let labelStart = start;
  let best = -1;
  for (let index = start; index <= limit; index++) {
    const code = index < limit ? text.codes[index]! : 0;
    if ((CLASSES[code]! & (ALNUM | EXTENDED)) !== 0 || code === DASH) continue;
    if (index === labelStart) break;
    labels++;
    if (labels >= 2 && isTopLevel(text, labelStart, index)) best = index;
    if (code !== DOT) break;
    labelStart = index + 1;
  }
  return best;
}

function isTopLevel(text: ScannedText, start: number, end: number): boolean {
  const length = end - start;
  if (length < 2 || length > 24) return false;
  if (text.startsWith("xn--", start)) return length > 4;
  for (let index = start; index < end; index++) {
    if ((CLASSES[text.codes[index]!]! & (UPPER | LOWER | EXTENDED)) === 0) return false;
  }
  return !FILE_SUFFIXES.has(text.slice(start, end).toLowerCase());
}
