/**
 * The line of a diagnostic, with a caret under the place.
 *
 * Invariant: an excerpt shows structure and keys of one word, never a value (it may be a secret,
 * and CI logs are read by many), except the one identifier at the place itself when the caller
 * says it is one. It works on the tokens of the YAML lexer, which broken files have as well.
 */
import { Lexer } from "yaml";
import type { Place, Source } from "./source.ts";
import { lineRange, positionOf } from "./source.ts";

export interface Excerpt {
  /** One line, with `…` for each value; tabs are spaces. */
  readonly text: string;
  /** Column in `text` under which the caret stands, from 1. */
  readonly column: number;
}

type TokenKind = "structure" | "key" | "value" | "comment";

interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
}

/** Zero-width marks that the lexer puts between pieces of the source. */
const MARKS = new Set(["\u0002", "\u0018", "\u001f", "\ufeff"]);
const STRUCTURE = /^(?:[\s,:?\-[\]{}]+|---|\.\.\.|[|>][-+0-9]*)$/;
const IDENTIFIER = /^["']?[A-Za-z0-9_][\w.\-/]{0,99}["']?$/;
/** A variable's name is in the messages as well; its value is not in the file. */
const REFERENCE = /^["']?\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_]*\}["']?$/;
const HIDDEN = "…";
const WIDTH_MAX = 100;

const tokensBySource = new WeakMap<Source, readonly Token[]>();

/** @param showIdentifier whether the value at the place is an id or an option, not a secret. */
export function excerptOf(place: Place, showIdentifier: boolean): Excerpt {
  const { source, offset } = place;
  const { start, end } = lineRange(source, positionOf(place).line);
  let text = "";
  let caret: number | undefined;
  for (const token of tokensOf(source)) {
    if (token.end <= start) continue;
    if (token.start >= end) break;
    const from = Math.max(token.start, start);
    const piece = source.text.slice(from, Math.min(token.end, end));
    const holdsPlace = offset >= from && offset < token.end;
    const shown = showPiece(token.kind, piece, holdsPlace && showIdentifier);
    if (holdsPlace) caret = text.length + (shown === piece ? offset - from : 0);
    text += shown;
  }
  const plain = text.replaceAll("\t", " ").trimEnd();
  const column = caret ?? plain.length;
  return cut(plain.padEnd(column), column);
}

function showPiece(kind: TokenKind, piece: string, showIdentifier: boolean): string {
  if (kind === "structure" || piece === "<<" || REFERENCE.test(piece)) return piece;
  if (kind === "comment") return "";
  if ((kind === "key" || showIdentifier) && IDENTIFIER.test(piece)) return piece;
  // A block scalar goes over many lines; keep its indentation on each.
  return piece.slice(0, piece.length - piece.trimStart().length) + HIDDEN;
}

function cut(text: string, caret: number): Excerpt {
  if (text.length <= WIDTH_MAX) return { text, column: caret + 1 };
  const from = Math.max(0, Math.min(caret - WIDTH_MAX / 2, text.length - WIDTH_MAX));
  return { text: text.slice(from, from + WIDTH_MAX), column: caret - from + 1 };
}

function tokensOf(source: Source): readonly Token[] {
  const known = tokensBySource.get(source);
  if (known !== undefined) return known;
  const pieces: string[] = [];
  for (const piece of new Lexer().lex(source.text)) {
    if (piece !== "" && !MARKS.has(piece)) pieces.push(piece);
  }
  const tokens: Token[] = [];
  let offset = 0;
  let afterColon = false;
  for (const [index, piece] of pieces.entries()) {
    const kind = kindOf(piece, pieces, index, afterColon);
    tokens.push({ kind, start: offset, end: offset + piece.length });
    offset += piece.length;
    if (piece.includes("\n") || piece === "," || piece === "{" || piece === "[") afterColon = false;
    else if (piece === ":") afterColon = true;
  }
  tokensBySource.set(source, tokens);
  return tokens;
}

/** In `a: b: c`, which is an error, `b` may be part of a secret value: it is not taken as a key. */
function kindOf(
  piece: string,
  pieces: readonly string[],
  index: number,
  afterColon: boolean,
): TokenKind {
  if (piece.startsWith("#")) return "comment";
  if (STRUCTURE.test(piece)) return "structure";
  let next = index + 1;
  while (pieces[next]?.trim() === "" && !pieces[next]!.includes("\n")) next += 1;
  return pieces[next] === ":" && !afterColon ? "key" : "value";
}
