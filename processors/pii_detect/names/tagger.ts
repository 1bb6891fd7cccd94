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

  /** Sums in variables of their own are several times as fast as in an array. */
  #best(bias: number): number {
    const features = this.#features;
    const weights = this.#weights;
    let none = bias;
    let person = 0;
    let address = 0;
    let place = 0;
    let organization = 0;
    let nationality = 0;
    for (let index = 0; index < FEATURES_PER_WORD; index++) {
      const row = features[index]! * LABELS.length;
      none += weights[row]!;
      person += weights[row + 1]!;
      address += weights[row + 2]!;
      place += weights[row + 3]!;
      organization += weights[row + 4]!;
      nationality += weights[row + 5]!;
    }
    const most = Math.max(none, person, address, place, organization, nationality);
    // Of equal scores the first label has it.
    if (none === most) return 0;
    if (person === most) return 1;
    if (address === most) return 2;
    if (place === most) return 3;
    return organization === most ? 4 : 5;
  }
}
