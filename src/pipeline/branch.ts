/**
 * One way out of a fan-out: delivers each batch to its consumer, again and again while the refusal
 * is retryable, so that the other branches never see the same batch twice.
 *
 * Invariant: a call settles only when the consumer took the batch, refused it for good, or the agent
 * stops. A branch that makes its senders wait says so: {@link Branch.pendingMs} for the metric, and
 * the graph's watch for the log.
 */
import type { LogsConsumer } from "../component/component.ts";
import { AgentError, isPermanent } from "../component/errors.ts";
import type { Clock } from "../component/settings.ts";
import type { LogBatch } from "../data/log_batch.ts";

export const RETRY_INITIAL_MS = 500;
export const RETRY_MAX_MS = 30_000;

export class Branch implements LogsConsumer {
  /** What the branch leads to, as shown in metrics and logs. */
  readonly name: string;
  readonly #next: LogsConsumer;
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  /** Start times of the calls under way, oldest first (a Set keeps insertion order). */
  readonly #pending = new Set<{ readonly sinceMs: number }>();
  #lastError: unknown;
  /** While a refused batch waits for its next try, later ones queue behind it to keep the order. */
  #blocked: Promise<void> | undefined;

  constructor(name: string, next: LogsConsumer, clock: Clock, stop: AbortSignal) {
    this.name = name;
    this.#next = next;
    this.#clock = clock;
    this.#stop = stop;
  }

  /** Age of the oldest batch that is not delivered, in milliseconds; 0 when there is none. */
  get pendingMs(): number {
    for (const call of this.#pending) return Math.max(0, this.#clock.nowMs() - call.sinceMs);
    return 0;
  }

  /** The refusal that is being retried, if any. */
  get lastError(): unknown {
    return this.#lastError;
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    const call = { sinceMs: this.#clock.nowMs() };
    this.#pending.add(call);
    try {
      while (this.#blocked !== undefined) await this.#blocked;
      await this.#deliver(batch);
    } finally {
      this.#pending.delete(call);
    }
  }

  async #deliver(batch: LogBatch): Promise<void> {
    let unblock: (() => void) | undefined;
    let delayMs = RETRY_INITIAL_MS;
    try {
      for (;;) {
        this.#throwIfStopping();
        try {
          await this.#next.consumeLogs(batch);
          this.#lastError = undefined;
          return;
        } catch (error) {
          if (isPermanent(error)) throw error;
          this.#lastError = error;
          if (unblock === undefined && this.#blocked === undefined) {
            const gate = Promise.withResolvers<void>();
            this.#blocked = gate.promise;
            unblock = gate.resolve;
          }
          await this.#wait(retryAfterMs(error) ?? delayMs);
          delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
        }
      }
    } finally {
      if (unblock !== undefined) {
        this.#blocked = undefined;
        unblock();
      }
    }
  }

  #throwIfStopping(): void {
    if (this.#stop.aborted) {
      throw new AgentError("pipeline.shutting_down", `${this.name} is stopping`);
    }
  }

  /** Waits `delayMs`, or less when the agent stops. */
  async #wait(delayMs: number): Promise<void> {
    if (this.#stop.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const cancel = this.#clock.setTimer(delayMs, wake);
    this.#stop.addEventListener("abort", wake, { once: true });
    await promise;
    cancel();
    this.#stop.removeEventListener("abort", wake);
  }
}

function retryAfterMs(error: unknown): number | undefined {
  return error instanceof AgentError ? error.retryAfterMs : undefined;
}
