/** International bank account numbers (ISO 13616): country, its length, and MOD 97-10. */
import { ALNUM, CLASSES, DASH, LOWER, UPPER, WORD } from "../characters.ts";
import { isMod97 } from "../checksums.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

/** Country and length, from the SWIFT IBAN registry and the countries that follow it. */
const COUNTRIES =
  "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 " +
  "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 " +
  "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 " +
  "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 " +
  "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 " +
  "AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 " +
  "NE28 SN28 TD27 TG28";

const LENGTHS = new Uint8Array(26 * 26);
for (const row of COUNTRIES.split(" ")) {
  LENGTHS[countryIndex(row.charCodeAt(0), row.charCodeAt(1))] = Number(row.slice(2));
}

export const iban: Entity = {
  name: "iban",
  description: "bank account number with the length of its country and a valid check sum",
  tier: "A",
  nature: "identifying",
  triggers: [{ digits: [2, 34], before: "\\a", verify: verifyIban }],
};

function verifyIban(text: ScannedText, at: number, found: Found): void {
  const start = at - 2;
  const both = classAt(text, start) & classAt(text, start + 1);
  if ((both & (UPPER | LOWER)) === 0 || (classAt(text, start - 1) & (WORD | DASH)) !== 0) return;
  const length = LENGTHS[countryIndex(codeAt(text, start), codeAt(text, start + 1))]!;
  if (length === 0) return;
  let characters = "";
  let index = start;
  while (characters.length < length) {
    const code = codeAt(text, index);
    if ((CLASSES[code]! & ALNUM) !== 0) characters += text.string[index++]!;
    else if (isGap(code) && (classAt(text, index + 1) & ALNUM) !== 0) index++;
    else return;
  }
  if ((classAt(text, index) & WORD) !== 0) return;
  if (isMod97(characters.slice(4) + characters.slice(0, 4))) {
    found.add("iban", start, index, 0.95);
  }
}

function isGap(code: number): boolean {
  return code === 0x20 || code === 0x2d || code === 0x2b || code === 0xa0;
}

function countryIndex(first: number, second: number): number {
  return ((first | 0x20) - 0x61) * 26 + (second | 0x20) - 0x61;
}
