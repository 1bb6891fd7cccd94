/**
 * Go (RE2) regular expressions, as configurations of the Collector hold them, run in linear time.
 *
 * Invariant: a compiled expression takes time in proportion to the text, whatever the text is. It is
 * compiled once for V8's linear engine, which refuses look-ahead and back-references as RE2 does;
 * the ordinary engine runs it, and hands over to the linear one after 50,000 steps back. What has
 * no equal here is refused when the configuration is read, never guessed.
 */
import v8 from "node:v8";

const SOURCE_LENGTH_MAX = 4096;
const POSIX_CLASSES: ReadonlyMap<string, string> = new Map([
  ["alnum", "0-9A-Za-z"],
  ["alpha", "A-Za-z"],
  ["ascii", "\\x00-\\x7f"],
  ["blank", "\\t "],
  ["cntrl", "\\x00-\\x1f\\x7f"],
  ["digit", "0-9"],
  ["graph", "!-~"],
  ["lower", "a-z"],
  ["print", " -~"],
  ["punct", "!-\\/:-@\\[-`{-~"],
  ["space", "\\t\\n\\v\\f\\r "],
  ["upper", "A-Z"],
  ["word", "0-9A-Za-z_"],
  ["xdigit", "0-9A-Fa-f"],
]);
const HEX = String.raw`\\x(?:\{(?<long>[\dA-Fa-f]{1,8})\}|(?<short>[\dA-Fa-f]{2}))`;
const ESCAPE = String.raw`\\(?<escaped>[\s\S]?)`;
const OUTSIDE = new RegExp(
  [
    String.raw`\\Q(?<quoted>[\s\S]*?)(?:\\E|$)`,
    HEX,
    ESCAPE,
    String.raw`\[(?<not>\^?)(?<members>\]?(?:\[:\^?\w*:\]|\\[\s\S]|[^\]\\])*)\]`,
    String.raw`\(\?(?<group>P?<\w+>|:|[^)]{0,8})`,
    "(?<literal>[.A-Za-z])",
  ].join("|"),
  "g",
);
const INSIDE = new RegExp(
  [
    String.raw`\[:(?<posix>\^?\w*):\]`,
    HEX,
    ESCAPE,
    String.raw`(?<range>[^\\\]]-[^\\\]])`,
    String.raw`(?<literal>[A-Za-z[\]\ud800-\udfff])`,
  ].join("|"),
  "g",
);

type Groups = Readonly<Record<string, string | undefined>>;

interface Flags {
  /** `i`: both cases of ASCII letters. V8's linear engine has no such flag, so they are written. */
  readonly fold: boolean;
  readonly dotAll: boolean;
  readonly multiline: boolean;
}

let linearEngineEnabled = false;

/** Throws a `SyntaxError` that says what cannot be run. */
export function compileLinear(source: string): RegExp {
  if (source.length > SOURCE_LENGTH_MAX) {
    throw new SyntaxError(`it has more than ${SOURCE_LENGTH_MAX} characters`);
  }
  const leading = /^\(\?([ims]+)\)/.exec(source);
  const given = leading?.[1] ?? "";
  const flags: Flags = {
    fold: given.includes("i"),
    dotAll: given.includes("s"),
    multiline: given.includes("m"),
  };
  const body = source.slice(leading?.[0].length ?? 0);
  const translated = body.replace(OUTSIDE, (piece, ...rest) =>
    outside(piece, rest.at(-1) as Groups, flags),
  );
  return compile(translated, flags.multiline ? "m" : "");
}

function compile(pattern: string, flags: string): RegExp {
  if (!linearEngineEnabled) {
    v8.setFlagsFromString("--enable-experimental-regexp-engine");
    v8.setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
    linearEngineEnabled = true;
  }
  try {
    new RegExp(pattern, `${flags}l`).test("");
    return new RegExp(pattern, flags);
  } catch (error) {
    // V8 quotes the pattern, which is not the one that the user wrote, before the reason.
    const reason = (error as Error).message.split(": ").at(-1)!;
    const isLinear = !reason.startsWith("Cannot be executed in linear time");
    throw new SyntaxError(
      isLinear ? reason.toLowerCase() : "look-around and long counted repetitions are refused",
    );
  }
}

function outside(piece: string, groups: Groups, flags: Flags): string {
  const { quoted, long, short, escaped, members, group, literal } = groups;
  if (quoted !== undefined) return Array.from(quoted, (one) => exactly(one, flags)).join("");
  if (long !== undefined || short !== undefined) return exactly(character(long ?? short!), flags);
  if (escaped !== undefined) return escapeOutside(piece, escaped, flags);
  if (members !== undefined) {
    const inner = members.replace(INSIDE, (part, ...rest) =>
      inside(part, rest.at(-1) as Groups, flags),
    );
    return `[${groups.not}${inner}]`;
  }
  if (group === ":") return piece;
  // A capture is of no use to a test.
  if (group !== undefined && /^P?<\w/.test(group)) return "(";
  if (group !== undefined) {
    throw new SyntaxError(
      "of (?...) only (?:...) and named groups are supported, and flags at the front, as in (?i)a",
    );
  }
  if (literal !== ".") return exactly(literal!, flags);
  return flags.dotAll ? "[\\s\\S]" : "[^\\n]";
}

function escapeOutside(piece: string, escaped: string, flags: Flags): string {
  if (escaped === "a") return "\\x07";
  if (escaped === "A" || escaped === "z") {
    if (flags.multiline) throw new SyntaxError(`${piece} is refused together with (?m)`);
    return escaped === "A" ? "^" : "$";
  }
  return /^[dDwWsSbBtnrfv0]$/.test(escaped) ? piece : punctuation(piece, escaped);
}

function inside(piece: string, groups: Groups, flags: Flags): string {
  const { posix, long, short, escaped, range, literal } = groups;
  if (posix !== undefined) {
    const members = POSIX_CLASSES.get(posix);
    if (members === undefined) throw new SyntaxError(`there is no character class ${posix}`);
    return flags.fold && /^(?:lower|upper)$/.test(posix) ? "A-Za-z" : members;
  }
  if (long !== undefined || short !== undefined) {
    const one = character(long ?? short!);
    if (one.length > 1) throw new SyntaxError("a class cannot hold characters beyond U+FFFF");
    return `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  }
  if (escaped !== undefined) {
    if (escaped === "a") return "\\x07";
    return /^[dDwWsStnrfv0]$/.test(escaped) ? piece : punctuation(piece, escaped);
  }
  if (range !== undefined) return flags.fold ? foldedRange(range) : range;
  if (literal === "[" || literal === "]") return `\\${literal}`;
  if (/[\ud800-\udfff]/.test(literal!)) {
    throw new SyntaxError("a class cannot hold characters beyond U+FFFF");
  }
  return flags.fold ? literal!.toLowerCase() + literal!.toUpperCase() : literal!;
}

function foldedRange(range: string): string {
  if (!/[A-Za-z]/.test(range)) return range;
  if (/^(?:[a-z]-[a-z]|[A-Z]-[A-Z])$/.test(range)) return range.toLowerCase() + range.toUpperCase();
  throw new SyntaxError(`the range ${range} is refused together with (?i)`);
}

function punctuation(piece: string, escaped: string): string {
  if (escaped !== "" && !/[\w]/.test(escaped)) return piece;
  throw new SyntaxError(`${piece} has no equal here`);
}

/** One character as it is. */
function exactly(one: string, { fold }: Flags): string {
  if (/^[A-Za-z]$/.test(one)) return fold ? `[${one.toLowerCase()}${one.toUpperCase()}]` : one;
  const text = one.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
  // A pair of surrogates is one character for whatever quantifier follows it.
  return one.length > 1 ? `(?:${text})` : text;
}

function character(hex: string): string {
  const codePoint = Number.parseInt(hex, 16);
  if (codePoint > 0x10ffff) throw new SyntaxError("\\x{...} is beyond U+10FFFF");
  return String.fromCodePoint(codePoint);
}
