/**
 * Sequences that the running agent may issue without touching the disk.
 *
 * Invariant: no sequence is issued beyond `reserved_until` of the durable state, and that is never
 * more than {@link UNACKNOWLEDGED_MAX} ahead of what was delivered. It is renewed ahead of time, so
 * issuing waits only for a disk that is slow, or for exporters that are.
 */
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import type { StoredChain } from "./chain_state.ts";
import { writeChainState } from "./chain_state.ts";
import type { DeliveryLog } from "./delivery_log.ts";

export const RESERVATION_STEP = 65_536;
export const UNACKNOWLEDGED_MAX = 4 * RESERVATION_STEP;
/** How old the delivered sequence in the state may be while records flow. */
export const REFRESH_INTERVAL_MS = 1000;

const RENEW_BELOW = RESERVATION_STEP / 2;

export class Reservation {
  readonly #directory: string;
  readonly #settings: Settings;
  readonly #log: DeliveryLog;
  /** The delivered sequence on which the first reservation of this run is based. */
  readonly #base: number;
  #stored: StoredChain;
  /** Writes are made one after another; this is the last one. */
  #lastWrite: Promise<void> = Promise.resolve();
  #writing = false;
  #failed = false;
  #nextSequence: number;
  #cancelTimer: CancelTimer | undefined;
  #progress = Promise.withResolvers<void>();
  #closed = false;

  constructor(directory: string, stored: StoredChain, log: DeliveryLog, settings: Settings) {
    this.#directory = directory;
    this.#stored = stored;
    this.#log = log;
    this.#settings = settings;
    this.#base = stored.state.reserved_until - 1;
    this.#nextSequence = stored.state.reserved_until;
  }

  /** True when all sequences before `end` may be issued. */
  covers(end: number): boolean {
    return end <= this.#stored.state.reserved_until;
  }

  /**
   * Waits until all sequences before `end` may be issued. Throws `hmac_chain.state_unwritable`, or
   * `pipeline.shutting_down` when the agent stops first.
   */
  async reserve(end: number): Promise<void> {
    while (!this.covers(end)) {
      if (this.#closed) throw new AgentError("pipeline.shutting_down", "the chain is stopping");
      if (this.#limit() < end) await this.#progress.promise;
      else await this.#write(end + RESERVATION_STEP);
    }
  }

  /** Renews ahead of time, and sees to it that what was delivered becomes durable. */
  touch(nextSequence: number): void {
    this.#nextSequence = nextSequence;
    if (this.#isLow() && !this.#writing && !this.#failed && !this.#closed) {
      this.#writeInBackground();
    }
    this.#armTimer();
  }

  /** Lets those who wait for exporters look again. */
  settled(): void {
    this.#progress.resolve();
    this.#progress = Promise.withResolvers();
  }

  /** Refuses those who wait. */
  stop(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.settled();
  }

  /** The last write of the run: what follows `nextSequence` was not issued. */
  async finish(nextSequence: number): Promise<void> {
    this.stop();
    await this.#lastWrite;
    await this.#store(nextSequence);
  }

  #limit(): number {
    return Math.max(this.#log.acknowledged.sequence, this.#base) + 1 + UNACKNOWLEDGED_MAX;
  }

  #isLow(): boolean {
    const { reserved_until } = this.#stored.state;
    return reserved_until - this.#nextSequence < RENEW_BELOW && this.#limit() > reserved_until;
  }

  #armTimer(): void {
    if (this.#closed) return;
    this.#cancelTimer ??= this.#settings.clock.setTimer(REFRESH_INTERVAL_MS, () => {
      this.#cancelTimer = undefined;
      const stored = this.#stored.state.acknowledged.sequence;
      const stale = stored !== this.#log.acknowledged.sequence;
      if (stale || this.#failed || this.#isLow()) this.#writeInBackground();
    });
  }

  #writeInBackground(): void {
    const wanted = this.#isLow() ? this.#nextSequence + RESERVATION_STEP : 0;
    // The error was reported; the timer tries again, and so does whoever needs the room.
    this.#write(wanted).catch(() => this.#armTimer());
  }

  /** Stores the state with at least the reservation that there is. */
  #write(reservedUntil: number): Promise<void> {
    const write = this.#lastWrite.then(async () => {
      this.#writing = true;
      try {
        const known = this.#stored.state.reserved_until;
        await this.#store(Math.max(known, Math.min(reservedUntil, this.#limit())));
        this.#report(undefined);
      } catch (error) {
        this.#report(error);
        throw error;
      } finally {
        this.#writing = false;
      }
    });
    this.#lastWrite = write.catch(() => {});
    return write;
  }

  async #store(reservedUntil: number): Promise<void> {
    const state = {
      ...this.#stored.state,
      reserved_until: reservedUntil,
      acknowledged: this.#log.acknowledged,
      undelivered: [...this.#log.undelivered],
    };
    const stored = { state, nextRunKey: this.#stored.nextRunKey };
    await writeChainState(this.#directory, stored);
    this.#stored = stored;
  }

  #report(error: unknown): void {
    const failed = error !== undefined;
    if (failed === this.#failed) return;
    this.#failed = failed;
    if (failed) {
      const reason = describeError(error);
      this.#settings.reportStatus("degraded", reason);
      this.#settings.logger.error("the chain's state cannot be written", { reason });
    } else {
      this.#settings.reportStatus("ok");
      this.#settings.logger.info("the chain's state can be written again");
    }
  }
}
