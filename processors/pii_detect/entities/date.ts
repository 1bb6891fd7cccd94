/** Dates of any kind, for those who must remove them all (HIPAA, 45 CFR 164.514(b)(2)(i)(C)). */
import type { ScannedText } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";
import { MONTH } from "./months.ts";

const LENGTH_MAX = 40;
const DAY = "(?:0?[1-9]|[12]\\d|3[01])";
const MONTH_NUMBER = "(?:0?[1-9]|1[0-2])";
const YEAR = "(?:1[89]|20)\\d\\d";
const TIME = "(?:[T ,]{1,2}\\d\\d:\\d\\d(?::\\d\\d)?(?:[.,]\\d{1,9})?(?:Z|[+-]\\d\\d:?\\d\\d)?)?";
const END = "(?![\\w\\u00c0-\\u024f]|[-/.]\\d)";
const FROM_DIGIT = new RegExp(
  `(?:${YEAR}[-/.]${MONTH_NUMBER}[-/.]${DAY}${TIME}|` +
    `${DAY}[-/.]${DAY}[-/.](?:${YEAR}|\\d\\d)${TIME}|` +
    `${DAY}(?:st|nd|rd|th)?\\.?[ /-](?:of )?(?:${MONTH})\\.?(?:,?[ /-]${YEAR})?)${END}`,
  "iy",
);
const FROM_MONTH = new RegExp(
  `(?:${MONTH})\\.? (?:${DAY}(?:st|nd|rd|th)?(?:,? ${YEAR})?|${YEAR})${END}`,
  "iy",
);
/** A year alone is a number unless a word says so. */
const YEAR_ALONE = new RegExp(`${YEAR}${END}`, "y");
const BEFORE_YEAR =
  /(?:^|[\s(])(?:in|since|until|till|of|from|by|during|before|after|year|anno|seit|en) $/i;

export const date: Entity = {
  name: "date",
  description: "day, with or without its time and year, or a year in a sentence",
  tier: "A",
  nature: "identifying",
  isOnRequest: true,
  triggers: [
    { digits: [1, 4], before: "\\W", verify: verifyDigits },
    { characters: "JFMASONDjfmasond", before: "\\W", after: "\\a", verify: verifyMonth },
  ],
};

function verifyDigits(text: ScannedText, at: number, found: Found): void {
  const window = text.slice(at, at + LENGTH_MAX);
  const length = match(FROM_DIGIT, window);
  if (length > 0) {
    found.add("date", at, at + length, 0.8);
    found.resume = at + length;
  } else if (match(YEAR_ALONE, window) > 0) {
    const before = text.slice(Math.max(0, at - 8), at);
    if (BEFORE_YEAR.test(before)) found.add("date", at, at + 4, 0.6);
  }
}

function verifyMonth(text: ScannedText, at: number, found: Found): void {
  const length = match(FROM_MONTH, text.slice(at, at + LENGTH_MAX));
  if (length > 0) found.add("date", at, at + length, 0.8);
}

function match(pattern: RegExp, text: string): number {
  pattern.lastIndex = 0;
  return pattern.test(text) ? pattern.lastIndex : 0;
}
