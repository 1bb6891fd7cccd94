/**
 * What a kind of personal data or secret is to the scanner: when to look (a trigger) and what to
 * look for (anchored code that verifies around the trigger).
 *
 * Invariant: a verifier looks at a bounded number of characters, or moves {@link Found.resume}
 * behind those it looked at. So a scan takes time linear in the length of the text.
 */
import type { ScannedText } from "../scanned_text.ts";

export interface Found {
  /** Words of the attribute names and keys above the value, in lower case; "" for a plain body. */
  readonly key: string;
  /** The scan goes on here when this is behind the trigger; set it past what is covered anyway. */
  resume: number;
  /** Starts and ends, in turn, of what stands for a value already: neither value nor context. */
  readonly marks: number[];
  /** False when nobody asked for this entity: looking for it would be in vain. */
  wants(entity: string): boolean;
  /** Reports UTF-16 offsets `[start, end)`; `score` is 0 to 1. False when nobody asked for it. */
  add(entity: string, start: number, end: number, score: number): boolean;
}

/** Looks around the trigger at `at`; reports what it verified. */
export type Verify = (text: ScannedText, at: number, found: Found) => void;

/**
 * A cheap gate before `verify`. `before` and `after` list the characters of which one must stand
 * beside the trigger: literally, or by class: `\d` digits, `\a` ASCII letters, `\x` hexadecimal
 * digits, `\w` word characters (see characters.ts), `\W` all others, which includes the edge of the
 * text. Absent: anything.
 */
interface Gate {
  readonly before?: string;
  readonly after?: string;
  readonly verify: Verify;
}

/** Any one of these ASCII characters calls `verify` at its place. */
export interface CharacterTrigger extends Gate {
  readonly characters: string;
}

/** A whole run of ASCII digits of this length calls `verify` at its first digit. */
export interface DigitsTrigger extends Gate {
  readonly digits: readonly [lengthMin: number, lengthMax: number];
}

export type Trigger = CharacterTrigger | DigitsTrigger;

/** How a value is known that has no telling shape: by words near it or in its field's name. */
export interface Nearby {
  /**
   * Separated by `|`, in lower case; a space stands for a space, `_`, `-`, `.`, `/` or nothing.
   * One must stand within 48 characters.
   */
  readonly words?: string;
  /** The same, but only as the name of the field whose value it is: `user=`, `"user": "`. */
  readonly fields?: string;
  /** Flags `i` or none; at most 64 characters; no repetition inside a repetition. */
  readonly shape: RegExp;
  /** `regions` are the country sets that are on. */
  readonly isValid?: (value: string, regions: readonly Region[]) => boolean;
  /** Of what has both the word and the shape. */
  readonly score: number;
}

/** Country sets that can be switched on: ISO 3166-1 alpha-2 in lower case, `uk` for Britain. */
export const REGIONS = [
  ...(["us", "ca", "mx", "br", "ar", "cl", "co", "uy"] as const),
  ...(["uk", "ie", "fr", "de", "es", "it", "pt", "nl", "be", "lu", "at", "ch"] as const),
  ...(["pl", "cz", "sk", "hu", "ro", "bg", "gr", "hr", "si", "ee", "lv", "lt"] as const),
  ...(["se", "fi", "no", "dk", "tr", "il", "za", "ng"] as const),
  ...(["in", "cn", "hk", "tw", "jp", "kr", "sg", "th", "au", "nz"] as const),
] as const;
export type Region = (typeof REGIONS)[number];

/** A row of the entity table. */
export interface Entity {
  readonly name: string;
  /** True: no part of `default`, looked for only when `entities` names it. */
  readonly isOnRequest?: boolean;
  /** Only where the set of one of these countries is on; left out: everywhere. */
  readonly regions?: readonly Region[];
  /** For the README's table. */
  readonly description: string;
  /**
   * A: the shape proves it. B: a check sum, grouping or context proves it. C: context only. D: the
   * trained model says so.
   */
  readonly tier: "A" | "B" | "C" | "D";
  /** Secrets are redacted by default; what identifies a person is tokenized or else redacted. */
  readonly nature: "identifying" | "secret";
  readonly triggers: readonly Trigger[];
  readonly nearby?: Nearby;
}
