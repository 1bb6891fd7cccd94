/**
 * Finds words and phrases in a text in one pass. `tax id` is also found as `tax_id`, `tax-id`,
 * `taxId`, `taxIdNumber` and `taxid`; a word counts only as a whole.
 *
 * Invariant: the time is linear in the length of the text. Inside words it is one look-up for a
 * character; where a word begins, one more for its first three letters, and comparisons only with
 * the phrases that begin with them.
 */
import { CLASSES, EXTENDED, LOWER, UPPER } from "./characters.ts";
import { ScannedText } from "./scanned_text.ts";

export interface Phrase<Meaning> {
  /** Lower case; a space stands for a space, `_`, `-`, `.`, `/` or nothing. */
  readonly text: string;
  readonly meaning: Meaning;
}

const SPACE = 0x20;
/** Scripts that put no space between their words. */
const FIRST_UNSPACED = 0x0e00;
/** Five bits for each of three letters. */
const HASH_BITS = 15;
const FOLDS = Array.from({ length: 32 }, (_, fold) => fold);

const NO_LETTER = 0;
const SMALL = 1;
const CAPITAL = 2;
/** A letter before and behind which other words may stand without a space. */
const UNSPACED = 3;
const KINDS = new Uint8Array(65_536).map((_, code) => {
  if (code >= FIRST_UNSPACED) return isUnspacedLetter(code) ? UNSPACED : NO_LETTER;
  if ((CLASSES[code]! & UPPER) !== 0) return CAPITAL;
  return (CLASSES[code]! & (LOWER | EXTENDED)) !== 0 ? SMALL : NO_LETTER;
});

/** 0 for what is no letter, 1 to 26 for a to z, the others share the rest. */
const FOLDED = new Uint8Array(65_536).map((_, code) => {
  if (KINDS[code] === NO_LETTER) return 0;
  const small = lowerCase(code);
  return small >= 0x61 && small <= 0x7a ? small - 0x60 : 27 + (small % 5);
});

/** Learns of words as the text is read. */
export interface WordListener {
  /** Lower case; it hears of these. */
  readonly words: readonly string[];
  begin(): void;
  hear(text: ScannedText, start: number, end: number): void;
  hearCapitalized(text: ScannedText, start: number, end: number): void;
}

interface Entry<Meaning> {
  readonly codes: readonly number[];
  readonly meanings: Meaning[];
}

export class PhraseFinder<Meaning> {
  /** By the hash of three letters: does a phrase begin with them? */
  readonly #begins = new Uint8Array(1 << HASH_BITS);
  readonly #entries = new Map<number, Entry<Meaning>[]>();

  constructor(phrases: readonly Phrase<Meaning>[]) {
    const entries = new Map<string, Entry<Meaning>>();
    for (const { text, meaning } of phrases) {
      const known = entries.get(text);
      if (known !== undefined) known.meanings.push(meaning);
      else {
        const codes = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
        entries.set(text, { codes, meanings: [meaning] });
      }
    }
    for (const entry of entries.values()) {
      for (const hash of hashesOf(entry.codes)) {
        this.#begins[hash] = 1;
        const list = this.#entries.get(hash);
        if (list === undefined) this.#entries.set(hash, [entry]);
        else list.push(entry);
      }
    }
  }

  /** Also tells `listener` of the words with one capital at their front and two small letters. */
  find(
    text: ScannedText,
    report: (meaning: Meaning, start: number, end: number) => void,
    listener?: Pick<WordListener, "hearCapitalized">,
  ): void {
    const { codes, length } = text;
    const begins = this.#begins;
    const kinds = KINDS;
    let index = 0;
    while (index < length) {
      const kind = kinds[codes[index]!]!;
      if (kind === NO_LETTER) {
        index++;
        continue;
      }
      const start = index++;
      if (kind !== UNSPACED) {
        // `PANCard` is taken for one word; `panCard` and `PanCard` are two.
        if (kind === CAPITAL) while (kinds[codes[index]!] === CAPITAL) index++;
        const isCapitalized = kind === CAPITAL && index - start === 1;
        while (kinds[codes[index]!] === SMALL) index++;
        if (isCapitalized && listener !== undefined && index - start > 2) {
          // CamelCase is a thing in programs.
          const isAlone = kinds[codes[index]!] === NO_LETTER && !isLetterBefore(codes, start);
          if (isAlone) listener.hearCapitalized(text, start, index);
        }
        // An `iPhone` is no phone: after a single small letter no new word begins.
        if (index - start === 1 && kind === SMALL && kinds[codes[index]!] === CAPITAL) {
          while (kinds[codes[index]!] === CAPITAL) index++;
          while (kinds[codes[index]!] === SMALL) index++;
        }
      }
      const hash = hashAt(codes, start);
      if (begins[hash] !== 0) this.#compare(hash, text, start, report);
    }
  }

  findIn(text: string): { readonly meaning: Meaning; readonly end: number }[] {
    const scanned = new ScannedText();
    scanned.set(text);
    const found: { meaning: Meaning; end: number }[] = [];
    this.find(scanned, (meaning, _, end) => found.push({ meaning, end }));
    return found;
  }

  #compare(
    hash: number,
    { codes, length }: ScannedText,
    start: number,
    report: (meaning: Meaning, start: number, end: number) => void,
  ): void {
    for (const { codes: phrase, meanings } of this.#entries.get(hash)!) {
      const end = endOf(phrase, codes, start, length);
      if (end < 0) continue;
      for (const meaning of meanings) report(meaning, start, end);
    }
  }
}

function isLetterBefore(codes: Uint16Array, start: number): boolean {
  return start > 0 && KINDS[codes[start - 1]!] !== NO_LETTER;
}

function isUnspacedLetter(code: number): boolean {
  return (code < 0xd800 || code > 0xf8ff) && /\p{L}/u.test(String.fromCharCode(code));
}

/** The letters at `start` and the two places behind it. */
function hashAt(codes: Uint16Array, start: number): number {
  return (
    (FOLDED[codes[start]!]! << 10) | (FOLDED[codes[start + 1]!]! << 5) | FOLDED[codes[start + 2]!]!
  );
}

/** All beginnings that a phrase can have in a text. */
function hashesOf(phrase: readonly number[]): Set<number> {
  let prefixes: number[][] = [[]];
  for (const code of phrase.slice(0, 5)) {
    const longer = prefixes.map((prefix) => [...prefix, FOLDED[code]!]);
    // A space may be left out.
    prefixes = code === SPACE ? [...prefixes, ...longer] : longer;
  }
  const hashes = new Set<number>();
  for (const [first = 0, second, third] of prefixes) {
    // What follows a short phrase may be anything.
    const seconds = second === undefined ? FOLDS : [second];
    const thirds = third === undefined ? FOLDS : [third];
    for (const b of seconds) for (const c of thirds) hashes.add((first << 10) | (b << 5) | c);
  }
  return hashes;
}

/** Of ASCII, Latin-1, Greek and Cyrillic capitals, which lie 32 before their small letters. */
function lowerCase(code: number): number {
  if (code >= 0x41 && code <= 0x5a) return code + 32;
  if (code < 0xc0) return code;
  if (code <= 0xde || (code >= 0x391 && code <= 0x3a9) || (code >= 0x410 && code <= 0x42f)) {
    return code + 32;
  }
  // Most capitals of Latin Extended-A stand before their small letter, at even numbers.
  return code >= 0x100 && code <= 0x137 ? code | 1 : code;
}

/** The end of the phrase that begins at `start`, or -1. */
function endOf(
  phrase: readonly number[],
  codes: Uint16Array,
  start: number,
  length: number,
): number {
  let index = start;
  for (const wanted of phrase) {
    if (wanted === SPACE) {
      if (index < length && isSeparator(codes[index]!)) index++;
    } else if (index >= length || lowerCase(codes[index]!) !== wanted) return -1;
    else index++;
  }
  if (index >= length || phrase.at(-1)! >= FIRST_UNSPACED) return index;
  const next = KINDS[codes[index]!]!;
  if (next === NO_LETTER || next === UNSPACED) return index;
  const isHump = next === CAPITAL && KINDS[codes[index - 1]!] === SMALL;
  return isHump && isTail(codes, index) ? index : -1;
}

/** `phoneNumber` holds a phone number, `PhoneStatusBar` is something in a program. */
const TAILS = new Set(["number", "no", "nr", "num", "code", "id", "value", "text"]);

function isTail(codes: Uint16Array, start: number): boolean {
  let end = start + 1;
  while (KINDS[codes[end]!] === SMALL && end - start < 8) end++;
  const word = String.fromCharCode(...codes.subarray(start, end)).toLowerCase();
  return TAILS.has(word) && KINDS[codes[end]!] === NO_LETTER;
}

function isSeparator(code: number): boolean {
  return code === SPACE || code === 0x5f || (code >= 0x2d && code <= 0x2f);
}
