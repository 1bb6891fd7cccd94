/**
 * Hands finished batches on, in order, one at a time, until the next component takes them.
 *
 * Invariant: a batch leaves the outbox only when it was taken or refused for good; a retryable
 * refusal is tried again with a growing pause. What is still here at shutdown is in the ledger and
 * comes again.
 */
import type { LogsConsumer } from "../../src/component/component.ts";
import { describeError, isPermanent } from "../../src/component/errors.ts";
import type { Clock, ComponentLogger } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";

const RETRY_INITIAL_MS = 1000;
const RETRY_MAX_MS = 60_000;

export interface Outgoing {
  readonly batch: LogBatch;
  /** Called once the batch was taken or refused for good. */
  done(): Promise<void>;
}

export interface OutboxOptions {
  readonly next: LogsConsumer;
  readonly clock: Clock;
  readonly logger: ComponentLogger;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #queue: Outgoing[] = [];
  #working: Promise<void> | undefined;
  #stopping = false;
  #wake: () => void = () => {};

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#queue.length;
  }

  push(outgoing: readonly Outgoing[]): void {
    this.#queue.push(...outgoing);
    if (this.#queue.length > 0) this.#working ??= this.#work();
  }

  /** Tries each batch once more; resolves when all are gone, one is refused, or time is up. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#stopping = true;
    this.#wake();
    if (this.#working === undefined || deadline.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timeUp = (): void => resolve();
    deadline.addEventListener("abort", timeUp, { once: true });
    await Promise.race([this.#working, promise]);
    deadline.removeEventListener("abort", timeUp);
    this.#queue.length = 0;
  }

  async #work(): Promise<void> {
    let delayMs = RETRY_INITIAL_MS;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (await this.#deliver(first)) {
        this.#queue.shift();
        delayMs = RETRY_INITIAL_MS;
        continue;
      }
      if (this.#stopping) break;
      await this.#pause(delayMs);
      delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
    }
    this.#working = undefined;
  }

  /** False: try again later. */
  async #deliver({ batch, done }: Outgoing): Promise<boolean> {
    const { next, logger } = this.#options;
    try {
      await next.consumeLogs(batch);
    } catch (error) {
      if (!isPermanent(error)) return false;
      logger.error("a release was refused and is lost", { error: describeError(error) });
    }
    try {
      await done();
    } catch (error) {
      logger.warn("a release may be handed on again after the next start", {
        error: describeError(error),
      });
    }
    return true;
  }

  async #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const cancel = this.#options.clock.setTimer(delayMs, resolve);
    await promise;
    cancel();
  }
}
