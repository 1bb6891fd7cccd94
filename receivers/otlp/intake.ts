/**
 * From the body of a request to its answer, the same for HTTP and gRPC.
 *
 * Invariant: an answer of success is given only after `next.consumeLogs` resolved. One body is in
 * the pipeline at most once at a time, and a body that was taken is not handed on again before its
 * client was told so: a client that retries gets the answer that it missed. Its source id is the
 * same in every try, also after a crash, so that the archive can drop what it sealed already.
 */
import { hash } from "node:crypto";
import type { LogsConsumer } from "../../src/component/component.ts";
import { AgentError } from "../../src/component/errors.ts";
import type { Clock } from "../../src/component/settings.ts";
import type { DecodedLogs } from "../../src/otlp/limits.ts";
import type { Outcome } from "./delivery_ledger.ts";
import { DeliveryLedger } from "./delivery_ledger.ts";
import type { Reservation } from "./in_flight.ts";

export interface Receipt {
  readonly outcome: Outcome;
  /** To be called when the answer was handed to the network. */
  readonly answerSent: () => void;
}

export class Intake {
  readonly #next: LogsConsumer;
  readonly #clock: Clock;
  readonly #acknowledgeTimeoutMs: number;
  readonly #ledger = new DeliveryLedger();
  /** Deliveries under way, by the hash of their body. */
  readonly #deliveries = new Map<string, Promise<Outcome>>();
  #stopping = false;

  constructor(next: LogsConsumer, clock: Clock, acknowledgeTimeoutMs: number) {
    this.#next = next;
    this.#clock = clock;
    this.#acknowledgeTimeoutMs = acknowledgeTimeoutMs;
  }

  /**
   * Hands the records of `body` on and waits until they are taken.
   * @throws AgentError of `decode` or of the pipeline; `otlp.not_acknowledged` when it takes too
   *   long, while the delivery goes on.
   */
  async take(
    body: Uint8Array,
    decode: (body: Uint8Array) => DecodedLogs,
    reservation: Reservation,
  ): Promise<Receipt> {
    if (this.#stopping) {
      throw new AgentError("pipeline.shutting_down", "the agent is stopping");
    }
    const key = hash("sha256", body, "hex");
    const receipt = (outcome: Outcome): Receipt => ({
      outcome,
      answerSent: () => this.#ledger.answerSent(key, outcome),
    });

    let delivery = this.#deliveries.get(key);
    if (delivery === undefined) {
      const missed = this.#ledger.unanswered(key);
      if (missed !== undefined) return receipt(missed);
      const decoded = decode(body);
      if (decoded.records.length === 0) return receipt(outcomeOf(decoded));
      delivery = this.#deliver(key, decoded);
      reservation.holdUntil(delivery);
    }
    return receipt(await this.#beforeTimeout(delivery));
  }

  /** Refuses what comes from now on, and waits for what is under way, at most until `deadline`. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping = true;
    const { promise: tooLate, resolve } = Promise.withResolvers<void>();
    const stopWaiting = (): void => resolve();
    deadline.addEventListener("abort", stopWaiting, { once: true });
    if (deadline.aborted) stopWaiting();
    await Promise.race([Promise.allSettled(this.#deliveries.values()), tooLate]);
    deadline.removeEventListener("abort", stopWaiting);
  }

  async #deliver(key: string, decoded: DecodedLogs): Promise<Outcome> {
    const { records } = decoded;
    const delivery = this.#next.consumeLogs({
      records,
      source: {
        id: `otlp:${key}:${this.#ledger.answered(key)}`,
        positions: records.map((_, index) => index + 1),
      },
    });
    const outcome = outcomeOf(decoded);
    const settled = delivery
      .then(() => {
        this.#ledger.taken(key, outcome);
        return outcome;
      })
      .finally(() => this.#deliveries.delete(key));
    this.#deliveries.set(key, settled);
    return settled;
  }

  async #beforeTimeout(delivery: Promise<Outcome>): Promise<Outcome> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.setTimer(this.#acknowledgeTimeoutMs, () => {
      const problem = `not delivered within ${this.#acknowledgeTimeoutMs} ms; try again`;
      reject(new AgentError("otlp.not_acknowledged", problem));
    });
    try {
      return await Promise.race([delivery, timeout]);
    } finally {
      cancel();
    }
  }
}

function outcomeOf(decoded: DecodedLogs): Outcome {
  return { rejectedRecords: decoded.rejectedRecords, message: decoded.rejectedReason };
}
