/**
 * One zone: its open block, and where in its segments the next block belongs.
 *
 * Invariant: a block gets its segment, offset and record numbers when it is sealed and keeps them
 * however often it must be written. Its frame says of each source what is sealed once it and all
 * frames before it are on disk, and nothing of what is in the open blocks of other zones.
 */
import type { Hash } from "node:crypto";
import { createHash } from "node:crypto";
import { isPermanent } from "../../../src/component/errors.ts";
import type { RandomSource } from "../../../src/component/settings.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import type { AgeRecipient } from "../../../src/lib/age/age_file.ts";
import type { SharedEncoding } from "../../../src/otlp/shared_encoding.ts";
import { SingleRecordAppender } from "../../../src/otlp/single_record.ts";
import { BlockBuilder } from "../format/block.ts";
import type { BlockEntry, SegmentEntry } from "../format/entry.ts";
import { sha256 } from "../format/merkle.ts";
import type { ZonePosition } from "../format/position.ts";
import { segmentFileName, segmentName } from "../format/position.ts";
import type { Item } from "./committer.ts";
import type { Cover } from "./cover.ts";
import { Deferred } from "./deferred.ts";
import type { Unsealed } from "./dropped_ranges.ts";
import type { EntryClock } from "./entry_clock.ts";
import type { LiveSource, Marks } from "./marks.ts";
import { toMark } from "./marks.ts";
import type { Mark } from "./wal.ts";

export interface ZoneLimits {
  readonly blockRecordsMax: number;
  readonly blockSizeBytesMax: number;
  readonly blockDelayMs: number;
  readonly segmentSizeBytesMax: number;
  /** A segment holds blocks of one such interval of UTC. */
  readonly segmentIntervalMs: number;
}

/** What a zone looks like when the agent starts. */
export interface ZoneState {
  /** Age public keys; none for a zone that only earlier configurations had. */
  readonly recipients: readonly AgeRecipient[];
  readonly limits: ZoneLimits;
  /** Over the bytes of the open segment. */
  readonly segmentHash: Hash;
  /** Content of SHA256SUMS. */
  readonly sums: string;
}

/** What goes with an entry to the disk. */
export interface Payload extends Pick<Item, "block" | "sums"> {
  readonly durable: Deferred;
  readonly marks: readonly Mark[];
  readonly recordBytes: number;
}

export interface ZoneWriterOptions {
  readonly name: string;
  readonly clock: EntryClock;
  readonly random: RandomSource;
  readonly marks: Marks;
  readonly state: ZoneState;
  /** Moves with each entry that is emitted. */
  readonly position: ZonePosition;
  readonly emit: (entry: BlockEntry | SegmentEntry, payload: Payload) => void;
  /** What the next entry says of records that are not in the archive. */
  readonly takeUnsealed: (entryDurable: Deferred) => Unsealed;
}

interface BlockSource {
  readonly source: LiveSource;
  readonly spans: [after: number, to: number][];
}

/** Records that are waiting to be sealed together. */
export class OpenBlock {
  readonly builder: BlockBuilder;
  readonly durable = new Deferred();
  readonly #marks: Marks;
  readonly #sources = new Map<string, BlockSource>();

  constructor(builder: BlockBuilder, marks: Marks) {
    this.builder = builder;
    this.#marks = marks;
  }

  /** The newest record stands at `position` of the source; returns what is taken of it by now. */
  mark(id: string, position: number): Cover {
    let found = this.#sources.get(id);
    if (found === undefined) {
      found = { source: this.#marks.enter(id), spans: [] };
      this.#sources.set(id, found);
    }
    const { source, spans } = found;
    const after = source.taken.take(position);
    const last = spans.at(-1);
    if (last?.[1] === after) last[1] = position;
    else spans.push([after, position]);
    return source.taken;
  }

  /** Call once, when the block goes into a frame. */
  takeMarks(): Mark[] {
    return [...this.#sources].map(([id, { source, spans }]) => {
      source.framed.add(spans);
      return toMark(id, source.framed);
    });
  }
}

export class ZoneWriter {
  readonly #options: ZoneWriterOptions;
  #segmentHash: Hash;
  #sums: string;
  #appender = new SingleRecordAppender();
  #block: OpenBlock | undefined;

  constructor(options: ZoneWriterOptions) {
    this.#options = options;
    this.#segmentHash = options.state.segmentHash;
    this.#sums = options.state.sums;
  }

  get openBlock(): OpenBlock | undefined {
    return this.#block;
  }

  get blockDelayMs(): number {
    return this.#options.state.limits.blockDelayMs;
  }

  /**
   * The block into which the record was put; undefined when it has no encoding. `encoding` is that
   * of the record's batch, in which it is number `index`.
   */
  append(record: LogRecord, encoding?: SharedEncoding, index = 0): OpenBlock | undefined {
    const { random, marks } = this.#options;
    const block = this.#block ?? new OpenBlock(new BlockBuilder(this.#appender, random), marks);
    try {
      block.builder.append(record, encoding, index);
    } catch (error) {
      if (isPermanent(error)) return undefined;
      throw error;
    }
    this.#block = block;
    return block;
  }

  sealFullBlock(): void {
    const { blockRecordsMax, blockSizeBytesMax } = this.#options.state.limits;
    const builder = this.#block?.builder;
    if (builder === undefined) return;
    if (builder.count >= blockRecordsMax || builder.sizeBytes >= blockSizeBytesMax) {
      this.sealBlock();
    }
  }

  /** Closes the open block, if there is one. */
  sealBlock(): void {
    const open = this.#block;
    if (open === undefined) return;
    this.#block = undefined;
    const { name, position, random, clock, state } = this.#options;
    const sealed = open.builder.seal(state.recipients, random);
    this.#closeSegmentFor(sealed.bytes.length);
    const segment = position.open ? position.segment : position.segment + 1;
    const entry: BlockEntry = {
      type: "block",
      v: 1,
      at: clock.nowMs(),
      zone: name,
      seg: segmentName(segment),
      off: position.open ? position.bytes : 0,
      len: sealed.bytes.length,
      sha256: sealed.sha256,
      inner: { n: sealed.count, root: sealed.root.toString("base64") },
      seq: [position.nextSequence, position.nextSequence + sealed.count - 1],
      t: [...sealed.timeBoundsMs],
      ...this.#options.takeUnsealed(open.durable),
    };
    this.#segmentHash.update(sealed.bytes);
    this.#options.emit(entry, {
      durable: open.durable,
      marks: open.takeMarks(),
      block: { segment, offset: entry.off, bytes: sealed.bytes },
      recordBytes: open.builder.sizeBytes,
    });
    // One huge record must not keep its memory for ever.
    if (this.#appender.writer.buffer.length > 4 * state.limits.blockSizeBytesMax) {
      this.#appender = new SingleRecordAppender();
    }
  }

  /** Nothing will come of the open block. */
  abandonBlock(error: unknown): void {
    this.#block?.durable.reject(error);
    this.#block = undefined;
  }

  /** Closes the segment when a block of `sizeBytes` does not belong into it any more. */
  #closeSegmentFor(sizeBytes: number): void {
    const { position, state } = this.#options;
    const { limits } = state;
    const isFull = position.bytes + sizeBytes > limits.segmentSizeBytesMax;
    if (position.open && isFull) this.#closeSegment();
    else this.closeDueSegment();
  }

  /** Closes the open segment when its interval is over. */
  closeDueSegment(): void {
    const { position, clock } = this.#options;
    const { limits } = this.#options.state;
    const intervalOf = (timeMs: number): number => Math.floor(timeMs / limits.segmentIntervalMs);
    const isDue = intervalOf(clock.nowMs()) > intervalOf(position.openedAtMs);
    if (position.open && isDue) this.#closeSegment();
  }

  #closeSegment(): void {
    const { name, position, clock } = this.#options;
    const segment = segmentName(position.segment);
    const digest = this.#segmentHash.digest("hex");
    this.#segmentHash = createHash("sha256");
    this.#sums += sumsLine(segment, digest);
    const entry: SegmentEntry = {
      type: "segment",
      v: 1,
      at: clock.nowMs(),
      zone: name,
      seg: segment,
      blocks: position.blocks,
      bytes: position.bytes,
      sha256: digest,
      sums: sha256(this.#sums).toString("hex"),
    };
    const sums = this.#sums;
    this.#options.emit(entry, { durable: new Deferred(), marks: [], sums, recordBytes: 0 });
  }
}

/** A line as `sha256sum` writes it. */
export function sumsLine(segment: string, digest: string): string {
  return `${digest}  ${segmentFileName(segment)}\n`;
}
