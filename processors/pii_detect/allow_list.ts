/** Findings that a user wants left alone. An entry acts on one finding and switches nothing off. */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { AllowConfig } from "./config.ts";
import { linearRegExp } from "./user_rules.ts";

export type IsAllowed = (entity: string, text: string, start: number, end: number) => boolean;

export function compileAllowList(config: AllowConfig): IsAllowed {
  const values = new Set(config.values);
  const patterns = config.patterns.map((pattern) => linearRegExp(`^(?:${pattern})$`));
  const domains = config.domains.map((domain) => domain.toLowerCase());
  const isAllowedIpv4 = compileIpv4Networks(config.cidrs);
  const isAllowedIpv6 = compileIpv6Networks(config.cidrs);
  const byEntity = (entity: string, text: string, start: number, end: number): boolean => {
    if (entity === "ipv4") return isAllowedIpv4(text, start, end);
    if (entity === "ipv6") return isAllowedIpv6(text, start, end);
    return entity === "email" && domains.length > 0 && isInDomain(text.slice(start, end), domains);
  };
  if (values.size === 0 && patterns.length === 0) return byEntity;
  return (entity, text, start, end) => {
    if (byEntity(entity, text, start, end)) return true;
    const value = text.slice(start, end);
    return values.has(value) || patterns.some((pattern) => matchesWhole(pattern, value));
  };
}

/** Address and prefix length of `10.0.0.0/8`; undefined when the text is no network. */
export function parseCidr(text: string): { address: string; prefix: number } | undefined {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const [, address, length] = match;
  const prefix = Number(length);
  if (isIPv4(address!)) return prefix <= 32 ? { address: address!, prefix } : undefined;
  return isIPv6(address!) && prefix <= 128 ? { address: address!, prefix } : undefined;
}

type IsInNetwork = (text: string, start: number, end: number) => boolean;

/** Every access-log line has an IPv4 address, so this is done on numbers, without a slice. */
function compileIpv4Networks(cidrs: readonly string[]): IsInNetwork {
  const networks = cidrs
    .map((cidr) => parseCidr(cidr)!)
    .filter(({ address }) => isIPv4(address))
    .map(({ address, prefix }) => {
      const mask = prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0;
      return { mask, network: (ipv4Number(address, 0, address.length) & mask) >>> 0 };
    });
  return (text, start, end) => {
    if (networks.length === 0) return false;
    const address = ipv4Number(text, start, end);
    for (const { mask, network } of networks) if ((address & mask) >>> 0 === network) return true;
    return false;
  };
}

function ipv4Number(text: string, start: number, end: number): number {
  let address = 0;
  let octet = 0;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code !== 0x2e) octet = octet * 10 + code - 0x30;
    else {
      address = address * 256 + octet;
      octet = 0;
    }
  }
  return address * 256 + octet;
}

function compileIpv6Networks(cidrs: readonly string[]): IsInNetwork {
  const networks = new BlockList();
  const wanted = cidrs.map((cidr) => parseCidr(cidr)!).filter(({ address }) => isIPv6(address));
  for (const { address, prefix } of wanted) networks.addSubnet(address, prefix, "ipv6");
  if (wanted.length === 0) return () => false;
  return (text, start, end) => networks.check(text.slice(start, end), "ipv6");
}

function isInDomain(address: string, domains: readonly string[]): boolean {
  const domain = address.replace(/^.*(?:@|%40)/, "").toLowerCase();
  return domains.some((allowed) => domain === allowed || domain.endsWith(`.${allowed}`));
}

function matchesWhole(pattern: RegExp, value: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(value);
}
