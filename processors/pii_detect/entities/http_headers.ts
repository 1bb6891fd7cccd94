/** The values of `Authorization` (RFC 9110 section 11.4) and `Cookie` headers (RFC 6265). */
import { DASH, LOWER, UPPER } from "../characters.ts";
import { isPlaceholder, looksRandom } from "../placeholders.ts";
import type { ScannedText } from "../scanned_text.ts";
import { codeAt, runEnd } from "../scanned_text.ts";
import type { Found } from "./entity.ts";

const SPACE = 0x20;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const COOKIES_MAX = 64;
/** RFC 6265bis section 5.6: a longer one is ignored. */
const COOKIE_ATTRIBUTE_LENGTH_MAX = 1024;

/** Parts of `Set-Cookie` that are no cookie. */
const COOKIE_ATTRIBUTES = new Set(
  "path domain expires max-age samesite priority version comment".split(" "),
);

/** `Bearer …` or `Basic …` at `at`, with credentials that look like some. */
export function verifyScheme(text: ScannedText, at: number, found: Found): void {
  const isBearer = text.startsWithIgnoringCase("bearer ", at);
  if (!isBearer && !text.startsWithIgnoringCase("basic ", at)) return;
  const start = at + (isBearer ? 7 : 6);
  const end = credentialsEnd(text, start);
  if (isPlaceholder(text.string, start, end)) return;
  if (isBearer ? !looksRandom(text.string, start, end) : !isBasic(text.slice(start, end))) return;
  if (found.add("authorization", start, end, 0.9)) found.resume = end;
}

/** The value of a header, as it stands in a text. */
interface HeaderValue {
  readonly text: ScannedText;
  readonly start: number;
  /** The value ends here at the latest. */
  readonly limit: number;
  /** True: it ends at the limit. False: it ends with its line or at a quotation mark. */
  readonly isQuoted: boolean;
}

/**
 * The credentials of an `Authorization` header. With a scheme only what follows it is reported, so
 * that a reader still sees how a client logged in.
 */
export function reportAuthorization(header: HeaderValue, found: Found): void {
  const { text, start, limit } = header;
  const schemeEnd = runEnd(text, start, UPPER | LOWER | DASH, limit);
  const hasScheme = codeAt(text, schemeEnd) === SPACE && schemeEnd < limit;
  const from = hasScheme ? schemeEnd + 1 : start;
  const isSingle =
    !hasScheme ||
    text.startsWithIgnoringCase("bearer ", start) ||
    text.startsWithIgnoringCase("basic ", start) ||
    text.startsWithIgnoringCase("token ", start);
  const end = isSingle ? Math.min(credentialsEnd(text, from), limit) : partEnd(header, from, 0);
  if (isPlaceholder(text.string, from, end)) return;
  if (found.add("authorization", from, end, 0.95)) found.resume = end;
}

/** The value of each cookie, when a list of cookies begins there. */
export function reportCookies(header: HeaderValue, found: Found): void {
  const { text, limit } = header;
  let index = header.start;
  for (let count = 0; index < limit; count++) {
    const nameStart = index;
    index = cookieNameEnd(text, index, limit);
    const isPair = index > nameStart && codeAt(text, index) === EQUALS && index < limit;
    // `no cookie: user unknown` is a sentence.
    if (!isPair && count === 0) return;
    if (count === COOKIES_MAX) {
      // More cookies than anyone sends: the rest is treated as one.
      reportCookie(text, nameStart, partEnd(header, nameStart, 0), found);
      return;
    }
    const valueStart = isPair ? index + 1 : nameStart;
    const name = text.slice(nameStart, valueStart - 1).toLowerCase();
    if (isPair && !COOKIE_ATTRIBUTES.has(name)) {
      index = partEnd(header, valueStart, SEMICOLON);
      reportCookie(text, valueStart, index, found);
    } else {
      // What is not reported may be read again from a later key, so not all of it is read.
      const end = Math.min(limit, valueStart + COOKIE_ATTRIBUTE_LENGTH_MAX);
      index = partEnd({ ...header, limit: end }, valueStart, SEMICOLON);
    }
    if (codeAt(text, index) !== SEMICOLON) return;
    do index++;
    while (codeAt(text, index) === SPACE);
  }
}

/** A cookie's name is a token of RFC 9110. */
function cookieNameEnd(text: ScannedText, start: number, limit: number): number {
  let index = start;
  while (index < limit && /[\w!#$%&'*+.^`|~-]/.test(String.fromCharCode(text.codes[index]!))) {
    index++;
  }
  return index;
}

/** Where a part of the header ends: at `delimiter` (0 for none) or with the header. */
function partEnd(header: HeaderValue, start: number, delimiter: number): number {
  const { text, limit, isQuoted } = header;
  for (let index = start; index < limit; index++) {
    const code = text.codes[index]!;
    if (code === delimiter) return index;
    if (!isQuoted && (code < SPACE || code === 0x22 || code === 0x27)) return index;
  }
  return limit;
}

function reportCookie(text: ScannedText, start: number, end: number, found: Found): void {
  if (isPlaceholder(text.string, start, end)) return;
  if (found.add("cookie", start, end, 0.9)) found.resume = Math.max(found.resume, end);
}

/** Credentials end at white space or a delimiter of the text around them. */
function credentialsEnd(text: ScannedText, start: number): number {
  for (let index = start; index < text.length; index++) {
    const code = text.codes[index]!;
    if (code <= SPACE || code === 0x22 || code === 0x27 || code === 0x2c || code === 0x5c) {
      return index;
    }
    if (index > start && (code === SEMICOLON || code === 0x3c)) return index;
  }
  return text.length;
}

/** `user:password` in base64 (RFC 7617). */
function isBasic(credentials: string): boolean {
  if (credentials.length < 4 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(credentials)) return false;
  return /^[\x20-\x7e\x80-\xff]*:/.test(Buffer.from(credentials, "base64").toString("latin1"));
}
