/**
 * Waits between attempts: exponential with jitter, as `retry_on_failure` of the Collector.
 *
 * Invariant: a wait is never shorter than what the backend asked for, up to {@link
 * RETRY_AFTER_MAX_MS}; a backend that asks for years cannot stop the agent for years.
 */
import type { RandomSource } from "../../component/settings.ts";
import type { RetryOnFailure } from "./config.ts";

export const RETRY_AFTER_MAX_MS = 3_600_000;

export class Backoff {
  readonly #config: RetryOnFailure;
  readonly #random: RandomSource;
  readonly #startMs: number;
  #intervalMs: number;

  constructor(config: RetryOnFailure, random: RandomSource, nowMs: number) {
    this.#config = config;
    this.#random = random;
    this.#startMs = nowMs;
    this.#intervalMs = config.initial_interval;
  }

  /** How long to wait before the next attempt; undefined: give up. */
  nextMs(nowMs: number, retryAfterMs: number | undefined): number | undefined {
    const config = this.#config;
    if (!config.enabled) return undefined;
    const spread = config.randomization_factor * (2 * randomUnit(this.#random) - 1);
    const waitMs = Math.max(this.#intervalMs * (1 + spread), retryAfterMs ?? 0);
    this.#intervalMs = Math.min(this.#intervalMs * config.multiplier, config.max_interval);
    const elapsedMs = nowMs - this.#startMs + waitMs;
    if (config.max_elapsed_time > 0 && elapsedMs > config.max_elapsed_time) return undefined;
    return waitMs;
  }
}

/**
 * The `Retry-After` header (RFC 9110 section 10.2.3), seconds or a date, in milliseconds from now.
 * Undefined when it is missing or cannot be read.
 */
export function parseRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), RETRY_AFTER_MAX_MS);
}

/** Uniform in [0, 1). */
function randomUnit(random: RandomSource): number {
  const bytes = new Uint8Array(4);
  random(bytes);
  return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
}
