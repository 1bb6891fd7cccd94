/**
 * Makes the links of one run: each record's value is
 * `HMAC-SHA-256(step key, sequence (8 bytes BE) || SHA-256(canonical record) || previous value)`.
 *
 * Invariant: sequences are given out once each, in order, and every value continues the one before.
 */
import type { Attributes } from "../../src/data/any_value.ts";
import {
  INTEGRITY_ALGORITHM,
  INTEGRITY_CHAIN,
  INTEGRITY_EPOCH,
  INTEGRITY_PREVIOUS,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
  INTEGRITY_VALUE,
} from "../../src/data/integrity.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { CanonicalEncoder, INTEGRITY_ATTRIBUTES } from "./canonical_record.ts";
import { ChainMac } from "./chain_mac.ts";
import { StepRatchet } from "./key_schedule.ts";
import type { StatementTexts } from "./statement.ts";
import { NO_STATEMENTS } from "./statement.ts";

/** The name that the Collector's signing processor gives it. */
export const ALGORITHM = "HMAC-SHA256";

export interface ChainPosition {
  readonly chain: string;
  readonly run: number;
  readonly nextSequence: number;
  readonly previousTag: string;
}

export class ChainSigner {
  readonly #chain: string;
  readonly #run: number;
  readonly #ratchetEach: "batch" | "record";
  readonly #ratchet: StepRatchet;
  readonly #mac = new ChainMac();
  readonly #encoder = new CanonicalEncoder();
  #nextSequence: number;
  #previousTag: string;
  #epoch = "";

  /** Overwrites `runKey`. */
  constructor(position: ChainPosition, runKey: Uint8Array, ratchetEach: "batch" | "record") {
    this.#chain = position.chain;
    this.#run = position.run;
    this.#nextSequence = position.nextSequence;
    this.#previousTag = position.previousTag;
    this.#ratchetEach = ratchetEach;
    this.#ratchet = new StepRatchet(runKey);
    this.#mac.setPrevious(position.previousTag);
    this.#useStepKey();
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** The tag of the record signed last. */
  get previousTag(): string {
    return this.#previousTag;
  }

  /** Copies with integrity attributes. `statements` go to the first one; at least one record. */
  sign(records: readonly LogRecord[], statements: StatementTexts): LogRecord[] {
    const signed = new Array<LogRecord>(records.length);
    signed[0] = this.#signFirst(records[0]!, statements);
    for (let index = 1; index < records.length; index++) {
      if (this.#ratchetEach === "record") this.#nextStep();
      const record = records[index]!;
      signed[index] = record.with(record.body, this.#link(record, NO_STATEMENTS));
    }
    this.#nextStep();
    return signed;
  }

  clear(): void {
    this.#ratchet.clear();
    this.#mac.clear();
  }

  /** The first record of a batch says what it continues, so that a verifier can begin with it. */
  #signFirst(record: LogRecord, statements: StatementTexts): LogRecord {
    const previous = this.#previousTag;
    const attributes = this.#link(record, statements);
    attributes[INTEGRITY_PREVIOUS] = previous;
    if (statements.restart !== "") attributes[INTEGRITY_RESTART] = statements.restart;
    if (statements.undelivered !== "") attributes[INTEGRITY_UNDELIVERED] = statements.undelivered;
    return record.with(record.body, attributes);
  }

  #link(record: LogRecord, statements: StatementTexts): Attributes {
    const digest = this.#encoder.digest(record, statements);
    const tag = this.#mac.link(this.#nextSequence, digest);
    const attributes: Attributes = { ...record.attributes };
    if (this.#encoder.hadIntegrity) {
      for (const name of INTEGRITY_ATTRIBUTES) delete attributes[name];
    }
    attributes[INTEGRITY_VALUE] = tag;
    attributes[INTEGRITY_ALGORITHM] = ALGORITHM;
    attributes[INTEGRITY_CHAIN] = this.#chain;
    attributes[INTEGRITY_SEQUENCE] = this.#nextSequence;
    attributes[INTEGRITY_EPOCH] = this.#epoch;
    this.#nextSequence++;
    this.#previousTag = tag;
    return attributes;
  }

  #nextStep(): void {
    this.#ratchet.advance();
    this.#useStepKey();
  }

  #useStepKey(): void {
    this.#mac.setKey(this.#ratchet.key);
    this.#epoch = `${this.#run}.${this.#ratchet.step}`;
  }
}
