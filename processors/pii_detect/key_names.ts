/**
 * What a key name says about its value: `db_password`, `X-Api-Key`, `userPassword`, `Set-Cookie`.
 * Used for keys in text (`key=value`, `"key": "value"`) and for attribute names alike.
 */
import { detachedCopy } from "../../src/lib/detached_copy.ts";
import { CLASSES, KEY, LOWER, UPPER } from "./characters.ts";
import type { ScannedText } from "./scanned_text.ts";

/**
 * `secret`: any value is one. `likely`: a value that looks random is one. `authorization` and
 * `cookie`: the value has the grammar of that HTTP header.
 */
export type KeyMeaning = "secret" | "likely" | "authorization" | "cookie";

const MEANINGS: Readonly<Record<KeyMeaning, string>> = {
  secret:
    "password passwd passphrase passcode pwd secret apikey apisecret accesskey accesstoken " +
    "refreshtoken idtoken authtoken bearertoken sessiontoken securitytoken clientsecret " +
    "privatekey secretkey signingkey encryptionkey masterkey accountkey storagekey sharedkey " +
    "phpsessid jsessionid sessid csrftoken xsrftoken connectionpassword " +
    "cvv cvc otp totp",
  likely: "sessionid token auth credential credentials pass key signature sig secrets tokens",
  authorization: "authorization",
  cookie: "cookie setcookie cookies",
};

/** Words before `token`, `key` and so on that make it no secret. */
const HARMLESS = new Set(
  (
    "public page next nextpage prev continuation cancel cancellation sync primary foreign sort " +
    "partition cache object hot registry group lookup row map dict cycle idempotency routing " +
    "document file bucket hash w task app window"
  ).split(" "),
);
/** Of the likely words, those that are so only with a word before them (`license_key`). */
const NEEDS_COMPANY = new Set(["key"]);

const WORDS = new Map<string, KeyMeaning>();
for (const meaning of Object.keys(MEANINGS) as KeyMeaning[]) {
  for (const word of MEANINGS[meaning].split(" ")) WORDS.set(word, meaning);
}
/** Endings that count without a word boundary before them: `dbpassword`, `mysecret`. */
const ENDINGS = ["password", "passwd", "secret", "apikey"] as const;

/** Pairs of letters in which a word of the table ends: a cheap gate for the scanner. */
const LAST_PAIRS = new Uint8Array(26 * 26);
for (const word of WORDS.keys()) {
  LAST_PAIRS[pairIndex(word.charCodeAt(word.length - 2), word.charCodeAt(word.length - 1))] = 1;
}

const KEY_LENGTH_MAX = 64;
const CACHE_SIZE = 4096;
let cache = new Map<string, KeyMeaning | undefined>();

export function meaningOfKey(key: string): KeyMeaning | undefined {
  const known = cache.get(key);
  if (known !== undefined || cache.has(key)) return known;
  const meaning = classify(key);
  if (cache.size >= CACHE_SIZE) cache = new Map();
  cache.set(detachedCopy(key), meaning);
  return meaning;
}

/** The start of the key name that ends at `end` when it can have a meaning, or -1. */
export function keyStart(text: ScannedText, end: number): number {
  let last = end - 1;
  // `password1` and `secret2` are fields of forms.
  if (last >= 2 && isDigit(text.codes[last]!)) last--;
  if (last < 2) return -1;
  const ending = pairIndex(text.codes[last - 1]! | 0x20, text.codes[last]! | 0x20);
  if (LAST_PAIRS[ending] !== 1) return -1;
  let start = last - 1;
  const limit = Math.max(0, end - KEY_LENGTH_MAX);
  while (start > limit && (CLASSES[text.codes[start - 1]!]! & KEY) !== 0) start--;
  return start;
}

function classify(key: string): KeyMeaning | undefined {
  // `password1` is a field of a form; `sig2` is not a second signature.
  const numbered = /\d$/.test(key);
  const words = splitWords(numbered ? key.slice(0, -1) : key);
  let joined = "";
  for (let count = 1; count <= Math.min(3, words.length); count++) {
    const index = words.length - count;
    joined = words[index]! + joined;
    const meaning = WORDS.get(joined);
    if (meaning === undefined || (numbered && meaning !== "secret")) continue;
    // `api_key` before `key`: a longer name says more.
    if (meaning === "likely") {
      const longer = index > 0 ? WORDS.get(words[index - 1]! + joined) : undefined;
      if (longer !== undefined) return longer;
      if (NEEDS_COMPANY.has(joined) && index === 0) return undefined;
      if (index > 0 && HARMLESS.has(words[index - 1]!)) return undefined;
    }
    return meaning;
  }
  const last = words.at(-1) ?? "";
  return ENDINGS.some((ending) => last.endsWith(ending)) ? "secret" : undefined;
}

/** `X-Api-Key`, `api_key`, `apiKey` and `APIKey` are `api key`. */
function splitWords(key: string): string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

function pairIndex(first: number, second: number): number {
  const isPair = (CLASSES[first]! & CLASSES[second]! & (UPPER | LOWER)) !== 0;
  return isPair ? (first - 0x61) * 26 + second - 0x61 : -1;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
