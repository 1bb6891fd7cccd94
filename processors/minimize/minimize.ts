/**
 * The processor: takes out of each record what the configuration does not let through.
 *
 * Invariant: a record that could not be minimized is withheld, never passed on as it was. A batch in
 * which nothing changes is passed on as the same object.
 */
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { describeError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import { formatComponentId } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Config } from "./config.ts";
import { readHashKey } from "./field_hash.ts";
import { FieldReport } from "./field_report.ts";
import { RecordMinimizer } from "./record_minimizer.ts";
import { Tally } from "./tally.ts";
import { Withheld } from "./withheld.ts";

const WARNING_INTERVAL_MS = 60_000;
const TOLD = { pass: "passed on", report: "passed on", hash: "hashed", drop: "dropped" } as const;

export class Minimize implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #tally: Tally;
  #minimizer: RecordMinimizer | undefined;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#tally = new Tally(settings.meter, {
      processor: formatComponentId(settings.id),
      ...(settings.pipeline !== undefined && { pipeline: settings.pipeline }),
    });
  }

  /** Throws `minimize.hash_key_unusable` or `storage.insecure` for the key file. */
  async start(): Promise<void> {
    const { hash_key_file, max_reported_fields, unknown_fields = "drop" } = this.#config;
    const hashKey = hash_key_file === undefined ? undefined : await readHashKey(hash_key_file);
    const { logger } = this.#settings;
    const report = new FieldReport(logger, max_reported_fields, TOLD[unknown_fields]);
    const parts = { hashKey, report, tally: this.#tally };
    this.#minimizer = new RecordMinimizer(this.#config, parts);
  }

  async shutdown(): Promise<void> {}

  async consumeLogs(batch: LogBatch): Promise<void> {
    const minimized = mapRecords(batch, this.#minimizeRecord);
    this.#tally.flush();
    if (minimized.records.length > 0) await this.#next.consumeLogs(minimized);
  }

  readonly #minimizeRecord = (record: LogRecord): LogRecord | undefined => {
    try {
      return this.#minimizer!.minimize(record);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  };

  #fail(error: unknown): void {
    const reason = error instanceof Withheld ? error.reason : "failed";
    this.#tally.countWithheld(reason);
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs - this.#warnedAtMs < WARNING_INTERVAL_MS) return;
    this.#warnedAtMs = nowMs;
    this.#settings.logger.warn("a record could not be minimized and was withheld", {
      reason,
      ...(reason === "failed" && { error: describeError(error) }),
    });
  }
}
