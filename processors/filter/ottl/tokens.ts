/** The words of a condition in OTTL, the OpenTelemetry Transformation Language. */

export type TokenKind = "string" | "int" | "float" | "name" | "operator" | "mark" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a string, what it stands for. */
  readonly text: string;
  /** Counted from 1. */
  readonly column: number;
}

const PIECES = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<string>"(?:[^"\\]|\\[\s\S])*")`,
    String.raw`(?<float>-?\d*\.\d+(?:[eE][-+]?\d+)?)`,
    String.raw`(?<int>-?\d+)`,
    String.raw`(?<name>[A-Za-z_]\w*)`,
    "(?<operator>==|!=|<=|>=|<|>)",
    String.raw`(?<mark>[()[\].,])`,
  ].join("|"),
  "y",
);
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** Throws a `SyntaxError` that names the column. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  PIECES.lastIndex = 0;
  while (PIECES.lastIndex < source.length) {
    const column = PIECES.lastIndex + 1;
    const groups = PIECES.exec(source)?.groups;
    if (groups === undefined) throw new SyntaxError(`column ${column}: not part of a condition`);
    for (const kind of ["string", "float", "int", "name", "operator", "mark"] as const) {
      const text = groups[kind];
      if (text === undefined) continue;
      tokens.push({ kind, text: kind === "string" ? unquoted(text, column) : text, column });
    }
  }
  tokens.push({ kind: "end", text: "the end", column: source.length + 1 });
  return tokens;
}

/** The escapes of Go's strings that YAML users write: `\"`, `\\`, `\n`, `\r` and `\t`. */
function unquoted(text: string, column: number): string {
  return text.slice(1, -1).replace(/\\([\s\S])/g, (_, escaped: string) => {
    if (escaped === '"' || escaped === "\\") return escaped;
    const meant = ESCAPES[escaped];
    if (meant !== undefined) return meant;
    const help = escaped === "d" || escaped === "." ? "; in a pattern write two backslashes" : "";
    throw new SyntaxError(`column ${column}: there is no escape \\${escaped}${help}`);
  });
}
