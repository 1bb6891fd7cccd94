/**
 * Gives every record its place in a chain: a sequence, and a value that vouches for the record and
 * for all before it.
 *
 * Invariant: batches are signed and handed on in the order in which they came. When nothing has to
 * be waited for, that happens within the call of `consumeLogs`.
 */
import { join } from "node:path";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { AgentError, describeError, isPermanent } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { FileLock } from "../../src/lib/lock_file.ts";
import { acquireLock } from "../../src/lib/lock_file.ts";
import { ChainSigner } from "./chain_signer.ts";
import type { StoredChain } from "./chain_state.ts";
import { writeChainState } from "./chain_state.ts";
import type { Config } from "./config.ts";
import type { Issued } from "./delivery_log.ts";
import { DeliveryLog } from "./delivery_log.ts";
import { keyLeftOnHost, openOrBeginChain } from "./genesis.ts";
import { nextRunKey } from "./key_schedule.ts";
import { RESERVATION_STEP, Reservation } from "./reservation.ts";
import { formatRanges, formatRestart } from "./statement.ts";

/** What a run works with, from `start` to `shutdown`. */
interface Run {
  readonly lock: FileLock;
  readonly signer: ChainSigner;
  readonly log: DeliveryLog;
  readonly reservation: Reservation;
  /** For the first record, when there was a run before this one. */
  restart: { readonly text: string; readonly first: number; readonly last: number } | undefined;
}

export class HmacChain implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #waits;
  readonly #undelivered;
  #run: Run | undefined;
  /** Settles when the batch that came last, and had to wait, was handed on. */
  #turn: Promise<void> | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#waits = settings.meter.createCounter("vouchsafe_hmac_chain_waits", {
      description: "Batches that waited for the chain's state or for exporters",
    });
    this.#undelivered = settings.meter.createCounter(
      "vouchsafe_hmac_chain_undelivered_log_records",
      {
        description: "Signed records that an exporter refused",
      },
    );
  }

  async start(): Promise<void> {
    const directory = await this.#settings.stateDirectory();
    const lock = await acquireLock(join(directory, "lock"));
    try {
      const stored = await openOrBeginChain(directory, this.#config, this.#settings);
      this.#run = await this.#begin(directory, stored, lock);
      const left = await keyLeftOnHost(directory, this.#config);
      if (left !== undefined) {
        this.#settings.logger.warn(
          "whoever reads this file can forge the chain: move it off this host, to the auditor",
          { path: left },
        );
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async #begin(directory: string, stored: StoredChain, lock: FileLock): Promise<Run> {
    const { chain, next_run: number, reserved_until: first, acknowledged } = stored.state;
    const state = { ...stored.state, next_run: number + 1 };
    const next = { state, nextRunKey: nextRunKey(stored.nextRunKey) };
    await writeChainState(directory, next);
    const log = new DeliveryLog(acknowledged, state.undelivered);
    const position = {
      chain,
      run: number,
      nextSequence: first,
      previousTag: acknowledged.tag,
    };
    const statement = {
      run: number - 1,
      acknowledged: acknowledged.sequence,
      reservedUntil: first,
    };
    return {
      lock,
      signer: new ChainSigner(position, stored.nextRunKey, this.#config.ratchet),
      log,
      reservation: new Reservation(directory, next, log, this.#settings),
      restart:
        number === 0
          ? undefined
          : {
              text: formatRestart(statement),
              first: acknowledged.sequence + 1,
              last: first - 1,
            },
    };
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    if (batch.records.length === 0) return;
    if (!batch.records.every(reachesExporters)) return this.#consumeDivided(batch);
    if (batch.records.length <= RESERVATION_STEP) return this.#consume(batch);
    return firstError(await Promise.allSettled(split(batch).map((part) => this.#consume(part))));
  }

  /** What the pipeline's last gate withholds gets no sequence, which would be missing for ever. */
  async #consumeDivided(batch: LogBatch): Promise<void> {
    const chained = mapRecords(batch, (record) => (reachesExporters(record) ? record : undefined));
    const withheld = mapRecords(batch, (record) => (reachesExporters(record) ? undefined : record));
    const deliveries = [this.consumeLogs(chained), this.#next.consumeLogs(withheld)];
    return firstError(await Promise.allSettled(deliveries));
  }

  #consume(batch: LogBatch): Promise<void> {
    const run = this.#run;
    const ready =
      run !== undefined &&
      this.#turn === undefined &&
      run.reservation.covers(run.signer.nextSequence + batch.records.length);
    return ready ? this.#issue(run, batch) : this.#issueInTurn(batch);
  }

  async #issueInTurn(batch: LogBatch): Promise<void> {
    this.#waits.add(1);
    const before = this.#turn;
    const turn = Promise.withResolvers<void>();
    this.#turn = turn.promise;
    let delivery: Promise<void>;
    try {
      await before;
      const run = this.#run;
      if (run === undefined) {
        throw new AgentError("pipeline.shutting_down", "the chain is not running");
      }
      await run.reservation.reserve(run.signer.nextSequence + batch.records.length);
      delivery = this.#issue(run, batch);
    } finally {
      if (this.#turn === turn.promise) this.#turn = undefined;
      turn.resolve();
    }
    await delivery;
  }

  #issue(run: Run, batch: LogBatch): Promise<void> {
    const first = run.signer.nextSequence;
    const states = run.log.takeStatement(first);
    const { restart } = run;
    run.restart = undefined;
    const records = run.signer.sign(batch.records, {
      restart: restart?.text ?? "",
      undelivered: formatRanges(states),
    });
    const issued: Issued = {
      range: { first, last: run.signer.nextSequence - 1 },
      lastTag: run.signer.previousTag,
      states,
      restartHole: restart !== undefined && restart.last >= restart.first ? restart : undefined,
      settled: false,
    };
    run.log.add(issued);
    run.reservation.touch(run.signer.nextSequence);
    const delivery = this.#deliver(run, { records, source: batch.source }, issued);
    const forget = () => this.#underWay.delete(delivery);
    this.#underWay.add(delivery);
    delivery.then(forget, forget);
    return delivery;
  }

  async #deliver(run: Run, batch: LogBatch, issued: Issued): Promise<void> {
    try {
      await this.#next.consumeLogs(batch);
      run.log.delivered(issued);
    } catch (error) {
      run.log.refused(issued);
      this.#undelivered.add(batch.records.length);
      throw error;
    } finally {
      run.reservation.settled();
      run.reservation.touch(run.signer.nextSequence);
    }
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    run.reservation.stop();
    await this.#settle(deadline);
    try {
      await run.reservation.finish(run.signer.nextSequence);
    } catch (error) {
      // The state of a second ago is as true, only less exact: the next statement says so.
      this.#settings.logger.warn("the chain's last state is not exact", {
        reason: describeError(error),
      });
    }
    run.signer.clear();
    await run.lock.release();
  }

  /** Waits for what was handed on, as long as there is time. */
  async #settle(deadline: AbortSignal): Promise<void> {
    const noTime = Promise.withResolvers<void>();
    const give = () => noTime.resolve();
    deadline.addEventListener("abort", give, { once: true });
    if (deadline.aborted) give();
    await Promise.race([Promise.allSettled([...this.#underWay]), noTime.promise]);
    deadline.removeEventListener("abort", give);
  }
}

function reachesExporters({ canary, findings }: LogRecord): boolean {
  return canary === undefined && findings === undefined;
}

/** Throws the first error that is worth another try, or else the first. */
function firstError(results: readonly PromiseSettledResult<void>[]): void {
  const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  if (errors.length > 0) throw errors.find((error) => !isPermanent(error)) ?? errors[0];
}

function split(batch: LogBatch): LogBatch[] {
  const parts: LogBatch[] = [];
  for (let start = 0; start < batch.records.length; start += RESERVATION_STEP) {
    const end = start + RESERVATION_STEP;
    const records = batch.records.slice(start, end);
    const { source } = batch;
    const positions = source?.positions.slice(start, end);
    parts.push(
      source === undefined
        ? { records }
        : { records, source: { id: source.id, positions: positions! } },
    );
  }
  return parts;
}
