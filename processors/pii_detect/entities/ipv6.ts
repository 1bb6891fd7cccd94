/** IPv6 addresses (RFC 4291 section 2.2). Time stamps and `a::b` names are the traps. */
import { parseAddress } from "../../../src/lib/ip_address.ts";
import { DIGIT, HEX, WORD } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt, runEnd } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";
import { dottedQuadEnd } from "./ipv4.ts";

const COLON = 0x3a;
const DOT = 0x2e;
const SLASH = 0x2f;

export const ipv6: Entity = {
  name: "ipv6",
  description: "IPv6 address, also with an embedded IPv4 address; not a time stamp",
  tier: "A",
  nature: "identifying",
  triggers: [{ characters: ":", before: "\\x\\W", after: "\\x:", verify: verifyIpv6 }],
};

function verifyIpv6(text: ScannedText, at: number, found: Found): void {
  let start = at;
  while (at - start < 5 && (classAt(text, start - 1) & HEX) !== 0) start--;
  const before = codeAt(text, start - 1);
  // Only the first colon of an address counts, and the address starts a word.
  if (at - start > 4 || before === COLON || before === DOT) return;
  if ((classAt(text, start - 1) & WORD) !== 0) return;
  if (start === at && codeAt(text, at + 1) !== COLON) return;
  const end = addressEnd(text, start);
  if (end > 0 && !isNetwork(text, start, end)) found.add("ipv6", start, end, 0.9);
}

/** `2001:db8:17::/48` names no address: it is 64 bits or fewer, and its host bits are all 0. */
function isNetwork(text: ScannedText, start: number, end: number): boolean {
  if (codeAt(text, end) !== SLASH) return false;
  const length = /^(?:\d|[1-5]\d|6[0-4])(?![\w.])/.exec(text.slice(end + 1, end + 4))?.[0];
  const bytes = length === undefined ? undefined : parseAddress(text.slice(start, end));
  if (bytes === undefined) return false;
  const network = Number(length);
  return bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, network - index * 8));
    return (byte & (0xff >> bits)) === 0;
  });
}

/** The end of the address at `start`, or -1. Reads at most 46 characters and a port number. */
function addressEnd(text: ScannedText, start: number): number {
  let index = start;
  let groups = 0;
  let pairs = 0;
  let compressed = false;
  for (;;) {
    if (codeAt(text, index) === COLON && codeAt(text, index + 1) === COLON) {
      if (compressed) return -1;
      compressed = true;
      index += 2;
    } else if (groups > 0) {
      if (groups === 8 || codeAt(text, index) !== COLON) break;
      index++;
    }
    const groupEnd = runEnd(text, index, HEX, index + 5);
    if (groupEnd === index) {
      if (!compressed || codeAt(text, index - 2) !== COLON) return -1;
      break;
    }
    if (codeAt(text, groupEnd) === DOT) {
      index = dottedQuadEnd(text, index);
      groups += 2;
      break;
    }
    if (groupEnd - index > 4) return -1;
    if (groupEnd - index === 2) pairs++;
    groups++;
    index = groupEnd;
  }
  if (index < 0 || !isWhole(text, index, groups)) return -1;
  if (compressed) return groups <= 7 && hasKnownPrefix(text, start) ? index : -1;
  // Eight pairs are an EUI-64 or a port name of a storage network.
  return groups === 8 && pairs < 8 ? index : -1;
}

/** Nothing goes on behind the address, but for `:port` behind eight groups, as Java prints it. */
function isWhole(text: ScannedText, end: number, groups: number): boolean {
  if ((classAt(text, end) & WORD) !== 0) return false;
  if (codeAt(text, end) !== COLON) return true;
  if ((classAt(text, end + 1) & WORD) === 0) return codeAt(text, end + 1) !== COLON;
  if (groups !== 8) return false;
  const portEnd = runEnd(text, end + 1, DIGIT, end + 6);
  return portEnd > end + 1 && codeAt(text, portEnd) !== COLON && !isWordAt(text, portEnd);
}

function isWordAt(text: ScannedText, index: number): boolean {
  return (classAt(text, index) & WORD) !== 0;
}

/**
 * Addresses in use with `::` begin with a group of four digits, with `64:ff9b::`, or are `::ffff:`
 * and an IPv4 address. `::1`, `1::2` and `[::2]` are loopback, names and Python slices.
 */
function hasKnownPrefix(text: ScannedText, start: number): boolean {
  const first = runEnd(text, start, HEX, start + 5);
  if (first - start === 4) {
    const group = text.slice(start, first);
    return /\d/.test(group) || /^f[c-f]/i.test(group);
  }
  const head = text.slice(start, start + 9).toLowerCase();
  return head.startsWith("::ffff:") || head === "64:ff9b::";
}
