/**
 * Puts small batches together and splits large ones.
 *
 * Invariant: whoever handed a batch in hears of it only when every record of it was taken behind
 * this processor; so nothing that waits here is acknowledged, and a crash loses nothing. The order
 * of the records stays. Where the archive seals each record once by its source position, batches
 * of different sources are not mixed.
 */
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { AgentError, isPermanent } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Config } from "./config.ts";

/** One that waits for all of its records, which may go in several batches. */
interface Sender {
  left: number;
  error: unknown;
  readonly gate: PromiseWithResolvers<void>;
}

/** What is put together at the moment. */
interface Open {
  readonly sourceId: string | undefined;
  readonly records: LogRecord[];
  readonly positions: number[];
  /** How many of the records, in order, are whose. */
  readonly shares: { readonly sender: Sender; count: number }[];
}

export class Batcher implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #keepsSources: boolean;
  readonly #underWay = new Set<Promise<void>>();
  #open: Open | undefined;
  #cancelTimer: CancelTimer = () => {};
  #stopped = false;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#keepsSources = settings.downstream.includes("sealed_archive");
  }

  async start(): Promise<void> {}

  /** Hands on what waits. */
  async shutdown(): Promise<void> {
    this.#stopped = true;
    this.#flush();
    await Promise.all(this.#underWay);
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    if (this.#stopped) throw new AgentError("pipeline.shutting_down", "the batch is not complete");
    if (batch.records.length === 0) return;
    const sender: Sender = {
      left: batch.records.length,
      error: undefined,
      gate: Promise.withResolvers<void>(),
    };
    this.#take(batch, sender);
    const { send_batch_size: size, timeout } = this.#config;
    if (timeout === 0 || this.#open!.records.length >= size) this.#flush();
    await sender.gate.promise;
  }

  #take({ records, source }: LogBatch, sender: Sender): void {
    const sourceId = this.#keepsSources ? source?.id : undefined;
    if (this.#open !== undefined && this.#open.sourceId !== sourceId) this.#flush();
    if (this.#open === undefined) {
      this.#open = { sourceId, records: [], positions: [], shares: [] };
      if (this.#config.timeout > 0) {
        this.#cancelTimer = this.#settings.clock.setTimer(this.#config.timeout, () =>
          this.#flush(),
        );
      }
    }
    const open = this.#open;
    for (const record of records) open.records.push(record);
    if (sourceId !== undefined) for (const at of source!.positions) open.positions.push(at);
    open.shares.push({ sender, count: records.length });
  }

  #flush(): void {
    const open = this.#open;
    this.#open = undefined;
    this.#cancelTimer();
    if (open === undefined) return;
    const max = this.#config.send_batch_max_size || open.records.length;
    for (let from = 0; from < open.records.length; from += max) {
      const records = open.records.slice(from, from + max);
      const positions = open.positions.slice(from, from + max);
      const shares = sharesOf(open, records.length);
      const source = open.sourceId === undefined ? undefined : { id: open.sourceId, positions };
      const call = this.#handOn({ records, ...(source && { source }) }, shares);
      this.#underWay.add(call);
      void call.finally(() => this.#underWay.delete(call));
    }
  }

  /** Never rejects: the senders are told. */
  async #handOn(batch: LogBatch, shares: Open["shares"]): Promise<void> {
    let error: unknown;
    try {
      await this.#next.consumeLogs(batch);
    } catch (refusal) {
      error = refusal;
    }
    for (const { sender, count } of shares) {
      sender.left -= count;
      // A retryable refusal outranks a permanent one: the batch must be offered again.
      if (sender.error === undefined || isPermanent(sender.error))
        sender.error = error ?? sender.error;
      if (sender.left > 0) continue;
      if (sender.error === undefined) sender.gate.resolve();
      else sender.gate.reject(sender.error);
    }
  }
}

/** Takes the shares of the first `count` records off. */
function sharesOf({ shares }: Open, count: number): Open["shares"] {
  const taken: Open["shares"] = [];
  for (let left = count; left > 0; ) {
    const share = shares[0]!;
    const part = Math.min(left, share.count);
    taken.push({ sender: share.sender, count: part });
    share.count -= part;
    left -= part;
    if (share.count === 0) shares.shift();
  }
  return taken;
}
