/**
 * Which segments an archive still has, as the entries say it. The writer asks it what is due to be
 * deleted, and the verifier checks each deletion against it.
 */
import type { BlockEntry, Entry } from "./entry.ts";

export interface KeptSegment {
  readonly segment: number;
  closed: boolean;
  /** `at` of its newest block. */
  lastBlockMs: number;
  /** Earliest and latest time of its records. */
  fromMs: number;
  toMs: number;
}

/** By zone, in the order of their numbers. */
export type KeptSegments = Map<string, KeptSegment[]>;

/** A text says what about the entry does not fit. */
export function advanceKept(zones: KeptSegments, entry: Entry): string | undefined {
  if (entry.type === "block") takeBlock(zones, entry);
  if (entry.type !== "segment" && entry.type !== "retain") return undefined;
  const segments = zones.get(entry.zone) ?? [];
  const at = segments.findIndex(({ segment }) => segment === Number(entry.seg));
  const found = segments[at];
  if (entry.type === "segment") {
    if (found !== undefined) found.closed = true;
    return undefined;
  }
  const { zone, seg, after_ms: afterMs } = entry;
  if (found === undefined) return `it deletes segment ${seg} of zone ${zone}, which is not there`;
  segments.splice(at, 1);
  if (!found.closed) return `it deletes segment ${seg} of zone ${zone}, which is not closed`;
  if (entry.at - found.lastBlockMs >= afterMs) return undefined;
  return `it deletes segment ${seg} of zone ${zone} before the time that it states is over`;
}

function takeBlock(zones: KeptSegments, { zone, seg, at, t: [fromMs, toMs] }: BlockEntry): void {
  const segments = zones.get(zone) ?? [];
  zones.set(zone, segments);
  const newest = segments.at(-1);
  if (newest?.segment !== Number(seg)) {
    segments.push({ segment: Number(seg), closed: false, lastBlockMs: at, fromMs, toMs });
    return;
  }
  newest.lastBlockMs = at;
  newest.fromMs = Math.min(newest.fromMs, fromMs);
  newest.toMs = Math.max(newest.toMs, toMs);
}

export function copyKept(zones: KeptSegments): KeptSegments {
  return new Map(
    [...zones].map(([zone, segments]) => [zone, segments.map((segment) => ({ ...segment }))]),
  );
}
