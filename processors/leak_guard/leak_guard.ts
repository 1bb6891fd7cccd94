/**
 * The processor: looks at every text of every record that leaves the pipeline.
 *
 * Invariant: what holds a finding is withheld, or loses it; what holds the value of a canary, an
 * untreated finding, or cannot be looked at, is always withheld. A canary record ends here, however
 * it arrived. A record that is clean is passed on as the same object.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Attributes as Labels } from "@opentelemetry/api";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import type { Detection, Detector } from "../../src/component/detector.ts";
import { describeError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import { formatComponentId } from "../../src/component/settings.ts";
import type { CanaryMark } from "../../src/data/canary.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { ownKey } from "../../src/lib/own_key.ts";
import { Alarm } from "./alarm.ts";
import { CanarySearch } from "./canary_search.ts";
import type { Config } from "./config.ts";
import { detectorOptions } from "./config.ts";
import type { Place, Visit } from "./record_walk.ts";
import { RecordWalk } from "./record_walk.ts";

const WARNING_INTERVAL_MS = 60_000;

type Reason = "finding" | "canary" | "untreated" | "failed";

/** Thrown through a walk to withhold the record. */
class Withheld extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason);
    this.reason = reason;
  }
}

export class LeakGuard implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #labels: Labels;
  readonly #alarm: Alarm;
  readonly #findingCounter;
  readonly #blockedCounter;
  readonly #canaryCounter;
  readonly #walk: RecordWalk;
  readonly #canaryWalk: RecordWalk;
  #detector: Detector | undefined;
  #canaries: CanarySearch | undefined;
  /** True when the canary under way can be read. */
  #isReadable = false;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#alarm = new Alarm(settings, config.alert_duration);
    this.#walk = new RecordWalk(this.#visit, config.max_depth, config.resource);
    this.#canaryWalk = new RecordWalk(this.#visitCanary, config.max_depth, true);
    this.#labels = {
      processor: formatComponentId(settings.id),
      ...(settings.pipeline !== undefined && { pipeline: settings.pipeline }),
    };
    const count = (name: string, description: string) =>
      settings.meter.createCounter(`vouchsafe_leak_guard_${name}`, { description });
    this.#findingCounter = count("findings", "Personal data that reached the guard, by place.");
    this.#blockedCounter = count("blocked_records", "Records that were withheld, by reason.");
    this.#canaryCounter = count("canaries", "Canary records that ended here, by outcome.");
  }

  /** Throws `storage.insecure` or `storage.corrupt` for the key of the canaries. */
  async start(): Promise<void> {
    const { createDetector, random, sharedStateDirectory } = this.#settings;
    assert(createDetector !== undefined, "some component lends its detector");
    const detector = createDetector(detectorOptions(this.#config));
    assert(typeof detector !== "string", "the options were checked with the position");
    this.#detector = detector;
    const directory = await sharedStateDirectory("canary");
    this.#canaries = new CanarySearch(await ownKey(join(directory, "canary.key"), random));
  }

  async shutdown(): Promise<void> {
    this.#alarm.stop();
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    this.#canaries!.turnTo(this.#settings.clock.nowMs());
    const passed = mapRecords(batch, this.#passedRecord);
    if (passed.records.length > 0) await this.#next.consumeLogs(passed);
  }

  readonly #passedRecord = (record: LogRecord): LogRecord | undefined => {
    if (record.canary !== undefined) {
      this.#endCanary(record, record.canary);
      return undefined;
    }
    try {
      if (record.findings !== undefined) throw new Withheld("untreated");
      return this.#walk.walk(record);
    } catch (error) {
      this.#withhold(error);
      return undefined;
    }
  };

  readonly #visit: Visit = (text, name, place) => {
    if (this.#canaries!.isIn(text)) {
      this.#raise("canary", name, place, "blocked");
      throw new Withheld("canary");
    }
    const detections = this.#detector!.detect(text, name);
    if (detections.length === 0) return text;
    const action = this.#config.on_finding === "block" ? "blocked" : "redacted";
    for (const { entity } of detections) this.#raise(entity, name, place, action);
    if (action === "blocked") throw new Withheld("finding");
    return redacted(text, detections);
  };

  readonly #visitCanary: Visit = (text) => {
    this.#isReadable ||= this.#canaries!.canBeReadIn(text);
    return text;
  };

  #endCanary(record: LogRecord, { kind, arrived }: CanaryMark): void {
    this.#isReadable = false;
    try {
      this.#canaryWalk.walk(record);
    } catch (error) {
      // What cannot be looked at would not leave, but nobody knows what became of the value.
      this.#warn(error);
      this.#isReadable = true;
    }
    const outcome = this.#isReadable ? "leaked" : "treated";
    this.#canaryCounter.add(1, { ...this.#labels, kind, outcome });
    if (this.#isReadable) {
      const message = "a canary came through: this pipeline does not protect";
      this.#alarm.raise(message, kind, { kind });
    }
    arrived(this.#settings.pipeline ?? "", this.#isReadable);
  }

  #raise(entity: string, name: string, place: Place, action: string): void {
    this.#findingCounter.add(1, { ...this.#labels, entity, place, action });
    const field = looksLikeName(name) ? name : "*";
    const kind = `${entity} in ${place}${name === "" ? "" : ` ${field}`}`;
    const message = "personal data reached the end of the pipeline";
    this.#alarm.raise(message, kind, { entity, place, action });
  }

  #withhold(error: unknown): void {
    const reason = error instanceof Withheld ? error.reason : "failed";
    this.#blockedCounter.add(1, { ...this.#labels, reason });
    if (reason === "failed") this.#warn(error);
    if (reason === "untreated") {
      this.#alarm.raise("a finding was not treated", "the record is withheld", { reason });
    }
  }

  #warn(error: unknown): void {
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs - this.#warnedAtMs < WARNING_INTERVAL_MS) return;
    this.#warnedAtMs = nowMs;
    this.#settings.logger.warn("a record could not be looked at and was withheld", {
      error: describeError(error),
    });
  }
}

function redacted(text: string, detections: readonly Detection[]): string {
  let result = "";
  let copied = 0;
  for (const { entity, start, end } of detections) {
    result += `${text.slice(copied, start)}[REDACTED:${entity}]`;
    copied = end;
  }
  return result + text.slice(copied);
}

/** A key that is content, such as a number of an order, is not shown. */
function looksLikeName(key: string): boolean {
  return /^[A-Za-z_][\w.:/-]{0,127}$/.test(key) && !/\d{4}/.test(key);
}
