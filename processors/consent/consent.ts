/**
 * The processor: lets a record pass when everyone it is about consented to all purposes of the
 * pipeline, now and at the time of the record.
 *
 * Invariant: no consent is the answer to every doubt. While the registry cannot be read, nothing
 * passes and nothing is lost: the batch is refused, and whoever sent it tries again.
 */
import { join } from "node:path";
import type { Attributes as Labels } from "@opentelemetry/api";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import { formatComponentId } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeToUnixMs } from "../../src/data/time.ts";
import { ownKey } from "../../src/lib/own_key.ts";
import { ChangeRecorder } from "./change_recorder.ts";
import type { Config } from "./config.ts";
import { RegistryWatch } from "./registry_watch.ts";
import type { Strip } from "./strip.ts";
import { compileStrip } from "./strip.ts";
import { hideSubject, readSubjectKey } from "./subject_key.ts";
import { namesPurpose, subjectsOf } from "./subjects.ts";

const WARNING_INTERVAL_MS = 60_000;

type Refusal = "no_consent" | "no_subject" | "failed";

export class Consent implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #labels: Labels;
  readonly #refusedCounter;
  readonly #changeCounter;
  readonly #strip: Strip | undefined;
  #watch: RegistryWatch | undefined;
  #recorder: ChangeRecorder | undefined;
  /** Records of the batch under way that do not pass as they are. */
  readonly #refused = new Map<Refusal, number>();
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#strip = config.no_consent === "strip" ? compileStrip(config.unlinkable) : undefined;
    this.#labels = {
      processor: formatComponentId(settings.id),
      ...(settings.pipeline !== undefined && { pipeline: settings.pipeline }),
    };
    this.#refusedCounter = settings.meter.createCounter("vouchsafe_consent_refused_records", {
      description: "Records that were withheld or stripped, by reason and outcome.",
    });
    this.#changeCounter = settings.meter.createCounter("vouchsafe_consent_changes", {
      description: "Changes of the registry that became records, by kind.",
    });
    settings.meter
      .createObservableGauge("vouchsafe_consent_registry_entries", {
        description: "Entries of the registry in force; 0 while it cannot be read.",
      })
      .addCallback((result) => {
        result.observe(this.#watch?.registry?.size ?? 0, this.#labels);
      });
  }

  /**
   * Throws `consent.registry_unreadable`, `consent.hash_key_unusable`, `storage.insecure` or
   * `storage.corrupt`.
   */
  async start(): Promise<void> {
    const { registry, record_changes } = this.#config;
    if (registry === undefined) return;
    if (record_changes) this.#recorder = await this.#startRecorder();
    const watch = new RegistryWatch(registry, this.#settings, (read) => this.#recorder?.note(read));
    this.#watch = watch;
    await watch.start();
    if (watch.registry === undefined) throw unreadable(watch);
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#watch?.stop();
    await this.#recorder?.shutdown(deadline);
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    if (this.#watch !== undefined && this.#watch.registry === undefined) {
      throw unreadable(this.#watch);
    }
    const passed = mapRecords(batch, this.#passedRecord);
    if (passed !== batch) this.#report();
    if (passed.records.length > 0) await this.#next.consumeLogs(passed);
  }

  async #startRecorder(): Promise<ChangeRecorder> {
    const { hash_key_file, purposes } = this.#config;
    const { random } = this.#settings;
    const directory = await this.#settings.sharedStateDirectory();
    const key =
      hash_key_file === undefined
        ? await ownKey(join(directory, "subject.key"), random)
        : await readSubjectKey(hash_key_file);
    const recorder = new ChangeRecorder(this.#settings, this.#next, {
      purposes,
      hide: (subject) => hideSubject(key, subject),
      onRecorded: ({ kind }) => this.#changeCounter.add(1, { ...this.#labels, change: kind }),
    });
    await recorder.start();
    return recorder;
  }

  readonly #passedRecord = (record: LogRecord): LogRecord | undefined => {
    // Nobody's record: it is to show what the processors behind this one do.
    if (record.canary !== undefined) return record;
    try {
      const reason = this.#reasonAgainst(record);
      if (reason === undefined) return record;
      this.#count(reason);
      return this.#strip?.(record);
    } catch (error) {
      this.#count("failed");
      this.#warn(error);
      return undefined;
    }
  };

  #reasonAgainst(record: LogRecord): Refusal | undefined {
    const { subject_attribute, purposes, without_subject } = this.#config;
    const subjects = subjectsOf(record, subject_attribute);
    if (subjects === undefined) return "no_consent";
    if (subjects.length === 0) return without_subject === "pass" ? undefined : "no_subject";
    for (const purpose of purposes) {
      if (!this.#hasConsent(record, subjects, purpose)) return "no_consent";
    }
    return undefined;
  }

  #hasConsent(record: LogRecord, subjects: readonly string[], purpose: string): boolean {
    const { consent_attribute } = this.#config;
    if (consent_attribute !== undefined) {
      const { attributes } = record;
      const isThere = Object.hasOwn(attributes, consent_attribute);
      return isThere && namesPurpose(attributes[consent_attribute], purpose);
    }
    const registry = this.#watch!.registry!;
    const nowMs = this.#settings.clock.nowMs();
    const recordMs = hrTimeToUnixMs(record.hrTime);
    return subjects.every(
      (subject) =>
        registry.hasConsent(subject, purpose, nowMs) &&
        // A record of unknown time is judged by the present alone.
        (recordMs === 0 || registry.hasConsent(subject, purpose, recordMs)),
    );
  }

  #count(reason: Refusal): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  #report(): void {
    const outcome = this.#strip === undefined ? "dropped" : "stripped";
    for (const [reason, count] of this.#refused) {
      const what = reason === "failed" ? "dropped" : outcome;
      this.#refusedCounter.add(count, { ...this.#labels, reason, outcome: what });
    }
    this.#refused.clear();
  }

  #warn(error: unknown): void {
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs - this.#warnedAtMs < WARNING_INTERVAL_MS) return;
    this.#warnedAtMs = nowMs;
    this.#settings.logger.warn("a record could not be judged and was withheld", {
      error: describeError(error),
    });
  }
}

function unreadable(watch: RegistryWatch): AgentError {
  return new AgentError("consent.registry_unreadable", `the consent registry ${watch.fault}`);
}
