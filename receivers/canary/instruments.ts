/** The canaries as numbers: times are Unix seconds, so that an alert can be set on their age. */
import type { Counter, Meter } from "@opentelemetry/api";
import type { CanaryKind } from "../../src/lib/canary_values.ts";
import type { Sightings } from "./sightings.ts";

export class Instruments {
  readonly #sent: Counter;
  readonly #leaked: Counter;
  #sentAtMs: number | undefined;

  constructor(meter: Meter, sightings: Sightings) {
    this.#sent = meter.createCounter("vouchsafe_canary_sent", {
      description: "Canaries that were sent, by kind.",
    });
    this.#leaked = meter.createCounter("vouchsafe_canary_leaked", {
      description: "Canaries that came through unprotected, by kind and pipeline.",
    });
    const gauge = (name: string, description: string) =>
      meter.createObservableGauge(`vouchsafe_canary_${name}`, { description });
    gauge("last_sent_time_seconds", "When canaries were last sent.").addCallback((result) => {
      if (this.#sentAtMs !== undefined) result.observe(this.#sentAtMs / 1000);
    });
    gauge(
      "last_treated_time_seconds",
      "When a canary last arrived at a guard without its value.",
    ).addCallback((result) => {
      for (const { kind, pipeline, treatedAtMs } of sightings.rows) {
        if (treatedAtMs !== undefined) result.observe(treatedAtMs / 1000, { kind, pipeline });
      }
    });
    gauge("overdue", "1 while a canary that was sent has not arrived at a guard.").addCallback(
      (result) => {
        for (const { kind, pipeline, isOverdue } of sightings.rows) {
          result.observe(isOverdue ? 1 : 0, { kind, pipeline });
        }
      },
    );
  }

  sent(kinds: readonly CanaryKind[], nowMs: number): void {
    this.#sentAtMs = nowMs;
    for (const kind of kinds) this.#sent.add(1, { kind });
  }

  leaked(kind: CanaryKind, pipeline: string): void {
    this.#leaked.add(1, { kind, pipeline });
  }
}
