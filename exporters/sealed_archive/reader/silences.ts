/**
 * Finds when a running agent said nothing for longer than it undertook.
 *
 * That is no tampering by itself: a machine that sleeps, a process that is stopped for a while and a
 * clock that is set forward look the same. It is for people to explain. Between the last entry of a
 * run and the `restart` of the next no agent ran, so that is no silence.
 */
import type { Entry } from "../format/entry.ts";

export interface Silence {
  /** Index of the entry that ended it. */
  readonly entry: number;
  readonly fromMs: number;
  readonly toMs: number;
}

const SILENCES_MAX = 1000;
/** A busy machine is late, and a tick behind it, too. */
const SLACK_MS = 60_000;

export class Silences {
  readonly found: Silence[] = [];
  #heartbeatMs = Number.POSITIVE_INFINITY;
  #latestMs = 0;

  take(entry: Entry, index: number): void {
    const isFirst = entry.type === "genesis" || entry.type === "restart";
    const isLate = entry.at - this.#latestMs > 2 * this.#heartbeatMs + SLACK_MS;
    if (!isFirst && isLate && this.found.length < SILENCES_MAX) {
      this.found.push({ entry: index, fromMs: this.#latestMs, toMs: entry.at });
    }
    if (isFirst) this.#heartbeatMs = entry.intervals.heartbeat_ms;
    this.#latestMs = entry.at;
  }
}
