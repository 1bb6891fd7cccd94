/**
 * Keeps a storm of identical messages from flooding the log, as the Collector's sampling does: of
 * equal messages in one tick, the first few are shown and then every n-th.
 *
 * Invariant: what was held back is counted, and the next message of its kind that is shown says so.
 */
export interface LogSampling {
  readonly tickMs: number;
  /** Equal messages that are shown in each tick. */
  readonly initial: number;
  /** After those, one in this many is shown; 0 shows none. */
  readonly thereafter: number;
}

/** Messages are constants of the code; a bound all the same, for ids and paths inside of them. */
const KEYS_MAX = 4096;

interface Tally {
  tickEndMs: number;
  seen: number;
  heldBack: number;
}

export class LogSampler {
  readonly #sampling: LogSampling;
  readonly #tallies = new Map<string, Tally>();

  constructor(sampling: LogSampling) {
    this.#sampling = sampling;
  }

  /** How many like it were held back before; undefined when this one is held back itself. */
  admit(key: string, nowMs: number): number | undefined {
    const { tickMs, initial, thereafter } = this.#sampling;
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      if (this.#tallies.size >= KEYS_MAX) this.#tallies.clear();
      tally = { tickEndMs: nowMs + tickMs, seen: 0, heldBack: 0 };
      this.#tallies.set(key, tally);
    } else if (nowMs >= tally.tickEndMs) {
      tally.tickEndMs = nowMs + tickMs;
      tally.seen = 0;
    }
    tally.seen += 1;
    const late = tally.seen - initial;
    if (late > 0 && (thereafter === 0 || late % thereafter !== 0)) {
      tally.heldBack += 1;
      return undefined;
    }
    const heldBack = tally.heldBack;
    tally.heldBack = 0;
    return heldBack;
  }
}
