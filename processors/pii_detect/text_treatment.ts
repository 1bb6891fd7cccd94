/**
 * Treats the findings in one text. What is to be tokenized stays in place and is handed on as a
 * place; all else is replaced here.
 *
 * Invariant: every character that a finding covers is replaced, or covered by a {@link Place}.
 */
import type { Scanner } from "./scanner.ts";
import type { Action, Treatment } from "./treatments.ts";
import { ACTIONS, redactionOf } from "./treatments.ts";

/** UTF-16 offsets in the treated text. */
export interface Place {
  readonly entity: string;
  readonly start: number;
  readonly end: number;
}

export interface TreatedText {
  readonly text: string;
  /** Rising and without overlaps. */
  readonly places: readonly Place[];
  readonly drop: "field" | "record" | undefined;
  /** For each finding, the index of its counter: see counterOf. */
  readonly counters: readonly number[];
  /** True: the same text becomes another the next time, so this must not be remembered. */
  readonly isUnique: boolean;
}

/**
 * Treats what {@link Scanner.spans} hold about `text`; undefined when they hold nothing. `inline`
 * redacts what would be tokenized, where nothing behind can do it.
 */
export function treatSpans(
  scanner: Scanner,
  treatments: readonly Treatment[],
  text: string,
  inline: boolean,
): TreatedText | undefined {
  const spans = scanner.spans;
  if (spans.count === 0) return undefined;
  spans.settle();
  if (spans.count === 1) {
    // By far the most frequent case, and nothing but the place is to be noted.
    const { entity, action } = treatments[spans.entity(0)]!;
    if (action === "tokenize" && !inline) {
      const place = { entity, start: spans.start(0), end: spans.end(0) };
      const counter = counterOf(spans.entity(0), action);
      return { text, places: [place], drop: undefined, counters: [counter], isUnique: false };
    }
  }
  return treatAll(scanner, treatments, text, inline);
}

/** The index of the counter for findings of one entity with one treatment. */
function counterOf(entity: number, action: Action): number {
  return entity * ACTIONS.length + ACTIONS.indexOf(action);
}

function treatAll(
  { spans }: Scanner,
  treatments: readonly Treatment[],
  text: string,
  inline: boolean,
): TreatedText {
  const places: Place[] = [];
  const counters: number[] = [];
  let drop: TreatedText["drop"];
  let isUnique = false;
  let treated = "";
  let copied = 0;
  for (let index = 0; index < spans.count; index++) {
    const number = spans.entity(index);
    const { entity, action, replace } = treatments[number]!;
    const start = spans.start(index);
    const end = spans.end(index);
    const effective = action === "tokenize" && inline ? "redact" : action;
    counters.push(counterOf(number, effective));
    if (action === "encrypt") isUnique = true;
    if (action === "drop_record") drop = "record";
    else if (action === "drop_field") drop ??= "field";
    treated += text.slice(copied, start);
    copied = end;
    if (effective === "tokenize") {
      places.push({ entity, start: treated.length, end: treated.length + end - start });
      treated += text.slice(start, end);
    } else treated += action === "tokenize" ? redactionOf(entity) : replace(text.slice(start, end));
  }
  treated += text.slice(copied);
  const isSame = places.length === counters.length;
  return { text: isSame ? text : treated, places, drop, counters, isUnique };
}
