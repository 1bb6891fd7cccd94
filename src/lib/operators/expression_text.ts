/** The words and signs of an expression, before they have a meaning. */

export interface Piece {
  readonly kind: "name" | "number" | "string" | "sign" | "end";
  /** The sign or name; the value of a string. */
  readonly text: string;
  /** Characters before it, for messages. */
  readonly at: number;
}

const EXPRESSION_CHARACTERS_MAX = 10_000;
const PIECE = new RegExp(
  [
    /\s+/,
    /([A-Za-z_$][\w$]*)/,
    /(0x[0-9A-Fa-f]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/,
    /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/,
    /(\?\.|\?\?|\*\*|\.\.|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()[\]{}])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "ys",
);
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** @throws SyntaxError for what is no piece of an expression. */
export function piecesOf(text: string): Piece[] {
  if (text.length > EXPRESSION_CHARACTERS_MAX) throw new SyntaxError("the expression is too long");
  const pieces: Piece[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < text.length) {
    const at = PIECE.lastIndex;
    const match = PIECE.exec(text);
    if (match === null) throw new SyntaxError(`unexpected character at position ${at + 1}`);
    const [, name, number, quoted, sign] = match;
    if (name !== undefined) pieces.push({ kind: "name", text: name, at });
    else if (number !== undefined) pieces.push({ kind: "number", text: number, at });
    else if (quoted !== undefined) pieces.push({ kind: "string", text: unquoted(quoted), at });
    else if (sign !== undefined) pieces.push({ kind: "sign", text: sign, at });
  }
  pieces.push({ kind: "end", text: "the end", at: text.length });
  return pieces;
}

function unquoted(quoted: string): string {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("`")) return inner;
  return inner.replace(
    /\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))/gs,
    (_, unicode?: string, byte?: string, letter?: string) =>
      letter === undefined
        ? String.fromCharCode(Number.parseInt(unicode ?? byte!, 16))
        : (ESCAPES[letter] ?? letter),
  );
}
