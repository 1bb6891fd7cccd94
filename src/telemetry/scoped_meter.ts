/**
 * A meter for components that end before the agent does: what they observe ends with them.
 *
 * Invariant: after {@link ScopedMeters.end} no callback made through these meters is called, so a
 * component that was replaced is neither shown nor kept in memory.
 */
import type { Meter, MetricOptions, Observable, ObservableCallback } from "@opentelemetry/api";

export class ScopedMeters {
  readonly #ends: (() => void)[] = [];

  scope(meter: Meter): Meter {
    const scoped: Meter = Object.create(meter);
    for (const kind of KINDS) {
      scoped[kind] = (name: string, options?: MetricOptions) =>
        this.#observable(meter[kind](name, options));
    }
    return scoped;
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  #observable(instrument: Observable): Observable {
    return {
      addCallback: (callback: ObservableCallback) => {
        instrument.addCallback(callback);
        this.#ends.push(() => instrument.removeCallback(callback));
      },
      removeCallback: (callback: ObservableCallback) => instrument.removeCallback(callback),
    };
  }
}

const KINDS = [
  "createObservableGauge",
  "createObservableCounter",
  "createObservableUpDownCounter",
] as const;
