/**
 * A linear model that gives each word a label, from left to right, each decision seeing the two
 * before it: an averaged perceptron (Collins 2002; greedy decoding).
 */
import { FEATURES_PER_WORD, WordTable } from "./features.ts";
import type { Lexicon } from "./lexicon.ts";
import type { Words } from "./words.ts";
import { WORDS_MAX } from "./words.ts";

export const LABELS = [
  "none",
  "person",
  "address",
  "place",
  "organization",
  "nationality",
] as const;
export type Label = (typeof LABELS)[number];
export const NONE = 0;

export class Tagger {
  readonly lexicon: Lexicon;
  readonly #weights: Int8Array;
  readonly #table: WordTable;
  readonly #features = new Int32Array(FEATURES_PER_WORD);
  readonly #scores = new Int32Array(LABELS.length);
  /** By word: an index of {@link LABELS}. */
  readonly labels = new Uint8Array(WORDS_MAX);

  /** `weights[feature * LABELS.length + label]` */
  constructor(weights: Int8Array, lexicon: Lexicon) {
    this.lexicon = lexicon;
    this.#weights = weights;
    this.#table = new WordTable(lexicon, WORDS_MAX);
  }

  /** Labels the words. `bias` is added to the score of `none`: less finds more, and errs more. */
  tag(words: Words, bias: number): void {
    this.#table.set(words);
    let previous = NONE;
    let beforePrevious = NONE;
    for (let index = 0; index < words.count; index++) {
      this.#table.features(index, previous, beforePrevious, this.#features);
      const label = this.#best(bias);
      this.labels[index] = label;
      beforePrevious = previous;
      previous = label;
    }
  }

  #best(bias: number): number {
    const scores = this.#scores.fill(0);
    scores[NONE] = bias;
    for (let index = 0; index < FEATURES_PER_WORD; index++) {
      const row = this.#features[index]! * LABELS.length;
      for (let label = 0; label < LABELS.length; label++) {
        scores[label]! += this.#weights[row + label]!;
      }
    }
    let best = 0;
    for (let label = 1; label < LABELS.length; label++) {
      if (scores[label]! > scores[best]!) best = label;
    }
    return best;
  }
}
