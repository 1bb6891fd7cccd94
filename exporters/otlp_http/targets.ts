/**
 * The backends of one exporter, and which of them is tried next.
 *
 * Invariant: every backend is tried before an attempt has failed. One that failed rests, so that the
 * others get its share, but where all rest all are tried.
 */
import type { Clock } from "../../src/component/settings.ts";

export class Targets<Target> {
  readonly #targets: readonly Target[];
  readonly #takesTurns: boolean;
  readonly #restMs: number;
  readonly #clock: Clock;
  readonly #restsUntilMs = new Map<Target, number>();
  #turn = 0;

  /** `restMs`: how long one that failed is left alone when it does not say so itself. */
  constructor(
    targets: readonly Target[],
    options: { readonly takesTurns: boolean; readonly restMs: number; readonly clock: Clock },
  ) {
    this.#targets = targets;
    this.#takesTurns = options.takesTurns;
    this.#restMs = options.restMs;
    this.#clock = options.clock;
  }

  /** In the order in which to try them. */
  order(): readonly Target[] {
    const first = this.#takesTurns ? this.#turn++ % this.#targets.length : 0;
    const inTurn = [...this.#targets.slice(first), ...this.#targets.slice(0, first)];
    const nowMs = this.#clock.nowMs();
    const rests = (target: Target): boolean => (this.#restsUntilMs.get(target) ?? 0) > nowMs;
    return [...inTurn.filter((target) => !rests(target)), ...inTurn.filter(rests)];
  }

  answered(target: Target): void {
    this.#restsUntilMs.delete(target);
  }

  failed(target: Target, retryAfterMs: number | undefined): void {
    this.#restsUntilMs.set(target, this.#clock.nowMs() + (retryAfterMs ?? this.#restMs));
  }
}
