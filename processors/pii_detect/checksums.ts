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
