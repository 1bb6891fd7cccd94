/**
 * Prints batches to standard output.
 *
 * Invariant: a batch is acknowledged when its text was taken by the operating system, so a slow
 * reader slows the pipeline down and nothing piles up in memory. When the reader goes away, records
 * are no longer printed, and this is said and counted; printing is no reason to stop a pipeline.
 */
import type { Writable } from "node:stream";
import type { Counter } from "@opentelemetry/api";
import type { Exporter } from "../../src/component/component.ts";
import { AgentError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { Config } from "./config.ts";
import { formatBasic, formatDetailed, formatNormal } from "./format.ts";

const FORMATS = { basic: formatBasic, normal: formatNormal, detailed: formatDetailed } as const;
const SAMPLING_TICK_MS = 1000;

export class DebugExporter implements Exporter {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #output: Writable;
  readonly #unprinted: Counter;
  readonly #stop = Promise.withResolvers<never>();
  /** Resolves when the batch that was handed in last is written. */
  #lastWrite: Promise<void> = Promise.resolve();
  #closed = false;
  #tickEndMs = 0;
  #seenInTick = 0;
  readonly #onOutputError = (): void => this.#close();

  constructor(config: Config, settings: Settings, output: Writable) {
    this.#config = config;
    this.#settings = settings;
    this.#output = output;
    this.#unprinted = settings.meter.createCounter("vouchsafe_debug_unprinted_log_records", {
      description: "Log records that were not printed because standard output is closed.",
    });
    this.#stop.promise.catch(() => {});
  }

  async start(): Promise<void> {
    this.#output.on("error", this.#onOutputError);
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    if (!this.#isSampled()) return;
    const text = FORMATS[this.#config.verbosity](batch.records);
    this.#lastWrite = this.#write(text, batch.records.length);
    await Promise.race([this.#lastWrite, this.#stop.promise]);
  }

  /** Waits for what is being printed; past the deadline it is given back as not delivered. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    const giveUp = (): void =>
      this.#stop.reject(
        new AgentError("pipeline.shutting_down", "standard output did not take the text in time"),
      );
    deadline.addEventListener("abort", giveUp, { once: true });
    if (deadline.aborted) giveUp();
    await Promise.race([this.#lastWrite, this.#stop.promise.catch(() => {})]);
    deadline.removeEventListener("abort", giveUp);
    this.#output.off("error", this.#onOutputError);
  }

  async #write(text: string, records: number): Promise<void> {
    if (!this.#closed && this.#output.writable) {
      const taken = await new Promise<boolean>((done) => {
        this.#output.write(text, (error) => done(error == null));
      });
      if (taken) return;
    }
    this.#close();
    this.#unprinted.add(records);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const reason = "standard output is closed; records are no longer printed";
    this.#settings.logger.warn(reason);
    this.#settings.reportStatus("degraded", reason);
  }

  #isSampled(): boolean {
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs >= this.#tickEndMs) {
      this.#tickEndMs = nowMs + SAMPLING_TICK_MS;
      this.#seenInTick = 0;
    }
    this.#seenInTick += 1;
    const late = this.#seenInTick - this.#config.sampling_initial;
    const { sampling_thereafter: thereafter } = this.#config;
    return late <= 0 || (thereafter > 0 && late % thereafter === 0);
  }
}
