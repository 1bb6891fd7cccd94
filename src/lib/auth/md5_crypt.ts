/**
 * MD5-crypt of P.-H. Kamp (`$1$`) and its form in Apache (`$apr1$`): read because such files are
 * about, not because it is good.
 */
import { createHash } from "node:crypto";
import { encodeCrypt } from "./crypt_base64.ts";

const ROUNDS = 1000;
const SALT_LENGTH_MAX = 8;
const PLACES = [
  ...Array.from({ length: 4 }, (_, index) => [index, index + 6, index + 12]),
  [4, 10, 5],
  [11],
];

/** The hash with the form and the salt of `like`. */
export function md5Crypt(password: string, like: string): string {
  const [, magic, written] = /^(\$(?:apr1|1)\$)([^$]*)/.exec(like) ?? [];
  const salt = Buffer.from((written ?? "").slice(0, SALT_LENGTH_MAX));
  const key = Buffer.from(password);
  const digest = (...parts: readonly Uint8Array[]): Buffer => {
    const state = createHash("md5");
    for (const part of parts) state.update(part);
    return state.digest();
  };
  const inner = digest(key, salt, key);
  const parts: Uint8Array[] = [key, Buffer.from(magic ?? ""), salt];
  for (let rest = key.length; rest > 0; rest -= 16) parts.push(inner.subarray(0, rest));
  for (let bits = key.length; bits > 0; bits >>>= 1) {
    parts.push(bits & 1 ? Buffer.alloc(1) : key.subarray(0, 1));
  }
  let result = digest(...parts);
  for (let round = 0; round < ROUNDS; round++) {
    const isOdd = round % 2 === 1;
    const inputs: Uint8Array[] = [isOdd ? key : result];
    if (round % 3 !== 0) inputs.push(salt);
    if (round % 7 !== 0) inputs.push(key);
    inputs.push(isOdd ? result : key);
    result = digest(...inputs);
  }
  return `${magic}${salt.toString()}$${encodeCrypt(result, PLACES)}`;
}
