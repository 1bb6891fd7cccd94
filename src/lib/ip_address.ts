/** IP addresses as 16 bytes (IPv4 mapped into `::ffff:0:0/96`, RFC 4291) and back to text. */
import { isIPv4, SocketAddress } from "node:net";

export const ADDRESS_BYTES = 16;
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as const;

/** Undefined when the text is no address. A zone (`%eth0`) is left out. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.of(...MAPPED_PREFIX, ...text.split(".").map(Number));
  let canonical: string;
  try {
    canonical = new SocketAddress({ address: text.split("%", 1)[0]!, family: "ipv6" }).address;
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(ADDRESS_BYTES);
  groupsOf(canonical).forEach((group, index) => {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 0xff;
  });
  return bytes;
}

export function isMapped(bytes: Uint8Array): boolean {
  return MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
}

/** Canonical text (RFC 5952); an IPv4 address for a mapped one. */
export function formatAddress(bytes: Uint8Array): string {
  if (isMapped(bytes)) return bytes.subarray(12).join(".");
  const groups: string[] = [];
  for (let at = 0; at < ADDRESS_BYTES; at += 2) {
    groups.push(((bytes[at]! << 8) | bytes[at + 1]!).toString(16));
  }
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

/** Of a canonical text, in which the last two groups may be written as IPv4. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const pair = (high: string, low: string) => ((Number(high) << 8) | Number(low)).toString(16);
  const text =
    dotted === null
      ? address
      : `${dotted[1]}${pair(dotted[2]!, dotted[3]!)}:${pair(dotted[4]!, dotted[5]!)}`;
  const [left = "", right] = text.split("::");
  const before = left === "" ? [] : left.split(":");
  const after = right === undefined || right === "" ? [] : right.split(":");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}
