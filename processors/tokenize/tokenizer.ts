/**
 * Makes tokens. The same value gives the same token on every host that has the root key, without
 * any exchange between them; other domains, other entities and other keys give unrelated ones.
 *
 *     K     = HKDF-SHA-256(IKM = root key, salt = "", info = "pii/v1|" domain "|" entity, L = 32)
 *     mac   = HMAC-SHA-256(K, 0x01 || uint8(len(entity)) || entity || value)
 *     token = "<" entity ":" key id ":" base32(mac[0..12)) ">"
 *
 * Texts are UTF-8, `value` is normalised (normalize.ts), base32 is that of RFC 4648 in lower case
 * without padding: 20 characters for 96 bits. RFC 2104 and 4231 (HMAC), RFC 5869 (HKDF).
 */
import { hash } from "node:crypto";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { formatToken } from "../../src/data/token.ts";
import { detachedCopy } from "../../src/lib/detached_copy.ts";
import { normalize } from "./normalize.ts";
import { RecentMap } from "./recent_map.ts";
import type { TokenKey } from "./token_keys.ts";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const TOKEN_BYTES = 12;
const VERSION = 0x01;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

export class Tokenizer {
  readonly #key: TokenKey;
  readonly #domain: string;
  readonly #cacheSize: number;
  readonly #entities = new Map<string, EntityTokens>();

  constructor(key: TokenKey, domain: string, cacheSize: number) {
    this.#key = key;
    this.#domain = domain;
    this.#cacheSize = cacheSize;
  }

  /** The token of a found value, as it stands in the text. */
  token(entity: string, value: string): string {
    let tokens = this.#entities.get(entity);
    if (tokens === undefined) {
      const key = deriveKey(this.#key.root.reveal(), this.#domain, entity);
      tokens = {
        mac: new OneShotHmac(key, entityPrefix(entity)),
        known: new RecentMap(this.#cacheSize),
        lastValue: "",
        lastToken: "",
      };
      this.#entities.set(entity, tokens);
    }
    // A record often says the same twice, in its body and in an attribute.
    if (value === tokens.lastValue && value !== "") return tokens.lastToken;
    const token = tokens.known.get(value) ?? this.#make(entity, value, tokens);
    tokens.lastValue = value;
    tokens.lastToken = token;
    return token;
  }

  #make(entity: string, value: string, { mac, known }: EntityTokens): string {
    const digest = mac.digest(normalize(entity, value));
    const token = formatToken(entity, this.#key.kid, base32(digest, TOKEN_BYTES));
    known.set(detachedCopy(value), token);
    return token;
  }
}

interface EntityTokens {
  readonly mac: OneShotHmac;
  readonly known: RecentMap<string, string>;
  lastValue: string;
  lastToken: string;
}

/** The key of one entity in one domain: 32 bytes. */
export function deriveKey(root: Uint8Array, domain: string, entity: string): Uint8Array {
  const info = new TextEncoder().encode(`pii/v1|${domain}|${entity}`);
  return hkdf(sha256, root, new Uint8Array(0), info, DIGEST_BYTES);
}

function entityPrefix(entity: string): Uint8Array {
  const name = new TextEncoder().encode(entity);
  if (name.length > 255) throw new RangeError("an entity's name has at most 255 bytes");
  return Uint8Array.of(VERSION, name.length, ...name);
}

/**
 * HMAC-SHA-256 of `prefix || text` with both pads laid out beforehand: two one-shot hashes of
 * `node:crypto` cost less than half of `createHmac`. The digest is a latin-1 string, because asking
 * for a `Buffer` costs as much as the hash.
 */
export class OneShotHmac {
  #inner: Buffer;
  readonly #innerStart: number;
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);

  /** `key` has at most 64 bytes; a longer one would have to be hashed first (RFC 2104). */
  constructor(key: Uint8Array, prefix: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new RangeError("the key is longer than a block");
    this.#innerStart = BLOCK_BYTES + prefix.length;
    this.#inner = Buffer.alloc(this.#innerStart + 512);
    this.#inner.fill(0x36, 0, BLOCK_BYTES);
    this.#outer.fill(0x5c, 0, BLOCK_BYTES);
    for (const [index, byte] of key.entries()) {
      this.#inner[index]! ^= byte;
      this.#outer[index]! ^= byte;
    }
    this.#inner.set(prefix, BLOCK_BYTES);
  }

  /** 32 characters, each one byte of the digest. */
  digest(text: string): string {
    // Three bytes a UTF-16 code unit is the most that UTF-8 needs.
    const sizeMax = this.#innerStart + text.length * 3;
    if (this.#inner.length < sizeMax) {
      this.#inner = Buffer.concat([this.#inner], sizeMax * 2);
    }
    const end = this.#innerStart + this.#inner.write(text, this.#innerStart, "utf8");
    const inner = hash("sha256", this.#inner.subarray(0, end), "latin1");
    this.#outer.write(inner, BLOCK_BYTES, "latin1");
    return hash("sha256", this.#outer, "latin1");
  }
}

/** RFC 4648 section 6, lower case, no padding, of the first `size` bytes of a latin-1 text. */
export function base32(bytes: string, size: number): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (let index = 0; index < size; index++) {
    value = ((value << 8) | bytes.charCodeAt(index)) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text;
}
