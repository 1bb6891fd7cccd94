/**
 * Sends batches to an OpenTelemetry backend over OTLP/HTTP.
 *
 * Invariant: a batch is acknowledged when the backend answered for every record of it; until then
 * it stays with whoever handed it in. There is no queue in memory that a crash could lose.
 */
import type { Agent } from "node:http";
import type { Counter } from "@opentelemetry/api";
import type { Exporter } from "../../src/component/component.ts";
import { AgentError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Outcome } from "./attempt.ts";
import { Attempt } from "./attempt.ts";
import { BackendState } from "./backend_state.ts";
import { Backoff } from "./backoff.ts";
import type { Config } from "./config.ts";
import { logsUrl } from "./config.ts";
import { OfficialExporters } from "./official.ts";
import { Slots } from "./slots.ts";
import { createAgent } from "./tls.ts";

const STATUS_TOO_LARGE = 413;

/** How far a batch came, kept while the pipeline offers it again. */
interface Progress {
  /** Index of the first record without an answer. */
  next: number;
  refused: number;
  refusedStatus: number;
}

export class OtlpHttpExporter implements Exporter {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #url: string;
  readonly #endpoint: string;
  readonly #slots: Slots;
  readonly #state: BackendState;
  readonly #refusedCounter: Counter;
  readonly #progress = new WeakMap<LogBatch, Progress>();
  /** Calls under way, to be waited for at the end. */
  readonly #calls = new Set<Promise<void>>();
  /** No more waiting between attempts. */
  readonly #stopping = new AbortController();
  /** No more waiting for answers. */
  readonly #cut = new AbortController();
  #official: OfficialExporters | undefined;
  #agent: Agent | undefined;

  constructor(config: Config, settings: Settings) {
    this.#config = config;
    this.#settings = settings;
    this.#url = logsUrl(config);
    // A query may hold a token, so it is never shown.
    const { origin, pathname } = new URL(this.#url);
    this.#endpoint = origin + pathname;
    this.#slots = new Slots(this.#requestsMax);
    this.#state = new BackendState(settings, this.#endpoint);
    this.#refusedCounter = settings.meter.createCounter("vouchsafe_otlp_http_refused_log_records", {
      description: "Log records that the backend refused for good, alone or in a whole request.",
    });
  }

  async start(): Promise<void> {
    const { tls, encoding, compression, timeout, headers } = this.#config;
    this.#agent = await createAgent(this.#url, tls, this.#requestsMax);
    this.#official = new OfficialExporters({
      url: this.#url,
      encoding,
      compression,
      timeoutMs: timeout,
      agent: this.#agent,
      headers: async () => {
        Attempt.begin();
        return Object.fromEntries(headers.map(([name, secret]) => [name, secret.reveal()]));
      },
    });
    if (tls.insecure_skip_verify) {
      this.#settings.logger.warn("the backend's certificate is not checked", {
        endpoint: this.#endpoint,
      });
    }
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
    this.#agent?.destroy();
  }

  get #requestsMax(): number {
    const { enabled, num_consumers: requests } = this.#config.sending_queue;
    return enabled ? requests : 1;
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
    const progress = this.#progress.get(batch) ?? { next: 0, refused: 0, refusedStatus: 0 };
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
      "otlp_http.rejected",
      `${this.#endpoint} refused ${progress.refused} of ${batch.records.length} records ` +
        `with status ${progress.refusedStatus}`,
    );
  }

  /** As few requests as the limits allow, one after another; halves what is too large. */
  async #sendParts(records: readonly LogRecord[], progress: Progress): Promise<void> {
    let size = this.#config.max_request_records;
    while (progress.next < records.length) {
      // The array itself where that is all, because its encoding may be known.
      const isWhole = progress.next === 0 && records.length <= size;
      const part = isWhole ? records : records.slice(progress.next, progress.next + size);
      const outcome = await this.#sendUntilAnswered(part);
      if (outcome.kind === "permanent" && outcome.status === STATUS_TOO_LARGE && part.length > 1) {
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
      this.#refusedCounter.add(records);
      this.#state.refused(outcome.status, records);
      return;
    }
    this.#state.works();
    if (outcome.rejectedRecords === 0) return;
    const refused = Math.min(outcome.rejectedRecords, records);
    this.#refusedCounter.add(refused);
    this.#settings.logger.warn("the backend took a request but refused some of its records", {
      endpoint: this.#endpoint,
      refused,
      records,
    });
  }

  /** Tries again while that can help. Rejects when it gives up or the agent stops. */
  async #sendUntilAnswered(records: readonly LogRecord[]): Promise<Answer> {
    const { clock, random } = this.#settings;
    const backoff = new Backoff(this.#config.retry_on_failure, random, clock.nowMs());
    for (;;) {
      if (this.#cut.signal.aborted) throw this.#shuttingDown();
      const outcome = await this.#attempt(records);
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

  #attempt(records: readonly LogRecord[]): Promise<Outcome> {
    const official = this.#official;
    if (official === undefined) throw new Error("consumeLogs before start");
    return Attempt.run((done) => official.export(records, done), {
      clock: this.#settings.clock,
      timeoutMs: this.#config.timeout,
      stop: this.#cut.signal,
    });
  }

  /** Waits `delayMs`, or less when the agent stops. */
  async #wait(delayMs: number): Promise<void> {
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    const onStop = (): void => wake();
    const cancel = this.#settings.clock.setTimer(delayMs, wake);
    this.#stopping.signal.addEventListener("abort", onStop, { once: true });
    await promise;
    cancel();
    this.#stopping.signal.removeEventListener("abort", onStop);
  }

  #unreachable(outcome: Outcome & { kind: "retryable" }): AgentError {
    return new AgentError(
      "otlp_http.unreachable",
      `${this.#endpoint} takes no records (${outcome.reason})`,
      outcome.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.retryAfterMs },
    );
  }

  #shuttingDown(): AgentError {
    return new AgentError("pipeline.shutting_down", `${this.#endpoint} did not take the records`);
  }
}

type Answer = Exclude<Outcome, { kind: "retryable" }>;
