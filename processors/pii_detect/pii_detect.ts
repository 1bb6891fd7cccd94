/**
 * The processor: finds personal data and secrets in each record and treats them as configured.
 *
 * Invariant: a record whose treatment failed is withheld, or emptied, never passed on as it was. A
 * record without findings is passed on as the same object.
 */
import type { KeyObject } from "node:crypto";
import { createSecretKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Attributes as Labels } from "@opentelemetry/api";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import { formatComponentId } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { EMPTY_RESOURCE } from "../../src/data/resource.ts";
import type { Config } from "./config.ts";
import { Detector } from "./detector.ts";
import { DROP_RECORD, RecordTreatment } from "./record_treatment.ts";
import type { Treatment } from "./treatments.ts";
import { ACTIONS, compileTreatment } from "./treatments.ts";

const HASH_KEY_BYTES_MIN = 32;
const WARNING_INTERVAL_MS = 60_000;

export class PiiDetect implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #labels: Labels;
  readonly #findings;
  readonly #withheld;
  #treatments: readonly Treatment[] = [];
  #treatment: RecordTreatment | undefined;
  /** Findings of the batch under way, by counter index. */
  #counts = new Int32Array(0);
  #failures = 0;
  #dropped = 0;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#labels = {
      processor: formatComponentId(settings.id),
      ...(settings.pipeline !== undefined && { pipeline: settings.pipeline }),
    };
    this.#findings = settings.meter.createCounter("vouchsafe_pii_findings", {
      description: "Personal data and secrets that were found, by entity and treatment.",
    });
    this.#withheld = settings.meter.createCounter("vouchsafe_pii_withheld_records", {
      description: "Records that were withheld or emptied, by reason.",
    });
  }

  /** Throws `pii_detect.hash_key_unusable` or `storage.insecure` for the key file. */
  async start(): Promise<void> {
    const path = this.#config.hash_key_file;
    this.#compile(path === undefined ? undefined : await readHashKey(path));
  }

  async shutdown(): Promise<void> {}

  /** Not `async`: what waits for the next component must not keep this one's records alive. */
  consumeLogs(batch: LogBatch): Promise<void> {
    const treated = mapRecords(batch, this.#treatRecord);
    this.#report();
    if (treated.records.length === 0) return Promise.resolve();
    return this.#next.consumeLogs(treated);
  }

  #compile(hashKey: KeyObject | undefined): void {
    const config = this.#config;
    const detector = new Detector(config);
    const { entities, scanner } = detector;
    const { downstream, random } = this.#settings;
    const options = { canTokenize: downstream.includes("tokenize"), hashKey, random };
    this.#treatments = scanner.names.map((name) => {
      const nature = entities.find((entity) => entity.name === name)?.nature ?? "identifying";
      return compileTreatment(name, nature, config.treatments[name], options);
    });
    this.#counts = new Int32Array(scanner.names.length * ACTIONS.length);
    this.#treatment = new RecordTreatment(config, detector, this.#treatments, (counter) => {
      this.#counts[counter]!++;
    });
  }

  readonly #treatRecord = (record: LogRecord): LogRecord | undefined => {
    try {
      return this.#treatment!.treat(record);
    } catch (error) {
      if (error === DROP_RECORD) {
        this.#dropped++;
        return undefined;
      }
      this.#fail(error);
      return this.#config.on_error === "redact" ? this.#emptied(record) : undefined;
    }
  };

  /** What is known without looking at content: when, how severe, and from where. */
  #emptied(record: LogRecord): LogRecord {
    return new LogRecord({
      hrTime: record.hrTime,
      hrTimeObserved: record.hrTimeObserved,
      severityNumber: record.severityNumber,
      body: "[REDACTED:record]",
      resource: this.#config.resource ? EMPTY_RESOURCE : record.resource,
      instrumentationScope: record.instrumentationScope,
    });
  }

  #fail(error: unknown): void {
    this.#failures++;
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs - this.#warnedAtMs < WARNING_INTERVAL_MS) return;
    this.#warnedAtMs = nowMs;
    this.#settings.logger.warn("a record could not be treated and was not passed on as it was", {
      error: describeError(error),
      on_error: this.#config.on_error,
    });
  }

  #report(): void {
    for (let counter = 0; counter < this.#counts.length; counter++) {
      const count = this.#counts[counter]!;
      if (count === 0) continue;
      this.#counts[counter] = 0;
      const { entity } = this.#treatments[Math.floor(counter / ACTIONS.length)]!;
      const action = ACTIONS[counter % ACTIONS.length]!;
      this.#findings.add(count, { ...this.#labels, entity, action });
    }
    if (this.#failures > 0) {
      this.#withheld.add(this.#failures, { ...this.#labels, reason: "failed" });
      this.#failures = 0;
    }
    if (this.#dropped > 0) {
      this.#withheld.add(this.#dropped, { ...this.#labels, reason: "drop_record" });
      this.#dropped = 0;
    }
  }
}

async function readHashKey(path: string): Promise<KeyObject> {
  const unusable = (why: string, cause?: unknown): AgentError =>
    new AgentError("pii_detect.hash_key_unusable", `hash_key_file ${path} ${why}`, { cause });
  let mode: number;
  let key: Buffer;
  try {
    mode = (await stat(path)).mode;
    key = await readFile(path);
  } catch (cause) {
    throw unusable("cannot be read", cause);
  }
  if ((mode & 0o077) !== 0) {
    throw new AgentError(
      "storage.insecure",
      `${path} can be read by others; run chmod 600 ${path}`,
    );
  }
  if (key.length < HASH_KEY_BYTES_MIN) {
    throw unusable(`has ${key.length} bytes, ${HASH_KEY_BYTES_MIN} are needed`);
  }
  const secret = createSecretKey(key);
  key.fill(0);
  return secret;
}
