/**
 * Bytes of requests that are not finished, over all connections and both protocols.
 *
 * Invariant: never more than the maximum. A request takes its bytes as they arrive (decompressed)
 * and gives them back when it was answered and its records are delivered or given up.
 */
import { AgentError } from "../../src/component/errors.ts";

export class InFlightBytes {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  open(): Reservation {
    let held = 0;
    let delivery: Promise<unknown> | undefined;
    const giveBack = (): void => {
      this.#bytes -= held;
      held = 0;
    };
    return {
      take: (size) => {
        if (this.#bytes + size > this.#bytesMax) {
          throw new AgentError(
            "otlp.overloaded",
            `more than ${this.#bytesMax} bytes of requests wait for delivery; try again later`,
          );
        }
        this.#bytes += size;
        held += size;
      },
      holdUntil: (promise) => {
        delivery = promise;
      },
      close: () => {
        if (delivery === undefined) giveBack();
        else delivery.then(giveBack, giveBack);
      },
    };
  }
}

/** What one request holds. */
export interface Reservation {
  /** @throws AgentError `otlp.overloaded` (retryable) when there is no room. */
  take(size: number): void;
  /** Keeps the bytes after {@link close} until the promise is settled. */
  holdUntil(delivery: Promise<unknown>): void;
  /** Called once, when the request was answered. */
  close(): void;
}
