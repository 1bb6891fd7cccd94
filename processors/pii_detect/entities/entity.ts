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

/** A row of the entity table. */
export interface Entity {
  readonly name: string;
  /** For the README's table. */
  readonly description: string;
  /** A: the shape proves it. B: a check sum, grouping or context proves it. C: context only. */
  readonly tier: "A" | "B" | "C";
  /** Secrets are redacted by default; what identifies a person is tokenized or else redacted. */
  readonly nature: "identifying" | "secret";
  readonly triggers: readonly Trigger[];
}
