/**
 * The way of one source's batches to the pipelines.
 *
 * Invariant: batches are handed on in order, several at a time; the acknowledged position is the
 * end of the longest prefix of them that was accepted (or refused for good, which is counted). A
 * batch that is refused for the moment is offered again, and so is everything behind it that is not
 * yet accepted, in order.
 */
import type { LogsConsumer } from "../../component/component.ts";
import { AgentError, describeError, isPermanent } from "../../component/errors.ts";
import type { CancelTimer, Clock } from "../../component/settings.ts";
import type { LogBatch } from "../../data/log_batch.ts";

export interface DeliveryEnvironment {
  readonly next: LogsConsumer;
  readonly clock: Clock;
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  /** A batch is off our hands: its bytes may be read by others. */
  readonly released: (bytes: number) => void;
  readonly refused: (records: number, error: string) => void;
}

interface Pending<Place> {
  /** Undefined for a stretch of the source that gave no records. */
  readonly batch: LogBatch | undefined;
  readonly bytes: number;
  /** Where reading may begin again once this batch is acknowledged. */
  readonly resume: Place;
  state: "waiting" | "sent" | "done";
}

/** `Place` is where reading of the source may begin again. */
export class Delivery<Place> {
  readonly #environment: DeliveryEnvironment;
  readonly #acknowledged: (resume: Place) => void;
  /** Everything not yet acknowledged, in order. */
  readonly #pending: Pending<Place>[] = [];
  #sent = 0;
  /** A batch was refused for the moment: nothing is handed on until it is offered again. */
  #refused = false;
  #delayMs: number;
  #askedDelayMs = 0;
  #cancelRetry: CancelTimer | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #stopped = false;

  constructor(environment: DeliveryEnvironment, acknowledged: (resume: Place) => void) {
    this.#environment = environment;
    this.#acknowledged = acknowledged;
    this.#delayMs = environment.retryInitialMs;
  }

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }

  /** Hands on a batch. `bytes` were taken from the budget and are given back when it is settled. */
  deliver(batch: LogBatch | undefined, bytes: number, resume: Place): void {
    const pending: Pending<Place> = {
      batch,
      bytes,
      resume,
      state: batch === undefined ? "done" : "waiting",
    };
    this.#pending.push(pending);
    if (batch === undefined) this.#advance();
    else if (!this.#refused) this.#send(pending, batch);
  }

  /** Resolves when everything is acknowledged, or after `stop`. */
  async whenIdle(): Promise<void> {
    if (this.isIdle || this.#stopped) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** No more tries; what is not accepted stays unacknowledged. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#idle?.resolve();
  }

  #send(pending: Pending<Place>, batch: LogBatch): void {
    pending.state = "sent";
    this.#sent++;
    this.#environment.next.consumeLogs(batch).then(
      () => this.#settle(pending, true),
      (error: unknown) => this.#fail(pending, batch, error),
    );
  }

  #fail(pending: Pending<Place>, batch: LogBatch, error: unknown): void {
    if (isPermanent(error)) {
      this.#environment.refused(batch.records.length, describeError(error));
      this.#settle(pending, true);
      return;
    }
    this.#refused = true;
    const askedMs = error instanceof AgentError ? (error.retryAfterMs ?? 0) : 0;
    this.#askedDelayMs = Math.max(this.#askedDelayMs, askedMs);
    this.#settle(pending, false);
  }

  #settle(pending: Pending<Place>, accepted: boolean): void {
    this.#sent--;
    pending.state = accepted ? "done" : "waiting";
    if (accepted && !this.#refused) this.#delayMs = this.#environment.retryInitialMs;
    this.#advance();
    // Only when nothing is under way is it known what has to be offered again.
    if (this.#refused && this.#sent === 0 && !this.#stopped) this.#scheduleRetry();
  }

  #scheduleRetry(): void {
    const delayMs = Math.max(this.#delayMs, this.#askedDelayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, this.#environment.retryMaxMs);
    this.#askedDelayMs = 0;
    this.#cancelRetry = this.#environment.clock.setTimer(delayMs, () => {
      this.#refused = false;
      for (const pending of [...this.#pending]) {
        if (pending.state === "waiting" && pending.batch !== undefined) {
          this.#send(pending, pending.batch);
        }
      }
    });
  }

  #advance(): void {
    let bytes = 0;
    let last: Pending<Place> | undefined;
    let count = 0;
    for (const pending of this.#pending) {
      if (pending.state !== "done") break;
      last = pending;
      bytes += pending.bytes;
      count++;
    }
    if (last === undefined) return;
    this.#pending.splice(0, count);
    this.#acknowledged(last.resume);
    this.#environment.released(bytes);
    if (this.isIdle) this.#idle?.resolve();
    if (this.isIdle) this.#idle = undefined;
  }
}
