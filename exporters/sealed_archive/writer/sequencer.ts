/**
 * Puts records in order: into the open block, and sealed blocks and other entries into the log's
 * order. All of it happens synchronously in the caller's call, so the order of the records is the
 * order of the calls.
 *
 * Invariant: an item gets its index, segment, offset and record numbers here and keeps them however
 * often it must be written; so a size of the log has one content and one root for ever.
 */
import type { Hash } from "node:crypto";
import { createHash } from "node:crypto";
import { isPermanent } from "../../../src/component/errors.ts";
import type { Clock, RandomSource } from "../../../src/component/settings.ts";
import type { LogBatch } from "../../../src/data/log_batch.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { SingleRecordAppender } from "../../../src/otlp/single_record.ts";
import type { AgeRecipient } from "../format/age_file.ts";
import { BlockBuilder } from "../format/block.ts";
import type { BlockEntry, DroppedRange, Entry } from "../format/entry.ts";
import { encodeEntry } from "../format/entry.ts";
import { sha256 } from "../format/merkle.ts";
import type { Positions, ZonePosition } from "../format/position.ts";
import { advance, positionOf, segmentFileName, segmentName } from "../format/position.ts";
import type { Item } from "./committer.ts";
import { Deferred } from "./deferred.ts";
import { DroppedRanges } from "./dropped_ranges.ts";
import type { Marks } from "./marks.ts";
import type { BlockWrite } from "./segment_files.ts";
import type { WalFrame } from "./wal.ts";

/** The only zone until records can be routed to others; the format knows any number. */
export const DEFAULT_ZONE = "default";

export interface SequencerLimits {
  readonly blockRecordsMax: number;
  readonly blockSizeBytesMax: number;
  readonly segmentSizeBytesMax: number;
  /** A segment holds blocks of one such interval of UTC. */
  readonly segmentIntervalMs: number;
}

/** What the log looks like when the agent starts. */
export interface SequencerState {
  readonly nextIndex: number;
  readonly positions: Positions;
  /** Over the bytes of the open segment. */
  readonly segmentHash: Hash;
  /** Content of SHA256SUMS. */
  readonly sums: string;
  readonly marks: Marks;
}

export interface SequencerOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly recipients: readonly AgeRecipient[];
  readonly limits: SequencerLimits;
  readonly state: SequencerState;
  /** Takes the items in order. `durable` is to be settled when the item is, or never will be. */
  readonly emit: (item: Item, durable: Deferred, recordBytes: number) => void;
}

interface OpenBlock {
  readonly builder: BlockBuilder;
  readonly marks: Map<string, number>;
  readonly durable: Deferred;
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
  readonly #dropped = new DroppedRanges();
  /** Settled with the entry that states the last of the dropped ranges. */
  #stated: Deferred | undefined;
  #nextIndex: number;
  #segmentHash: Hash;
  #sums: string;
  #appender = new SingleRecordAppender();
  #block: OpenBlock | undefined;
  #newestItem: Deferred | undefined;

  constructor(options: SequencerOptions) {
    this.#options = options;
    this.#marks = options.state.marks;
    this.#nextIndex = options.state.nextIndex;
    this.#segmentHash = options.state.segmentHash;
    this.#sums = options.state.sums;
  }

  get hasOpenBlock(): boolean {
    return this.#block !== undefined;
  }

  /** True when something waits for an entry to say it. */
  get hasDropped(): boolean {
    return !this.#dropped.isEmpty;
  }

  get openBlockBytes(): number {
    return this.#block?.builder.sizeBytes ?? 0;
  }

  append({ records, source }: LogBatch): Appended {
    const mark = source === undefined ? -1 : this.#marks.taken(source.id);
    let replayed = 0;
    let withheld = 0;
    let durable: Deferred | undefined;
    let stated: Deferred | undefined;
    for (let index = 0; index < records.length; index++) {
      const position = source?.positions[index];
      if (position !== undefined && position <= mark) {
        replayed++;
        stated = this.#drop(records[index]!) ?? stated;
        continue;
      }
      const block = this.#blockFor(records[index]!);
      if (block === undefined) withheld++;
      else durable = this.#mark(block, source?.id, position);
    }
    // What was dropped may still be on its way to the disk in front of us.
    const isWaiting = replayed > 0 && source !== undefined && this.#marks.isPending(source.id);
    if (isWaiting) durable ??= this.#block?.durable ?? this.#newestItem;
    const taken = records.length - replayed - withheld;
    return { taken, replayed, withheld, durable: allDurable(durable, stated) };
  }

  /** The block into which the record was put; undefined when it has no encoding. */
  #blockFor(record: LogRecord): OpenBlock | undefined {
    const block = this.#block ?? {
      builder: new BlockBuilder(this.#appender, this.#options.random),
      marks: new Map(),
      durable: new Deferred(),
    };
    try {
      block.builder.append(record);
    } catch (error) {
      if (isPermanent(error)) return undefined;
      throw error;
    }
    this.#block = block;
    return block;
  }

  #mark({ builder, marks, durable }: OpenBlock, source?: string, position?: number): Deferred {
    if (source !== undefined && position !== undefined) {
      marks.set(source, position);
      this.#marks.take(source, position);
    }
    const { blockRecordsMax, blockSizeBytesMax } = this.#options.limits;
    if (builder.count >= blockRecordsMax || builder.sizeBytes >= blockSizeBytesMax) {
      this.sealBlock();
    }
    return durable;
  }

  /** What must be durable before the caller may forget a record of a chain that is dropped. */
  #drop(record: LogRecord): Deferred | undefined {
    if (!this.#dropped.add(record)) return undefined;
    this.#stated ??= new Deferred();
    const stated = this.#stated;
    while (this.#dropped.isFull) {
      if (this.#block === undefined) this.sayHeartbeat();
      else this.sealBlock();
    }
    return stated;
  }

  #takeDropped(entryDurable: Deferred): DroppedRange[] | undefined {
    const ranges = this.#dropped.takeForEntry();
    const stated = this.#stated;
    if (this.#dropped.isEmpty && stated !== undefined) {
      this.#stated = undefined;
      entryDurable.promise.then(stated.resolve, stated.reject);
    }
    return ranges;
  }

  /** Closes the open block, if there is one. */
  sealBlock(): void {
    const open = this.#block;
    if (open === undefined) return;
    this.#block = undefined;
    const { recipients, random, clock } = this.#options;
    const sealed = open.builder.seal(recipients, random);
    this.#closeSegmentFor(sealed.bytes.length);
    const position = this.#position;
    const segment = position.open ? position.segment : position.segment + 1;
    const entry: BlockEntry = {
      type: "block",
      v: 1,
      at: clock.nowMs(),
      zone: DEFAULT_ZONE,
      seg: segmentName(segment),
      off: position.open ? position.bytes : 0,
      len: sealed.bytes.length,
      sha256: sealed.sha256,
      inner: { n: sealed.count, root: sealed.root.toString("base64") },
      seq: [position.nextSequence, position.nextSequence + sealed.count - 1],
      t: [...sealed.timeBoundsMs],
      dropped: this.#takeDropped(open.durable),
    };
    this.#segmentHash.update(sealed.bytes);
    const block = { segment, offset: entry.off, bytes: sealed.bytes };
    this.#emit(entry, {
      durable: open.durable,
      marks: [...open.marks],
      block,
      recordBytes: open.builder.sizeBytes,
    });
    // One huge record must not keep its memory for ever.
    if (this.#appender.writer.buffer.length > 4 * this.#options.limits.blockSizeBytesMax) {
      this.#appender = new SingleRecordAppender();
    }
  }

  /** Nothing will come of the open block. */
  abandonBlock(error: unknown): void {
    this.#block?.durable.reject(error);
    this.#block = undefined;
    this.#stated?.reject(error);
    this.#stated = undefined;
  }

  sayHeartbeat(): void {
    const durable = new Deferred();
    const entry: Entry = {
      type: "heartbeat",
      v: 1,
      at: this.#options.clock.nowMs(),
      dropped: this.#takeDropped(durable),
    };
    this.#emit(entry, { durable, marks: [], recordBytes: 0 });
  }

  /** States what was dropped even when no record comes any more. */
  stateDropped(): void {
    while (!this.#dropped.isEmpty) this.sayHeartbeat();
  }

  addEntry(entry: Entry): void {
    this.#emit(entry, { durable: new Deferred(), marks: [], recordBytes: 0 });
  }

  /** Closes the segment when a block of `sizeBytes` does not belong into it any more. */
  #closeSegmentFor(sizeBytes: number): void {
    const { open, bytes } = this.#position;
    const { segmentSizeBytesMax } = this.#options.limits;
    if (open && bytes + sizeBytes > segmentSizeBytesMax) this.#closeSegment();
    else this.closeDueSegment();
  }

  /** Closes the open segment when its interval is over. */
  closeDueSegment(): void {
    const { open, openedAtMs } = this.#position;
    const { segmentIntervalMs } = this.#options.limits;
    const intervalOf = (timeMs: number): number => Math.floor(timeMs / segmentIntervalMs);
    const nowMs = this.#options.clock.nowMs();
    if (open && intervalOf(nowMs) > intervalOf(openedAtMs)) this.#closeSegment();
  }

  #closeSegment(): void {
    const position = this.#position;
    const segment = segmentName(position.segment);
    const digest = this.#segmentHash.digest("hex");
    this.#segmentHash = createHash("sha256");
    this.#sums += sumsLine(segment, digest);
    const entry: Entry = {
      type: "segment",
      v: 1,
      at: this.#options.clock.nowMs(),
      zone: DEFAULT_ZONE,
      seg: segment,
      blocks: position.blocks,
      bytes: position.bytes,
      sha256: digest,
      sums: sha256(this.#sums).toString("hex"),
    };
    const sums = this.#sums;
    this.#emit(entry, { durable: new Deferred(), marks: [], sums, recordBytes: 0 });
  }

  #emit(
    entry: Entry,
    {
      durable,
      recordBytes,
      marks,
      ...rest
    }: {
      durable: Deferred;
      recordBytes: number;
      marks: WalFrame["marks"];
      block?: BlockWrite;
      sums?: string;
    },
  ): void {
    advance(this.#options.state.positions, entry);
    const index = this.#nextIndex++;
    this.#newestItem = durable;
    const frame: WalFrame = { index, entry: encodeEntry(entry).toString(), marks };
    this.#options.emit({ entry, frame, ...rest }, durable, recordBytes);
  }

  get #position(): ZonePosition {
    return positionOf(this.#options.state.positions, DEFAULT_ZONE);
  }
}

function allDurable(first?: Deferred, second?: Deferred): Promise<void> | undefined {
  if (first === undefined || second === undefined) return (first ?? second)?.promise;
  return Promise.all([first.promise, second.promise]).then(() => {});
}

/** A line as `sha256sum` writes it. */
export function sumsLine(segment: string, digest: string): string {
  return `${digest}  ${segmentFileName(segment)}\n`;
}
