/**
 * One spelling for each value, so that `Anna@Example.com` in a body and `anna%40example.com` in a
 * query get the same token. A token that is made from another spelling is another token: these
 * rules are part of the token format, and a change of them needs a new version byte.
 */
import { SocketAddress } from "node:net";
import { domainToASCII } from "node:url";

type Normalize = (value: string) => string;

const digits: Normalize = (value) => value.replace(/%[0-9a-fA-F]{2}|\D/g, "");

const NORMALIZE: Readonly<Record<string, Normalize>> = {
  email,
  ipv6,
  mac_address: (value) => value.replace(/[^0-9a-fA-F]/g, "").toLowerCase(),
  payment_card: digits,
  us_ssn: digits,
  iban: (value) => value.replace(/[^0-9a-zA-Z]/g, "").toUpperCase(),
  // The trunk prefix in `+44 (0)20` is not dialled from abroad.
  phone_e164: (value) => `+${digits(value.replace("(0)", ""))}`,
};

/** The spelling of `value` that is tokenized; the value itself for entities without a rule. */
export function normalize(entity: string, value: string): string {
  const rule = Object.hasOwn(NORMALIZE, entity) ? NORMALIZE[entity] : undefined;
  return rule === undefined ? value : rule(value);
}

/**
 * Percent-decoded, in lower case, the domain in ASCII. RFC 5321 lets a host tell `Anna` from
 * `anna`; none does, and to count them as two people would be wrong more often.
 */
function email(value: string): string {
  const decoded = decodePercent(value).toLowerCase();
  const at = decoded.lastIndexOf("@");
  const domain = decoded.slice(at + 1);
  return `${decoded.slice(0, at + 1)}${domainToASCII(domain) || domain}`;
}

/** As RFC 5952 writes it; what is no address stays as it is. */
function ipv6(value: string): string {
  try {
    return new SocketAddress({ address: value, family: "ipv6" }).address;
  } catch {
    return value;
  }
}

function decodePercent(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
