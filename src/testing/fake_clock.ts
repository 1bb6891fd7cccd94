/** A clock that stands still until a test moves it, so that no test sleeps. */
import type { CancelTimer, Clock } from "../component/settings.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  nowUnixNano(): bigint {
    return BigInt(this.#nowMs) * 1_000_000n;
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait, for assertions that nothing was left behind. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves the time and runs what comes due, in order of time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers]
        .filter((timer) => timer.dueMs <= endMs)
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = endMs;
  }

  /** Moves only the wall clock, as an administrator or NTP does; timers do not notice. */
  step(ms: number): void {
    this.#nowMs += ms;
  }
}
