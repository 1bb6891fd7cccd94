/**
 * Payment card numbers (ISO/IEC 7812): issuer prefix and length, grouping as printed on cards, and
 * the Luhn digit; a number with an unknown prefix counts beside a word such as `card`. Traps are
 * block ids and times in milliseconds, of which every tenth passes Luhn; they have no issuer's
 * prefix or stand behind `_` or `-`.
 */
import { DIGIT, WORD } from "../characters.ts";
import { isLuhn } from "../checksums.ts";
import { hasContext } from "../context.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt, runEnd } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const WORDS = ["card", "cards", "visa", "mastercard", "amex", "credit", "debit", "cc", "pan"];
const PERCENT = 0x25;
const DASH = 0x2d;
const DOT = 0x2e;

/** Hardly any card has more digits, and what counts orders, messages or nanoseconds often has. */
const CARD_LENGTH = 16;
const REFERENCES =
  "order|build|ref|reference|id|block|trace|span|session|request|message|msg|seq|job|batch|offset|" +
  "epoch|time|ts";
const REFERENCE = new RegExp(`(?:${REFERENCES})["']?[ :=#]{0,2}["']?$`, "i");

/** `[first prefix, last prefix, lengths]`, prefixes compared over their own number of digits. */
const ISSUERS: readonly (readonly [number, number, readonly number[]])[] = [
  [4, 4, [13, 16, 19]], // Visa
  [51, 55, [16]], // Mastercard
  [2221, 2720, [16]],
  [34, 34, [15]], // American Express
  [37, 37, [15]],
  [300, 305, [14, 16]], // Diners Club
  [309, 309, [14, 16]],
  [36, 36, [14, 16]],
  [38, 39, [14, 16]],
  [6011, 6011, [16, 17, 18, 19]], // Discover
  [644, 659, [16, 17, 18, 19]],
  [62, 62, [16, 17, 18, 19]], // UnionPay
  [3528, 3589, [16, 17, 18, 19]], // JCB
  [1800, 1800, [15]],
  [2131, 2131, [15]],
  [50, 50, [12, 13, 14, 15, 16, 17, 18, 19]], // Maestro
  [56, 58, [12, 13, 14, 15, 16, 17, 18, 19]],
  [63, 63, [12, 13, 14, 15, 16, 17, 18, 19]],
  [67, 67, [12, 13, 14, 15, 16, 17, 18, 19]],
  [60, 60, [16]], // RuPay
  [2200, 2204, [16, 17, 18, 19]], // Mir
];

/** Digits after the first group of four, as cards are printed. */
const GROUPINGS: readonly (readonly number[])[] = [
  [4, 4, 4, 3],
  [4, 4, 4],
  [6, 5],
  [6, 4],
];

export const paymentCard: Entity = {
  name: "payment_card",
  description: "payment card number with issuer prefix, length, grouping and Luhn digit",
  tier: "A",
  nature: "identifying",
  triggers: [
    { digits: [12, 21], before: "\\W%", after: "\\W", verify: verifyContiguous },
    { digits: [4, 4], before: "\\W", after: " -+.%\u00a0", verify: verifyGrouped },
  ],
};

function verifyContiguous(text: ScannedText, at: number, found: Found): void {
  // In `%224111...` the first two digits belong to an encoded quotation mark.
  const start = codeAt(text, at - 1) === PERCENT ? at + 2 : at;
  const end = runEnd(text, start, DIGIT, start + 20);
  const length = end - start;
  if (length < 12 || length > 19) return;
  const digits = text.slice(start, end);
  if (!isLuhn(digits)) return;
  if (length > CARD_LENGTH && REFERENCE.test(text.slice(Math.max(0, at - 24), at))) return;
  const needsContext = !isIssued(digits) || isPartOfMore(text, at, end);
  if (needsContext && !hasContext(text.string, start, end, found.key, WORDS)) return;
  found.add("payment_card", start, end, needsContext ? 0.7 : 0.9);
}

function verifyGrouped(text: ScannedText, at: number, found: Found): void {
  // Dates and times have no fourth digit there: `2015-07-2`, `2015 10:05`.
  const separatorLength = lengthOfSeparator(text, at + 4);
  if (separatorLength === 0 || (classAt(text, at + 7 + separatorLength) & DIGIT) === 0) return;
  for (const grouping of GROUPINGS) {
    const end = groupedEnd(text, at, grouping);
    if (end < 0) continue;
    const digits = text.slice(at, end).replace(/%20|\D/g, "");
    if (!isLuhn(digits)) continue;
    const needsContext = !isIssued(digits) || isPartOfMore(text, at, end);
    if (needsContext && !hasContext(text.string, at, end, found.key, WORDS)) continue;
    found.add("payment_card", at, end, needsContext ? 0.75 : 0.95);
    return;
  }
}

function groupedEnd(text: ScannedText, start: number, grouping: readonly number[]): number {
  const separator = text.codes[start + 4]!;
  let index = start + 4;
  for (const length of grouping) {
    if (codeAt(text, index) !== separator) return -1;
    index += lengthOfSeparator(text, index);
    const end = runEnd(text, index, DIGIT, index + length + 1);
    if (end - index !== length) return -1;
    index = end;
  }
  return (classAt(text, index) & WORD) !== 0 ? -1 : index;
}

/** Space, `-`, `.`, and a space in URLs: `+` and `%20`. 0 when none is there. */
function lengthOfSeparator(text: ScannedText, index: number): number {
  const code = codeAt(text, index);
  if (code === PERCENT) return text.startsWith("20", index + 1) ? 3 : 0;
  return code === 0x20 || code === DASH || code === 0x2b || code === DOT || code === 0xa0 ? 1 : 0;
}

/** `blk_-4111...`, `4111...-a7`, `0.4111...`: an identifier or a fraction that goes on. */
function isPartOfMore(text: ScannedText, start: number, end: number): boolean {
  const before = codeAt(text, start - 1);
  if (before === DASH || before === DOT) return true;
  const after = codeAt(text, end);
  if (after !== DASH && after !== DOT) return false;
  return (classAt(text, end + 1) & WORD) !== 0;
}

/** Some issuer gives out numbers of this length that begin like this. */
function isIssued(digits: string): boolean {
  for (const [first, last, lengths] of ISSUERS) {
    const prefix = Number(digits.slice(0, first < 10 ? 1 : first < 100 ? 2 : first < 1000 ? 3 : 4));
    if (prefix >= first && prefix <= last && lengths.includes(digits.length)) return true;
  }
  return false;
}
