/**
 * Delivers batches to a backend: request after request, with retries, until each record has an
 * answer. What a request is, the exporter says.
 *
 * Invariant: a batch is acknowledged when the backend answered for every record of it; until then
 * it stays with whoever handed it in. There is no queue in memory that a crash could lose.
 */
import type { Counter } from "@opentelemetry/api";
import type { ErrorCode } from "../../component/errors.ts";
import { AgentError } from "../../component/errors.ts";
import type { Settings } from "../../component/settings.ts";
import type { LogBatch } from "../../data/log_batch.ts";
import type { LogRecord } from "../../data/log_record.ts";
import { BackendState } from "./backend_state.ts";
import { Backoff } from "./backoff.ts";
import type { RetryOnFailure, SendingQueue } from "./config.ts";
import { Slots } from "./slots.ts";

export type Outcome =
  | { readonly kind: "sent"; readonly rejectedRecords: number }
  | {
      readonly kind: "retryable";
      readonly reason: string;
      readonly retryAfterMs?: number | undefined;
      /** The backend had closed a kept-alive connection: no sign of trouble. */
      readonly staleConnection?: boolean;
    }
  | {
      readonly kind: "permanent";
      readonly status: number | string;
      /** Fewer records in a request can help. */
      readonly tooLarge?: boolean;
    };

export interface SenderOptions {
  readonly settings: Settings;
  /** Shown in errors and logs: it holds no secret. */
  readonly endpoint: string;
  readonly retry: RetryOnFailure;
  readonly recordsMax: number;
  readonly requestsMax: number;
  readonly codes: { readonly rejected: ErrorCode; readonly unreachable: ErrorCode };
  readonly refusedCounter: Counter;
  /** One request. `stop` aborts when there is no more time to wait for its answer. */
  attempt(records: readonly LogRecord[], stop: AbortSignal): Promise<Outcome>;
}

/** How far a batch came, kept while the pipeline offers it again. */
interface Progress {
  /** Index of the first record without an answer. */
  next: number;
  refused: number;
  refusedStatus: number | string;
}

/** Requests under way at a time. */
export function requestsMax({ enabled, num_consumers: requests }: SendingQueue): number {
  return enabled ? requests : 1;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #slots: Slots;
  readonly #state: BackendState;
  readonly #progress = new WeakMap<LogBatch, Progress>();
  /** Calls under way, to be waited for at the end. */
  readonly #calls = new Set<Promise<void>>();
  /** No more waiting between attempts. */
  readonly #stopping = new AbortController();
  /** No more waiting for answers. */
  readonly #cut = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#slots = new Slots(options.requestsMax);
    this.#state = new BackendState(options.settings, options.endpoint);
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    if (this.#stopping.signal.aborted) throw this.#shuttingDown();
    const call = this.#consume(batch);
    this.#calls.add(call);
    try {
      await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Requests under way get until the deadline; batches that wait for a retry are given back. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    const cut = (): void => this.#cut.abort();
    this.#stopping.abort();
    deadline.addEventListener("abort", cut, { once: true });
    if (deadline.aborted) cut();
    await Promise.allSettled(this.#calls);
    deadline.removeEventListener("abort", cut);
  }

  async #consume(batch: LogBatch): Promise<void> {
    await this.#slots.take();
    try {
      await this.#deliver(batch);
    } finally {
      this.#slots.give();
    }
  }

  /** Goes on where an earlier offer of the same batch ended. */
  async #deliver(batch: LogBatch): Promise<void> {
    const progress = this.#progress.get(batch) ?? { next: 0, refused: 0, refusedStatus: "" };
    // Another pipeline may hand in the same batch meanwhile: each of them sends the whole of it.
    this.#progress.delete(batch);
    try {
      await this.#sendParts(batch.records, progress);
    } catch (error) {
      this.#progress.set(batch, progress);
      throw error;
    }
    if (progress.refused === 0) return;
    throw new AgentError(
      this.#options.codes.rejected,
      `${this.#options.endpoint} refused ${progress.refused} of ${batch.records.length} records ` +
        `with status ${progress.refusedStatus}`,
    );
  }

  /** As few requests as the limits allow, one after another; halves what is too large. */
  async #sendParts(records: readonly LogRecord[], progress: Progress): Promise<void> {
    let size = this.#options.recordsMax;
    while (progress.next < records.length) {
      // The array itself where that is all, because its encoding may be known.
      const isWhole = progress.next === 0 && records.length <= size;
      const part = isWhole ? records : records.slice(progress.next, progress.next + size);
      const outcome = await this.#sendUntilAnswered(part);
      if (outcome.kind === "permanent" && outcome.tooLarge === true && part.length > 1) {
        size = Math.ceil(part.length / 2);
        continue;
      }
      progress.next += part.length;
      this.#account(outcome, part.length, progress);
    }
  }

  #account(outcome: Answer, records: number, progress: Progress): void {
    if (outcome.kind === "permanent") {
      progress.refused += records;
      progress.refusedStatus = outcome.status;
      this.#options.refusedCounter.add(records);
      this.#state.refused(outcome.status, records);
      return;
    }
    this.#state.works();
    if (outcome.rejectedRecords === 0) return;
    const refused = Math.min(outcome.rejectedRecords, records);
    this.#options.refusedCounter.add(refused);
    this.#options.settings.logger.warn(
      "the backend took a request but refused some of its records",
      {
        endpoint: this.#options.endpoint,
        refused,
        records,
      },
    );
  }

  /** Tries again while that can help. Rejects when it gives up or the agent stops. */
  async #sendUntilAnswered(records: readonly LogRecord[]): Promise<Answer> {
    const { clock, random } = this.#options.settings;
    const backoff = new Backoff(this.#options.retry, random, clock.nowMs());
    for (;;) {
      if (this.#cut.signal.aborted) throw this.#shuttingDown();
      const outcome = await this.#options.attempt(records, this.#cut.signal);
      if (outcome.kind !== "retryable") return outcome;
      // Each takes one closed connection out of the pool, so this ends.
      if (outcome.staleConnection && !this.#cut.signal.aborted) continue;
      if (this.#cut.signal.aborted) throw this.#shuttingDown();
      this.#state.unreachable(outcome.reason);
      if (this.#stopping.signal.aborted) throw this.#shuttingDown();
      const waitMs = backoff.nextMs(clock.nowMs(), outcome.retryAfterMs);
      if (waitMs === undefined) throw this.#unreachable(outcome);
      await this.#wait(waitMs);
      if (this.#stopping.signal.aborted) throw this.#shuttingDown();
    }
  }

  /** Waits `delayMs`, or less when the agent stops. */
  async #wait(delayMs: number): Promise<void> {
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    const onStop = (): void => wake();
    const cancel = this.#options.settings.clock.setTimer(delayMs, wake);
    this.#stopping.signal.addEventListener("abort", onStop, { once: true });
    await promise;
    cancel();
    this.#stopping.signal.removeEventListener("abort", onStop);
  }

  #unreachable(outcome: Outcome & { kind: "retryable" }): AgentError {
    return new AgentError(
      this.#options.codes.unreachable,
      `${this.#options.endpoint} takes no records (${outcome.reason})`,
      outcome.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.retryAfterMs },
    );
  }

  #shuttingDown(): AgentError {
    return new AgentError(
      "pipeline.shutting_down",
      `${this.#options.endpoint} did not take the records`,
    );
  }
}

type Answer = Exclude<Outcome, { kind: "retryable" }>;
