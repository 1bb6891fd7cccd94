/** SHA-crypt: U. Drepper, "Unix crypt using SHA-256 and SHA-512", 2008; steps as numbered there. */
import { createHash } from "node:crypto";
import { encodeCrypt } from "./crypt_base64.ts";

const FORM = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$]*)/;
const ROUNDS_DEFAULT = 5000;
const ROUNDS_MIN = 1000;
/** The paper allows more; a verification must not hold the agent up for seconds. */
const ROUNDS_MAX = 100_000;
const SALT_LENGTH_MAX = 16;

/** The hash with the salt and rounds of `like`; undefined when that is none or has too many. */
export function shaCrypt(password: string, like: string): string | undefined {
  const form = FORM.exec(like);
  if (form === null) return undefined;
  const [, id, written] = form;
  const rounds = Math.max(ROUNDS_MIN, Number(written ?? ROUNDS_DEFAULT));
  if (rounds > ROUNDS_MAX) return undefined;
  const salt = form[3]!.slice(0, SALT_LENGTH_MAX);
  const algorithm = id === "5" ? "sha256" : "sha512";
  const digest = rounded(algorithm, Buffer.from(password), Buffer.from(salt), rounds);
  const prefix = written === undefined ? "" : `rounds=${rounds}$`;
  return `$${id}$${prefix}${salt}$${encodeCrypt(digest, id === "5" ? PLACES_256 : PLACES_512)}`;
}

function rounded(algorithm: string, key: Buffer, salt: Buffer, rounds: number): Buffer {
  const digest = (...parts: Buffer[]): Buffer => {
    const state = createHash(algorithm);
    for (const part of parts) state.update(part);
    return state.digest();
  };
  // Steps 4 to 8.
  const b = digest(key, salt, key);
  // Steps 1 to 3 and 9 to 12.
  const parts = [key, salt, repeated(b, key.length)];
  for (let bits = key.length; bits > 0; bits >>>= 1) parts.push(bits & 1 ? b : key);
  const a = digest(...parts);
  // Steps 13 to 16, 17 to 20.
  const p = repeated(digest(...new Array<Buffer>(key.length).fill(key)), key.length);
  const s = repeated(digest(...new Array<Buffer>(16 + a[0]!).fill(salt)), salt.length);
  // Step 21.
  let c = a;
  for (let round = 0; round < rounds; round++) {
    const isOdd = round % 2 === 1;
    const inner = [isOdd ? p : c];
    if (round % 3 !== 0) inner.push(s);
    if (round % 7 !== 0) inner.push(p);
    inner.push(isOdd ? c : p);
    c = digest(...inner);
  }
  return c;
}

/** As many bytes as asked for, of the bytes again and again. */
function repeated(bytes: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length);
  for (let at = 0; at < length; at += bytes.length) bytes.copy(result, at);
  return result;
}

/** Step 22, the order of the bytes in the text: groups whose places all move by the same step. */
const PLACES_256 = [...groups([0, 10, 20], 10, 21), [31, 30]];
const PLACES_512 = [...groups([0, 21, 42], 21, 22), [63]];

function groups(first: readonly number[], count: number, step: number): number[][] {
  return Array.from({ length: count }, (_, index) =>
    first.map((place) => (place + index * step) % (count * 3)),
  );
}
