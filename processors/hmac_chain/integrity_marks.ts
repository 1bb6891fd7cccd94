/** The integrity attributes of a record that came back from somewhere, as a verifier reads them. */
import type { Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import {
  INTEGRITY_ALGORITHM,
  INTEGRITY_EPOCH,
  INTEGRITY_PREVIOUS,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
  INTEGRITY_VALUE,
} from "../../src/data/integrity.ts";
import { ALGORITHM } from "./chain_signer.ts";
import type { StatementTexts } from "./statement.ts";
import { NO_STATEMENTS } from "./statement.ts";

export interface IntegrityMarks {
  readonly sequence: number;
  readonly run: number;
  readonly step: number;
  /** The value, 32 bytes in base64. */
  readonly tag: string;
  /** The value that it continues, where the record says so; "" elsewhere. */
  readonly previous: string;
  readonly statements: StatementTexts;
}

const RUN_MAX = 0xffff_ffff;
const EPOCH = /^(0|[1-9][0-9]{0,9})\.(0|[1-9][0-9]{0,15})$/;
/** 32 bytes have one base64 form only: the last digit before the padding has two spare bits. */
const TAG = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** The name of the attribute that is missing or malformed, when there is one. */
export function readMarks(attributes: Attributes): IntegrityMarks | string {
  const value = attributes[INTEGRITY_SEQUENCE];
  // Some backends keep all numbers as doubles.
  const sequence = value instanceof Double ? value.value : value;
  if (typeof sequence !== "number" || !Number.isSafeInteger(sequence) || sequence < 0) {
    return INTEGRITY_SEQUENCE;
  }
  const epoch = EPOCH.exec(text(attributes[INTEGRITY_EPOCH]) ?? "");
  const run = Number(epoch?.[1]);
  const step = Number(epoch?.[2]);
  if (epoch === null || run > RUN_MAX || !Number.isSafeInteger(step)) return INTEGRITY_EPOCH;
  if (attributes[INTEGRITY_ALGORITHM] !== ALGORITHM) return INTEGRITY_ALGORITHM;
  const tag = text(attributes[INTEGRITY_VALUE]) ?? "";
  if (!TAG.test(tag)) return INTEGRITY_VALUE;
  const previous = text(attributes[INTEGRITY_PREVIOUS] ?? "");
  if (previous === undefined || (previous !== "" && !TAG.test(previous))) return INTEGRITY_PREVIOUS;
  const restart = text(attributes[INTEGRITY_RESTART] ?? "");
  if (restart === undefined) return INTEGRITY_RESTART;
  const undelivered = text(attributes[INTEGRITY_UNDELIVERED] ?? "");
  if (undelivered === undefined) return INTEGRITY_UNDELIVERED;
  const statements =
    restart === "" && undelivered === "" ? NO_STATEMENTS : { restart, undelivered };
  return { sequence, run, step, tag, previous, statements };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
