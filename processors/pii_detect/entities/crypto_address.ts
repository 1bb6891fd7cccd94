/**
 * Addresses of Bitcoin (base58check, BIP 173 and 350) and Ethereum (EIP-55). A check sum proves
 * them, but for Ethereum addresses in one case, which have none.
 */
import { createHash } from "node:crypto";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { ALNUM, HEX, WORD } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt, runEnd } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32_GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32M = 0x2bc830a3;
const ETHEREUM_LENGTH = 40;

export const cryptoAddress: Entity = {
  name: "crypto_address",
  description: "Bitcoin or Ethereum address with its check sum",
  tier: "A",
  nature: "identifying",
  triggers: [
    { digits: [1, 33], before: "\\W", after: "\\a", verify: verifyBase58 },
    { digits: [1, 60], before: "cC", after: "\\a", verify: verifyBech32 },
    { characters: "x", before: "0", after: "\\x", verify: verifyEthereum },
  ],
};

function verifyBase58(text: ScannedText, at: number, found: Found): void {
  const first = codeAt(text, at);
  if (first !== 0x31 && first !== 0x33) return;
  const end = runEnd(text, at, ALNUM, at + 36);
  if (end - at < 26 || end - at > 35 || (classAt(text, end) & WORD) !== 0) return;
  if (isBase58Check(text.slice(at, end))) found.add("crypto_address", at, end, 0.95);
}

/** 25 bytes: version, 20 bytes of a hash, four bytes of check sum. */
function isBase58Check(address: string): boolean {
  let number = 0n;
  for (const character of address) {
    const digit = BASE58.indexOf(character);
    if (digit < 0) return false;
    number = number * 58n + BigInt(digit);
  }
  const hex = number.toString(16).padStart(50, "0");
  if (hex.length !== 50) return false;
  const bytes = Buffer.from(hex, "hex");
  const once = createHash("sha256").update(bytes.subarray(0, 21)).digest();
  const twice = createHash("sha256").update(once).digest();
  return twice.subarray(0, 4).equals(bytes.subarray(21));
}

function verifyBech32(text: ScannedText, at: number, found: Found): void {
  const start = at - 2;
  if (codeAt(text, at) !== 0x31 || !text.startsWithIgnoringCase("bc1", start)) return;
  if ((classAt(text, start - 1) & WORD) !== 0) return;
  const end = runEnd(text, start, ALNUM, start + 91);
  if (end - start < 42 || end - start > 90 || (classAt(text, end) & WORD) !== 0) return;
  if (isBech32(text.slice(start, end))) found.add("crypto_address", start, end, 0.95);
}

function isBech32(address: string): boolean {
  const lower = address.toLowerCase();
  if (address !== lower && address !== address.toUpperCase()) return false;
  let checksum = 1;
  // "bc" as high bits, a zero, low bits; then the data.
  const values = [3, 3, 0, 2, 3, ...Array.from(lower.slice(3), (digit) => BECH32.indexOf(digit))];
  for (const value of values) {
    if (value < 0) return false;
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of BECH32_GENERATOR.entries()) {
      if ((top >>> bit) & 1) checksum ^= generator;
    }
  }
  return checksum === 1 || checksum === BECH32M;
}

function verifyEthereum(text: ScannedText, at: number, found: Found): void {
  if ((classAt(text, at - 2) & WORD) !== 0) return;
  const start = at + 1;
  const end = runEnd(text, start, HEX, start + ETHEREUM_LENGTH + 1);
  if (end - start !== ETHEREUM_LENGTH || (classAt(text, end) & WORD) !== 0) return;
  const address = text.slice(start, end);
  const isOneCase = address === address.toLowerCase() || address === address.toUpperCase();
  if (!isOneCase && !isEip55(address)) return;
  // Forty digits alone are a number in a program.
  if (/^\d+$/.test(address)) return;
  found.add("crypto_address", at - 1, end, isOneCase ? 0.7 : 0.95);
}

/** A letter is a capital where the hash of the address has a digit of 8 or more. */
function isEip55(address: string): boolean {
  const hash = Buffer.from(keccak_256(Buffer.from(address.toLowerCase()))).toString("hex");
  for (let index = 0; index < address.length; index++) {
    const character = address[index]!;
    const isCapital = character >= "A" && character <= "F";
    const isSmall = character >= "a" && character <= "f";
    const wantsCapital = hash[index]! >= "8";
    if ((isCapital && !wantsCapital) || (isSmall && wantsCapital)) return false;
  }
  return true;
}
