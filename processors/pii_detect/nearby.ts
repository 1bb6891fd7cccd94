/**
 * Values that are known only by a word near them: national identifiers, phone numbers as people
 * write them at home, passports. Their shapes are everywhere in logs, the words are not, so the
 * words are looked for first, and the shapes only around those that are there.
 *
 * Invariant: the time is linear in the length of the text. A stretch of text is searched at most
 * once for each entity, and a search never leaves its stretch.
 */
import { CLASSES, EXTENDED, KEY } from "./characters.ts";
import type { Found, Nearby, Region } from "./entities/entity.ts";
import type { Phrase, WordListener } from "./phrases.ts";
import { PhraseFinder } from "./phrases.ts";
import type { ScannedText } from "./scanned_text.ts";
import { codeAt } from "./scanned_text.ts";

/** A word counts when the value begins or ends within so many characters of it. */
const WINDOW = 48;
/** A field's value begins so near behind its name: `"name" : "`. */
const GAP_MAX = 6;
/** No value is longer; a stretch reaches so far beyond the window that a value in it is whole. */
const VALUE_LENGTH_MAX = 64;
/** Under a name that says what it is, so much of the text is looked at. */
const NAMED_LENGTH_MAX = 4096;
const KEYS_MAX = 4096;
const KEY_LENGTH_MAX = 48;
const SPACE = 0x20;
const COLON = 0x3a;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** A row that is looked for, and the stretch of text that is to be searched for it next. */
class Search {
  readonly entity: string;
  /** `user.name` is a name, `user.name.length` is none. */
  readonly isField: boolean;
  readonly #nearby: Nearby;
  readonly #shape: RegExp;
  readonly #regions: readonly Region[];
  readonly #isOwnKey: (key: string) => boolean;
  /** Window of the words, then the stretch around it. */
  #from = -1;
  #to = -1;

  constructor(
    entity: string,
    nearby: Nearby,
    isField: boolean,
    regions: readonly Region[],
    isOwnKey: (key: string, search: Search) => boolean,
  ) {
    this.entity = entity;
    this.#isOwnKey = (key) => isOwnKey(key, this);
    this.#regions = regions;
    this.#nearby = nearby;
    this.isField = isField;
    // A value is no part of a longer word or number; the full stop of a sentence may follow it.
    const letter = "\\w\u00c0-\u024f";
    const { source, flags } = nearby.shape;
    this.#shape = new RegExp(
      `(?<![${letter}]|\\d\\.)(?:${source})(?![${letter}]|[.,]\\d)`,
      flags.includes("i") ? "gi" : "g",
    );
  }

  /** True when it had nothing to search so far. */
  widen(from: number, to: number, text: ScannedText, found: Found): boolean {
    const isFirst = this.#to < 0;
    if (isFirst) this.#from = from;
    else if (from > this.#to) {
      this.run(text, found);
      this.#from = from;
    }
    this.#to = Math.max(this.#to, to);
    return isFirst;
  }

  /** Does the value stand in a field whose name says what it is: `first_name=`, `"name": "`? */
  #isField(text: ScannedText, start: number, end: number, key: string): boolean {
    if (start === 0 && end === text.length) return key !== "" && this.#isOwnKey(key);
    const fieldKey = keyBefore(text, start);
    return fieldKey !== "" && this.#isOwnKey(fieldKey);
  }

  /** Structure first: in `phone=... vis=40000500` the number belongs to `vis`. */
  #isAnothers(stretch: string, at: number): boolean {
    const before = stretch.charCodeAt(at - 1);
    if (before !== 0x3d && before !== 0x22 && before !== 0x27 && before !== 0x20) return false;
    const match = OWN_KEY.exec(stretch.slice(Math.max(0, at - 56), at));
    return match !== null && !this.#isOwnKey(match[1] ?? match[2]!);
  }

  run(text: ScannedText, found: Found): void {
    const from = Math.max(0, this.#from);
    const to = this.#to;
    this.#from = -1;
    this.#to = -1;
    // One character more on the left, for what must not stand before a value.
    const start = Math.max(0, from - 1);
    const stretch = text.slice(start, to + VALUE_LENGTH_MAX);
    this.#shape.lastIndex = from - start;
    for (;;) {
      const match = this.#shape.exec(stretch);
      if (match === null || start + match.index > to) return;
      const [value] = match;
      const { isValid, score } = this.#nearby;
      const at = start + match.index;
      const isOther =
        isMarked(found.marks, at, at + value.length) ||
        (this.isField
          ? !this.#isField(text, at, at + value.length, found.key)
          : this.#isAnothers(stretch, match.index));
      if (isOther) {
        this.#shape.lastIndex = match.index + value.length;
      } else if (isValid === undefined || isValid(value, this.#regions)) {
        found.add(this.entity, at, at + value.length, score);
      } else {
        // What is no value as a whole may hold one behind its first group.
        const next = /^\w+\W+/.exec(value)?.[0].length ?? value.length;
        this.#shape.lastIndex = match.index + next;
      }
    }
  }
}

/** Does `[start, end)` overlap one of the marks, which rise? */
export function isMarked(marks: readonly number[], start: number, end: number): boolean {
  let low = 0;
  let high = marks.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle * 2 + 1]! <= start) low = middle + 1;
    else high = middle;
  }
  return low * 2 < marks.length && marks[low * 2]! < end;
}

/** Does `=`, `:` or a quotation mark follow, as behind the name of a field? */
function isKeyEnd(text: ScannedText, end: number): boolean {
  const code = codeAt(text, end);
  return code === EQUALS || code === COLON || code === 0x22 || code === BACKSLASH;
}

/** `key=` or `"key":` directly before a value. */
const OWN_KEY = /(?:([^\s"'=&?;,{}()]{1,48})=|"([^"]{1,48})": ?)\\?["']?$/;
/** `key=value`, `"key": "value"`, `First name: value`: the key before the value; "" if none. */
function keyBefore(text: ScannedText, start: number): string {
  let end = start;
  if (isQuote(codeAt(text, end - 1))) end--;
  if (codeAt(text, end - 1) === BACKSLASH) end--;
  const isApart = codeAt(text, end - 1) === SPACE;
  if (isApart) end--;
  const mark = codeAt(text, end - 1);
  // In `logname= uid=0` the first is empty.
  if (mark !== COLON && (mark !== EQUALS || isApart)) return "";
  end--;
  if (codeAt(text, end - 1) === SPACE) end--;
  if (isQuote(codeAt(text, end - 1))) end--;
  if (codeAt(text, end - 1) === BACKSLASH) end--;
  const limit = Math.max(0, end - KEY_LENGTH_MAX);
  let first = end;
  while (first > limit && isKeyCode(text.codes[first - 1]!)) first--;
  return text.slice(first, end);
}

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27;
}

/** Words of a key may have spaces between them. */
function isKeyCode(code: number): boolean {
  return code === SPACE || (CLASSES[code]! & (KEY | EXTENDED)) !== 0;
}

export class NearbySearch {
  readonly #finder: PhraseFinder<Search | WordListener>;
  readonly #listener: WordListener | undefined;
  readonly #pending: Search[] = [];
  readonly #byKey = new Map<string, readonly Search[]>();

  /** Entities without words of their own are left out. */
  constructor(
    entities: readonly { readonly name: string; readonly nearby?: Nearby }[],
    regions: readonly Region[],
    listener?: WordListener,
  ) {
    this.#listener = listener;
    const phrases: Phrase<Search | WordListener>[] = [];
    for (const text of listener?.words ?? []) phrases.push({ text, meaning: listener! });
    for (const { name, nearby } of entities) {
      if (nearby === undefined) continue;
      for (const words of [nearby.words, nearby.fields]) {
        if (words === undefined) continue;
        const isField = words === nearby.fields;
        const search = new Search(name, nearby, isField, regions, (key, wanted) =>
          this.#searchesOf(key).includes(wanted),
        );
        for (const text of words.split("|")) phrases.push({ text, meaning: search });
      }
    }
    this.#finder = new PhraseFinder(phrases);
  }

  /** Reports what stands near its word in `text`, or in it as a whole when `found.key` has one. */
  run(text: ScannedText, found: Found): void {
    if (found.key !== "") {
      for (const search of this.#searchesOf(found.key)) {
        const to = Math.min(text.length, NAMED_LENGTH_MAX);
        if (search.widen(0, to, text, found)) this.#pending.push(search);
      }
    }
    this.#listener?.begin();
    const report = (search: Search | WordListener, start: number, end: number): void => {
      if (!(search instanceof Search)) {
        search.hear(text, start, end);
        return;
      }
      if (search.isField && !isKeyEnd(text, end)) return;
      if (isMarked(found.marks, start, end)) return;
      const [from, to] = search.isField ? [end, end + GAP_MAX] : [start - WINDOW, end + WINDOW];
      if (search.widen(from, to, text, found)) this.#pending.push(search);
    };
    this.#finder.find(text, report, this.#listener);
    if (this.#pending.length === 0) return;
    for (const search of this.#pending) search.run(text, found);
    this.#pending.length = 0;
  }

  #searchesOf(key: string): readonly Search[] {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const searches = this.#finder
      .findIn(key)
      .filter(
        ({ meaning, end }) => meaning instanceof Search && (!meaning.isField || end === key.length),
      )
      .map(({ meaning }) => meaning as Search);
    // Names come from outside: nobody may fill the memory with them.
    if (this.#byKey.size >= KEYS_MAX) this.#byKey.clear();
    this.#byKey.set(key, searches);
    return searches;
  }
}
