/** What was done in the batch under way, counted without allocating and told to the meter. */
import type { Attributes as Labels, Meter } from "@opentelemetry/api";

export const PLACES = ["attributes", "resource", "scope", "body"] as const;
export type Place = (typeof PLACES)[number];

const FIELD_OUTCOMES = ["denied", "dropped", "hashed", "reported", "passed"] as const;
export type FieldOutcome = (typeof FIELD_OUTCOMES)[number];

export type WithheldReason = "too_deep" | "finding_misplaced" | "failed";

export class Tally {
  droppedBodies = 0;
  cutBodies = 0;
  scrubbedTexts = 0;
  readonly #fields = new Int32Array(PLACES.length * FIELD_OUTCOMES.length);
  readonly #withheld = new Map<WithheldReason, number>();
  readonly #labels: Labels;
  readonly #fieldCounter;
  readonly #bodyCounter;
  readonly #textCounter;
  readonly #recordCounter;

  constructor(meter: Meter, labels: Labels) {
    this.#labels = labels;
    this.#fieldCounter = meter.createCounter("vouchsafe_minimize_fields", {
      description: "Denied and unknown fields, by place and by what became of them.",
    });
    this.#bodyCounter = meter.createCounter("vouchsafe_minimize_bodies", {
      description: "Bodies that were dropped or cut.",
    });
    this.#textCounter = meter.createCounter("vouchsafe_minimize_scrubbed_texts", {
      description: "Texts whose query parameters were scrubbed.",
    });
    this.#recordCounter = meter.createCounter("vouchsafe_minimize_withheld_records", {
      description: "Records that could not be minimized and were withheld, by reason.",
    });
  }

  countField(place: Place, outcome: FieldOutcome): void {
    this.#fields[indexOf(place, outcome)]!++;
  }

  countWithheld(reason: WithheldReason): void {
    this.#withheld.set(reason, (this.#withheld.get(reason) ?? 0) + 1);
  }

  flush(): void {
    for (const place of PLACES) {
      for (const outcome of FIELD_OUTCOMES) {
        const count = this.#fields[indexOf(place, outcome)]!;
        if (count > 0) this.#fieldCounter.add(count, { ...this.#labels, place, outcome });
      }
    }
    this.#fields.fill(0);
    for (const [reason, count] of this.#withheld) {
      this.#recordCounter.add(count, { ...this.#labels, reason });
    }
    this.#withheld.clear();
    const bodies = { dropped: this.droppedBodies, cut: this.cutBodies };
    for (const [outcome, count] of Object.entries(bodies)) {
      if (count > 0) this.#bodyCounter.add(count, { ...this.#labels, outcome });
    }
    if (this.scrubbedTexts > 0) this.#textCounter.add(this.scrubbedTexts, this.#labels);
    this.droppedBodies = 0;
    this.cutBodies = 0;
    this.scrubbedTexts = 0;
  }
}

function indexOf(place: Place, outcome: FieldOutcome): number {
  return PLACES.indexOf(place) * FIELD_OUTCOMES.length + FIELD_OUTCOMES.indexOf(outcome);
}
