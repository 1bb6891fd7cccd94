/**
 * Whose record it is: the value of the unit attribute in its canonical form.
 *
 * Invariant: two spellings of one person may become one unit, never the other way round within what
 * the configured steps cover; and values of different attributes are never taken for one another.
 */
import { isIPv4, isIPv6 } from "node:net";
import type { AnyValue } from "../../src/data/any_value.ts";

export const CANONICAL_STEPS = ["lower", "ipv6_64"] as const;
export type CanonicalStep = (typeof CANONICAL_STEPS)[number];

/** Text of a value that can name a unit. Undefined: missing, empty, or of another kind. */
export function unitText(value: AnyValue): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

export function canonicalUnit(text: string, steps: readonly CanonicalStep[]): string {
  let result = text;
  for (const step of steps) {
    result = step === "lower" ? result.toLowerCase() : subscriberAddress(result);
  }
  return result;
}

/** An IPv6 address becomes its /64, which is what one subscriber has; a mapped IPv4 itself. */
function subscriberAddress(text: string): string {
  if (!text.includes(":")) return text;
  const address = text.split("%", 1)[0]!;
  if (!isIPv6(address)) return text;
  const tail = address.slice(address.lastIndexOf(":") + 1);
  const groups = expandGroups(isIPv4(tail) ? replaceTail(address, tail) : address);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

/** `::ffff:1.2.3.4` with its last four bytes as two groups. */
function replaceTail(address: string, tail: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = tail.split(".").map(Number);
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16));
  return address.slice(0, address.length - tail.length) + groups.join(":");
}

function expandGroups(address: string): number[] {
  const [left = "", right] = address.split("::");
  const before = left === "" ? [] : left.split(":");
  const after = right === undefined || right === "" ? [] : right.split(":");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}
