/**
 * The `file_log` receiver: reads files as they grow and hands their lines on as log records.
 *
 * Invariant: an offset is stored only after everything before it was acknowledged, so nothing is
 * lost by a crash; and a replay comes with the same source id and positions, so that the sealed
 * archive can drop what it already has.
 */
import type { LogsConsumer, Receiver } from "../../src/component/component.ts";
import { describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import { ByteBudget } from "../../src/lib/delivery/byte_budget.ts";
import { FailureReport } from "../../src/lib/operators/failure_report.ts";
import type { FileLogConfig } from "./config.ts";
import { Discovery } from "./discovery.ts";
import { HandleLimit } from "./handle_limit.ts";
import type { Instruments } from "./instruments.ts";
import { createInstruments } from "./instruments.ts";
import { OffsetStore } from "./offset_store.ts";
import { Poller } from "./poller.ts";
import { Splitter } from "./splitter.ts";
import { Tail } from "./tail.ts";
import type { TailEnvironment } from "./tail_environment.ts";
import { TailSet } from "./tail_set.ts";
import { warnOnce } from "./warn_once.ts";
import type { Watcher } from "./watcher.ts";
import { watchFiles } from "./watcher.ts";

/** Events of a busy file come faster than it is worth reading; this gathers them. */
const EVENT_DELAY_MS = 10;

interface Running {
  readonly store: OffsetStore;
  readonly tails: TailSet;
  readonly poller: Poller;
  readonly watcher: Watcher;
}

export class FileLogReceiver implements Receiver {
  readonly #config: FileLogConfig;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #budget: ByteBudget;
  readonly #handles: HandleLimit;
  readonly #instruments: Instruments;
  readonly #failures: FailureReport;
  #running: Running | undefined;
  #stopping = false;
  #polling: Promise<void> | undefined;
  #pollAgain = false;
  #cancelPoll: CancelTimer | undefined;
  #nextPollMs = Number.POSITIVE_INFINITY;

  constructor(config: FileLogConfig, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#budget = new ByteBudget(config.max_in_flight_bytes);
    this.#handles = new HandleLimit(config.max_concurrent_files);
    const tails = (): Tail[] => [...(this.#running?.tails.all ?? [])];
    this.#instruments = createInstruments(settings, {
      openFiles: () => this.#handles.count,
      readingFiles: () => tails().filter((tail) => tail.isReading).length,
      lagBytes: () => tails().reduce((sum, tail) => sum + tail.lagBytes, 0),
      lagOfFiles: () =>
        tails()
          .filter((tail) => tail.lagBytes > 0)
          .map(({ entry, lagBytes }) => ({ path: entry.path, lagBytes })),
      inFlightBytes: () => this.#budget.usedBytes,
    });
    this.#failures = new FailureReport(settings, this.#instruments.operatorFailed);
  }

  async start(): Promise<void> {
    const { store, isNew } = await OffsetStore.open(this.#settings);
    const tails = new TailSet(store, this.#settings.clock, this.#config.fingerprint_size);
    const environment = this.#environment(store);
    for (const entry of store.entries) tails.add(new Tail(entry, environment));
    const discovery = new Discovery(this.#config, this.#settings.logger, environment.warn);
    const startsAtEnd = isNew && this.#config.start_at === "end";
    const poller = new Poller(environment, tails, discovery, startsAtEnd);
    const watcher = watchFiles(discovery.globs, this.#settings.logger, (path) => {
      poller.hint(path);
      this.#pollWithin(EVENT_DELAY_MS);
    });
    this.#running = { store, tails, poller, watcher };
    // From now on `start_at` is settled, also if there is no file yet.
    if (isNew) await store.commit();
    this.#settings.reportStatus("ok");
    this.#poll();
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopping = true;
    this.#cancelPoll?.();
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    const { store, tails, watcher } = running;
    await watcher.close();
    await this.#whenDelivered(tails, deadline);
    for (const { delivery } of tails.all) delivery.stop();
    try {
      await store.close();
    } catch (error) {
      // What is not stored is read again after the next start.
      this.#settings.logger.error("offsets are not stored", { error: describeError(error) });
    }
    await this.#polling;
    await Promise.all([...tails.all].map((tail) => tail.close()));
    this.#settings.reportStatus("stopped");
  }

  async #whenDelivered(tails: TailSet, deadline: AbortSignal): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const giveUp = (): void => resolve();
    deadline.addEventListener("abort", giveUp, { once: true });
    if (deadline.aborted) resolve();
    // Who waits for room goes on, sees that reading is over, and ends.
    this.#budget.open();
    const delivered = Promise.all([...tails.all].map((tail) => tail.whenDelivered()));
    await Promise.race([delivered, isOver]);
    deadline.removeEventListener("abort", giveUp);
  }

  #environment(store: OffsetStore): TailEnvironment {
    const { logger, clock } = this.#settings;
    const retry = this.#config.retry_on_failure;
    return {
      config: this.#config,
      settings: this.#settings,
      store,
      splitter: new Splitter(this.#config),
      budget: this.#budget,
      handles: this.#handles,
      instruments: this.#instruments,
      warn: warnOnce(logger),
      delivery: {
        next: this.#next,
        clock,
        retryInitialMs: retry.initial_interval,
        retryMaxMs: retry.max_interval,
        released: (bytes) => this.#budget.give(bytes),
        refused: (records, error) => {
          this.#instruments.refused(records);
          logger.error("records were refused for good and are left out", { records, error });
        },
      },
      operatorFailed: this.#failures.failed,
      isStopping: () => this.#stopping,
      replaced: (tail, startAt) => {
        this.#running?.poller.replaced(tail, startAt);
        this.#pollWithin(EVENT_DELAY_MS);
      },
      displaced: (tail) => {
        this.#running?.poller.displaced(tail);
        this.#pollWithin(EVENT_DELAY_MS);
      },
    };
  }

  /** Polls at the latest after this time. */
  #pollWithin(delayMs: number): void {
    const nowMs = this.#settings.clock.nowMs();
    if (this.#polling !== undefined) this.#pollAgain = true;
    if (this.#stopping || this.#polling !== undefined) return;
    if (this.#nextPollMs <= nowMs + delayMs) return;
    this.#cancelPoll?.();
    this.#nextPollMs = nowMs + delayMs;
    this.#cancelPoll = this.#settings.clock.setTimer(delayMs, () => this.#poll());
  }

  #poll(): void {
    const poller = this.#running?.poller;
    if (this.#stopping || poller === undefined || this.#polling !== undefined) return;
    this.#nextPollMs = Number.POSITIVE_INFINITY;
    this.#pollAgain = false;
    this.#polling = poller
      .poll()
      .catch((error: unknown) => {
        this.#settings.logger.error("looking at the files failed; it is tried again", {
          error: describeError(error),
        });
      })
      .then(() => {
        this.#polling = undefined;
        this.#pollWithin(this.#pollAgain ? EVENT_DELAY_MS : this.#config.poll_interval);
      });
  }
}
