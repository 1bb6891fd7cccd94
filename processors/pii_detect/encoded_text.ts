/**
 * Parts of a text that say something under an encoding: `anna%40example.com`,
 * `YW5uYUBleGFtcGxlLmNvbQ==`.
 *
 * Invariant: reads every character a bounded number of times, whatever the text.
 */

export const ENCODINGS = ["percent", "base64"] as const;

export type Encoding = (typeof ENCODINGS)[number];

export interface EncodedPart {
  /** UTF-16 offsets of the encoded characters. */
  readonly start: number;
  readonly end: number;
  readonly decoded: string;
}

/** Shorter ones are words and numbers; the longest address that is missed has 11 characters. */
const BASE64_LENGTH_MIN = 16;
const BASE64 = /[A-Za-z0-9+/_-]{16,}={0,2}/g;
const BASE64_WHOLE = /^[A-Za-z0-9+/_-]{16,}={0,2}$/;
/** What stands unchanged in a percent-encoded part of a URL (RFC 3986 section 2.3), and `+`. */
const UNRESERVED = /[A-Za-z0-9._~+-]/;
const ESCAPE = /^%[0-9A-Fa-f]{2}$/;
/** Control characters but for tab and ends of lines: what has them is no text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The parts of `text` under one of `encodings`, rising and without overlaps. */
export function encodedParts(text: string, encodings: readonly Encoding[]): EncodedPart[] {
  const hasBase64 = encodings.includes("base64");
  const percent = encodings.includes("percent") ? percentParts(text, hasBase64) : [];
  if (!hasBase64) return percent;
  const base64 = base64Parts(text).filter(
    ({ start, end }) => !percent.some((part) => start < part.end && end > part.start),
  );
  return [...percent, ...base64].sort((a, b) => a.start - b.start);
}

/** `text` with these parts decoded. */
export function withDecoded(text: string, parts: readonly EncodedPart[]): string {
  let shown = "";
  let copied = 0;
  for (const { start, end, decoded } of parts) {
    shown += text.slice(copied, start) + decoded;
    copied = end;
  }
  return shown + text.slice(copied);
}

function percentParts(text: string, hasBase64: boolean): EncodedPart[] {
  const parts: EncodedPart[] = [];
  let readTo = 0;
  for (let at = text.indexOf("%"); at !== -1; at = text.indexOf("%", Math.max(at + 1, readTo))) {
    if (!ESCAPE.test(text.slice(at, at + 3))) continue;
    let start = at;
    while (start > readTo && UNRESERVED.test(text[start - 1]!)) start--;
    let end = at;
    for (;;) {
      if (ESCAPE.test(text.slice(end, end + 3))) end += 3;
      else if (end < text.length && UNRESERVED.test(text[end]!)) end++;
      else break;
    }
    readTo = end;
    const once = unescaped(text.slice(start, end));
    const isBase64 = hasBase64 && BASE64_WHOLE.test(once);
    parts.push({ start, end, decoded: (isBase64 ? textOfBase64(once) : undefined) ?? once });
  }
  return parts;
}

/** Bytes that are no UTF-8 give U+FFFD; they must not keep what stands beside them unread. */
function unescaped(text: string): string {
  const bytes = Buffer.alloc(text.length);
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const isEscape = text[index] === "%";
    bytes[length++] = isEscape
      ? Number.parseInt(text.slice(index + 1, index + 3), 16)
      : text.charCodeAt(index);
    if (isEscape) index += 2;
  }
  return bytes.toString("utf8", 0, length);
}

function base64Parts(text: string): EncodedPart[] {
  if (text.length < BASE64_LENGTH_MIN) return [];
  return [...text.matchAll(BASE64)].flatMap(({ 0: encoded, index: start }) => {
    const decoded = textOfBase64(encoded);
    return decoded === undefined ? [] : [{ start, end: start + encoded.length, decoded }];
  });
}

/** Undefined when the bytes are no text, as those of hashes and identifiers are. */
function textOfBase64(encoded: string): string | undefined {
  try {
    const text = strictUtf8.decode(Buffer.from(encoded, "base64"));
    return NO_TEXT.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
