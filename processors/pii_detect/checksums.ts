/** Check digits of card and account numbers. */

/** Luhn (ISO/IEC 7812-1 annex B) over a text of ASCII digits. */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  let double = false;
  for (let index = digits.length - 1; index >= 0; index--) {
    const value = digits.charCodeAt(index) - 0x30;
    if (value < 0 || value > 9) return false;
    const weighted = double ? value * 2 : value;
    sum += weighted > 9 ? weighted - 9 : weighted;
    double = !double;
  }
  return digits.length > 1 && sum % 10 === 0;
}

/**
 * MOD 97-10 (ISO/IEC 7064) over letters and digits as they stand: remainder 1. An IBAN is checked
 * after its first four characters were moved to the end.
 */
export function isMod97(characters: string): boolean {
  let remainder = 0;
  for (let index = 0; index < characters.length; index++) {
    const code = characters.charCodeAt(index);
    if (code >= 0x30 && code <= 0x39) remainder = (remainder * 10 + code - 0x30) % 97;
    else {
      const letter = (code | 0x20) - 0x57;
      if (letter < 10 || letter > 35) return false;
      remainder = (remainder * 100 + letter) % 97;
    }
  }
  return characters.length > 2 && remainder === 1;
}

const VERHOEFF_PRODUCT = [
  ...["0123456789", "1234067895", "2340178956", "3401289567", "4012395678"],
  ...["5987604321", "6598710432", "7659821043", "8765932104", "9876543210"],
].map((row) => Array.from(row, Number));
const VERHOEFF_PERMUTATION = [
  ...["0123456789", "1576283094", "5803796142", "8916043527"],
  ...["9453126870", "4286573901", "2793806415", "7046913258"],
].map((row) => Array.from(row, Number));

/** Verhoeff's check digit, from the dihedral group of order 10, over a text of ASCII digits. */
export function isVerhoeff(digits: string): boolean {
  let check = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 0x30;
    if (digit < 0 || digit > 9) return false;
    check = VERHOEFF_PRODUCT[check]![VERHOEFF_PERMUTATION[index % 8]![digit]!]!;
  }
  return digits.length > 1 && check === 0;
}

/** The sum of the digits, each times the weight at its place; NaN for another character. */
export function weightedSum(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (const [index, weight] of weights.entries()) sum += Number(digits[index]) * weight;
  return sum;
}
