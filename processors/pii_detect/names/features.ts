/**
 * What the model sees of a word: itself, its neighbours, their forms, and what the lexicon knows,
 * each as a number below {@link FEATURES}. Features that fall on the same number share a weight.
 */
import type { Lexicon } from "./lexicon.ts";
import { hashOf } from "./lexicon.ts";
import type { Words } from "./words.ts";

export const FEATURE_BITS = 17;
export const FEATURES = 1 << FEATURE_BITS;
/** So many features has each word. */
export const FEATURES_PER_WORD = 27;

/** Forms of a word. */
const EDGE = 0;
const SMALL = 1;
const CAPITALIZED = 2;
const CAPITALS = 3;
const INITIAL = 4;
const MIXED = 5;
const DIGITS = 6;
const LINE_END = 7;
const OTHER = 8;

/** Numbers for each word of a text, computed once and used by its neighbours as well. */
export class WordTable {
  readonly #lexicon: Lexicon;
  readonly lower: Uint32Array;
  readonly suffix2: Uint32Array;
  readonly suffix3: Uint32Array;
  readonly prefix3: Uint32Array;
  readonly forms: Uint8Array;
  readonly kinds: Uint8Array;
  #count = 0;

  constructor(lexicon: Lexicon, wordsMax: number) {
    this.#lexicon = lexicon;
    this.lower = new Uint32Array(wordsMax);
    this.suffix2 = new Uint32Array(wordsMax);
    this.suffix3 = new Uint32Array(wordsMax);
    this.prefix3 = new Uint32Array(wordsMax);
    this.forms = new Uint8Array(wordsMax);
    this.kinds = new Uint8Array(wordsMax);
  }

  set(words: Words): void {
    this.#count = words.count;
    for (let index = 0; index < words.count; index++) {
      const text = words.texts[index]!;
      const form = formOf(text);
      const lower = form === DIGITS ? digitsForm(text) : text.toLowerCase();
      this.forms[index] = form;
      this.lower[index] = hashOf(lower);
      this.suffix2[index] = hashOf(lower.slice(-2));
      this.suffix3[index] = hashOf(lower.slice(-3));
      this.prefix3[index] = hashOf(lower.slice(0, 3));
      this.kinds[index] = form >= SMALL && form <= MIXED ? this.#lexicon.kindsOf(lower) : 0;
    }
  }

  /**
   * Writes the features of word `at` to `features`; `previous` and `beforePrevious` are the labels
   * that the two words before it got.
   */
  features(at: number, previous: number, beforePrevious: number, features: Int32Array): void {
    const { lower, forms, kinds } = this;
    const w0 = lower[at]!;
    const w1 = at > 0 ? lower[at - 1]! : 1;
    const w2 = at > 1 ? lower[at - 2]! : 2;
    const n1 = at + 1 < this.#count ? lower[at + 1]! : 3;
    const n2 = at + 2 < this.#count ? lower[at + 2]! : 4;
    const f0 = forms[at]!;
    const f1 = at > 0 ? forms[at - 1]! : EDGE;
    const f2 = at > 1 ? forms[at - 2]! : EDGE;
    const g1 = at + 1 < this.#count ? forms[at + 1]! : EDGE;
    const g2 = at + 2 < this.#count ? forms[at + 2]! : EDGE;
    const k0 = kinds[at]!;
    const k1 = at > 0 ? kinds[at - 1]! : 0;
    const m1 = at + 1 < this.#count ? kinds[at + 1]! : 0;
    const m2 = at + 2 < this.#count ? kinds[at + 2]! : 0;
    features[0] = mix(1, w0, 0);
    features[1] = mix(2, w1, 0);
    features[2] = mix(3, w2, 0);
    features[3] = mix(4, n1, 0);
    features[4] = mix(5, n2, 0);
    features[5] = mix(6, w1, w0);
    features[6] = mix(7, w0, n1);
    features[7] = mix(8, w1, n1);
    features[8] = mix(9, this.suffix3[at]!, f0);
    features[9] = mix(10, this.suffix2[at]!, f0);
    features[10] = mix(11, this.prefix3[at]!, f0);
    features[11] = mix(12, (f1 << 8) | (f0 << 4) | g1, 0);
    features[12] = mix(13, (f2 << 12) | (f1 << 8) | (f0 << 4) | g1, g2);
    features[13] = mix(14, k0, f0);
    features[14] = mix(15, (k1 << 8) | k0, (f1 << 4) | f0);
    features[15] = mix(16, (k0 << 8) | m1, (f0 << 4) | g1);
    features[16] = mix(17, (k1 << 16) | (k0 << 8) | m1, f0);
    features[17] = mix(18, (m1 << 8) | m2, (g1 << 4) | g2);
    features[18] = mix(19, previous, f0);
    features[19] = mix(20, previous * 16 + beforePrevious, k0);
    features[20] = mix(21, previous, w0);
    features[21] = mix(22, previous, w1);
    features[22] = mix(23, previous, (f1 << 8) | (f0 << 4) | g1);
    features[23] = mix(24, w1, k0 * 16 + f0);
    features[24] = mix(25, n1, k0 * 16 + f0);
    features[25] = mix(26, w2, w1);
    features[26] = mix(27, previous, (k0 << 4) | f0);
  }
}

function mix(template: number, a: number, b: number): number {
  let hash = Math.imul(a ^ Math.imul(template, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x27d4eb2f);
  return hash >>> (32 - FEATURE_BITS);
}

function formOf(text: string): number {
  const first = text.charCodeAt(0);
  if (first === 10 || first === 13) return LINE_END;
  if (first >= 0x30 && first <= 0x39) return DIGITS;
  const lower = text.toLowerCase();
  const upper = text.toUpperCase();
  // No letter, or one of a script without capitals.
  if (lower === upper) return OTHER;
  if (text === lower) return SMALL;
  if (text === upper) return text.length === 1 ? INITIAL : CAPITALS;
  return text.slice(1) === lower.slice(1) ? CAPITALIZED : MIXED;
}

/** Numbers count by their length, and years as such. */
function digitsForm(text: string): string {
  if (/^(?:19|20)\d\d$/.test(text)) return "#year";
  return `#${Math.min(text.length, 8)}${/[.,]/.test(text) ? "." : ""}`;
}
