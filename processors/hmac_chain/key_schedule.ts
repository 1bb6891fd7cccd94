/**
 * How the keys of a chain follow from K_0, and from nothing else:
 *
 *     run key    R(0)   = SHA-256("vouchsafe chain start" || chain id || K_0)
 *                R(n+1) = SHA-256("vouchsafe chain run" || R(n))
 *     span key   P(n,0) = SHA-256("vouchsafe chain span" || R(n))
 *                P(n,j+1) = SHA-256("vouchsafe chain span" || P(n,j))
 *     step key   S(n,s) = SHA-256("vouchsafe chain step" || P(n,s/1024))  when 1024 divides s
 *                S(n,s+1) = SHA-256("ratchet" || S(n,s))                  otherwise
 *
 * Every arrow is one way: who has a key can compute later ones only. Spans are there for a verifier
 * that begins in the middle: it reaches step s of a run in s/1024 + 1024 hashes.
 *
 * Invariant of {@link StepRatchet}: it holds the key of the current step and of the next span,
 * never one that made an earlier tag.
 */
import { hash } from "node:crypto";

export const STEPS_PER_SPAN = 1024;

const KEY_BYTES = 32;
const START = "vouchsafe chain start";
const RUN = "vouchsafe chain run";
const SPAN = "vouchsafe chain span";
const STEP = "vouchsafe chain step";
const RATCHET = "ratchet";
const GENESIS = "vouchsafe chain genesis";

/** R(0). `chain` is the chain's id in hexadecimal. */
export function firstRunKey(chainKey: Uint8Array, chain: string): Uint8Array {
  const input = Buffer.concat([Buffer.from(START), Buffer.from(chain, "hex"), chainKey]);
  const key = hash("sha256", input, "buffer");
  input.fill(0);
  return key;
}

/** R(n+1) from R(n). */
export function nextRunKey(runKey: Uint8Array): Uint8Array {
  return derive(RUN, runKey);
}

/** What the first value of a chain continues, in base64: there is no value before it. */
export function genesisValue(chain: string): string {
  return hash("sha256", Buffer.concat([Buffer.from(GENESIS), Buffer.from(chain, "hex")]), "base64");
}

/** Writes to `into`, which may be `key` itself; nothing else keeps the result. */
function derive(label: string, key: Uint8Array, into: Uint8Array = new Uint8Array(KEY_BYTES)) {
  const input = Buffer.alloc(label.length + KEY_BYTES);
  input.write(label, "latin1");
  input.set(key, label.length);
  const derived = hash("sha256", input, "buffer");
  into.set(derived);
  derived.fill(0);
  input.fill(0);
  return into;
}

/** The keys of one run as the agent that writes it has them: forwards only. */
export class StepRatchet {
  /** The key of the current step, in a place that the next one overwrites. */
  readonly key: Uint8Array;
  /** The label and the key behind it, ready to be hashed. */
  readonly #input = Buffer.alloc(RATCHET.length + KEY_BYTES, RATCHET, "latin1");
  readonly #nextSpanKey: Uint8Array;
  #step = 0;

  /** Overwrites `runKey`. */
  constructor(runKey: Uint8Array) {
    this.key = this.#input.subarray(RATCHET.length);
    const spanKey = derive(SPAN, runKey, runKey);
    derive(STEP, spanKey, this.key);
    this.#nextSpanKey = derive(SPAN, spanKey);
    runKey.fill(0);
  }

  get step(): number {
    return this.#step;
  }

  /** Goes on to the next step; the key of this one is gone. */
  advance(): void {
    this.#step++;
    if (this.#step % STEPS_PER_SPAN !== 0) {
      const next = hash("sha256", this.#input, "buffer");
      this.key.set(next);
      next.fill(0);
      return;
    }
    derive(STEP, this.#nextSpanKey, this.key);
    derive(SPAN, this.#nextSpanKey, this.#nextSpanKey);
  }

  clear(): void {
    this.key.fill(0);
    this.#nextSpanKey.fill(0);
  }
}

/** Hashes that a verifier may still spend on reaching keys that records claim. */
export interface HashBudget {
  left: number;
}

/** A place in the key schedule as a verifier has it. Immutable: a claim is tried on a copy. */
export class KeyCursor {
  readonly run: number;
  readonly step: number;
  readonly key: Uint8Array;
  readonly #runKey: Uint8Array;
  readonly #spanKey: Uint8Array;

  private constructor(
    place: { run: number; step: number },
    keys: { run: Uint8Array; span: Uint8Array; step: Uint8Array },
  ) {
    this.run = place.run;
    this.step = place.step;
    this.#runKey = keys.run;
    this.#spanKey = keys.span;
    this.key = keys.step;
  }

  static atStart(chainKey: Uint8Array, chain: string): KeyCursor {
    return KeyCursor.#atRun(0, firstRunKey(chainKey, chain));
  }

  static #atRun(run: number, runKey: Uint8Array): KeyCursor {
    const span = derive(SPAN, runKey);
    return new KeyCursor({ run, step: 0 }, { run: runKey, span, step: derive(STEP, span) });
  }

  /** True when this place is not before `start` and not behind step `step` of run `run`. */
  isWithin(start: KeyCursor, run: number, step: number): boolean {
    return (
      isNotBefore(this.run, this.step, start.run, start.step) &&
      isNotBefore(run, step, this.run, this.step)
    );
  }

  /** Undefined when the place lies before this one, or farther than the budget reaches. */
  advanceTo(run: number, step: number, budget: HashBudget): KeyCursor | undefined {
    if (run === this.run && step === this.step) return this;
    if (!isNotBefore(run, step, this.run, this.step)) return undefined;
    const start = run === this.run ? this : this.#toRun(run, budget);
    return start === undefined ? undefined : start.#toStep(step, budget);
  }

  #toRun(run: number, budget: HashBudget): KeyCursor | undefined {
    if (!spend(budget, run - this.run + 2)) return undefined;
    let runKey = this.#runKey;
    for (let at = this.run; at < run; at++) runKey = nextRunKey(runKey);
    return KeyCursor.#atRun(run, runKey);
  }

  #toStep(step: number, budget: HashBudget): KeyCursor | undefined {
    const spans = Math.floor(step / STEPS_PER_SPAN) - Math.floor(this.step / STEPS_PER_SPAN);
    const steps = spans === 0 ? step - this.step : step % STEPS_PER_SPAN;
    if (!spend(budget, spans + steps + 1)) return undefined;
    let span = this.#spanKey;
    for (let done = 0; done < spans; done++) span = derive(SPAN, span);
    const key = spans === 0 ? Uint8Array.from(this.key) : derive(STEP, span);
    for (let done = 0; done < steps; done++) derive(RATCHET, key, key);
    return new KeyCursor({ run: this.run, step }, { run: this.#runKey, span, step: key });
  }
}

function isNotBefore(run: number, step: number, otherRun: number, otherStep: number): boolean {
  return run > otherRun || (run === otherRun && step >= otherStep);
}

function spend(budget: HashBudget, hashes: number): boolean {
  if (hashes > budget.left) return false;
  budget.left -= hashes;
  return true;
}
