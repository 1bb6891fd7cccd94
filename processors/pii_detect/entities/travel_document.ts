/**
 * The machine-readable lines of passports and identity cards (ICAO 9303): 44, 36 or 30 characters
 * of `A-Z`, `0-9` and `<`. A line with a name is known by its form, a line with numbers by the check
 * digits of the document, the birth and the expiry.
 */
import { CLASSES, DIGIT, UPPER } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const LENGTHS = [44, 36, 30];
const FILLER = 0x3c;
/** A name line of a passport; the first line of a card is known by its check digit. */
const NAMES = /^(?:[PVIAC][A-Z<][A-Z<]{3}[A-Z]+(?:<[A-Z]+)*<<[A-Z<]*|[A-Z]+(?:<[A-Z]+)*<<[A-Z<]+)$/;
const WEIGHTS = [7, 3, 1];

export const travelDocument: Entity = {
  name: "travel_document",
  description: "machine-readable line of a passport or identity card (ICAO 9303)",
  tier: "A",
  nature: "identifying",
  triggers: [{ characters: "<", after: "<", verify: verifyLine }],
};

function verifyLine(text: ScannedText, at: number, found: Found): void {
  let start = at;
  while (at - start <= 44 && isMrz(codeAt(text, start - 1))) start--;
  let end = at;
  while (end - start <= 44 && isMrz(codeAt(text, end))) end++;
  if (!LENGTHS.includes(end - start)) return;
  const line = text.slice(start, end);
  if (!NAMES.test(line) && !hasCheckDigits(line)) return;
  if (found.add("travel_document", start, end, 0.9)) found.resume = end;
}

function isMrz(code: number): boolean {
  return code === FILLER || (CLASSES[code]! & (UPPER | DIGIT)) !== 0;
}

function hasCheckDigits(line: string): boolean {
  // A card of three lines has its number in the first and the dates in the second.
  if (line.length === 30) {
    return isChecked(line, 5, 14) || (isChecked(line, 0, 6) && isChecked(line, 8, 14));
  }
  return isChecked(line, 0, 9) && isChecked(line, 13, 19) && isChecked(line, 21, 27);
}

/** Is the character at `end` the check digit of those from `start` on? */
function isChecked(line: string, start: number, end: number): boolean {
  let sum = 0;
  for (let index = start; index < end; index++) {
    const character = line[index]!;
    const value = character === "<" ? 0 : Number.parseInt(character, 36);
    sum += value * WEIGHTS[(index - start) % 3]!;
  }
  return String(sum % 10) === line[end];
}
