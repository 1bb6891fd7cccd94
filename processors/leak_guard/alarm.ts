/**
 * Tells people about a leak: in the log at once and then at most once a minute for each kind, and in
 * the health until nothing has leaked for a while.
 *
 * Invariant: remembers at most {@link KINDS_MAX} kinds a minute, and tells none of the content.
 */
import type { CancelTimer, LogAttributes, Settings } from "../../src/component/settings.ts";

const MINUTE_MS = 60_000;
const KINDS_MAX = 100;

export class Alarm {
  readonly #settings: Settings;
  readonly #durationMs: number;
  readonly #told = new Set<string>();
  #minute = Number.NaN;
  #cancel: CancelTimer = () => {};

  constructor(settings: Settings, durationMs: number) {
    this.#settings = settings;
    this.#durationMs = durationMs;
  }

  /** `kind` is told in the health, for example `email in attributes`. */
  raise(message: string, kind: string, attributes: LogAttributes): void {
    const { clock, logger, reportStatus } = this.#settings;
    this.#cancel();
    this.#cancel = clock.setTimer(this.#durationMs, () => reportStatus("ok"));
    reportStatus("degraded", `${message}: ${kind}`);
    const minute = Math.floor(clock.nowMs() / MINUTE_MS);
    if (minute !== this.#minute) this.#told.clear();
    this.#minute = minute;
    if (this.#told.has(kind) || this.#told.size >= KINDS_MAX) return;
    this.#told.add(kind);
    logger.error(`${message}: ${kind}`, attributes);
  }

  stop(): void {
    this.#cancel();
  }
}
