/**
 * Puts records in order: into the open block of their zone, and sealed blocks and other entries of
 * all zones into the one order of the log. All of it happens synchronously in the caller's call, so
 * the order of a zone's records is the order of the calls.
 *
 * Invariant: an item gets its index here and keeps it however often it must be written; so a size of
 * the log has one content and one root for ever.
 */
import { isPermanent } from "../../../src/component/errors.ts";
import type { RandomSource } from "../../../src/component/settings.ts";
import type { LogBatch } from "../../../src/data/log_batch.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import type { SharedEncoding } from "../../../src/otlp/shared_encoding.ts";
import { encodeShared } from "../../../src/otlp/shared_encoding.ts";
import type { Entry } from "../format/entry.ts";
import { encodeEntry } from "../format/entry.ts";
import type { LogState } from "../format/log_state.ts";
import { advanceLog } from "../format/log_state.ts";
import { positionOf } from "../format/position.ts";
import type { Item } from "./committer.ts";
import { Deferred } from "./deferred.ts";
import type { Unsealed } from "./dropped_ranges.ts";
import { DroppedRanges } from "./dropped_ranges.ts";
import type { EntryClock } from "./entry_clock.ts";
import type { Marks } from "./marks.ts";
import type { CopyRule } from "./scrub.ts";
import { copyBatch } from "./scrub.ts";
import type { WalFrame } from "./wal.ts";
import type { ZoneRule } from "./zone_rule.ts";
import type { OpenBlock, Payload, ZoneState } from "./zone_writer.ts";
import { ZoneWriter } from "./zone_writer.ts";

/** What the log looks like when the agent starts. */
export interface SequencerState {
  readonly nextIndex: number;
  /** Moves with each entry that is emitted. */
  readonly log: LogState;
  /** Those of the configuration, and those that the archive has from an earlier one. */
  readonly zones: ReadonlyMap<string, ZoneState>;
  readonly marks: Marks;
}

export interface SequencerOptions {
  readonly clock: EntryClock;
  readonly random: RandomSource;
  readonly state: SequencerState;
  /** Its zone is one of the state's. */
  readonly zoneOf: ZoneRule;
  readonly copies: readonly CopyRule[];
  /** Takes the items in order. `durable` is to be settled when the item is, or never will be. */
  readonly emit: (item: Item, durable: Deferred, recordBytes: number) => void;
}

/** How many records a call brought in, and how many were sealed before. */
export interface Appended {
  readonly taken: number;
  readonly replayed: number;
  /** Records that OTLP cannot express; they are lost to the archive. */
  readonly withheld: number;
  /** Resolves when everything that the call brought, or met on its way, is durable. */
  readonly durable: Promise<void> | undefined;
}

export class Sequencer {
  readonly #options: SequencerOptions;
  readonly #marks: Marks;
  readonly #zones: ReadonlyMap<string, ZoneWriter>;
  readonly #dropped = new DroppedRanges();
  /** Settled with the entry that states the last of the dropped ranges. */
  #stated: Deferred | undefined;
  #nextIndex: number;
  #newestItem: Deferred | undefined;

  constructor(options: SequencerOptions) {
    const { clock, random, state } = options;
    this.#options = options;
    this.#marks = state.marks;
    this.#nextIndex = state.nextIndex;
    const zones = [...state.zones].map(([name, zoneState]): [string, ZoneWriter] => {
      const zone = new ZoneWriter({
        name,
        clock,
        random,
        marks: state.marks,
        state: zoneState,
        position: positionOf(state.log.positions, name),
        emit: (entry, payload) => this.#emit(entry, payload),
        takeUnsealed: (entryDurable) => this.#takeUnsealed(entryDurable),
      });
      return [name, zone];
    });
    this.#zones = new Map(zones);
  }

  get hasOpenBlock(): boolean {
    for (const { openBlock } of this.#zones.values()) if (openBlock !== undefined) return true;
    return false;
  }

  /** True when something waits for an entry to say it. */
  get hasDropped(): boolean {
    return !this.#dropped.isEmpty;
  }

  get openBlockBytes(): number {
    let bytes = 0;
    for (const { openBlock } of this.#zones.values()) bytes += openBlock?.builder.sizeBytes ?? 0;
    return bytes;
  }

  append(batch: LogBatch): Appended {
    const { zoneOf, copies } = this.#options;
    const appended = this.#append(batch, zoneOf);
    if (copies.length === 0) return appended;
    const awaited = [appended.durable];
    for (const rule of copies) {
      awaited.push(this.#append(copyBatch(batch, rule, zoneOf), () => rule.zone).durable);
    }
    return { ...appended, durable: Promise.all(awaited).then(() => {}) };
  }

  #append({ records, source, pipeline }: LogBatch, zoneOf: ZoneRule): Appended {
    let sealed = source === undefined ? undefined : this.#marks.taken(source.id);
    let replayed = 0;
    let withheld = 0;
    const awaited = new Set<Deferred>();
    const encoding = encodingOf(records);
    for (let index = 0; index < records.length; index++) {
      const record = records[index]!;
      const position = source?.positions[index];
      if (position !== undefined && sealed?.has(position)) {
        replayed++;
        const stated = this.#drop(record);
        if (stated !== undefined) awaited.add(stated);
        continue;
      }
      const zone = this.#zones.get(zoneOf(record, pipeline))!;
      const block = zone.append(record, encoding, index);
      if (block === undefined) {
        withheld++;
        if (zoneOf === this.#options.zoneOf) awaited.add(this.#withhold(record));
        continue;
      }
      if (source !== undefined && position !== undefined) sealed = block.mark(source.id, position);
      awaited.add(block.durable);
      zone.sealFullBlock();
    }
    // What was dropped may still be on its way to the disk in front of us, in any zone.
    const isWaiting = replayed > 0 && source !== undefined && this.#marks.isPending(source.id);
    if (isWaiting) this.#awaitAll(awaited);
    const taken = records.length - replayed - withheld;
    return { taken, replayed, withheld, durable: allDurable([...awaited]) };
  }

  #awaitAll(awaited: Set<Deferred>): void {
    for (const { durable } of this.#openBlocks()) awaited.add(durable);
    if (this.#newestItem !== undefined) awaited.add(this.#newestItem);
  }

  #openBlocks(): OpenBlock[] {
    const blocks = [...this.#zones.values()].map(({ openBlock }) => openBlock);
    return blocks.filter((block) => block !== undefined);
  }

  /** What must be durable before the caller may forget a record of a chain that is dropped. */
  #drop(record: LogRecord): Deferred | undefined {
    if (!this.#dropped.add(record)) return undefined;
    return this.#state();
  }

  /** A copy of it is not counted again. */
  #withhold(record: LogRecord): Deferred {
    this.#dropped.addWithheld(record);
    return this.#state();
  }

  /** Settled with the entry that says what was added last. */
  #state(): Deferred {
    this.#stated ??= new Deferred();
    const stated = this.#stated;
    while (this.#dropped.isFull) this.sayHeartbeat();
    return stated;
  }

  #takeUnsealed(entryDurable: Deferred): Unsealed {
    const unsealed = this.#dropped.takeForEntry();
    const stated = this.#stated;
    if (this.#dropped.isEmpty && stated !== undefined) {
      this.#stated = undefined;
      entryDurable.promise.then(stated.resolve, stated.reject);
    }
    return unsealed;
  }

  /** Zones that have an open block, and how long that may stay open. */
  *openZones(): Generator<{ readonly zone: string; readonly delayMs: number }> {
    for (const [zone, { openBlock, blockDelayMs: delayMs }] of this.#zones) {
      if (openBlock !== undefined) yield { zone, delayMs };
    }
  }

  /** Closes the open block of a zone, if there is one. */
  sealBlock(zone: string): void {
    this.#zones.get(zone)?.sealBlock();
  }

  /** Closes the open blocks of all zones. */
  sealBlocks(): void {
    for (const zone of this.#zones.values()) zone.sealBlock();
  }

  /** Nothing will come of the open blocks. */
  abandonBlocks(error: unknown): void {
    for (const zone of this.#zones.values()) zone.abandonBlock(error);
    this.#stated?.reject(error);
    this.#stated = undefined;
  }

  sayHeartbeat(): void {
    const durable = new Deferred();
    const unsealed = this.#takeUnsealed(durable);
    const at = this.#options.clock.nowMs();
    const entry: Entry = { type: "heartbeat", v: 1, at, ...unsealed };
    this.#emit(entry, { durable, marks: [], recordBytes: 0 });
  }

  /** States what was dropped even when no record comes any more. */
  stateDropped(): void {
    while (!this.#dropped.isEmpty) this.sayHeartbeat();
  }

  /** Returns the entry's index, and when it is on disk. */
  addEntry(entry: Entry): { readonly index: number; readonly durable: Promise<void> } {
    const index = this.#nextIndex;
    const durable = new Deferred();
    this.#emit(entry, { durable, marks: [], recordBytes: 0 });
    return { index, durable: durable.promise };
  }

  /** Closes the open segments whose interval is over. */
  closeDueSegments(): void {
    for (const zone of this.#zones.values()) zone.closeDueSegment();
  }

  #emit(entry: Entry, { durable, recordBytes, marks, ...files }: Payload): void {
    const index = this.#nextIndex++;
    advanceLog(this.#options.state.log, entry, index);
    this.#newestItem = durable;
    const frame: WalFrame = { index, entry: encodeEntry(entry).toString(), marks };
    this.#options.emit({ entry, frame, ...files }, durable, recordBytes);
  }
}

/** Undefined when a record has no encoding: then each is tried alone, and that one is withheld. */
function encodingOf(records: readonly LogRecord[]): SharedEncoding | undefined {
  try {
    return encodeShared(records);
  } catch (error) {
    if (isPermanent(error)) return undefined;
    throw error;
  }
}

function allDurable(awaited: readonly Deferred[]): Promise<void> | undefined {
  if (awaited.length < 2) return awaited[0]?.promise;
  return Promise.all(awaited.map(({ promise }) => promise)).then(() => {});
}
