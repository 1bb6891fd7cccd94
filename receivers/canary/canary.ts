/**
 * The receiver: sends made-up personal values through its pipelines on a schedule, and complains
 * when one comes through at a guard, or does not get there.
 *
 * Invariant: at most one round is under way, so that a pipeline that stands still is not filled with
 * canaries.
 */
import type { KeyObject } from "node:crypto";
import { join } from "node:path";
import type { LogsConsumer, Receiver } from "../../src/component/component.ts";
import { describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import type { CanaryKind } from "../../src/lib/canary_values.ts";
import { canaryDay, canaryValues } from "../../src/lib/canary_values.ts";
import { ownKey } from "../../src/lib/own_key.ts";
import { canaryRecord } from "./canary_records.ts";
import type { Config } from "./config.ts";
import { Instruments } from "./instruments.ts";
import { Sightings } from "./sightings.ts";

export class Canary implements Receiver {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #sightings: Sightings;
  readonly #instruments: Instruments;
  #key: KeyObject | undefined;
  #underWay: Promise<void> | undefined;
  #cancelRound: CancelTimer = () => {};
  #cancelLook: CancelTimer = () => {};
  #stopped = false;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#sightings = new Sightings(config.kinds, settings.pipelines ?? []);
    this.#instruments = new Instruments(settings.meter, this.#sightings);
  }

  /** Throws `storage.insecure` or `storage.corrupt` for the key. */
  async start(): Promise<void> {
    const directory = await this.#settings.sharedStateDirectory();
    this.#key = await ownKey(join(directory, "canary.key"), this.#settings.random);
    // Not at once: what it shows would be overwritten when the agent notes that this has started.
    this.#cancelRound = this.#settings.clock.setTimer(0, () => this.#round());
  }

  /** Waits for the round under way until `deadline` aborts. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopped = true;
    this.#cancelRound();
    this.#cancelLook();
    if (this.#underWay === undefined || deadline.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    deadline.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([this.#underWay, promise]);
  }

  #round(): void {
    if (this.#stopped) return;
    const { clock } = this.#settings;
    this.#underWay ??= this.#send().finally(() => {
      this.#underWay = undefined;
    });
    this.#cancelRound = clock.setTimer(this.#config.interval, () => this.#round());
  }

  async #send(): Promise<void> {
    const { clock, logger } = this.#settings;
    const { kinds } = this.#config;
    const nowMs = clock.nowMs();
    const values = canaryValues(this.#key!, canaryDay(nowMs));
    const records = kinds.map((kind) => {
      const arrived = (pipeline: string, leaked: boolean): void =>
        this.#arrived(kind, pipeline, leaked);
      return canaryRecord(kind, values, clock.nowUnixNano(), { kind, arrived });
    });
    for (const kind of kinds) this.#sightings.sent(kind, nowMs);
    this.#instruments.sent(kinds, nowMs);
    this.#lookInTime();
    try {
      await this.#next.consumeLogs({ records });
    } catch (error) {
      if (this.#stopped) return;
      logger.warn("canaries were refused on their way", { error: describeError(error) });
    }
  }

  #arrived(kind: CanaryKind, pipeline: string, leaked: boolean): void {
    const { clock, logger } = this.#settings;
    if (leaked) this.#instruments.leaked(kind, pipeline);
    const news = this.#sightings.arrived(kind, pipeline, leaked, clock.nowMs());
    if (news === undefined) return;
    if (leaked) {
      logger.error("a canary came through unprotected", { kind, pipeline });
    } else logger.info("canaries arrive as they should again", { kind, pipeline });
    this.#reportStatus();
  }

  /** Looks again when the canary that is awaited longest becomes overdue. */
  #lookInTime(): void {
    this.#cancelLook();
    const sinceMs = this.#sightings.awaitedSinceMs;
    if (sinceMs === undefined || this.#stopped) return;
    const { clock } = this.#settings;
    const dueMs = sinceMs + this.#config.overdue_after;
    const delayMs = Math.max(0, dueMs - clock.nowMs());
    this.#cancelLook = clock.setTimer(delayMs, () => this.#lookForOverdue());
  }

  #lookForOverdue(): void {
    const { clock, logger } = this.#settings;
    const late = this.#sightings.overdue(clock.nowMs(), this.#config.overdue_after);
    this.#lookInTime();
    if (late.length === 0) return;
    for (const { kind, pipeline } of late) {
      logger.error("a canary did not arrive at the guard", { kind, pipeline });
    }
    this.#reportStatus();
  }

  #reportStatus(): void {
    const complaint = this.#sightings.complaint;
    if (complaint === undefined) this.#settings.reportStatus("ok");
    else this.#settings.reportStatus("degraded", complaint);
  }
}
