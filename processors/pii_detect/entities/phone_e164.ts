/** International phone numbers (ITU-T E.164): `+`, a country code in use, its number of digits. */
import { DIGIT, WORD } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const PLUS = 0x2b;
const DIGITS_MIN = 8;
const DIGITS_MAX = 15;
const SEPARATORS = " -.()/\u00a0";

/**
 * Country codes in use, and the total number of digits where a country has few lengths
 * (`code:min-max`). From ITU-T E.164 annex and the national numbering plans.
 */
const CODES =
  "1:11-11 7:11-11 20:11-12 27:11-11 30:12-12 31:11-11 32:10-11 33:11-11 34:11-11 36:10-11 " +
  "39:8-13 40:11-11 41:11-11 43:8-15 44:11-12 45:10-10 46:9-12 47:10-10 48:11-11 49:8-14 " +
  "51:10-11 52:12-13 53:10-10 54:12-13 55:12-13 56:11-11 57:10-12 58:12-12 60:10-12 61:11-11 " +
  "62:10-14 63:11-12 64:10-12 65:10-10 66:10-11 81:11-12 82:10-12 84:11-12 86:11-13 90:12-12 " +
  "91:12-12 92:11-12 93:11-11 94:11-11 95:9-12 98:12-12 " +
  "211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 " +
  "238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 " +
  "262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 " +
  "370 371 372 373 374 375 376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 502 " +
  "503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 " +
  "677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 850 852 853 855 856 870 880 881 " +
  "882 883 886 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 " +
  "994 995 996 998";

interface Lengths {
  readonly min: number;
  readonly max: number;
}

const LENGTHS = new Map<string, Lengths>();
for (const row of CODES.split(" ")) {
  const [code, range] = row.split(":");
  const [min, max] = range?.split("-").map(Number) ?? [DIGITS_MIN, DIGITS_MAX];
  LENGTHS.set(code!, { min: min!, max: max! });
}

export const phoneE164: Entity = {
  name: "phone_e164",
  description: "phone number with `+` (or `%2B`) and country code, with usual separators",
  tier: "B",
  nature: "identifying",
  triggers: [
    { characters: "+", before: "\\W", after: "\\d", verify: verifyPhone },
    { characters: "%", after: "2", verify: verifyPhone },
  ],
};

function verifyPhone(text: ScannedText, at: number, found: Found): void {
  const encoded = text.codes[at]! !== PLUS;
  if (encoded && (codeAt(text, at + 2) | 0x20) !== 0x62) return;
  const start = at + (encoded ? 3 : 1);
  const first = codeAt(text, start);
  if (first < 0x31 || first > 0x39) return;
  const end = numberEnd(text, start);
  if (end > 0) found.add("phone_e164", at, end, 0.8);
}

/** The end of the longest number at `start` that ends with a group and has a length in use. */
function numberEnd(text: ScannedText, start: number): number {
  let digits = "";
  let best = -1;
  let index = start;
  while (digits.length <= DIGITS_MAX) {
    const groupStart = index;
    while ((classAt(text, index) & DIGIT) !== 0 && index - groupStart <= DIGITS_MAX) {
      digits += text.string[index++]!;
    }
    if (digits.length > DIGITS_MAX) break;
    if ((classAt(text, index) & WORD) !== 0) break;
    if (hasLengthInUse(digits)) best = index;
    const next = afterSeparator(text, index);
    if (next < 0) break;
    index = next;
  }
  return best;
}

/** The index of the digit behind ` `, `-`, `.`, `/`, parentheses or one `(0)`; -1 for none. */
function afterSeparator(text: ScannedText, start: number): number {
  let trunk = false;
  for (let index = start; index < start + 6; index++) {
    if ((classAt(text, index) & DIGIT) !== 0) return index;
    if (!trunk && text.startsWith("(0)", index)) {
      trunk = true;
      index += 2;
    } else if (index >= text.length || !SEPARATORS.includes(text.string[index]!)) return -1;
  }
  return -1;
}

function hasLengthInUse(digits: string): boolean {
  if (digits.length < DIGITS_MIN) return false;
  for (let length = 1; length <= 3; length++) {
    const lengths = LENGTHS.get(digits.slice(0, length));
    if (lengths === undefined) continue;
    if (digits.length < lengths.min || digits.length > lengths.max) return false;
    // North American area and exchange codes begin with 2 to 9.
    return length > 1 || digits[0] !== "1" || (digits[1]! >= "2" && digits[4]! >= "2");
  }
  return false;
}
