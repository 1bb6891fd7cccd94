/**
 * What the operator is told about the backend: one log line when trouble begins, one when it ends,
 * and the health status in between.
 */

import type { Settings } from "../../component/settings.ts";
import { printable } from "../printable.ts";

type Trouble = "unreachable" | "refusing";

export class BackendState {
  readonly #settings: Settings;
  readonly #endpoint: string;
  #trouble: Trouble | undefined;
  #sinceMs = 0;
  #refusedRecords = 0;

  /** `endpoint` is shown: it holds no secret. */
  constructor(settings: Settings, endpoint: string) {
    this.#settings = settings;
    this.#endpoint = printable(endpoint);
  }

  unreachable(reason: string): void {
    if (!this.#enter("unreachable", `unreachable: ${reason}`)) return;
    this.#settings.logger.warn("the backend takes no records; they wait and are sent again", {
      endpoint: this.#endpoint,
      reason,
    });
  }

  refused(status: number | string, records: number): void {
    const before = this.#trouble;
    this.#enter("refusing", `refuses records: status ${status}`);
    this.#refusedRecords += records;
    if (before === "refusing") return;
    this.#settings.logger.error("the backend refuses records for good; they are not sent again", {
      endpoint: this.#endpoint,
      status,
      records,
    });
  }

  works(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#settings.reportStatus("ok");
    this.#settings.logger.info("the backend takes records again", {
      endpoint: this.#endpoint,
      after_s: Math.round((this.#settings.clock.nowMs() - this.#sinceMs) / 1000),
      ...(this.#refusedRecords > 0 ? { refused_records: this.#refusedRecords } : {}),
    });
    this.#refusedRecords = 0;
  }

  /** True when this is news. */
  #enter(trouble: Trouble, reason: string): boolean {
    if (this.#trouble === trouble) return false;
    if (this.#trouble === undefined) this.#sinceMs = this.#settings.clock.nowMs();
    this.#trouble = trouble;
    this.#settings.reportStatus("degraded", reason);
    return true;
  }
}
