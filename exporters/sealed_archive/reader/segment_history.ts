/** What became of each segment, from its first block to its deletion, as the log says it. */
import type { Entry } from "../format/entry.ts";
import type { NoteVerifier } from "../format/note.ts";
import { readSignedEntries } from "./read_state.ts";

export interface SegmentHistory {
  readonly zone: string;
  readonly segment: string;
  /** `at` of its first block. */
  readonly openedMs: number;
  blocks: number;
  bytes: number;
  /** First and last record number. */
  readonly records: [number, number];
  /** Of the whole file; undefined while it is open. */
  sha256: string | undefined;
  closedMs: number | undefined;
  /** Times of its redactions, each the beginning of another version of one of its blocks. */
  readonly redactedMs: number[];
  deletedMs: number | undefined;
}

/** In the order in which they were opened. Throws `archive.tampered` and `archive.unreadable`. */
export async function readSegmentHistory(
  archive: string,
  verifier?: NoteVerifier,
): Promise<SegmentHistory[]> {
  const segments = new Map<string, SegmentHistory>();
  for await (const { entry } of readSignedEntries(archive, verifier)) take(segments, entry);
  return [...segments.values()];
}

function take(segments: Map<string, SegmentHistory>, entry: Entry): void {
  if (!("seg" in entry)) return;
  const { zone, seg, at } = entry;
  const key = `${zone}/${seg}`;
  const found = segments.get(key);
  if (entry.type === "block") {
    const segment = found ?? {
      zone,
      segment: seg,
      openedMs: at,
      blocks: 0,
      bytes: 0,
      records: [entry.seq[0], entry.seq[1]],
      sha256: undefined,
      closedMs: undefined,
      redactedMs: [],
      deletedMs: undefined,
    };
    segment.blocks++;
    segment.bytes = entry.off + entry.len;
    segment.records[1] = entry.seq[1];
    segments.set(key, segment);
  } else if (found === undefined) return;
  else if (entry.type === "segment") {
    found.closedMs = at;
    found.sha256 = entry.sha256;
  } else if (entry.type === "redact") found.redactedMs.push(at);
  else found.deletedMs = at;
}
