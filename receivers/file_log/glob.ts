/**
 * Glob patterns as the Collector's doublestar library reads them: `*`, `?`, `[abc]`, `[^a-z]`,
 * `{one,two}`, and `**` as a whole path segment. Unlike in a shell, `*` also matches a leading dot.
 */
import { resolve } from "node:path";

export interface Glob {
  /** The longest folder that has no wildcard in it. */
  readonly base: string;
  /** What follows below the base. A string is a name as it is, `"**"` any number of folders. */
  readonly segments: readonly (string | RegExp)[];
}

const WILDCARD = /[*?[\]{}\\]/;
const ALTERNATIVES_MAX = 1000;

/** What is wrong with a pattern, or undefined. */
export function globError(pattern: string): string | undefined {
  try {
    if (pattern === "") return "expected a path or a glob pattern";
    parseGlob(pattern);
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? error.message : "the pattern cannot be read";
  }
}

/** One glob for each combination of the alternatives in braces; paths become absolute. */
export function parseGlob(pattern: string): Glob[] {
  return expandBraces(pattern).map((plain) => {
    const parts = plain.split("/");
    const isWild = (part: string): boolean => part === "**" || WILDCARD.test(part);
    const firstWild = parts.findIndex(isWild);
    const literal = firstWild < 0 ? parts.slice(0, -1) : parts.slice(0, firstWild);
    const base = resolve(literal.length === 1 && literal[0] === "" ? "/" : literal.join("/"));
    const segments = parts
      .slice(literal.length)
      .filter((part) => part !== "" && part !== ".")
      .map((part) => (part === "**" || !isWild(part) ? part : segmentExpression(part)));
    return { base, segments };
  });
}

/** One expression for whole paths that match any of the patterns. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.flatMap(parseGlob).map(({ base, segments }) => {
    const root = base === "/" ? "" : literalSource(base);
    const rest = segments.map((segment) => {
      if (segment === "**") return "(?:/[^/]+)*";
      // A segment's expression is anchored; the path's as a whole is.
      const source =
        typeof segment === "string" ? literalSource(segment) : segment.source.slice(1, -1);
      return `/${source}`;
    });
    return new RegExp(`^${root}${rest.join("")}$`, "s");
  });
  return (path) => expressions.some((expression) => expression.test(path));
}

function literalSource(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function segmentExpression(part: string): RegExp {
  let source = "";
  for (let index = 0; index < part.length; index++) {
    const character = part[index]!;
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "\\") source += literalSource(part[++index] ?? "\\");
    else if (character === "[") {
      const end = part.indexOf("]", index + 2);
      if (end < 0) throw new SyntaxError("a [ has no matching ]");
      const members = part
        .slice(index + 1, end)
        .replace(/^!/, "^")
        .replace(/[\\[]/g, "\\$&");
      source += `(?!/)[${members}]`;
      index = end;
    } else source += literalSource(character);
  }
  return new RegExp(`^${source}$`, "s");
}

function expandBraces(pattern: string): string[] {
  let results = [pattern];
  for (;;) {
    const next = results.flatMap(expandFirstBrace);
    if (next.length > ALTERNATIVES_MAX) throw new SyntaxError("the braces have too many forms");
    if (next.length === results.length && next.every((text, index) => text === results[index])) {
      return next;
    }
    results = next;
  }
}

function expandFirstBrace(pattern: string): string[] {
  const open = pattern.search(/(?<!\\)\{/);
  if (open < 0) return [pattern];
  const choices: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let index = open; index < pattern.length; index++) {
    const character = pattern[index];
    if (character === "{") depth++;
    else if (character === "}") depth--;
    const atEnd = depth === 0;
    if (!atEnd && !(character === "," && depth === 1)) continue;
    choices.push(pattern.slice(from, index));
    from = index + 1;
    if (!atEnd) continue;
    return choices.map((choice) => pattern.slice(0, open) + choice + pattern.slice(from));
  }
  throw new SyntaxError("a { has no matching }");
}
