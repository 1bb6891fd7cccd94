/**
 * The exporter `sealed_archive`: takes batches, waits for room, keeps the timers, tells how it goes.
 *
 * Invariant: `consumeLogs` resolves when every record of the batch is durable in the archive, now or
 * from an earlier delivery, and batches are sealed in the order of the calls, also when some waited.
 */
import { join } from "node:path";
import type { Counter } from "@opentelemetry/api";
import type { Exporter } from "../../src/component/component.ts";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { FileLock } from "../../src/lib/lock_file.ts";
import { acquireLock } from "../../src/lib/lock_file.ts";
import type { SealedArchiveConfig } from "./config.ts";
import { CopySchedule } from "./copies/copy_schedule.ts";
import type { ArchiveWriter } from "./writer/archive_writer.ts";
import type { Item } from "./writer/committer.ts";
import { Deferred } from "./writer/deferred.ts";
import { EntryDoor } from "./writer/entry_door.ts";
import { openArchive } from "./writer/open_archive.ts";

interface Waiting {
  readonly batch: LogBatch;
  readonly admitted: Deferred;
}

type Part = "commit" | "publish" | "copy";

const FAILURES: Readonly<Record<Part, string>> = {
  commit: "the archive cannot be written; records wait and it tries again",
  publish: "the archive cannot be written; records wait and it tries again",
  copy: "the archive cannot be copied; sealing goes on, and it tries again",
};

export class SealedArchive implements Exporter {
  readonly #config: SealedArchiveConfig;
  readonly #settings: Settings;
  readonly #counters: Record<"blocks" | "bytes" | "replayed" | "withheld", Counter>;
  /** Calls that wait for room, oldest first. */
  readonly #waiting: Waiting[] = [];
  /** What does not work at the moment, by part. */
  readonly #problems = new Map<Part, string>();
  #lock: FileLock | undefined;
  #door: EntryDoor | undefined;
  #writer: ArchiveWriter | undefined;
  /** By zone, and "" for what was dropped. */
  readonly #sealTimers = new Map<string, CancelTimer>();
  #cancelTick: CancelTimer | undefined;
  #copies: CopySchedule | undefined;
  #publishing: Promise<void> = Promise.resolve();

  constructor(config: SealedArchiveConfig, settings: Settings) {
    this.#config = config;
    this.#settings = settings;
    const counter = (name: string, description: string): Counter =>
      settings.meter.createCounter(`vouchsafe.sealed_archive.${name}`, { description });
    this.#counters = {
      blocks: counter("blocks", "Blocks that were sealed and are on disk."),
      bytes: counter("block_bytes", "Bytes of these blocks, compressed and encrypted."),
      replayed: counter("replayed_records", "Records that were dropped as sealed before."),
      withheld: counter("withheld_records", "Records that OTLP cannot express, so not sealed."),
    };
  }

  async start(): Promise<void> {
    const stateDirectory = await this.#settings.stateDirectory();
    this.#lock = await acquireLock(join(stateDirectory, "lock"));
    try {
      this.#writer = await openArchive(this.#config, this.#settings, stateDirectory, {
        onCommitFailure: (error) => this.#report("commit", error),
        onCommitRecovered: () => this.#report("commit", undefined),
        onCommitted: (items) => this.#count(items),
        onProgress: () => this.#admit(),
      });
      this.#door = await this.#openDoor(stateDirectory, this.#writer);
    } catch (error) {
      await this.#release();
      throw error;
    }
    this.#settings.reportStatus("ok");
    this.#scheduleTick(this.#writer);
    this.#copies = this.#scheduleCopies(stateDirectory, this.#writer);
    this.#copies?.start();
  }

  #scheduleCopies(stateDirectory: string, writer: ArchiveWriter): CopySchedule | undefined {
    const { copy: config, origin, directory: archive } = this.#config;
    if (config === undefined) return undefined;
    return new CopySchedule({
      ...{ config, origin, archive, stateDirectory, settings: this.#settings },
      record: (entry) => writer.addEntry(entry),
      report: (error) => this.#report("copy", error),
    });
  }

  /** Records are sealed without it, too; only commands are turned away. */
  async #openDoor(directory: string, writer: ArchiveWriter): Promise<EntryDoor | undefined> {
    try {
      return await EntryDoor.open(directory, (request) => writer.record(request));
    } catch (error) {
      const reason = describeError(error);
      this.#settings.logger.warn("commands cannot record while the agent runs", { reason });
      return undefined;
    }
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) throw shuttingDown();
    if (this.#waiting.length === 0 && !writer.isFull) return this.#append(writer, batch);
    const admitted = new Deferred();
    this.#waiting.push({ batch, admitted });
    return admitted.promise;
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#writer = undefined;
    for (const cancel of this.#sealTimers.values()) cancel();
    this.#cancelTick?.();
    const closed = this.#door?.close();
    for (const { admitted } of this.#waiting.splice(0)) admitted.reject(shuttingDown());
    await this.#copies?.stop();
    const finished = this.#finish(writer, deadline);
    await Promise.race([finished, aborted(deadline)]);
    // From here on nothing new is begun; what has begun ends before the lock is given free.
    await writer.abandon(shuttingDown());
    await finished;
    await closed;
    await writer.close();
    await this.#release();
    this.#settings.reportStatus("stopped");
  }

  async #finish(writer: ArchiveWriter, deadline: AbortSignal): Promise<void> {
    if (!deadline.aborted) await writer.flush();
    if (!deadline.aborted) await this.#publish(writer);
    await this.#publishing;
  }

  /** Synchronous up to the promise, so that the order of the calls is kept. */
  #append(writer: ArchiveWriter, batch: LogBatch): Promise<void> {
    const { replayed, withheld, durable } = writer.append(batch);
    if (replayed > 0) this.#counters.replayed.add(replayed);
    if (withheld > 0) {
      this.#counters.withheld.add(withheld);
      this.#settings.logger.error("records nested too deeply were not sealed", { withheld });
    }
    for (const { zone, delayMs } of writer.openZones()) {
      this.#after(zone, delayMs, () => writer.sealBlock(zone));
    }
    if (writer.hasDropped) {
      this.#after("", this.#config.block.max_delay, () => writer.stateDropped());
    }
    return durable ?? Promise.resolve();
  }

  #after(key: string, delayMs: number, seal: () => void): void {
    if (this.#sealTimers.has(key)) return;
    const cancel = this.#settings.clock.setTimer(delayMs, () => {
      this.#sealTimers.delete(key);
      seal();
    });
    this.#sealTimers.set(key, cancel);
  }

  #admit(): void {
    const writer = this.#writer;
    while (writer !== undefined && this.#waiting.length > 0 && !writer.isFull) {
      const { batch, admitted } = this.#waiting.shift()!;
      this.#append(writer, batch).then(admitted.resolve, admitted.reject);
    }
  }

  #scheduleTick(writer: ArchiveWriter): void {
    const { clock } = this.#settings;
    const { publish_interval, heartbeat_interval, epoch_interval } = this.#config;
    this.#cancelTick = clock.setTimer(publish_interval, async () => {
      await this.#publish(writer, () => writer.tick(heartbeat_interval, epoch_interval));
      if (this.#writer === writer) this.#scheduleTick(writer);
    });
  }

  /** One after the other; an error is reported, and the next one tries again. */
  #publish(writer: ArchiveWriter, prepare = async (): Promise<void> => {}): Promise<void> {
    this.#publishing = this.#publishing
      .then(prepare)
      .then(() => writer.publish())
      .then(
        () => this.#report("publish", undefined),
        (error: unknown) => this.#report("publish", error),
      );
    return this.#publishing;
  }

  #report(part: Part, error: unknown): void {
    const { logger, reportStatus } = this.#settings;
    const before = this.#problems.get(part);
    if (error === undefined) {
      if (!this.#problems.delete(part)) return;
      logger.info(`the archive works again: ${part}`);
    } else {
      const isWrapped = part !== "copy" && error instanceof AgentError;
      const reason = describeError(isWrapped ? (error.cause ?? error) : error);
      this.#problems.set(part, `${part} failed: ${reason}`);
      if (before !== undefined) return;
      logger.error(FAILURES[part], { part, reason, directory: this.#config.directory });
    }
    if (this.#problems.size === 0) reportStatus("ok");
    else reportStatus("degraded", [...this.#problems.values()].join("; "));
  }

  #count(items: readonly Item[]): void {
    let bytes = 0;
    let blocks = 0;
    for (const { block } of items) {
      if (block === undefined) continue;
      blocks++;
      bytes += block.bytes.length;
    }
    this.#counters.blocks.add(blocks);
    this.#counters.bytes.add(bytes);
  }

  async #release(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
  }
}

function shuttingDown(): AgentError {
  return new AgentError("pipeline.shutting_down", "the archive is closed");
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
