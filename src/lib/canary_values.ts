/**
 * The made-up values of the canaries: new ones each day, the same for everyone who has the key.
 *
 * Invariant: each is what a detector must find, and none can be somebody's. The domain ends in
 * `.invalid` (RFC 2606), the card has the issuer number of test cards, no German bank has a code of
 * zeros, the phone number is one that Ofcom keeps for drama, and the others are random.
 */
import type { KeyObject } from "node:crypto";
import { createHmac } from "node:crypto";

export const CANARY_KINDS = [
  "email",
  "payment_card",
  "iban",
  "phone",
  "secret",
  "api_key",
] as const;
export type CanaryKind = (typeof CANARY_KINDS)[number];

export type CanaryValues = Readonly<Record<CanaryKind, string>>;

const DAY_MS = 86_400_000;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Days since the Unix epoch, in UTC. */
export function canaryDay(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS);
}

export function canaryValues(key: KeyObject, day: number): CanaryValues {
  const draw = (kind: CanaryKind, alphabet: string, length: number): string => {
    const bytes = createHmac("sha512", key).update(`canary/v1\0${day}\0${kind}`).digest();
    // The remainders are not quite evenly spread, which does not matter for a made-up value.
    return [...bytes.subarray(0, length)].map((byte) => alphabet[byte % alphabet.length]).join("");
  };
  const name = draw("email", LETTERS, 16);
  return {
    email: `${name.slice(0, 8)}.${name.slice(8)}@canary.invalid`,
    payment_card: withLuhnDigit(`400000${draw("payment_card", DIGITS, 9)}`),
    iban: germanIban(`00000000${draw("iban", DIGITS, 10)}`),
    phone: `+447700900${draw("phone", DIGITS, 3)}`,
    secret: draw("secret", LETTERS + DIGITS, 24),
    api_key: `AKIA${draw("api_key", BASE32, 16)}`,
  };
}

/** ISO/IEC 7812-1, annex B. */
function withLuhnDigit(digits: string): string {
  let sum = 0;
  for (const [index, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

/** ISO 13616: `DE` is 13 14, and the check digits make the number 1 modulo 97. */
function germanIban(account: string): string {
  const check = 98n - (BigInt(`${account}131400`) % 97n);
  return `DE${String(check).padStart(2, "0")}${account}`;
}
