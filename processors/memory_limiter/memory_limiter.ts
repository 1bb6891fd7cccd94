/**
 * Refuses records for a while when the agent uses too much memory.
 *
 * Invariant: a refusal is retryable, so nothing is lost by it: receivers wait and read on, or ask
 * their clients to, when memory is free again.
 */
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { AgentError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { Config } from "./config.ts";
import type { Memory } from "./process_memory.ts";

const MIB = 1024 * 1024;
/** The Collector's default of `spike_limit_mib`. */
const SPIKE_SHARE = 0.2;

export class MemoryLimiter implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #memory: Memory;
  readonly #hardBytes: number;
  readonly #softBytes: number;
  readonly #refused;
  #collectedAtMs = Number.NEGATIVE_INFINITY;
  #refusing = false;
  #cancelTimer: CancelTimer = () => {};

  constructor(config: Config, settings: Settings, next: LogsConsumer, memory: Memory) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#memory = memory;
    const share = memory.totalBytes() / 100;
    const { limit_mib: mib, limit_percentage: percent } = config;
    this.#hardBytes = mib > 0 ? mib * MIB : percent * share;
    const spike = mib > 0 ? config.spike_limit_mib * MIB : config.spike_limit_percentage * share;
    this.#softBytes = this.#hardBytes - (spike || this.#hardBytes * SPIKE_SHARE);
    this.#refused = settings.meter.createCounter("otelcol_processor_refused_log_records", {
      description: "Log records that were refused for want of memory; they are offered again.",
    });
  }

  async start(): Promise<void> {
    this.#check();
  }

  async shutdown(): Promise<void> {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#refusing = false;
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    if (!this.#refusing) return this.#next.consumeLogs(batch);
    this.#refused.add(batch.records.length);
    throw new AgentError("memory_limiter.refused", "the agent uses too much memory", {
      retryAfterMs: this.#config.check_interval,
    });
  }

  #check(): void {
    let usedBytes = this.#memory.usedBytes();
    if (usedBytes > this.#softBytes && this.#mayCollect(usedBytes)) {
      this.#memory.collect();
      this.#collectedAtMs = this.#settings.clock.nowMs();
      usedBytes = this.#memory.usedBytes();
    }
    this.#decide(usedBytes > this.#softBytes, usedBytes);
    this.#cancelTimer = this.#settings.clock.setTimer(this.#config.check_interval, () =>
      this.#check(),
    );
  }

  #mayCollect(usedBytes: number): boolean {
    const config = this.#config;
    const intervalMs =
      usedBytes > this.#hardBytes
        ? config.min_gc_interval_when_hard_limited
        : config.min_gc_interval_when_soft_limited;
    const sinceMs = this.#settings.clock.nowMs() - this.#collectedAtMs;
    // A clock that was set back must not forbid it.
    return sinceMs >= intervalMs || sinceMs < 0;
  }

  #decide(refusing: boolean, usedBytes: number): void {
    if (refusing === this.#refusing) return;
    this.#refusing = refusing;
    const attributes = {
      used_mib: Math.round(usedBytes / MIB),
      limit_mib: Math.round(this.#softBytes / MIB),
    };
    const { logger } = this.#settings;
    if (refusing) logger.warn("memory is short; records wait", attributes);
    else logger.info("memory is free again", attributes);
    this.#settings.reportStatus(
      refusing ? "degraded" : "ok",
      refusing ? "short of memory" : undefined,
    );
  }
}
