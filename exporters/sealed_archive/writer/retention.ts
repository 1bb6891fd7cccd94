/** What is due to be deleted. */
import type { RetainEntry } from "../format/entry.ts";
import { holdOn } from "../format/holds.ts";
import type { LogState } from "../format/log_state.ts";
import { segmentName } from "../format/position.ts";

/** The rest is due a moment later. */
const DUE_MAX = 100;

/**
 * Closed segments whose newest block is older than their zone keeps blocks, and on which there is no
 * hold.
 */
export function dueSegments(
  { kept, holds }: LogState,
  retentionMsOf: (zone: string) => number | undefined,
  nowMs: number,
): Pick<RetainEntry, "zone" | "seg" | "after_ms">[] {
  const due: Pick<RetainEntry, "zone" | "seg" | "after_ms">[] = [];
  for (const [zone, segments] of kept) {
    const retentionMs = retentionMsOf(zone);
    if (retentionMs === undefined) continue;
    for (const segment of segments) {
      // They are in the order of their times.
      if (nowMs - segment.lastBlockMs < retentionMs || due.length === DUE_MAX) break;
      if (!segment.closed || holdOn(holds, zone, segment) !== undefined) continue;
      due.push({ zone, seg: segmentName(segment.segment), after_ms: Math.ceil(retentionMs) });
    }
  }
  return due;
}
