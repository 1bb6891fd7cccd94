/**
 * Names, addresses and the like by the trained model, in texts in which a gate sees a reason.
 *
 * Invariant: the time is linear in the length of the text, which is read in windows of
 * `WORDS_MAX` words. What another entity's code found, or what a token stands for, is left alone.
 */
import type { Scanner } from "../scanner.ts";
import { CoveredText } from "./covered_text.ts";
import type { TextKind } from "./gate.ts";
import { Gate } from "./gate.ts";
import { loadModel } from "./model_file.ts";
import { LABEL_ENTITIES } from "./name_entities.ts";
import type { Label, Tagger } from "./tagger.ts";
import { LABELS, NONE } from "./tagger.ts";
import { COVER, newWords, readWords } from "./words.ts";

/** How a text is read. */
interface Reading {
  /** Added to the score of `none`. */
  readonly bias: number;
  /** True: a name begins with a capital, and stands where a word of a sentence does. */
  readonly isStrict: boolean;
  /** How certain a finding is said to be. */
  readonly score: number;
}

interface Mode {
  readonly labels: readonly Label[];
  /** Undefined: not at all. */
  readonly readings: Readonly<Record<TextKind, Reading | undefined>>;
}

const CAREFUL: Reading = { bias: 250, isStrict: true, score: 0.7 };
const OPEN: Reading = { bias: 0, isStrict: false, score: 0.6 };
const EAGER: Reading = { bias: -50, isStrict: false, score: 0.5 };

/** What each finds, and how often wrongly, is in docs/evaluation/pii.md. */
export const NAME_MODES = {
  precise: {
    labels: ["person", "address"],
    readings: { shut: undefined, log: CAREFUL, prose: CAREFUL },
  },
  balanced: { labels: LABELS, readings: { shut: undefined, log: CAREFUL, prose: OPEN } },
  recall: { labels: LABELS, readings: { shut: EAGER, log: EAGER, prose: EAGER } },
} as const satisfies Readonly<Record<string, Mode>>;

export type NamesMode = keyof typeof NAME_MODES;

/** More times no text is read, so that the time stays linear in its length. */
const ROUNDS_MAX = 4;

/** One for the process: it is read only, and takes a megabyte. */
let model: Tagger | undefined;

export class NameSearch {
  readonly #mode: Mode;
  readonly #tagger: Tagger;
  /** To hear the words of each text before {@link run}. */
  readonly gate: Gate;
  readonly #covered = new CoveredText();
  readonly #words = newWords();
  #hasCapitals = true;
  /** Entity by label; undefined for those that are not looked for. */
  readonly #entities: readonly (string | undefined)[];

  constructor(mode: NamesMode) {
    model ??= loadModel();
    const chosen: Mode = NAME_MODES[mode];
    this.#mode = chosen;
    this.#tagger = model;
    this.gate = new Gate(model.lexicon);
    this.#entities = LABELS.map((label) =>
      label === "none" || !chosen.labels.includes(label) ? undefined : LABEL_ENTITIES[label].name,
    );
  }

  /** Adds what it finds in the text that `scanner` has just scanned. */
  run(scanner: Scanner): void {
    // Less is in the text when what is found is covered: no more can open the gate.
    if (this.#mode.readings[this.gate.kind(scanner.text)] === undefined) return;
    // What is found becomes a token, and what is beside a token may look like a name.
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.#covered.set(scanner);
      const { text } = this.#covered;
      const reading = this.#mode.readings[this.gate.kindOf(text)];
      if (reading === undefined) return;
      // Who writes without capitals writes names so, too; others do not.
      this.#hasCapitals = /\p{Lu}/u.test(text.string);
      let isFound = false;
      for (let from = 0; from < text.length; ) {
        from = readWords(text.string, from, this.#words);
        this.#tagger.tag(this.#words, reading.bias);
        if (this.#report(scanner, reading)) isFound = true;
      }
      if (!isFound) return;
    }
  }

  #report(scanner: Scanner, reading: Reading): boolean {
    const { texts, count } = this.#words;
    const { labels } = this.#tagger;
    let isFound = false;
    for (let first = 0; first < count; ) {
      const label = labels[first]!;
      let next = first + 1;
      if (label !== NONE && texts[first] !== COVER) {
        while (next < count && labels[next] === label && texts[next] !== COVER) next++;
        if (this.#add(scanner, reading, label, first, next)) isFound = true;
      }
      first = next;
    }
    return isFound;
  }

  /** Marks at the edges of a name, such as the comma behind it, are none of it. */
  #add(scanner: Scanner, reading: Reading, label: number, from: number, to: number): boolean {
    const entity = this.#entities[label];
    if (entity === undefined) return false;
    const { starts, ends, texts } = this.#words;
    let first = from;
    let next = to;
    while (first < next && !isWord(texts[first]!)) first++;
    while (next > first && !isWord(texts[next - 1]!)) next--;
    if (first === next) return false;
    const start = starts[first]!;
    const end = ends[next - 1]!;
    const { string } = this.#covered.text;
    if (reading.isStrict && !isStrict(string, start, end)) return false;
    if (label === ADDRESS) {
      if (next - first === 1 && !/\d/.test(texts[first]!)) return false;
    } else if (this.#hasCapitals && SMALL.test(texts[first]!)) return false;
    const wholeStart = this.#covered.wholeIndex(start);
    return scanner.add(entity, wholeStart, this.#covered.wholeIndex(end), reading.score);
  }
}

const ADDRESS = LABELS.indexOf("address");
const SMALL = /^\p{Ll}/u;

/** `https://example.com/Jane.html` and `id=Jane2` hold no name that a log line is about. */
const BEFORE = /(?:^|[\s"'([<>,;:=]|[:=]\\?["'])$/;
const AFTER = /^(?:$|[\s"'\])<>,;:!?\\]|\.(?:\s|$|"))/;

function isStrict(text: string, start: number, end: number): boolean {
  const isCapital = /^[\p{Lu}\d]/u.test(text.slice(start, start + 2));
  if (!isCapital || !BEFORE.test(text.slice(Math.max(0, start - 3), start))) return false;
  return AFTER.test(text.slice(end, end + 2));
}

function isWord(text: string): boolean {
  return /^[\p{L}\d]/u.test(text);
}
