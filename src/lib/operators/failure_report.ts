/** Says that operators failed: at once, and then as a sum now and then. */
import type { Settings } from "../../component/settings.ts";
import type { OperatorContext } from "./operator.ts";

const REPORT_MS = 60_000;

export class FailureReport {
  readonly #settings: Pick<Settings, "logger" | "clock">;
  readonly #count: (operator: string) => void;
  readonly #failures = new Map<string, { count: number; reportAtMs: number }>();

  /** `count` is called for each failure. */
  constructor(settings: Pick<Settings, "logger" | "clock">, count: (operator: string) => void) {
    this.#settings = settings;
    this.#count = count;
  }

  readonly failed: OperatorContext["failed"] = (operator, quiet) => {
    this.#count(operator);
    const { logger, clock } = this.#settings;
    const nowMs = clock.nowMs();
    const failure = this.#failures.get(operator) ?? { count: 0, reportAtMs: nowMs };
    this.#failures.set(operator, failure);
    failure.count++;
    if (nowMs < failure.reportAtMs) return;
    const attributes = { operator, lines: failure.count };
    if (quiet) logger.debug("lines that an operator cannot treat", attributes);
    else logger.warn("lines that an operator cannot treat", attributes);
    failure.count = 0;
    failure.reportAtMs = nowMs + REPORT_MS;
  };
}
