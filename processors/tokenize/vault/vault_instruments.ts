/** What a tokenizer tells of its vault: numbers, never a token. */
import type { Attributes, Counter } from "@opentelemetry/api";
import type { Settings } from "../../../src/component/settings.ts";

export class VaultInstruments {
  readonly #labels: Attributes;
  readonly #rows: Counter;
  readonly #failures: Counter;
  readonly #purged: Counter;
  readonly #settings: Settings;

  constructor(settings: Settings, labels: Attributes) {
    const { meter } = settings;
    this.#settings = settings;
    this.#labels = labels;
    this.#rows = meter.createCounter("vouchsafe_vault_rows", {
      description: "Rows that were written to the vault, or lengthened.",
    });
    this.#failures = meter.createCounter("vouchsafe_vault_failures", {
      description: "Writes to the vault, and looks at it, that failed.",
    });
    this.#purged = meter.createCounter("vouchsafe_vault_purged_rows", {
      description: "Rows that were removed because their time was over.",
    });
  }

  wrote(rows: number): void {
    this.#rows.add(rows, this.#labels);
  }

  failed(): void {
    this.#failures.add(1, this.#labels);
  }

  purged(rows: number): void {
    this.#purged.add(rows, this.#labels);
  }

  observeWaiting(waiting: () => number): void {
    this.#settings.meter
      .createObservableGauge("vouchsafe_vault_waiting_rows", {
        description: "Rows that wait for the vault.",
      })
      .addCallback((result) => result.observe(waiting(), this.#labels));
  }
}
