/** Which zones get coarser copies of records of others, and how coarse, as the entries say it. */
import type { CanonicalValue } from "./canonical_json.ts";
import { canonicalJson } from "./canonical_json.ts";
import type { Entry, Treatment } from "./entry.ts";

/** By zone. */
export type Treatments = Map<string, Treatment>;

export function advanceTreatments(treatments: Treatments, entry: Entry): void {
  if (entry.type !== "scrub") return;
  const { type: _, v: __, at: ___, zone, ...treatment } = entry;
  if (treatment.from.length === 0) treatments.delete(zone);
  else treatments.set(zone, treatment);
}

const NONE: Treatment = {
  from: [],
  drop: [],
  drop_attributes: [],
  time_resolution_ms: 0,
};

/** What must be said so that the first becomes the second. */
export function treatmentChanges(
  before: Treatments,
  after: Treatments,
): ({ readonly zone: string } & Treatment)[] {
  const textOf = (treatment: Treatment): string =>
    canonicalJson(treatment as unknown as CanonicalValue);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((zone) => {
    const [old, now] = [before.get(zone) ?? NONE, after.get(zone) ?? NONE];
    return textOf(old) === textOf(now) ? [] : [{ zone, ...now }];
  });
}
