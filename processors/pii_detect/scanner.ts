/**
 * Finds personal data in a text with one pass: a table says for each character whether anything
 * can begin or be recognised there, gates on the neighbours thin out the rest, and only then an
 * entity's own code looks closer. Regular expressions, one an entity, would read the text again
 * for each of them and cost ten times as much.
 *
 * Invariant: the time is linear in the length of the text (see entities/entity.ts).
 */
import assert from "node:assert/strict";
import { tokenEndAt } from "../../src/data/token.ts";
import { CLASSES, DIGIT, HEX, LOWER, UPPER, WORD } from "./characters.ts";
import type { Entity, Found, Region, Trigger, Verify } from "./entities/entity.ts";
import { REGIONS } from "./entities/entity.ts";
import { reportNamed } from "./entities/keyed_secrets.ts";
import type { KeyMeaning } from "./key_names.ts";
import { NearbySearch } from "./nearby.ts";
import type { WordListener } from "./phrases.ts";
import { ScannedText } from "./scanned_text.ts";
import { Spans } from "./spans.ts";

/** Longer runs of digits share the last row of the table. */
const RUN_LENGTH_MAX = 40;
const IS_DIGIT = 1;
/** Character codes below 128, one place for all others, and one for the edge of the text. */
const GATE_OTHER = 128;
const GATE_EDGE = 129;
const GATE_BITS = 8;
const GATE_SIZE = 1 << GATE_BITS;

/** Where a character stands in a gate; letters beyond ASCII are words to `\w`. */
const GATE_INDEX = new Uint8Array(65_536).map((_, code) => {
  if (code < 128) return code;
  return (CLASSES[code]! & WORD) !== 0 ? 0x5f : GATE_OTHER;
});

export interface ScannerOptions {
  /** Findings with a lower score are not made. */
  readonly minScore: number;
  /** True for a finding that is to be left alone. */
  readonly isAllowed: (entity: string, text: string, start: number, end: number) => boolean;
  /** Countries whose phone numbers are looked for; all when left out. */
  readonly regions?: readonly Region[];
  /** Hears the words of each text while it is scanned. */
  readonly listener?: WordListener;
}

export class Scanner implements Found {
  /** Names of the entities, by the numbers that the spans hold. */
  readonly names: readonly string[];
  readonly spans = new Spans();
  key = "";
  resume = 0;
  readonly marks: number[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #options: ScannerOptions;
  /** 0: nothing; 1: a digit; else the row of the checks for this character. */
  readonly #kinds = new Uint8Array(65_536);
  /** `#rows[row]` are the checks of a character, or of a run of digits of length `row`. */
  readonly #rows: Verify[][] = [];
  /** Bit `n` of `#before[row << 8 | gate index]`: check `n` of the row may follow it. */
  readonly #before: Int32Array;
  readonly #after: Int32Array;
  /** The text of the last scan. */
  readonly text: ScannedText;
  readonly #nearby: NearbySearch;

  /**
   * `extraNames` are entities that others report through {@link add}, such as user rules. `text`
   * holds the text under way; a test gives one that counts how often it is read.
   */
  constructor(
    entities: readonly Entity[],
    options: ScannerOptions,
    extraNames: readonly string[] = [],
    text = new ScannedText(),
  ) {
    this.text = text;
    this.#options = options;
    this.#nearby = new NearbySearch(entities, options.regions ?? REGIONS, options.listener);
    this.names = [...new Set([...entities.map((entity) => entity.name), ...extraNames])];
    for (const [number, name] of this.names.entries()) this.#numbers.set(name, number);
    // A trigger that several entities share is compiled once.
    const triggers = new Set([
      ownTokens,
      ownRedactions,
      ...entities.flatMap((entity) => entity.triggers),
    ]);
    const characters = new Set([...triggers].flatMap(charactersOf));
    const size = (RUN_LENGTH_MAX + 1 + characters.size) << GATE_BITS;
    this.#before = new Int32Array(size);
    this.#after = new Int32Array(size);
    this.#kinds.fill(IS_DIGIT, 0x30, 0x3a);
    for (let row = 0; row <= RUN_LENGTH_MAX; row++) this.#rows.push([]);
    for (const character of characters) {
      this.#kinds[character.charCodeAt(0)] = this.#rows.length;
      this.#rows.push([]);
    }
    for (const trigger of triggers) this.#compile(trigger);
  }

  /**
   * Scans `text`; what it found is in {@link spans}, not yet settled. `key` holds the lower-case
   * attribute names above the text.
   */
  scan(text: string, key: string): void {
    this.#begin(text, key);
    const { codes, length } = this.text;
    const kinds = this.#kinds;
    let index = 0;
    while (index < length) {
      let row = kinds[codes[index]!]!;
      if (row === 0) {
        index++;
        continue;
      }
      const start = index++;
      if (row === IS_DIGIT) {
        while (index < length && kinds[codes[index]!] === IS_DIGIT) index++;
        row = Math.min(index - start, RUN_LENGTH_MAX);
      }
      const left = start > 0 ? GATE_INDEX[codes[start - 1]!]! : GATE_EDGE;
      const right = index < length ? GATE_INDEX[codes[index]!]! : GATE_EDGE;
      const gates = row << GATE_BITS;
      const checks = this.#before[gates | left]! & this.#after[gates | right]!;
      if (checks !== 0) {
        this.#run(row, checks, start);
        if (this.resume > index) index = this.resume;
      }
    }
    this.#nearby.run(this.text, this);
  }

  /** Reports the whole text as the value of an attribute whose name says what it is. */
  addNamed(meaning: KeyMeaning): void {
    reportNamed(this.text, meaning, this);
  }

  #begin(text: string, key: string): void {
    this.spans.clear();
    this.text.set(text);
    this.key = key;
    this.resume = 0;
    this.marks.length = 0;
  }

  wants(entity: string): boolean {
    return this.#numbers.has(entity);
  }

  add(entity: string, start: number, end: number, score: number): boolean {
    const number = this.#numbers.get(entity);
    if (number === undefined || score < this.#options.minScore) return false;
    if (this.#options.isAllowed(entity, this.text.string, start, end)) return false;
    this.spans.add(number, start, end, score);
    return true;
  }

  /** Calls the checks of the row whose bits are set. */
  #run(row: number, checks: number, at: number): void {
    const verifiers = this.#rows[row]!;
    for (let rest = checks; rest !== 0; rest &= rest - 1) {
      verifiers[31 - Math.clz32(rest & -rest)]!(this.text, at, this);
    }
  }

  #compile(trigger: Trigger): void {
    const rows = rowsOf(trigger, this.#kinds);
    for (const row of rows) {
      const bit = 1 << this.#rows[row]!.length;
      assert(bit !== 0 && this.#rows[row]!.length < 31, "a character has at most 31 checks");
      this.#rows[row]!.push(trigger.verify);
      openGate(this.#before, row, bit, trigger.before);
      openGate(this.#after, row, bit, trigger.after);
    }
  }
}

function charactersOf(trigger: Trigger): string[] {
  return "characters" in trigger ? [...trigger.characters] : [];
}

function rowsOf(trigger: Trigger, kinds: Uint8Array): number[] {
  if ("characters" in trigger) {
    return [...trigger.characters].map((character) => kinds[character.charCodeAt(0)]!);
  }
  const [lengthMin, lengthMax] = trigger.digits;
  const length = Math.min(lengthMax, RUN_LENGTH_MAX) - lengthMin + 1;
  return Array.from({ length }, (_, index) => lengthMin + index);
}

/** Tokens that were given before, by this agent or by one before it, are passed over. */
const ownTokens: Trigger = {
  characters: "<",
  after: "\\a",
  verify: (text, at, found) => passOver(at, tokenEndAt(text.string, at), found),
};

const REDACTION = /\[REDACTED:[a-z][a-z0-9_]{0,47}\]/y;

const ownRedactions: Trigger = {
  characters: "[",
  after: "R",
  verify: (text, at, found) => {
    REDACTION.lastIndex = at;
    passOver(at, REDACTION.test(text.string) ? REDACTION.lastIndex : -1, found);
  },
};

function passOver(start: number, end: number, found: Found): void {
  if (end < 0) return;
  found.marks.push(start, end);
  found.resume = end;
}

function openGate(
  gate: Int32Array,
  row: number,
  bit: number,
  characters: string | undefined,
): void {
  const offset = row << GATE_BITS;
  for (let code = 0; code < GATE_SIZE; code++) {
    if (characters === undefined || matches(characters, code)) gate[offset | code]! |= bit;
  }
}

function matches(characters: string, code: number): boolean {
  const classes = code < 128 ? CLASSES[code]! : 0;
  for (const [part] of characters.matchAll(/\\.|[\s\S]/g)) {
    if (matchesPart(part, code, classes)) return true;
  }
  return false;
}

function matchesPart(part: string, code: number, classes: number): boolean {
  if (part === "\\d") return (classes & DIGIT) !== 0;
  if (part === "\\a") return (classes & (UPPER | LOWER)) !== 0;
  if (part === "\\x") return (classes & HEX) !== 0;
  if (part === "\\w") return (classes & WORD) !== 0;
  if (part === "\\W") return (classes & WORD) === 0;
  return GATE_INDEX[part.charCodeAt(0)] === code;
}
