/**
 * Go (RE2) regular expressions, as configurations of the Collector hold them, to JavaScript's.
 * What cannot be said in JavaScript is refused when the configuration is read, never guessed.
 */
const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};
/** The pieces that differ; everything else is taken as it is. */
const PIECE = new RegExp(
  [
    /\\Q([\s\S]*?)(?:\\E|$)/,
    /\\([AzaCZ])/,
    /\\x\{([0-9A-Fa-f]+)\}/,
    /\\[\s\S]/,
    /\[\[?:(\w+):\]/,
    /\(\?P</,
    /\(\?([ims]*)(?:-([ims]+))?\)/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/** Compiles the expression; throws a `SyntaxError` that names what is wrong with it. */
export function compileGoRegex(source: string, flags = ""): RegExp {
  // Flags at the very beginning hold for the whole expression.
  const leading = /^\(\?([ims]+)\)/.exec(source);
  const body = leading === null ? source : source.slice(leading[0].length);
  const unicode = /\\p\{|\\P\{|\\x\{/.test(body) ? "u" : "";
  const all = new Set([...flags, ...(leading?.[1] ?? ""), ...unicode]);
  return new RegExp(body.replace(PIECE, translate), [...all].join(""));
}

function translate(
  piece: string,
  quoted: string | undefined,
  anchor: string | undefined,
  codePoint: string | undefined,
  posix: string | undefined,
  inlineFlags: string | undefined,
): string {
  if (quoted !== undefined) return quoted.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  if (codePoint !== undefined) return `\\u{${codePoint}}`;
  if (piece === "(?P<") return "(?<";
  if (posix !== undefined) {
    const members = POSIX_CLASSES[posix];
    if (members === undefined) throw new SyntaxError(`there is no character class ${posix}`);
    return piece.startsWith("[[") ? `[${members}` : members;
  }
  if (inlineFlags !== undefined) {
    throw new SyntaxError(`write ${piece} as a group with flags, such as (?i:...)`);
  }
  if (anchor === "A") return "(?<![\\s\\S])";
  if (anchor === "z") return "(?![\\s\\S])";
  if (anchor === "a") return "\\x07";
  if (anchor !== undefined) throw new SyntaxError(`${piece} has no equal in JavaScript`);
  return piece;
}

/** The message of what is wrong with an expression, or undefined. */
export function goRegexError(source: string): string | undefined {
  try {
    compileGoRegex(source);
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? error.message : "it cannot be compiled";
  }
}
