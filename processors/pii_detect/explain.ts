/** What a detector finds in a record, where, how certain it is and why: for people to read. */
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double, isAnyValueMap } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Config } from "./config.ts";
import { Detector } from "./detector.ts";
import { meaningOfKey } from "./key_names.ts";
import { contextOf } from "./key_plan.ts";

export interface Explanation {
  readonly entity: string;
  /** `body`, or the name of the attribute, with the keys and indexes below it. */
  readonly place: string;
  /** UTF-16 offsets in the text at the place, encoded parts with a finding decoded. */
  readonly start: number;
  readonly end: number;
  /** 0 to 1. */
  readonly score: number;
  readonly reason: string;
}

const REASONS = {
  A: "its shape proves it",
  B: "check digits, grouping or a word beside it",
  C: "a word beside it or the name of its field",
  D: "the model of names",
} as const;

export class Explainer {
  readonly #config: Config;
  readonly #detector: Detector;

  constructor(config: Config) {
    this.#config = config;
    this.#detector = new Detector(config);
  }

  explain({ body, attributes }: LogRecord): Explanation[] {
    const found: Explanation[] = [];
    if (this.#config.body) this.#visit(body, "", "body", 0, found);
    const { include, exclude } = this.#config.attributes;
    for (const [name, value] of Object.entries(attributes)) {
      const isWanted = !exclude.includes(name) && (include?.includes(name) ?? true);
      if (isWanted) this.#visit(value, name, name, 0, found);
    }
    return found;
  }

  #visit(value: AnyValue, key: string, place: string, depth: number, found: Explanation[]): void {
    if (value instanceof Double) this.#visit(value.value, key, place, depth, found);
    else if (Array.isArray(value)) {
      if (depth >= this.#config.max_depth) return;
      for (const [index, item] of value.entries()) {
        this.#visit(item, key, `${place}[${index}]`, depth + 1, found);
      }
    } else if (isAnyValueMap(value)) {
      if (depth >= this.#config.max_depth) return;
      for (const [name, item] of Object.entries(value)) {
        this.#visit(item, name, `${place}.${name}`, depth + 1, found);
      }
    } else if (value instanceof Uint8Array) {
      this.#text(Buffer.from(value).toString("utf8"), key, place, found);
    } else if (
      typeof value === "string" ||
      typeof value === "number" ||
      typeof value === "bigint"
    ) {
      this.#text(String(value), key, place, found);
    }
  }

  #text(text: string, key: string, place: string, found: Explanation[]): void {
    const meaning = key === "" ? undefined : meaningOfKey(key);
    const shown = this.#detector.look(text, { context: contextOf(key), meaning });
    const { spans, names } = this.#detector.scanner;
    spans.settle();
    for (let index = 0; index < spans.count; index++) {
      const entity = names[spans.entity(index)]!;
      const row = this.#detector.entities.find(({ name }) => name === entity);
      const isWhole = spans.start(index) === 0 && spans.end(index) === shown.length;
      found.push({
        entity,
        place,
        start: spans.start(index),
        end: spans.end(index),
        score: spans.score(index),
        reason:
          meaning !== undefined && isWhole
            ? "the name of its field"
            : row === undefined
              ? "a rule of yours"
              : REASONS[row.tier],
      });
    }
  }
}
