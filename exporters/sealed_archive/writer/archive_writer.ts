/**
 * One running archive: the sequencer, the committer and the publisher, and what flows between them.
 *
 * Invariant: what {@link ArchiveWriter.append} promised is resolved only when its blocks and frames
 * are on disk. The public log follows behind that and never runs ahead.
 */
import { AgentError } from "../../../src/component/errors.ts";
import type { Clock, RandomSource } from "../../../src/component/settings.ts";
import type { LogBatch } from "../../../src/data/log_batch.ts";
import type { Entry, EntryRequest } from "../format/entry.ts";
import { holdProblem } from "../format/holds.ts";
import type { LogState } from "../format/log_state.ts";
import { advanceLog, copyLogState } from "../format/log_state.ts";
import { hashLeaf } from "../format/merkle.ts";
import { redactProblem } from "../format/redactions.ts";
import type { Item } from "./committer.ts";
import { Committer } from "./committer.ts";
import type { Deferred } from "./deferred.ts";
import type { EntryClock } from "./entry_clock.ts";
import { entryClock } from "./entry_clock.ts";
import type { EpochKeys } from "./epoch_keys.ts";
import type { Marks } from "./marks.ts";
import type { Publisher } from "./publisher.ts";
import { dueSegments } from "./retention.ts";
import type { RetiredSegments } from "./retired_segments.ts";
import type { CopyRule } from "./scrub.ts";
import type { SegmentFiles } from "./segment_files.ts";
import type { Appended, SequencerState } from "./sequencer.ts";
import { Sequencer } from "./sequencer.ts";
import type { Snapshot } from "./snapshot.ts";
import { writeSnapshot } from "./snapshot.ts";
import type { Wal } from "./wal.ts";
import type { ZoneRule } from "./zone_rule.ts";

/** A file of the write-ahead log is closed at this size, and removed when a snapshot covers it. */
const WAL_FILE_BYTES_MAX = 16 * 1024 * 1024;
/** Entries that may wait for a checkpoint before callers wait, too. They are held in memory. */
const UNPUBLISHED_ENTRIES_MAX = 65_536;

type Unstamped<One> = One extends unknown ? Omit<One, "v" | "at"> : never;
/** An entry without what the writer sets. */
export type EntryContent = Unstamped<Entry>;

export interface ArchiveWriterOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly stateDirectory: string;
  /** Its zones are those of the sequencer's state. */
  readonly zoneOf: ZoneRule;
  readonly copies: readonly CopyRule[];
  readonly groupCommitMs: number;
  readonly pendingBytesMax: number;
  readonly state: SequencerState;
  /** How long each zone keeps its closed segments; undefined: for ever. */
  readonly retentionMsOf: (zone: string) => number | undefined;
  readonly retired: RetiredSegments;
  readonly origin: string;
  readonly wal: Wal;
  /** By zone. */
  readonly segments: ReadonlyMap<string, SegmentFiles>;
  readonly publisher: Publisher;
  readonly epochs: EpochKeys;
  readonly onCommitFailure: (error: unknown) => void;
  readonly onCommitRecovered: () => void;
  readonly onCommitted: (items: readonly Item[]) => void;
  /** There may be room for more records than before. */
  readonly onProgress: () => void;
}

export class ArchiveWriter {
  readonly #options: ArchiveWriterOptions;
  readonly #marks: Marks;
  readonly #sequencer: Sequencer;
  readonly #committer: Committer;
  /** Times of entries; see {@link entryClock}. */
  readonly #entryClock: EntryClock;
  /** As of the committed entries; the sequencer is ahead. */
  readonly #committed: LogState;
  readonly #inFlight: { durable: Deferred; recordBytes: number }[] = [];
  #inFlightBytes = 0;
  /** By the agent's clock, not by that of the entries. */
  #lastEntryMs = Number.NEGATIVE_INFINITY;
  #epochOpenedMs: number;
  #snapshot: Snapshot | undefined;

  constructor(options: ArchiveWriterOptions) {
    this.#options = options;
    const { log, marks } = options.state;
    this.#marks = marks;
    this.#committed = copyLogState(log);
    this.#entryClock = entryClock(options.clock, log.atMs);
    this.#epochOpenedMs = log.epoch?.openedMs ?? options.clock.nowMs();
    this.#committer = new Committer({
      clock: options.clock,
      wal: options.wal,
      segments: options.segments,
      groupCommitMs: options.groupCommitMs,
      onCommitted: (items) => this.#takeCommitted(items),
      onFailure: options.onCommitFailure,
      onRecovered: options.onCommitRecovered,
    });
    this.#sequencer = new Sequencer({
      clock: this.#entryClock,
      random: options.random,
      zoneOf: options.zoneOf,
      copies: options.copies,
      state: options.state,
      emit: (item, durable, recordBytes) => {
        this.#lastEntryMs = options.clock.nowMs();
        this.#inFlight.push({ durable, recordBytes });
        this.#inFlightBytes += recordBytes;
        this.#committer.add(item);
      },
    });
  }

  /** True when callers must wait before they append more. */
  get isFull(): boolean {
    const { pendingBytesMax, publisher } = this.#options;
    return (
      this.#inFlightBytes + this.#sequencer.openBlockBytes >= pendingBytesMax ||
      publisher.size - publisher.publishedSize >= UNPUBLISHED_ENTRIES_MAX
    );
  }

  /** True when something was dropped that no entry says yet: see {@link stateDropped}. */
  get hasDropped(): boolean {
    return this.#sequencer.hasDropped;
  }

  /** Zones that have an open block, and how long that may stay open. */
  openZones(): ReturnType<Sequencer["openZones"]> {
    return this.#sequencer.openZones();
  }

  sealBlock(zone: string): void {
    this.#sequencer.sealBlock(zone);
  }

  #problemOf(request: EntryRequest): string | undefined {
    const { origin, state } = this.#options;
    if (request.type === "hold") return holdProblem(state.log.holds, request);
    if (request.type === "redact") return redactProblem({ ...state.log, origin }, request);
    return undefined;
  }

  stateDropped(): void {
    this.#sequencer.stateDropped();
  }

  append(batch: LogBatch): Appended {
    return this.#sequencer.append(batch);
  }

  /** Returns the entry's index, and when it is on disk. */
  addEntry(entry: EntryContent): ReturnType<Sequencer["addEntry"]> {
    return this.#sequencer.addEntry({ v: 1, at: this.#entryClock.nowMs(), ...entry });
  }

  /** Resolves with its index when the entry is on disk. Throws `archive.entry_refused`. */
  async record(request: EntryRequest): Promise<number> {
    const problem = this.#problemOf(request);
    if (problem !== undefined) throw new AgentError("archive.entry_refused", problem);
    const { index, durable } = this.addEntry(request);
    await durable;
    return index;
  }

  /** What time alone brings about: a segment's end or removal, a sign of life, the next epoch. */
  async tick(heartbeatIntervalMs: number, epochIntervalMs: number): Promise<void> {
    this.#sequencer.closeDueSegments();
    const isSilent = this.#isOver(this.#lastEntryMs, heartbeatIntervalMs);
    if (isSilent && !this.#sequencer.hasOpenBlock) this.#sequencer.sayHeartbeat();
    this.#retireSegments();
    const { epochs, clock } = this.#options;
    if (epochs.isRolling || !this.#isOver(this.#epochOpenedMs, epochIntervalMs)) return;
    const next = await epochs.prepareNext();
    this.#epochOpenedMs = clock.nowMs();
    this.addEntry({ type: "epoch", epoch: epochs.number, next });
  }

  /** Says which segments will be deleted once that is published. */
  #retireSegments(): void {
    const { state, retentionMsOf } = this.#options;
    const due = dueSegments(state.log, retentionMsOf, this.#entryClock.nowMs());
    for (const segment of due) this.addEntry({ type: "retain", ...segment });
  }

  /** A wall clock that was set back makes the difference negative, which is as good as over. */
  #isOver(sinceMs: number, intervalMs: number): boolean {
    const elapsedMs = this.#options.clock.nowMs() - sinceMs;
    return elapsedMs < 0 || elapsedMs >= intervalMs;
  }

  /** Publishes what is committed, and lets the write-ahead log go that this made superfluous. */
  async publish(): Promise<void> {
    const { publisher, stateDirectory, wal, retired } = this.#options;
    await publisher.publish();
    await retired.remove(publisher.publishedSize);
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && snapshot.size <= publisher.publishedSize) {
      await writeSnapshot(stateDirectory, snapshot);
      await wal.removeBefore(snapshot.size);
      this.#snapshot = undefined;
    }
    this.#options.onProgress();
  }

  /** Seals and commits everything that was appended. */
  async flush(): Promise<void> {
    this.#sequencer.sealBlocks();
    this.stateDropped();
    await this.#committer.flush();
  }

  /** Gives up on what is not durable: those promises are rejected with `error`. */
  async abandon(error: unknown): Promise<void> {
    await this.#committer.stop();
    this.#sequencer.abandonBlocks(error);
    for (const { durable } of this.#inFlight.splice(0)) durable.reject(error);
  }

  async close(): Promise<void> {
    for (const files of this.#options.segments.values()) await files.close();
    await this.#options.wal.close();
  }

  async #takeCommitted(items: readonly Item[]): Promise<void> {
    const { publisher, epochs, retired } = this.#options;
    for (const { entry, frame } of items) {
      const bytes = Buffer.from(frame.entry);
      publisher.append(bytes, hashLeaf(bytes));
      advanceLog(this.#committed, entry, frame.index);
      if (entry.type === "retain") retired.add(entry.zone, Number(entry.seg), publisher.size);
      if (entry.type === "epoch") epochs.endAt({ size: publisher.size, closedMs: entry.at });
      this.#marks.commit(frame.marks);
      const { durable, recordBytes } = this.#inFlight.shift()!;
      this.#inFlightBytes -= recordBytes;
      durable.resolve();
    }
    this.#options.onCommitted(items);
    this.#options.onProgress();
    await this.#rotateWal(items.at(-1)!.frame.index + 1);
  }

  async #rotateWal(size: number): Promise<void> {
    const { wal } = this.#options;
    if (this.#snapshot !== undefined || wal.sizeBytes < WAL_FILE_BYTES_MAX) return;
    try {
      await wal.rotate(size);
    } catch {
      // The old file goes on for now; what stops the new one stops the next commit, and is told.
      return;
    }
    this.#snapshot = {
      size,
      state: copyLogState(this.#committed),
      marks: this.#marks.snapshot(),
    };
  }
}
