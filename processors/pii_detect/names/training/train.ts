/**
 * `npm run train:names`: makes `model.bin` anew and says how good it is on templates and names that
 * it never saw. The same sources and the same versions of the packages give the same file.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { FEATURES, FEATURES_PER_WORD, WordTable } from "../features.ts";
import { addTo, FILTER_BYTES, hashOf, Lexicon } from "../lexicon.ts";
import { encodeModel } from "../model_file.ts";
import { LABELS, Tagger } from "../tagger.ts";
import { newWords, readWords, WORDS_MAX } from "../words.ts";
import { Dice } from "./dice.ts";
import type { LabelledText } from "./fill.ts";
import { Filler } from "./fill.ts";
import type { Gazetteer } from "./gazetteer.ts";
import { loadGazetteer } from "./gazetteer.ts";
import { countVariants, HELD_OUT, TRAINING } from "./templates.ts";

const SEED = 20_261_127;
const TEXTS = 100_000;
const EPOCHS = 3;
const HELD_OUT_TEXTS = 4000;
/** One name in five is kept from training, and of the others one in four from the lexicon then. */
const HELD_OUT_SHARE = 5;
const UNKNOWN_SHARE = 4;
const WEIGHT_MAX = 127;

export function trainNames(texts = TEXTS): { file: Buffer; report: string } {
  const dice = new Dice(SEED);
  const all = loadGazetteer();
  const known = share(all, (name) => hashOf(name) % HELD_OUT_SHARE !== 0);
  const unseen = share(all, (name) => hashOf(name) % HELD_OUT_SHARE === 0);
  const filler = new Filler(known, dice);
  const listed = share(known, (name) => (hashOf(name) >>> 8) % UNKNOWN_SHARE !== 0);
  const trainer = new Trainer(new Lexicon(filtersOf(listed)));
  const samples = Array.from({ length: texts }, () => filler.fill(dice.pick(TRAINING)));
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const sample of samples) trainer.learn(sample);
  }
  const weights = trainer.quantized();
  const filters = filtersOf(all);
  const test = new Filler(unseen, new Dice(SEED + 1));
  const heldOut = Array.from({ length: HELD_OUT_TEXTS }, (_, index) =>
    test.fill(HELD_OUT[index % HELD_OUT.length]!),
  );
  const report = evaluate(new Tagger(weights, new Lexicon(filtersOf(listed))), heldOut);
  return { file: encodeModel(filters, weights), report };
}

function share(all: Gazetteer, keeps: (name: string) => boolean): Gazetteer {
  return {
    ...all,
    firstNames: all.firstNames.filter(keeps),
    lastNames: all.lastNames.filter(keeps),
    cities: all.cities.filter(keeps),
  };
}

function filtersOf(names: Gazetteer): Uint8Array[] {
  const { firstNames, lastNames, cities, countries, states, common } = names;
  return [firstNames, lastNames, [...cities, ...countries, ...states], common].map((list) => {
    const filter = new Uint8Array(FILTER_BYTES);
    for (const name of list) {
      for (const word of name.toLowerCase().split(/[ .-]+/))
        if (word.length > 1) addTo(filter, word);
    }
    return filter;
  });
}

class Trainer {
  readonly #table: WordTable;
  readonly #words = newWords();
  readonly #weights = new Float64Array(FEATURES * LABELS.length);
  /** Sums for the average: weight times the steps that it stood, as updates go. */
  readonly #sums = new Float64Array(FEATURES * LABELS.length);
  readonly #features = new Int32Array(FEATURES_PER_WORD);
  #step = 0;

  constructor(lexicon: Lexicon) {
    this.#table = new WordTable(lexicon, WORDS_MAX);
  }

  learn(sample: LabelledText): void {
    readWords(sample.text, 0, this.#words);
    const gold = labelsOf(sample, this.#words);
    this.#table.set(this.#words);
    let previous = 0;
    let beforePrevious = 0;
    for (let index = 0; index < this.#words.count; index++) {
      this.#step++;
      this.#table.features(index, previous, beforePrevious, this.#features);
      const guess = this.#best();
      if (guess !== gold[index]) {
        this.#update(gold[index]!, 1);
        this.#update(guess, -1);
      }
      beforePrevious = previous;
      previous = guess;
    }
  }

  #best(): number {
    let best = 0;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let label = 0; label < LABELS.length; label++) {
      let score = 0;
      for (const feature of this.#features)
        score += this.#weights[feature * LABELS.length + label]!;
      if (score > bestScore) {
        best = label;
        bestScore = score;
      }
    }
    return best;
  }

  #update(label: number, by: number): void {
    for (const feature of this.#features) {
      const index = feature * LABELS.length + label;
      this.#weights[index]! += by;
      this.#sums[index]! += by * this.#step;
    }
  }

  /** Averages, scaled so that nearly all fit into a byte. */
  quantized(): Int8Array {
    const averages = this.#weights.map((weight, index) => weight - this.#sums[index]! / this.#step);
    const sorted = averages
      .filter((weight) => weight !== 0)
      .map(Math.abs)
      .sort();
    const scale = WEIGHT_MAX / sorted[Math.floor(sorted.length * 0.9995)]!;
    return Int8Array.from(averages, (weight) =>
      Math.max(-WEIGHT_MAX, Math.min(WEIGHT_MAX, Math.round(weight * scale))),
    );
  }
}

function labelsOf({ spans }: LabelledText, words: ReturnType<typeof newWords>): Uint8Array {
  const labels = new Uint8Array(words.count);
  for (let index = 0; index < words.count; index++) {
    const start = words.starts[index]!;
    const span = spans.find((each) => each.start <= start && start < each.end);
    if (span !== undefined) labels[index] = LABELS.indexOf(span.label);
  }
  return labels;
}

function evaluate(tagger: Tagger, samples: readonly LabelledText[]): string {
  const words = newWords();
  const counts = LABELS.map(() => ({ right: 0, found: 0, there: 0 }));
  for (const sample of samples) {
    readWords(sample.text, 0, words);
    const gold = labelsOf(sample, words);
    tagger.tag(words, 0);
    for (let index = 0; index < words.count; index++) {
      counts[tagger.labels[index]!]!.found++;
      counts[gold[index]!]!.there++;
      if (tagger.labels[index] === gold[index]) counts[gold[index]!]!.right++;
    }
  }
  return LABELS.map((label, index) => {
    const { right, found, there } = counts[index]!;
    const precision = (right / found).toFixed(3);
    return `${label.padEnd(14)} precision ${precision}  recall ${(right / there).toFixed(3)}`;
  }).join("\n");
}

if (import.meta.main) {
  const { file, report } = trainNames();
  writeFileSync(new URL("../model.bin", import.meta.url), file);
  const variants = TRAINING.reduce((sum, template) => sum + countVariants(template), 0);
  console.log(`${TRAINING.length} templates in ${variants} forms, ${TEXTS} texts`);
  console.log(`held-out templates and names, word by word:\n${report}`);
  const hash = createHash("sha256").update(file).digest("hex");
  console.log(`model.bin ${file.length} bytes, sha256 ${hash}`);
}
