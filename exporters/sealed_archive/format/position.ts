/**
 * Where the next block of each zone belongs. The writer asks it when it seals, recovery replays
 * entries into it, and the verifier checks every entry against it: one rule for all three.
 *
 * Invariant: segments are numbered from 1 without gaps, blocks lie in them back to back from byte
 * 0, and record numbers run on from block to block.
 */
import type { BlockEntry, Entry, SegmentEntry } from "./entry.ts";

export interface ZonePosition {
  /** Number of the newest segment; 0 before the first. */
  segment: number;
  /** True while the newest segment takes blocks. */
  open: boolean;
  /** `at` of the newest segment's first block. */
  openedAtMs: number;
  blocks: number;
  /** Bytes of the newest segment that entries cover. */
  bytes: number;
  nextSequence: number;
  closedSegments: number;
  /** SHA-256 of SHA256SUMS after the last close, "" before. */
  sums: string;
}

export type Positions = Map<string, ZonePosition>;

export function segmentFileName(segment: string): string {
  return `${segment}.blk`;
}

export function segmentName(number: number): string {
  return String(number).padStart(8, "0");
}

export function positionOf(positions: Positions, zone: string): ZonePosition {
  let position = positions.get(zone);
  if (position === undefined) {
    position = {
      segment: 0,
      open: false,
      openedAtMs: 0,
      blocks: 0,
      bytes: 0,
      nextSequence: 0,
      closedSegments: 0,
      sums: "",
    };
    positions.set(zone, position);
  }
  return position;
}

/** Takes an entry in. A text says what about it does not fit; it is taken in all the same. */
export function advance(positions: Positions, entry: Entry): string | undefined {
  if (entry.type === "block") return advanceBlock(positionOf(positions, entry.zone), entry);
  if (entry.type === "segment") return advanceSegment(positionOf(positions, entry.zone), entry);
  return undefined;
}

function advanceBlock(position: ZonePosition, entry: BlockEntry): string | undefined {
  const problem = blockProblem(position, entry);
  if (!position.open || Number(entry.seg) !== position.segment) {
    position.segment = Number(entry.seg);
    position.open = true;
    position.openedAtMs = entry.at;
    position.blocks = 0;
  }
  position.blocks++;
  position.bytes = entry.off + entry.len;
  position.nextSequence = entry.seq[1] + 1;
  return problem;
}

function blockProblem(position: ZonePosition, entry: BlockEntry): string | undefined {
  const segment = segmentName(position.open ? position.segment : position.segment + 1);
  const offset = position.open ? position.bytes : 0;
  if (entry.seg !== segment) return `it names segment ${entry.seg}, the next one is ${segment}`;
  if (entry.off !== offset) return `it names offset ${entry.off}, the next one is ${offset}`;
  if (entry.seq[0] !== position.nextSequence) {
    return `it starts at record ${entry.seq[0]}, the next one is ${position.nextSequence}`;
  }
  if (entry.seq[1] - entry.seq[0] + 1 !== entry.inner.n) {
    return `it numbers ${entry.seq[1] - entry.seq[0] + 1} records and counts ${entry.inner.n}`;
  }
  return entry.t[0] > entry.t[1] ? "its time bounds are the wrong way round" : undefined;
}

function advanceSegment(position: ZonePosition, entry: SegmentEntry): string | undefined {
  const fits =
    position.open &&
    entry.seg === segmentName(position.segment) &&
    entry.blocks === position.blocks &&
    entry.bytes === position.bytes;
  position.segment = Number(entry.seg);
  position.open = false;
  position.closedSegments++;
  position.sums = entry.sums;
  return fits
    ? undefined
    : `it closes segment ${entry.seg} with ${entry.blocks} blocks and ${entry.bytes} bytes, ` +
        `which is not what the entries before it say`;
}
