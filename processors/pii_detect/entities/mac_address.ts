/** MAC addresses (IEEE 802 EUI-48): six pairs with `:` or `-`, or Cisco's three groups with `.`. */
import { HEX, WORD } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const COLON = 0x3a;
const DOT = 0x2e;

export const macAddress: Entity = {
  name: "mac_address",
  description: "MAC address as `00:1a:…`, `00-1a-…` or `001a.2b3c.4d5e`",
  tier: "A",
  nature: "identifying",
  triggers: [
    { characters: ":-", before: "\\x", after: "\\x", verify: verifyPairs },
    { characters: ".", before: "\\x", after: "\\x", verify: verifyGroups },
  ],
};

function verifyPairs(text: ScannedText, at: number, found: Found): void {
  const separator = text.codes[at]!;
  // The last separator is looked at first, because time stamps and dates have none there.
  if (codeAt(text, at + 12) !== separator || codeAt(text, at + 3) !== separator) return;
  const start = at - 2;
  for (let pair = 0; pair < 6; pair++) {
    const index = start + pair * 3;
    if ((classAt(text, index) & classAt(text, index + 1) & HEX) === 0) return;
    if (pair < 5 && codeAt(text, index + 2) !== separator) return;
  }
  report(text, start, start + 17, separator, found);
}

function verifyGroups(text: ScannedText, at: number, found: Found): void {
  if (codeAt(text, at + 5) !== DOT) return;
  const start = at - 4;
  for (let index = start; index < start + 14; index++) {
    if (index !== at && index !== at + 5 && (classAt(text, index) & HEX) === 0) return;
  }
  report(text, start, start + 14, DOT, found);
}

function report(
  text: ScannedText,
  start: number,
  end: number,
  separator: number,
  found: Found,
): void {
  if (((classAt(text, start - 1) | classAt(text, end)) & WORD) !== 0) return;
  if (goesOn(text, start - 1, -1, separator) || goesOn(text, end, 1, separator)) return;
  const digits = text.slice(start, end);
  // Dates with the time, `17-06-09-20-10-40`, and dotted numbers have no letter.
  if (separator !== COLON && !/[a-f]/i.test(digits)) return;
  // No card has the address 0, and all ones is the broadcast address.
  if (/^[0:.-]+$|^[fF:.-]+$/.test(digits)) return;
  found.add("mac_address", start, end, 0.9);
}

/** A fingerprint or an EUI-64 has more pairs. */
function goesOn(text: ScannedText, index: number, step: number, separator: number): boolean {
  return codeAt(text, index) === separator && (classAt(text, index + step) & HEX) !== 0;
}
