/**
 * The tokens of one entity in one domain. The same value gives the same token on every host that
 * has the root key, without any exchange between them; other domains, other entities, other modes
 * and other keys give unrelated ones.
 *
 *     K     = HKDF-SHA-256(IKM = root key, salt = "", info = "pii/v1|" domain "|" entity, L = 32)
 *     mac   = HMAC-SHA-256(K, 0x01 || uint8(len(entity)) || entity || value)
 *     token = "<" entity ":" key id ":" base32(mac[0..12)) ">"
 *
 * Texts are UTF-8, `value` is normalised (normalize.ts), base32 is that of RFC 4648 in lower case
 * without padding: 20 characters for 96 bits. RFC 2104 and 4231 (HMAC), RFC 5869 (HKDF). The modes
 * that keep a format have a key each, with `"|" mode` at the end of the info.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { formatToken } from "../../src/data/token.ts";
import { ADDRESS_BYTES, formatAddress, isMapped, parseAddress } from "../../src/lib/ip_address.ts";
import type { EntitySettings } from "./config.ts";
import { Ff1 } from "./ff1.ts";
import {
  DETERMINISTIC_KEY_BYTES,
  encryptDeterministic,
  encryptPfx,
  PFX_KEY_BYTES,
} from "./ipcrypt.ts";
import { normalize } from "./normalize.ts";
import { base32, DIGEST_BYTES, OneShotHmac } from "./one_shot_hmac.ts";
import type { TokenKey } from "./token_keys.ts";

const TOKEN_BYTES = 12;
const VERSION = 0x01;
const FF1_KEY_BYTES = 32;
const MAPPED_BITS = 96;
/** A digit, or an escape of a URL, whose digits are not those of the value. */
const DIGIT = /%[0-9a-fA-F]{2}|[0-9]/g;
const LETTER = /\p{L}/u;

export type MakeToken = (value: string) => string;

export interface TokenSpace {
  readonly key: TokenKey;
  readonly domain: string;
  readonly entity: string;
}

/** Throws what HKDF throws; the result never throws for a value, whatever it is. */
export function tokenMaker(space: TokenSpace, settings: EntitySettings | undefined): MakeToken {
  const hmac = hmacTokens(space, settings);
  switch (settings?.mode) {
    case "ff1":
      return ff1Tokens(space, settings.keep_last ?? 0, hmac);
    case "ipcrypt_deterministic": {
      const key = derive(space, "ipcrypt_deterministic", DETERMINISTIC_KEY_BYTES);
      return addressTokens((address) => formatAddress(encryptDeterministic(key, address)), hmac);
    }
    case "ipcrypt_pfx": {
      const key = derive(space, "ipcrypt_pfx", PFX_KEY_BYTES);
      return addressTokens((address) => formatAddress(encryptPfx(key, address)), hmac);
    }
    case "truncate": {
      const { prefix_ipv4: ipv4, prefix_ipv6: ipv6 } = settings;
      return addressTokens((address) => truncated(address, ipv4, ipv6), hmac);
    }
    default:
      return hmac;
  }
}

/** The key of one entity in one domain: 32 bytes. */
export function deriveKey(root: Uint8Array, domain: string, entity: string): Uint8Array {
  return hkdf(sha256, root, new Uint8Array(0), infoOf(domain, entity), DIGEST_BYTES);
}

function derive({ key, domain, entity }: TokenSpace, mode: string, size: number): Uint8Array {
  // Neither a domain nor an entity has a bar in it.
  const info = infoOf(domain, `${entity}|${mode}`);
  return hkdf(sha256, key.root.reveal(), new Uint8Array(0), info, size);
}

function infoOf(domain: string, name: string): Uint8Array {
  return new TextEncoder().encode(`pii/v1|${domain}|${name}`);
}

function hmacTokens({ key, domain, entity }: TokenSpace, settings?: EntitySettings): MakeToken {
  const mac = new OneShotHmac(deriveKey(key.root.reveal(), domain, entity), entityPrefix(entity));
  const token = (value: string): string => {
    const digest = mac.digest(normalize(entity, value));
    return formatToken(entity, key.kid, base32(digest, TOKEN_BYTES));
  };
  if (settings?.keep_domain === true) return (value) => token(value) + domainOf(entity, value);
  const kept = settings?.keep_last;
  if (kept === undefined || settings?.mode === "ff1") return token;
  return (value) => `${token(value)}-${lastDigits(value, kept)}`;
}

function entityPrefix(entity: string): Uint8Array {
  const name = new TextEncoder().encode(entity);
  if (name.length > 255) throw new RangeError("an entity's name has at most 255 bytes");
  return Uint8Array.of(VERSION, name.length, ...name);
}

/** `@example.com`, in the one spelling. */
function domainOf(entity: string, value: string): string {
  const address = normalize(entity, value);
  const at = address.lastIndexOf("@");
  return at < 0 ? "" : address.slice(at);
}

/** Never more than half of the digits, whatever the configuration says. */
function lastDigits(value: string, count: number): string {
  const digits = digitsOf(value);
  return digits.slice(digits.length - Math.min(count, digits.length >> 1));
}

function digitsOf(value: string): string {
  return (value.match(DIGIT) ?? []).filter((digit) => digit.length === 1).join("");
}

/**
 * The digits of a value encrypted in their places, the last ones kept if asked for; these are part
 * of the tweak. What has letters or too few digits gets an ordinary token.
 */
function ff1Tokens(space: TokenSpace, keepLast: number, fallback: MakeToken): MakeToken {
  const ff1 = new Ff1(derive(space, "ff1", FF1_KEY_BYTES), 10);
  return (value) => {
    const digits = digitsOf(value);
    const kept = keepLast === 0 ? "" : lastDigits(value, keepLast);
    const secret = digits.slice(0, digits.length - kept.length);
    const plain = value.replace(/%[0-9a-fA-F]{2}/g, "");
    if (LETTER.test(plain) || !ff1.covers(secret.length)) return fallback(value);
    const tweak = new TextEncoder().encode(`${space.entity}|${kept}`);
    const encrypted = ff1.encrypt(secret, tweak) + kept;
    let next = 0;
    return value.replace(DIGIT, (digit) => (digit.length === 1 ? encrypted[next++]! : digit));
  };
}

/** What is no address after all gets an ordinary token. */
function addressTokens(change: (address: Uint8Array) => string, fallback: MakeToken): MakeToken {
  return (value) => {
    const address = parseAddress(value);
    return address === undefined ? fallback(value) : change(address);
  };
}

/** The network of an address: `203.0.113.0/24`. */
function truncated(address: Uint8Array, prefixIpv4: number, prefixIpv6: number): string {
  const bits = isMapped(address) ? MAPPED_BITS + prefixIpv4 : prefixIpv6;
  const network = new Uint8Array(ADDRESS_BYTES);
  for (let index = 0; index < ADDRESS_BYTES; index++) {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    network[index] = address[index]! & (0xff00 >> kept);
  }
  return `${formatAddress(network)}/${isMapped(address) ? prefixIpv4 : prefixIpv6}`;
}
