/**
 * Tells the operator about each field that no allow list names: once after a start, by its name, its
 * kind and its shape, never by its value.
 *
 * Invariant: remembers at most `fieldsMax` names; what comes after them is only counted.
 */
import type { ComponentLogger } from "../../src/component/settings.ts";
import type { AnyValue } from "../../src/data/any_value.ts";
import type { FieldPlan } from "./field_plan.ts";
import { describeShape } from "./shape.ts";

export class FieldReport {
  readonly #logger: ComponentLogger;
  readonly #fieldsMax: number;
  readonly #action: string;
  readonly #reported = new Set<string>();
  #isFull = false;

  /** `action` is what happens to such a field, as it is told. */
  constructor(logger: ComponentLogger, fieldsMax: number, action: string) {
    this.#logger = logger;
    this.#fieldsMax = fieldsMax;
    this.#action = action;
  }

  note(place: string, plan: FieldPlan, value: AnyValue): void {
    if (this.#isFull) return;
    const field = `${place} ${plan.shown}`;
    if (this.#reported.has(field)) return;
    if (this.#reported.size >= this.#fieldsMax) {
      this.#isFull = true;
      this.#logger.warn("more new fields than are reported: the others are only counted", {
        max_reported_fields: this.#fieldsMax,
      });
      return;
    }
    this.#reported.add(field);
    // The name stands in the message, because equal messages are thinned out.
    this.#logger.info(`new field in ${field}: ${describeShape(value)}`, { action: this.#action });
  }
}
