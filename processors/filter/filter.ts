/**
 * The processor: passes on the records that the conditions let through.
 *
 * Invariant: a record that cannot be judged is withheld, because nobody knows whether it was to be
 * left out. Records are never changed, and what is not passed on is counted by its reason.
 */
import type { Attributes as Labels } from "@opentelemetry/api";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import { formatComponentId } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Config } from "./config.ts";
import type { Matches } from "./matcher.ts";
import { compileMatch } from "./matcher.ts";
import type { Condition } from "./ottl/condition.ts";
import { compileCondition } from "./ottl/condition.ts";
import { TextTooLong } from "./text_too_long.ts";

const WARNING_INTERVAL_MS = 60_000;

type Reason = "not_included" | "excluded" | "condition" | "too_long" | "failed";

export class Filter implements Processor {
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #labels: Labels;
  readonly #include: Matches | undefined;
  readonly #exclude: Matches | undefined;
  readonly #conditions: readonly Condition[];
  readonly #dropped;
  /** Records of the batch under way that are not passed on. */
  #counts: Record<Reason, number> = noneDropped();
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    const { include, exclude } = config.logs;
    this.#settings = settings;
    this.#next = next;
    this.#include = include && compileMatch(include, config.max_match_length);
    this.#exclude = exclude && compileMatch(exclude, config.max_match_length);
    this.#conditions = compileConditions(config);
    this.#labels = {
      processor: formatComponentId(settings.id),
      ...(settings.pipeline !== undefined && { pipeline: settings.pipeline }),
    };
    this.#dropped = settings.meter.createCounter("vouchsafe_filter_dropped_records", {
      description: "Records that were not passed on, by reason.",
    });
  }

  async start(): Promise<void> {}

  async shutdown(): Promise<void> {}

  async consumeLogs(batch: LogBatch): Promise<void> {
    const passed = mapRecords(batch, this.#passedRecord);
    if (passed !== batch) this.#report();
    if (passed.records.length > 0) await this.#next.consumeLogs(passed);
  }

  readonly #passedRecord = (record: LogRecord): LogRecord | undefined => {
    // It is to show what the processors behind this one do, and no exporter gets it.
    if (record.canary !== undefined) return record;
    const reason = this.#reasonAgainst(record);
    if (reason === undefined) return record;
    this.#counts[reason]++;
    return undefined;
  };

  #reasonAgainst(record: LogRecord): Reason | undefined {
    try {
      if (this.#include?.(record) === false) return "not_included";
      if (this.#exclude?.(record) === true) return "excluded";
      return this.#conditions.some((holds) => holds(record)) ? "condition" : undefined;
    } catch (error) {
      const reason = error instanceof TextTooLong ? "too_long" : "failed";
      this.#warn(reason);
      return reason;
    }
  }

  #warn(reason: Reason): void {
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs - this.#warnedAtMs < WARNING_INTERVAL_MS) return;
    this.#warnedAtMs = nowMs;
    this.#settings.logger.warn("a record could not be judged and was withheld", { reason });
  }

  #report(): void {
    for (const [reason, count] of Object.entries(this.#counts)) {
      if (count > 0) this.#dropped.add(count, { ...this.#labels, reason });
    }
    this.#counts = noneDropped();
  }
}

/** Those on resources first, as the Collector does. */
function compileConditions({ logs, log_conditions, max_match_length }: Config): Condition[] {
  return [
    ...logs.resource.map((text) => compileCondition(text, "resource", max_match_length)),
    ...logs.log_record.map((text) => compileCondition(text, "log", max_match_length)),
    ...log_conditions.map((text) => compileCondition(text, "log", max_match_length)),
  ];
}

function noneDropped(): Record<Reason, number> {
  return { not_included: 0, excluded: 0, condition: 0, too_long: 0, failed: 0 };
}
