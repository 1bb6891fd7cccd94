/** Log lines made up from a seed, with values put in whose places are known. */
import { faker } from "@faker-js/faker";
import type { ConfigName } from "./detect.ts";
import { detectorFor } from "./detect.ts";
import type { Span } from "./tokens.ts";
import { fScore, rounded } from "./tokens.ts";

const SEED = 20_261_127;
const LINES = 20_000;

/** Values by entity. What is made of pieces here would set off secret scanners if it were whole. */
const MAKERS: Readonly<Record<string, () => string>> = {
  email: () => faker.internet.email(),
  ipv4: () => publicIpv4(),
  ipv6: () => faker.internet.ipv6(),
  mac_address: () => faker.internet.mac(),
  payment_card: () =>
    faker.finance.creditCardNumber({ issuer: faker.helpers.arrayElement(["visa", "mastercard"]) }),
  iban: () => faker.finance.iban({ formatted: faker.datatype.boolean() }),
  us_ssn: () => ssn(),
  jwt: () =>
    [{ alg: "HS256" }, { sub: faker.string.numeric(8) }].map(base64).join(".") + signature(),
  aws_access_key_id: () =>
    `AK${"IA"}${faker.string.fromCharacters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)}`,
  github_token: () => `gh${"p_"}${faker.string.alphanumeric(36)}`,
  phone_e164: () =>
    `+1${faker.helpers.arrayElement(["212", "415", "617"])}555${faker.string.numeric(4)}`,
};

/** The entity stands in braces; the other braces are things that look like personal data. */
const TEMPLATES = [
  "{stamp} INFO [http-{n}] login of {email} from {ipv4} took {n} ms",
  '{ipv4} - - [{stamp}] "GET /users/{uuid}?v={version} HTTP/1.1" 200 {n}',
  "{stamp} ERROR mailer: cannot deliver to <{email}>: 550 no such user (id={hex})",
  'level=warn ts={stamp} msg="card declined" pan={payment_card} order={n} trace_id={hex}',
  "{stamp} DEBUG payment with card {payment_card} for order {order} took {n} ms",
  '{"ts":{epoch},"msg":"transfer","iban":"{iban}","amount":{n}.{n}}',
  "{stamp} transfer to {iban} booked, ref {hex}",
  "{stamp} INFO dhcpd: DHCPACK on {ipv4} to {mac_address} via eth{n}",
  "{stamp} applicant ssn {us_ssn} checked in {n} ms, block blk_{order}",
  '{"level":"info","social_security_number":"{us_ssn}","request":"{uuid}"}',
  "{stamp} WARN token {jwt} expired at {epoch}",
  '{"authorization_check":"failed","jwt":"{jwt}","n":{n}}',
  "{stamp} boto: using key {aws_access_key_id} in region eu-west-{n}",
  "{stamp} git: remote rejected {github_token}, commit {sha}",
  "{stamp} sms to {phone_e164} queued, message {uuid}",
  "{stamp} peer {ipv6} port {n} closed, session {hex}",
  "{stamp} INFO GC pause {n}.{n} ms, heap {n}M, version {version}, build {order}, sha {sha}",
  "{stamp} DEBUG cache miss key={uuid} shard={n} epoch={epoch} seq={order}",
] as const;

const DISTRACTORS: Readonly<Record<string, () => string>> = {
  n: () => String(faker.number.int({ max: 9999 })),
  order: () => faker.string.numeric({ length: 19, allowLeadingZeros: false }),
  epoch: () => String(1_700_000_000_000 + faker.number.int({ max: 99_999_999_999 })),
  stamp: () => faker.date.recent({ refDate: "2026-11-27" }).toISOString(),
  uuid: () => faker.string.uuid(),
  hex: () => faker.string.hexadecimal({ length: 16, prefix: "", casing: "lower" }),
  sha: () => faker.string.hexadecimal({ length: 40, prefix: "", casing: "lower" }),
  version: () => faker.system.semver(),
};

interface Line {
  readonly text: string;
  readonly spans: readonly Span[];
}

export interface LineFigures {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly f2: number;
  readonly values: number;
  readonly found: number;
}

/** By entity: findings that are exactly a value, of all findings, and of all values. */
export function evaluateLogLines(config: ConfigName): Readonly<Record<string, LineFigures>> {
  const detect = detectorFor(config);
  const tallies = new Map<string, { right: number; found: number; there: number }>();
  const tallyOf = (type: string) => {
    const tally = tallies.get(type) ?? { right: 0, found: 0, there: 0 };
    tallies.set(type, tally);
    return tally;
  };
  for (const { text, spans } of makeLines()) {
    const wanted = new Set(spans.map(keyOf));
    for (const { type } of spans) tallyOf(type).there++;
    for (const span of detect(text)) {
      const tally = tallyOf(span.type);
      tally.found++;
      if (wanted.has(keyOf(span))) tally.right++;
    }
  }
  const entries = [...tallies].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([type, { right, found, there }]) => {
      const precision = found === 0 ? 1 : right / found;
      const recall = there === 0 ? 1 : right / there;
      return [
        type,
        {
          precision: rounded(precision),
          recall: rounded(recall),
          f1: rounded(fScore(precision, recall, 1)),
          f2: rounded(fScore(precision, recall, 2)),
          values: there,
          found,
        },
      ];
    }),
  );
}

function keyOf({ type, start, end }: Span): string {
  return `${type} ${start} ${end}`;
}

function makeLines(): Line[] {
  faker.seed(SEED);
  return Array.from({ length: LINES }, () => fill(faker.helpers.arrayElement(TEMPLATES)));
}

function fill(template: string): Line {
  let text = "";
  const spans: Span[] = [];
  for (const part of template.split(/(\{[a-z0-9_]+\})/)) {
    const name = /^\{[a-z0-9_]+\}$/.test(part) ? part.slice(1, -1) : undefined;
    const make = name === undefined ? undefined : MAKERS[name];
    const piece = name === undefined ? part : (make ?? DISTRACTORS[name]!)();
    if (make !== undefined) {
      spans.push({ type: name!, start: text.length, end: text.length + piece.length });
    }
    text += piece;
  }
  return { text, spans };
}

function publicIpv4(): string {
  const byte = (): number => faker.number.int({ min: 1, max: 254 });
  return [faker.number.int({ min: 20, max: 99 }), byte(), byte(), byte()].join(".");
}

/** Areas 001 to 665 are given out; group and serial are never zero. */
function ssn(): string {
  const area = String(faker.number.int({ min: 1, max: 665 })).padStart(3, "0");
  const group = String(faker.number.int({ min: 1, max: 99 })).padStart(2, "0");
  return `${area}-${group}-${String(faker.number.int({ min: 1, max: 9999 })).padStart(4, "0")}`;
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function signature(): string {
  return `.${faker.string.alphanumeric(43)}`;
}
