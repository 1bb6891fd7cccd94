/**
 * What is known about an attribute name, worked out once: what it says about its value, what a
 * finding inside the name itself becomes, and the findings of values that were seen before.
 */
import { detachedCopy } from "../../src/lib/detached_copy.ts";
import type { KeyMeaning } from "./key_names.ts";
import { meaningOfKey } from "./key_names.ts";
import type { TreatedText } from "./text_treatment.ts";

/** Longer values are seldom seen twice. */
export const CACHED_LENGTH_MAX = 256;
const PLANS_MAX = 4096;
/** After so many values of one name it is looked at whether remembering them pays. */
const REVIEW_LOOKUPS = 1024;
/** A name whose values hardly repeat, such as `url.query`, is left alone for so many values. */
const REST_LOOKUPS = 16_384;
/** Slices below this length are copies of their own, so keeping one keeps nothing else alive. */
const LAST_LENGTH_MAX = 13;

export interface KeyPlan {
  readonly meaning: KeyMeaning | undefined;
  /** Lower-case words for the context of findings. */
  readonly context: string;
  /** The name when it holds findings itself. Names cannot be tokenized: they are redacted. */
  readonly name: TreatedText | undefined;
  /** Treated values, `null` for those without a finding. */
  readonly seen: Map<string, TreatedText | null>;
  /** The value before, and what became of it: many attributes hardly ever change. */
  last: string;
  lastTreated: TreatedText | null;
  /** Look-ups since the last review, and those of them that found something. */
  lookups: number;
  hits: number;
  /** Look-ups for which nothing is recalled or remembered. */
  rest: number;
}

/** The plan of a text that no name stands above. */
export const NAMELESS: KeyPlan = {
  meaning: undefined,
  context: "",
  name: undefined,
  seen: new Map(),
  last: "",
  lastTreated: null,
  lookups: 0,
  hits: 0,
  rest: 0,
};

/**
 * Plans by name.
 *
 * Invariant: all plans together remember at most `cacheSize` values; when they would remember more,
 * all start anew. An attribute that never repeats costs the others a new scan now and then.
 */
export class KeyPlans {
  readonly #cacheSize: number;
  readonly #treatName: (name: string) => TreatedText | undefined;
  readonly #plans = new Map<string, KeyPlan>();
  #remembered = 0;

  constructor(cacheSize: number, treatName: (name: string) => TreatedText | undefined) {
    this.#cacheSize = cacheSize;
    this.#treatName = treatName;
  }

  of(key: string): KeyPlan {
    return this.#plans.get(key) ?? this.#make(key);
  }

  /** What became of this value before; undefined when that is not known. */
  recall(plan: KeyPlan, text: string): TreatedText | null | undefined {
    if (text === plan.last) return plan.lastTreated;
    if (plan.rest > 0) {
      plan.rest--;
      return undefined;
    }
    if (++plan.lookups > REVIEW_LOOKUPS) review(plan);
    const treated = plan.seen.get(text);
    if (treated !== undefined) plan.hits++;
    if (treated !== undefined && text.length < LAST_LENGTH_MAX) {
      plan.last = text;
      plan.lastTreated = treated;
    }
    return treated;
  }

  remember(plan: KeyPlan, text: string, treated: TreatedText | undefined): void {
    if (plan.rest > 0) return;
    if (this.#remembered >= this.#cacheSize) {
      for (const other of this.#plans.values()) other.seen.clear();
      this.#remembered = 0;
      if (this.#cacheSize === 0) return;
    }
    this.#remembered++;
    plan.seen.set(detachedCopy(text), treated === undefined ? null : detach(treated));
  }

  #make(key: string): KeyPlan {
    const plan: KeyPlan = {
      meaning: meaningOfKey(key),
      context: contextOf(key),
      name: this.#treatName(key),
      seen: new Map(),
      last: "",
      lastTreated: null,
      lookups: 0,
      hits: 0,
      rest: 0,
    };
    // Names come from outside: nobody may fill the memory with them.
    if (this.#plans.size >= PLANS_MAX) {
      this.#plans.clear();
      this.#remembered = 0;
    }
    this.#plans.set(detachedCopy(key), plan);
    return plan;
  }
}

/** Remembering a value costs more than a scan of it, so at least every other one must be known. */
function review(plan: KeyPlan): void {
  if (plan.hits * 2 < plan.lookups) {
    plan.rest = REST_LOOKUPS;
    plan.seen.clear();
  }
  plan.lookups = 0;
  plan.hits = 0;
}

/** `customerPassport` holds two words. */
export function contextOf(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}

function detach(treated: TreatedText): TreatedText {
  return { ...treated, text: detachedCopy(treated.text) };
}
