/**
 * Finds the query parameters in a query, a URL or any text, as edits that scrub them.
 *
 * Invariant: scrubbing a scrubbed text gives no edit. In doubt about where a query ends in a text,
 * more of it is scrubbed.
 */
import { tokenEndAt } from "../../src/data/token.ts";
import type { Edit } from "./text_edit.ts";

/** OpenTelemetry's mark for a value that was taken out of a URL. */
export const REDACTED = "REDACTED";

export interface QueryRules {
  readonly scrub: "values" | "all";
  /** Names of parameters that stay, as they are written in the URL. */
  readonly keep: ReadonlySet<string>;
}

/** The whole text is a query, without its `?`. */
export function queryEdits(text: string, rules: QueryRules): Edit[] {
  const edits: Edit[] = [];
  scrub(text, 0, text.length, 0, rules, edits);
  return edits;
}

/** The whole text is a URL or a request target. Parameters in the fragment are scrubbed too. */
export function urlEdits(text: string, rules: QueryRules): Edit[] {
  const edits: Edit[] = [];
  const hash = text.indexOf("#");
  const pathEnd = hash < 0 ? text.length : hash;
  const mark = text.indexOf("?");
  if (mark >= 0 && mark < pathEnd) scrub(text, mark + 1, pathEnd, mark, rules, edits);
  if (hash >= 0) scrubFragment(text, hash, text.length, rules, edits);
  return edits;
}

/** URLs and request targets anywhere in a text, such as a line of an access log. */
export function textEdits(text: string, rules: QueryRules): Edit[] {
  const edits: Edit[] = [];
  let position = 0;
  for (;;) {
    const mark = text.indexOf("?", position);
    if (mark < 0) return edits;
    const before = text.slice(runStart(text, mark, position), mark);
    const end = runEnd(text, mark + 1, closerOf(before));
    position = Math.max(end, mark + 1);
    if (end === mark + 1) continue;
    if (!before.includes("/") && !text.slice(mark + 1, end).includes("=")) continue;
    const hash = text.slice(mark, end).indexOf("#");
    const queryEnd = hash < 0 ? end : mark + hash;
    scrub(text, mark + 1, queryEnd, mark, rules, edits);
    if (queryEnd < end) scrubFragment(text, queryEnd, end, rules, edits);
  }
}

/** A fragment is a place in a document, unless it has `=`: then clients put parameters there. */
function scrubFragment(
  text: string,
  hash: number,
  end: number,
  rules: QueryRules,
  edits: Edit[],
): void {
  const fragment = text.slice(hash, end);
  const equals = fragment.indexOf("=");
  if (equals < 0) return;
  const mark = fragment.indexOf("?");
  const lead = mark < 0 || equals < mark ? hash : hash + mark;
  scrub(text, lead + 1, end, lead, rules, edits);
}

/** The parameters in `[start, end)`; when none stays, all from `lead` on goes. */
function scrub(
  text: string,
  start: number,
  end: number,
  lead: number,
  rules: QueryRules,
  edits: Edit[],
): void {
  let keptEnd = -1;
  for (let from = start; from <= end; ) {
    const to = parameterEnd(text, from, end);
    const parameter = text.slice(from, to);
    const equals = parameter.indexOf("=");
    const isKept = rules.keep.has(equals < 0 ? parameter : parameter.slice(0, equals));
    if (rules.scrub === "values") {
      const valueStart = from + equals + 1;
      // Without a `=`, the whole of it may be a value (-1 + 1 is its beginning).
      if (!isKept) replace(text, valueStart, to, edits);
    } else if (isKept) {
      remove(keptEnd < 0 ? start : keptEnd + 1, from, edits);
      keptEnd = to;
    }
    from = to + 1;
  }
  if (rules.scrub === "all") remove(keptEnd < 0 ? lead : keptEnd, end, edits);
}

function replace(text: string, start: number, end: number, edits: Edit[]): void {
  if (start === end || text.slice(start, end) === REDACTED) return;
  edits.push({ start, end, text: REDACTED });
}

function remove(start: number, end: number, edits: Edit[]): void {
  if (start < end) edits.push({ start, end, text: "" });
}

function parameterEnd(text: string, from: number, end: number): number {
  for (let index = from; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x26 || code === 0x3b) return index;
  }
  return end;
}

/** Where the word begins that `mark` stands in, at `from` or later. */
function runStart(text: string, mark: number, from: number): number {
  let index = mark;
  while (index > from && !endsRun(text, index - 1)) index--;
  return index;
}

/** Where the query that begins at `from` ends; the closing bracket around the URL is none of it. */
function runEnd(text: string, from: number, closer: string | undefined): number {
  let end = from;
  while (end < text.length && !endsRun(text, end)) end++;
  if (closer === undefined) return end;
  const tailStart = Math.max(from, end - CLOSING_LENGTH_MAX);
  const closing = /[)\]}>']+,?$/.exec(text.slice(tailStart, end));
  const at = closing?.[0].indexOf(closer) ?? -1;
  return at < 0 ? end : tailStart + closing!.index + at;
}

/** ASCII white space, and quotation marks that are not escaped. */
function endsRun(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (code <= 0x20 || code === 0x60) return true;
  return code === 0x22 && (index === 0 || text.charCodeAt(index - 1) !== 0x5c);
}

/** Brackets inside of a value do not end it; so many at its end are taken for those around it. */
const CLOSING_LENGTH_MAX = 8;
const CLOSERS: Readonly<Record<string, string>> = {
  "'": "'",
  "(": ")",
  "[": "]",
  "{": "}",
  "<": ">",
};

/** The bracket or quotation mark that ends what the one at the front of a URL begins. */
function closerOf(before: string): string | undefined {
  const match = /^(?:[\w.-]*[=:,])?(['([{<])/.exec(before);
  if (match === null || tokenEndAt(before, match[0].length - 1) > 0) return undefined;
  return CLOSERS[match[1]!];
}
