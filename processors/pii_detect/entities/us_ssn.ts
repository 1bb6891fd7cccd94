/** Social security numbers of the United States, by the rules in force since June 2011. */
import { DIGIT, WORD } from "../characters.ts";
import { hasContext } from "../context.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const WORDS = ["ssn", "ssns", "social security", "social_security", "socialsecurity"];
const DASH = 0x2d;
const DOT = 0x2e;
const SPACE = 0x20;

export const usSsn: Entity = {
  name: "us_ssn",
  description:
    "US social security number, grouped; nine bare digits only beside a word such as SSN",
  tier: "B",
  nature: "identifying",
  triggers: [
    { digits: [3, 3], before: "\\W", after: "- ", verify: verifyGrouped },
    { digits: [9, 9], before: "\\W", after: "\\W", verify: verifyBare },
  ],
};

function verifyGrouped(text: ScannedText, at: number, found: Found): void {
  const separator = text.codes[at + 3]!;
  if (codeAt(text, at + 6) !== separator) return;
  for (let index = at + 4; index < at + 11; index++) {
    if (index !== at + 6 && (classAt(text, index) & DIGIT) === 0) return;
  }
  const end = at + 11;
  if ((classAt(text, end) & WORD) !== 0 || isPartOfMore(text, at, end)) return;
  if (!isIssuable(text.slice(at, at + 3), text.slice(at + 4, at + 6), text.slice(at + 7, end))) {
    return;
  }
  // Three numbers in a row are common in logs, so spaces need a word that says so.
  if (separator === SPACE && !hasContext(text.string, at, end, found.key, WORDS)) return;
  found.add("us_ssn", at, end, 0.85);
}

function verifyBare(text: ScannedText, at: number, found: Found): void {
  const end = at + 9;
  if (isPartOfMore(text, at, end)) return;
  if (!isIssuable(text.slice(at, at + 3), text.slice(at + 3, at + 5), text.slice(at + 5, end))) {
    return;
  }
  if (hasContext(text.string, at, end, found.key, WORDS)) found.add("us_ssn", at, end, 0.75);
}

function isIssuable(area: string, group: string, serial: string): boolean {
  return area !== "000" && area !== "666" && area < "900" && group !== "00" && serial !== "0000";
}

function isPartOfMore(text: ScannedText, start: number, end: number): boolean {
  const before = codeAt(text, start - 1);
  if (before === DASH || before === DOT) return true;
  const after = codeAt(text, end);
  return (after === DASH || after === DOT) && (classAt(text, end + 1) & WORD) !== 0;
}
