/**
 * Says what kind of text it is to the name model, which costs twenty times as much as the scanner:
 * nearly all log lines are not read by it. The scanner's own pass over the words serves the gate,
 * too, so that it costs next to nothing.
 */
import { CLASSES, EXTENDED, LOWER } from "../characters.ts";
import type { WordListener } from "../phrases.ts";
import { PhraseFinder } from "../phrases.ts";
import type { ScannedText } from "../scanned_text.ts";
import { codeAt } from "../scanned_text.ts";
import type { Lexicon } from "./lexicon.ts";
import { COMMON, FIRST_NAME, HASH_START, hashNext, hashOf, LAST_NAME, PLACE } from "./lexicon.ts";

/** `shut`: no name is likely. `log`: a name may be there. `prose`: somebody wrote this. */
export type TextKind = "shut" | "log" | "prose";

const NAME = FIRST_NAME | LAST_NAME | PLACE;
const SPACE = 0x20;
const COMMA = 0x2c;
const DOT = 0x2e;

/** Of the words that could be names, those that stand in nearly every log. */
const EVERYDAY = new Set(
  (
    "jan feb mar apr may jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun january " +
    "february march april june july august september october november december monday tuesday " +
    "wednesday thursday friday saturday sunday mozilla gecko mac macintosh mobile safari chrome " +
    "chromium firefox opera windows linux android darwin twitterbot googlebot python java ruby " +
    "factory block reading can server view info bye client center output input"
  )
    .split(" ")
    .map((word) => hashOf(word) | 0),
);
/** Words that people write and programs do not. */
const PERSONAL =
  "my your his her our their me him us she we they who please hi hello dear thanks thank mr mrs dr " +
  "born lives lived mein meine unser sehr bitte herr frau hallo je nous vous mon madame monsieur " +
  "bonjour mi señor señora hola mio mia signor signora ciao meu minha";
/** Marks that log lines have and sentences do not. */
const GLUE = new Uint8Array(65_536);
for (const mark of "./%+&?_@#$~\\") GLUE[mark.charCodeAt(0)] = 1;
const TECHNICAL = /[:=/_[\]{}<>|\\]/;
/** A second line is prose, but for stack traces, which are set in. */
const SECOND_LINE = /\n[^\s]/;

export class Gate implements WordListener {
  readonly words: readonly string[] = PERSONAL.split(" ");
  readonly #lexicon: Lexicon;
  readonly #finder: PhraseFinder<true>;
  #hasName = false;
  #isPersonal = false;

  constructor(lexicon: Lexicon) {
    this.#lexicon = lexicon;
    this.#finder = new PhraseFinder(this.words.map((text) => ({ text, meaning: true })));
  }

  /**
   * `log` when a capitalised word is a name that the lexicon knows, or stands in the middle of a
   * sentence and is no common word. `prose` when nothing else is in it than sentences have, and
   * also when a word says so, or a second line does.
   */
  kindOf(text: ScannedText): TextKind {
    this.begin();
    this.#finder.find(text, (_, start, end) => this.hear(text, start, end), this);
    return this.kind(text);
  }

  begin(): void {
    this.#hasName = false;
    this.#isPersonal = false;
  }

  /** One of the {@link words}: counts between spaces, or before the mark that ends a clause. */
  hear(text: ScannedText, start: number, end: number): void {
    const before = codeAt(text, start - 1);
    const after = codeAt(text, end);
    const isEnd =
      after === 0 || after === COMMA || after === DOT || after === 0x21 || after === 0x3f;
    if ((before <= SPACE || before === 0x22) && (after === SPACE || isEnd)) this.#isPersonal = true;
  }

  hearCapitalized({ codes }: ScannedText, start: number, end: number): void {
    if (this.#hasName) return;
    // `com.example.Main`, `/Feed/`, `q=Feed%3A`
    if (start > 0 && GLUE[codes[start - 1]!] === 1) return;
    if (codes[end] !== DOT && GLUE[codes[end]!] === 1) return;
    let hash = HASH_START;
    for (let index = start; index < end; index++) hash = hashNext(hash, codes[index]! | 0x20);
    const kinds = this.#lexicon.listed(hash);
    if ((kinds & COMMON) !== 0 || EVERYDAY.has(hash)) return;
    this.#hasName = (kinds & NAME) !== 0 || isMidSentence(codes, start);
  }

  /** Of the text whose words were heard since {@link begin}. */
  kind({ string }: ScannedText): TextKind {
    if (this.#isPersonal) return "prose";
    if (string.includes("\n") && SECOND_LINE.test(string)) return "prose";
    if (!this.#hasName) return "shut";
    return TECHNICAL.test(string) ? "log" : "prose";
  }
}

function isMidSentence(codes: Uint16Array, start: number): boolean {
  if (start < 2 || codes[start - 1] !== SPACE) return false;
  const before = codes[start - 2]!;
  return before === COMMA || (CLASSES[before]! & (LOWER | EXTENDED)) !== 0;
}
