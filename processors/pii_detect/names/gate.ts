/**
 * Says what kind of text it is to the name model, which costs twenty times as much as the scanner:
 * nearly all log lines are not read by it.
 *
 * Invariant: one pass, and at most two look-ups for each word.
 */
import { CLASSES, DIGIT, EXTENDED, LOWER, UPPER } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import type { Lexicon } from "./lexicon.ts";
import { COMMON, FIRST_NAME, HASH_START, hashNext, hashOf, LAST_NAME, PLACE } from "./lexicon.ts";

/** `shut`: no name is likely. `log`: a name may be there. `prose`: somebody wrote this. */
export type TextKind = "shut" | "log" | "prose";

const NAME = FIRST_NAME | LAST_NAME | PLACE;
const LETTER = UPPER | LOWER | EXTENDED;
const LENGTH_MIN = 3;
const LINE_END = 0x0a;
const SPACE = 0x20;
const COMMA = 0x2c;
const DOT = 0x2e;
const SLASH = 0x2f;

/** Of the words that could be names, those that stand in nearly every log. */
const EVERYDAY = hashesOf(
  "jan feb mar apr may jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun january " +
    "february march april june july august september october november december monday tuesday " +
    "wednesday thursday friday saturday sunday mozilla gecko mac macintosh mobile safari chrome " +
    "chromium firefox opera windows linux android darwin twitterbot googlebot python java ruby " +
    "factory block reading can server view info bye client center output input",
);
/** Words that people write and programs do not. */
const PERSONAL = hashesOf(
  "my your his her our their me him us she he we they who please hi hello dear thanks thank " +
    "mr mrs dr was were had born lives lived mein meine unser sehr bitte herr frau hallo je " +
    "nous vous mon madame monsieur bonjour mi señor señora hola mio mia signor signora ciao meu minha",
);

/** Marks that log lines have and sentences do not. */
const TECHNICAL = new Uint8Array(65_536);
for (const mark of ":=/_[]{}<>|\\") TECHNICAL[mark.charCodeAt(0)] = 1;

export class Gate {
  readonly #lexicon: Lexicon;

  constructor(lexicon: Lexicon) {
    this.#lexicon = lexicon;
  }

  /**
   * `log` when a capitalised word is a name that the lexicon knows, or stands in the middle of a
   * sentence and is no common word. `prose` when nothing else is in it than sentences have, and
   * also when a word says so, or a second line does.
   */
  kindOf({ codes, length }: ScannedText): TextKind {
    let hasName = false;
    let isTechnical = false;
    let index = 0;
    while (index < length) {
      const first = codes[index]!;
      const start = index++;
      if ((CLASSES[first]! & LETTER) === 0) {
        if (first === LINE_END && isProseLine(codes, index, length)) return "prose";
        if (TECHNICAL[first] === 1) isTechnical = true;
        continue;
      }
      let hash = hashNext(HASH_START, first | 0x20);
      // CamelCase and names with digits are things in programs.
      let isPlain = true;
      while (index < length && (CLASSES[codes[index]!]! & LETTER) !== 0) {
        if ((CLASSES[codes[index]!]! & UPPER) !== 0) isPlain = false;
        hash = hashNext(hash, codes[index++]!);
      }
      if (!isPlain || (CLASSES[codes[index]!]! & DIGIT) !== 0) continue;
      if (index - start <= 6 && isAlone(codes, start, index) && PERSONAL.has(hash)) return "prose";
      if (!hasName && (CLASSES[first]! & LOWER) === 0 && index - start >= LENGTH_MIN) {
        hasName = this.#isName(codes, start, hash);
      }
    }
    if (!hasName) return "shut";
    return isTechnical ? "log" : "prose";
  }

  #isName(codes: Uint16Array, start: number, hash: number): boolean {
    // `com.example.Main`
    if (start > 0 && (codes[start - 1] === DOT || codes[start - 1] === SLASH)) return false;
    const kinds = this.#lexicon.listed(hash);
    if ((kinds & COMMON) !== 0) return false;
    return ((kinds & NAME) !== 0 || isMidSentence(codes, start)) && !EVERYDAY.has(hash);
  }
}

function hashesOf(words: string): ReadonlySet<number> {
  return new Set(words.split(" ").map((word) => hashOf(word) | 0));
}

function isMidSentence(codes: Uint16Array, start: number): boolean {
  if (start < 2 || codes[start - 1] !== SPACE) return false;
  const before = codes[start - 2]!;
  return before === COMMA || (CLASSES[before]! & (LOWER | EXTENDED)) !== 0;
}

/** Between spaces, or before the mark that ends a part of a sentence. */
function isAlone(codes: Uint16Array, start: number, end: number): boolean {
  const before = start === 0 ? SPACE : codes[start - 1]!;
  const after = codes[end]!;
  const isEnd =
    after === 0 || after === COMMA || after === 0x2e || after === 0x21 || after === 0x3f;
  return (before <= SPACE || before === 0x22) && (after === SPACE || isEnd);
}

/** A second line is prose, but for stack traces, which are set in. */
function isProseLine(codes: Uint16Array, start: number, length: number): boolean {
  return start < length && codes[start]! !== 0x09 && codes[start]! !== SPACE;
}
