/**
 * One line of an HTTP server's access log, in the common or combined format of Apache and nginx.
 * Written by hand, because this is the hot path: no regular expression, one pass, slices only.
 *
 *     client ident user [time] "request" status bytes ["referer" "user agent" [more ...]]
 */
import type { Attributes } from "../../data/any_value.ts";
import type { HrTime } from "../../data/time.ts";
import { monthAt } from "./time_match.ts";

export type AccessLogFormat = "auto" | "combined" | "common" | "nginx" | "apache";

/** Where the parsed line goes; one object is used for all lines. */
export interface AccessLogLine {
  attributes: Attributes;
  hrTime: HrTime;
  status: number;
}

const SPACE = 32;
const MINUS = 45;
const SLASH = 47;
const BACKSLASH = 92;
const CLOSING_BRACKET = 93;
/** `10/Oct/2000:13:55:36 -0700` */
const TIME_LENGTH = 26;
/** RFC 9110 and RFC 5789; semantic conventions call every other method `_OTHER`. */
const METHODS = new Set("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY".split(" "));

export function accessLogReader(
  format: AccessLogFormat,
): (text: string, fixed: Attributes, line: AccessLogLine) => boolean {
  const needsAgent = format === "combined" || format === "nginx";
  const allowsAgent = format !== "common";
  const allowsMore = format === "auto" || format === "nginx";
  // Lines of one second share the text of their time, and so the work of parsing it.
  let knownTime = "";
  let knownHrTime: HrTime = [0, 0];

  /** Fills `line`; false when the text has another form. `fixed` is what every line carries. */
  return (text, fixed, line) => {
    const clientEnd = text.indexOf(" ");
    const identEnd = text.indexOf(" ", clientEnd + 1);
    const userEnd = text.indexOf(" [", identEnd + 1);
    if (clientEnd <= 0 || identEnd < 0 || userEnd <= identEnd) return false;

    const timeStart = userEnd + 2;
    const timeEnd = timeStart + TIME_LENGTH;
    if (text.charCodeAt(timeEnd) !== CLOSING_BRACKET || !text.startsWith(' "', timeEnd + 1)) {
      return false;
    }
    if (knownTime === "" || !text.startsWith(knownTime, timeStart)) {
      const time = parseTime(text, timeStart);
      if (time === undefined) return false;
      // A copy of its own: a slice would keep the whole chunk of the file in memory.
      knownTime = Buffer.from(text.slice(timeStart, timeEnd), "latin1").toString("latin1");
      knownHrTime = time;
    }

    const requestStart = timeEnd + 3;
    const requestEnd = closingQuote(text, requestStart);
    if (requestEnd < 0 || text.charCodeAt(requestEnd + 1) !== SPACE) return false;
    const status = threeDigits(text, requestEnd + 2);
    const sizeStart = requestEnd + 6;
    if (status < 0 || text.charCodeAt(sizeStart - 1) !== SPACE) return false;
    const sizeEnd = numberEnd(text, sizeStart);
    if (sizeEnd < 0) return false;

    const attributes: Attributes = { ...fixed };
    attributes["client.address"] = text.slice(0, clientEnd);
    if (userEnd - identEnd !== 2 || text.charCodeAt(identEnd + 1) !== MINUS) {
      attributes["user.id"] = unescaped(text.slice(identEnd + 1, userEnd));
    }
    addRequest(attributes, text, requestStart, requestEnd);
    attributes["http.response.status_code"] = status;
    if (text.charCodeAt(sizeStart) !== MINUS) {
      attributes["http.response.body.size"] = Number(text.slice(sizeStart, sizeEnd));
    }
    const end = allowsAgent ? addRefererAndAgent(attributes, text, sizeEnd) : sizeEnd;
    if (end < 0 || (needsAgent && end === sizeEnd)) return false;
    if (end !== text.length && !(allowsMore && text.charCodeAt(end) === SPACE)) return false;

    line.attributes = attributes;
    line.hrTime = knownHrTime;
    line.status = status;
    return true;
  };
}

/** `GET /path?query HTTP/1.1`. What is no request (a probe, a TLS handshake) adds nothing. */
function addRequest(attributes: Attributes, text: string, start: number, end: number): void {
  const methodEnd = text.indexOf(" ", start);
  if (methodEnd < 0 || methodEnd >= end) return;
  const targetEnd = text.lastIndexOf(" ", end - 1);
  if (targetEnd <= methodEnd || !text.startsWith("HTTP/", targetEnd + 1)) return;
  const method = text.slice(start, methodEnd);
  const known = METHODS.has(method);
  attributes["http.request.method"] = known ? method : "_OTHER";
  if (!known) attributes["http.request.method_original"] = unescaped(method);
  const target = text.slice(methodEnd + 1, targetEnd);
  if (target.charCodeAt(0) === SLASH) {
    const question = target.indexOf("?");
    attributes["url.path"] = unescaped(question < 0 ? target : target.slice(0, question));
    if (question >= 0) attributes["url.query"] = unescaped(target.slice(question + 1));
  } else {
    attributes[target.includes("://") ? "url.full" : "url.path"] = unescaped(target);
  }
  attributes["network.protocol.name"] = "http";
  const version = text.slice(targetEnd + 6, end);
  attributes["network.protocol.version"] =
    version.endsWith(".0") && version !== "1.0" ? version.slice(0, -2) : version;
}

/** Returns where the fields end: `start` when there are none, -1 when they are malformed. */
function addRefererAndAgent(attributes: Attributes, text: string, start: number): number {
  if (!text.startsWith(' "', start)) return start;
  const refererEnd = closingQuote(text, start + 2);
  if (refererEnd < 0 || !text.startsWith(' "', refererEnd + 1)) return -1;
  const agentEnd = closingQuote(text, refererEnd + 3);
  if (agentEnd < 0) return -1;
  addUnlessAbsent(attributes, "http.request.header.referer", text, start + 2, refererEnd);
  addUnlessAbsent(attributes, "user_agent.original", text, refererEnd + 3, agentEnd);
  return agentEnd + 1;
}

function addUnlessAbsent(
  attributes: Attributes,
  key: string,
  text: string,
  start: number,
  end: number,
): void {
  if (end === start || (end === start + 1 && text.charCodeAt(start) === MINUS)) return;
  attributes[key] = unescaped(text.slice(start, end));
}

/** Index of the quote that closes a field, or -1. Apache writes `\"` inside, nginx `\x22`. */
function closingQuote(text: string, start: number): number {
  let quote = text.indexOf('"', start);
  while (quote > start && text.charCodeAt(quote - 1) === BACKSLASH) {
    let escapes = 1;
    while (text.charCodeAt(quote - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) break;
    quote = text.indexOf('"', quote + 1);
  }
  return quote;
}

const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|([\s\S]))/g;
const CONTROLS: Readonly<Record<string, string>> = {
  ...{ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
};

/** The value that the server saw. Escaped bytes that are valid UTF-8 become their characters. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const bytes = text.replace(ESCAPE, (_escape, hex: string | undefined, character: string) =>
    hex === undefined ? (CONTROLS[character] ?? character) : String.fromCharCode(parseInt(hex, 16)),
  );
  // Only escapes can stand for bytes; other characters beyond Latin-1 are already decoded.
  for (let index = 0; index < bytes.length; index++) {
    if (bytes.charCodeAt(index) > 0xff) return bytes;
  }
  const decoded = Buffer.from(bytes, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? bytes : decoded;
}

function threeDigits(text: string, at: number): number {
  const hundreds = text.charCodeAt(at) - 48;
  const tens = text.charCodeAt(at + 1) - 48;
  const units = text.charCodeAt(at + 2) - 48;
  const valid = isDigit(hundreds) && isDigit(tens) && isDigit(units);
  return valid ? hundreds * 100 + tens * 10 + units : -1;
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

/** End of a decimal number or of a lone `-`; -1 when there is neither. */
function numberEnd(text: string, start: number): number {
  if (text.charCodeAt(start) === MINUS) return start + 1;
  let end = start;
  while (isDigit(text.charCodeAt(end) - 48)) end++;
  return end === start ? -1 : end;
}

function parseTime(text: string, start: number): HrTime | undefined {
  const digits = text.slice(start, start + TIME_LENGTH);
  const match = /^(\d\d)\/...\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(digits);
  const month = monthAt(text, start + 3);
  if (match === null || month === 0) return undefined;
  const [day, year, hour, minute, second] = match.slice(1, 6).map(Number);
  const utcMs = Date.UTC(year!, month - 1, day!, hour!, minute!, second!);
  const offsetS = Number(match[7]) * 3600 + Number(match[8]) * 60;
  return [utcMs / 1000 - (match[6] === "-" ? -offsetS : offsetS), 0];
}
