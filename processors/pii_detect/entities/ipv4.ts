/** IPv4 addresses in dotted decimal. The trap are versions: `Chrome/120.0.0.0`, `6.1.7601.2`. */
import { DIGIT, LOWER, UPPER, WORD } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const ZERO = 0x30;

export const ipv4: Entity = {
  name: "ipv4",
  description: "IPv4 address; not a version number with more parts, and not `Product/1.2.3.4`",
  tier: "A",
  nature: "identifying",
  triggers: [{ digits: [1, 3], before: "\\W", after: ".", verify: verifyIpv4 }],
};

function verifyIpv4(text: ScannedText, at: number, found: Found): void {
  const before = codeAt(text, at - 1);
  // `~` and `.` before a quad occur in package versions and in longer dotted numbers only.
  if (before === DOT || before === 0x7e) return;
  const end = dottedQuadEnd(text, at);
  // `0.0.0.0` is nobody's address and `0.0.0.6` a version.
  if (end < 0 || text.startsWith("0.0.0.", at)) return;
  if (isNetwork(text, at, end)) return;
  if (before === SLASH && codeAt(text, end) !== COLON && isProductVersion(text, at - 1)) return;
  found.add("ipv4", at, end, 0.9);
}

/** The end of four decimal octets that begin at `start` and are no part of more, or -1. */
export function dottedQuadEnd(text: ScannedText, start: number): number {
  let index = start;
  for (let octet = 0; octet < 4; octet++) {
    const first = index;
    let value = 0;
    while (index - first < 3 && (classAt(text, index) & DIGIT) !== 0) {
      value = value * 10 + text.codes[index++]! - ZERO;
    }
    if (index === first || value > 255) return -1;
    // A leading zero is an octal number to some and a version to others.
    if (index - first > 1 && text.codes[first]! === ZERO) return -1;
    if (octet < 3 && codeAt(text, index++) !== DOT) return -1;
  }
  if ((classAt(text, index) & WORD) !== 0) return -1;
  if (codeAt(text, index) === DOT && (classAt(text, index + 1) & DIGIT) !== 0) return -1;
  return index;
}

/** `192.0.2.0/24` names 256 addresses or more, and none of them: all of its host bits are 0. */
function isNetwork(text: ScannedText, at: number, end: number): boolean {
  if (codeAt(text, end) !== SLASH) return false;
  const length = /^(?:\d|1\d|2[0-4])(?![\w.])/.exec(text.slice(end + 1, end + 4))?.[0];
  if (length === undefined) return false;
  const octets = text.slice(at, end).split(".").map(Number);
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return address % 2 ** (32 - Number(length)) === 0;
}

/** A capitalised word before the slash is a product token of RFC 9110, a host name is not. */
function isProductVersion(text: ScannedText, slash: number): boolean {
  let index = slash;
  while (slash - index < 32 && (classAt(text, index - 1) & (UPPER | LOWER)) !== 0) index--;
  return index < slash && (classAt(text, index) & UPPER) !== 0;
}
