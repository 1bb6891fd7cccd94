/**
 * Stands before an exporter and keeps its batches on disk until the exporter has delivered them.
 *
 * Invariant: `consumeLogs` resolves when the batch is on disk, encrypted and synced; from then on it
 * leaves the queue only delivered, refused for good by the exporter (counted, and kept among the
 * dead letters), or damaged on disk (counted and told). Batches are given to the exporter in order.
 */
import { join } from "node:path";
import type { Exporter, LogsConsumer } from "../../component/component.ts";
import { AgentError, describeError, isPermanent } from "../../component/errors.ts";
import type { QueueOptions } from "../../component/queue.ts";
import type { Settings } from "../../component/settings.ts";
import type { LogBatch } from "../../data/log_batch.ts";
import { makePrivateDirectory } from "../../lib/durable_file.ts";
import { Branch } from "../branch.ts";
import type { EncodedPart } from "./batch_codec.ts";
import { decodePart, encodeParts } from "./batch_codec.ts";
import { DeadLetters } from "./dead_letters.ts";
import { QueueInstruments } from "./queue_instruments.ts";
import type { Frame, Recovered } from "./queue_store.ts";
import { QueueStore } from "./queue_store.ts";
import type { Load } from "./room.ts";
import { Room } from "./room.ts";

/** Header and tag of a frame, about. */
const FRAME_OVERHEAD_BYTES = 64;
const READ_RETRY_MS = 1000;

interface Pending {
  readonly parts: readonly EncodedPart[];
  readonly gate: PromiseWithResolvers<void>;
}

export interface DurableQueueParts {
  readonly options: QueueOptions;
  readonly settings: Settings;
  /** Started and stopped with the queue. */
  readonly exporter: Exporter;
  /** The exporter with whatever counts what it does. */
  readonly next: LogsConsumer;
}

export class DurableQueue implements Exporter {
  /** The way from the queue to the exporter, for the watch of blocked branches. */
  readonly branch: Branch;
  readonly #options: QueueOptions;
  readonly #settings: Settings;
  readonly #exporter: Exporter;
  readonly #room: Room;
  readonly #instruments: QueueInstruments;
  readonly #stopping = new AbortController();
  /** Batches that have room and wait for the next sync. */
  #pending: Pending[] = [];
  #committing: Promise<void> | undefined;
  /** Oldest first; a frame leaves when it is given to the exporter. */
  readonly #waiting = new Set<Frame>();
  readonly #underWay = new Map<Frame, Promise<void>>();
  #wake = Promise.withResolvers<void>();
  #dispatching: Promise<void> | undefined;
  #store: QueueStore | undefined;
  #deadLetters: DeadLetters | undefined;

  constructor({ options, settings, exporter, next }: DurableQueueParts) {
    this.#options = options;
    this.#settings = settings;
    this.#exporter = exporter;
    this.#room = new Room(options.capacity, options.bytesMax);
    const name = `queue -> ${settings.id.type}${settings.id.name && `/${settings.id.name}`}`;
    this.branch = new Branch(name, next, settings.clock, this.#stopping.signal);
    this.#instruments = new QueueInstruments(settings.meter, {
      size: () => this.#room.size,
      capacity: () => options.capacity,
      bytes: () => this.#room.bytes,
      ageMs: () => this.#ageMs(),
    });
  }

  async start(): Promise<void> {
    const { keyFile, deadLetterBytesMax } = this.#options;
    const directory = join(await this.#settings.stateDirectory(), "queue");
    await makePrivateDirectory(directory);
    const { random } = this.#settings;
    const { store, recovered } = await QueueStore.open({ directory, keyFile, random });
    this.#store = store;
    if (deadLetterBytesMax > 0) {
      const path = keyFile ?? join(directory, "queue.key");
      const letters = { directory: join(directory, "dead_letters"), keyFile: path, random };
      this.#deadLetters = await DeadLetters.open(letters, deadLetterBytesMax);
    }
    for (const frame of recovered.frames) {
      this.#waiting.add(frame);
      this.#room.add(this.#loadOf(frame));
    }
    this.#tellRecovery(recovered);
    await this.#exporter.start();
    this.#dispatching = this.#dispatch();
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    if (this.#store === undefined) throw new Error("consumeLogs before start");
    this.#throwIfStopping();
    if (batch.records.length === 0) return;
    const parts = encodeParts(batch.records);
    const load = this.#total(parts);
    if (!this.#room.tryTake(load)) {
      if (!this.#options.blockOnOverflow) throw this.#refuse(batch.records.length);
      await this.#room.take(load);
    }
    try {
      await this.#commit(parts);
    } catch (error) {
      this.#room.give(load);
      throw error;
    }
  }

  /** Batches under way get until the deadline; what waits stays on disk for the next start. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#room.close();
    this.#wake.resolve();
    await this.#committing;
    await this.#dispatching;
    await this.#exporter.shutdown(deadline);
    await Promise.allSettled(this.#underWay.values());
    await this.#store?.close();
    await this.#deadLetters?.close();
    this.#store = undefined;
    this.#instruments.close();
  }

  #commit(parts: readonly EncodedPart[]): Promise<void> {
    this.#throwIfStopping();
    const gate = Promise.withResolvers<void>();
    this.#pending.push({ parts, gate });
    this.#committing ??= this.#commitAll();
    return gate.promise;
  }

  /** One write and one sync for all that came while the last ones were under way. */
  async #commitAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      const enqueuedMs = this.#settings.clock.nowMs();
      try {
        const parts = group.flatMap((one) => one.parts.map((part) => ({ ...part, enqueuedMs })));
        const frames = await this.#store!.append(parts);
        for (const frame of frames) this.#waiting.add(frame);
        for (const { gate } of group) gate.resolve();
        this.#wake.resolve();
      } catch (error) {
        for (const { gate } of group) gate.reject(error);
      }
    }
    // In the same step as the look at what is pending, so that nobody is forgotten.
    this.#committing = undefined;
  }

  /** Gives batches to the exporter, one after another, `consumers` at a time. */
  async #dispatch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const [frame] = this.#waiting;
      if (frame === undefined || this.#underWay.size >= this.#options.consumers) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers<void>();
        continue;
      }
      try {
        this.#give(frame, await this.#store!.read(frame));
      } catch (error) {
        await this.#waitForDisk(error);
      }
    }
  }

  #give(frame: Frame, plain: Buffer | undefined): void {
    this.#waiting.delete(frame);
    const batch = plain && this.#decode(plain);
    if (batch === undefined) {
      this.#tellDamage(frame);
      this.#finish(frame);
      return;
    }
    const call = this.#deliver(frame, batch).finally(() => {
      this.#underWay.delete(frame);
      this.#wake.resolve();
    });
    this.#underWay.set(frame, call);
  }

  /** A disk that cannot be read at the moment is no damage: the frame is read again. */
  async #waitForDisk(error: unknown): Promise<void> {
    const reason = describeError(error);
    this.#settings.logger.warn("a file of the queue cannot be read; trying again", { reason });
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const cancel = this.#settings.clock.setTimer(READ_RETRY_MS, wake);
    this.#stopping.signal.addEventListener("abort", wake, { once: true });
    await promise;
    cancel();
    this.#stopping.signal.removeEventListener("abort", wake);
  }

  async #deliver(frame: Frame, batch: LogBatch): Promise<void> {
    try {
      await this.branch.consumeLogs(batch);
    } catch (error) {
      // Anything else is the end of the agent, and the batch stays.
      if (!isPermanent(error)) return;
      await this.#bury(frame, batch, error);
    }
    this.#finish(frame);
  }

  #decode(plain: Buffer): LogBatch | undefined {
    try {
      return decodePart(plain);
    } catch {
      return undefined;
    }
  }

  #tellDamage({ records, segment, offset }: Frame): void {
    this.#instruments.damaged(1);
    this.#settings.logger.error("a batch of the queue is damaged and lost", {
      records,
      file: segment.path,
      offset,
    });
  }

  async #bury(frame: Frame, batch: LogBatch, error: unknown): Promise<void> {
    const records = batch.records.length;
    const kept = (await this.#deadLetters?.keep(encodeParts(batch.records), frame)) === true;
    this.#instruments.refused(records, kept);
    this.#settings.logger.error("the exporter refused a queued batch for good", {
      records,
      kept,
      reason: describeError(error),
    });
  }

  #finish(frame: Frame): void {
    this.#store?.finish(frame);
    this.#room.give(this.#loadOf(frame));
  }

  #refuse(records: number): AgentError {
    this.#instruments.enqueueFailed(records);
    return new AgentError("queue.full", `${this.branch.name} has no room for ${records} records`);
  }

  #total(parts: readonly EncodedPart[]): Load {
    const loads = parts.map(({ plain, records }) =>
      this.#loadOf({ bytes: plain.length + FRAME_OVERHEAD_BYTES, records }),
    );
    const sum = (key: "size" | "bytes"): number =>
      loads.reduce((total, load) => total + load[key], 0);
    return { size: sum("size"), bytes: sum("bytes") };
  }

  #loadOf({ bytes, records }: Pick<Frame, "bytes" | "records">): Load {
    const sizes = { requests: 1, items: records, bytes };
    return { size: sizes[this.#options.sizer], bytes };
  }

  #ageMs(): number {
    const [oldest] = [...this.#underWay.keys(), ...this.#waiting].slice(0, 1);
    return oldest === undefined ? 0 : this.#settings.clock.nowMs() - oldest.enqueuedMs;
  }

  #throwIfStopping(): void {
    if (!this.#stopping.signal.aborted) return;
    throw new AgentError("pipeline.shutting_down", `${this.branch.name} is stopping`);
  }

  #tellRecovery({ frames, lostFrames, strayBytes, cursorLost }: Recovered): void {
    const { logger } = this.#settings;
    if (frames.length > 0) logger.info("the queue holds batches", { batches: frames.length });
    if (strayBytes > 0) {
      logger.warn("files of the queue hold bytes of no batch: a cut write, or damage", {
        bytes: strayBytes,
      });
    }
    if (lostFrames > 0) {
      this.#instruments.damaged(lostFrames);
      logger.error("batches of the queue are damaged and lost", { batches: lostFrames });
    }
    if (cursorLost) logger.warn("the cursor of the queue is lost; batches may be sent twice");
  }
}
