/**
 * Makes a value coarser: an address its network, a date its year, a number its band. What is left
 * says something about many people instead of one.
 *
 * Invariant: generalizing twice is the same as generalizing once, and a value that is not
 * understood gives undefined; nothing of it may be shown then.
 */
import { ADDRESS_BYTES, formatAddress, isMapped, parseAddress } from "../../src/lib/ip_address.ts";
import type { GeneralizeConfig } from "./config.ts";

export type Generalize = (value: string) => string | undefined;

const IPV4_PREFIX = 24;
const IPV6_PREFIX = 48;
const MAPPED_BITS = 96;
/** Numbers with more digits are identifiers, and lose digits as numbers. */
const NUMBER = /^-?\d{1,15}(?:\.\d{1,9})?$/;
const BAND = /^(-?\d{1,15})-(-?\d{1,15})$/;
const ISO_DATE = /^(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2})(?:[T ](\d{2})(?::?\d{2}.*)?)?)?)?$/;
/** Day first or month first: only where one of the two cannot be a month is it certain which. */
const SHORT_DATE = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$/;

export function compileGeneralize(config: GeneralizeConfig): Generalize {
  const { to, ipv4_prefix = IPV4_PREFIX, ipv6_prefix = IPV6_PREFIX, width } = config;
  if (to === "network") return (value) => networkOf(value, ipv4_prefix, ipv6_prefix);
  if (to === "band") return (value) => bandOf(value, width!);
  return (value) => dateTo(to, value);
}

/** `192.0.2.17` to `192.0.2.0/24`. */
function networkOf(value: string, ipv4Prefix: number, ipv6Prefix: number): string | undefined {
  const bytes = parseAddress(value);
  if (bytes === undefined) return undefined;
  const isIpv4 = isMapped(bytes);
  const prefix = isIpv4 ? ipv4Prefix : ipv6Prefix;
  const kept = isIpv4 ? MAPPED_BITS + prefix : prefix;
  for (let index = 0; index < ADDRESS_BYTES; index++) {
    const bits = Math.min(8, Math.max(0, kept - index * 8));
    bytes[index]! &= 0xff << (8 - bits);
  }
  return `${formatAddress(bytes)}/${prefix}`;
}

/** `34` to `30-39` with a width of 10; -3 to `-10--1`. */
function bandOf(value: string, width: number): string | undefined {
  const band = BAND.exec(value);
  if (band !== null) {
    const [, low, high] = band.map(Number);
    return low! % width === 0 && high! === low! + width - 1 ? value : undefined;
  }
  if (!NUMBER.test(value)) return undefined;
  const low = Math.floor(Number(value) / width) * width;
  return `${low}-${low + width - 1}`;
}

type Unit = "year" | "month" | "day" | "hour";

/** `1984-03-07` to `1984` or `1984-03`. */
function dateTo(unit: Unit, value: string): string | undefined {
  const iso = ISO_DATE.exec(value);
  const parts = iso === null ? shortDate(value, unit) : [iso[1], iso[3], iso[4], iso[5]];
  if (parts === undefined) return undefined;
  const [year, month, day, hour] = parts.map((part) => part?.padStart(2, "0"));
  if (Number(month ?? 1) > 12 || Number(day ?? 1) > 31 || Number(hour ?? 0) > 24) return undefined;
  if (unit === "year" || month === undefined) return year;
  if (unit === "month" || day === undefined) return `${year}-${month}`;
  if (unit === "day" || hour === undefined) return `${year}-${month}-${day}`;
  return `${year}-${month}-${day}T${hour}`;
}

function shortDate(value: string, unit: Unit): (string | undefined)[] | undefined {
  const match = SHORT_DATE.exec(value);
  if (match === null) return undefined;
  const [, first, second, year] = match;
  if (unit === "year") return [year];
  if (Number(first) > 12) return [year, second, first];
  return Number(second) > 12 || first === second ? [year, first, second] : undefined;
}
