/** What the tables of identifiers beside this file are made of. */
import { createRequire } from "node:module";
import type { Entity, Nearby, Region } from "../entity.ts";

/** `Nearby` without its score: a check digit beside a word is worth more than a shape. */
type Evidence = Omit<Nearby, "score"> & { readonly score?: number };

const SCORE_CHECKED = 0.85;
const SCORE_UNCHECKED = 0.6;

/** A row of the entity table; without a region it is looked for in every country. */
export function identifier(
  name: string,
  region: Region | readonly Region[] | undefined,
  description: string,
  evidence: Evidence,
): Entity {
  const isChecked = evidence.isValid !== undefined;
  return {
    name,
    ...(region !== undefined && { regions: [region].flat() }),
    description,
    tier: isChecked ? "B" : "C",
    nature: "identifying",
    triggers: [],
    nearby: { ...evidence, score: evidence.score ?? (isChecked ? SCORE_CHECKED : SCORE_UNCHECKED) },
  };
}

/** The parts of the npm package `stdnum` that are used. */
type Validators = Readonly<
  Record<string, Readonly<Record<string, { validate(text: string): { isValid: boolean } }>>>
>;

let validators: Validators | undefined;

/**
 * The validator of `stdnum` by country (ISO 3166-1) and name. The package is loaded at the first
 * candidate: it costs more time to load than a command such as `vouchsafe --help` takes.
 */
export function stdnum(country: string, name: string): (value: string) => boolean {
  return (value) => {
    validators ??= (createRequire(import.meta.url)("stdnum") as { stdnum: Validators }).stdnum;
    const { validate } = validators[country]![name]!;
    // Some validators know the separators of their numbers and want them, others know none.
    return validate(value.replace(/[ ./-]/g, "")).isValid || validate(value).isValid;
  };
}

export function digitsOf(value: string): string {
  return value.replace(/\D/g, "");
}
