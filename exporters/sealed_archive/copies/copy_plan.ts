/**
 * What belongs to a copy of the log at a size, beside its tiles: read from the entries alone, so that
 * the writer of a copy and its reader agree.
 */
import type { SegmentEntry } from "../format/entry.ts";
import { parseEntry } from "../format/entry.ts";
import { EPOCHS_FOLDER, noteFileName } from "../format/epoch.ts";

export class CopyPlan {
  /** Closed segments by `zone/segment`; those whose deletion is logged are not among them. */
  readonly segments = new Map<string, SegmentEntry>();
  /** Closing notes of epochs. */
  readonly notes: string[] = [];
  /** By zone, the newest closed segment: its `sums` is the hash of SHA256SUMS at this size. */
  readonly sums = new Map<string, SegmentEntry>();
  /** Segments out of which records were erased, as `zone/segment`: their files were rewritten. */
  readonly redacted = new Set<string>();
  /** Segments that are not closed, as `zone/segment`, and how many bytes of them the log covers. */
  readonly open = new Map<string, number>();
  /** Segments that were closed, whether they are there or not. */
  readonly closed = new Set<string>();

  take(bytes: Uint8Array): void {
    const entry = parseEntry(bytes);
    if (entry.type === "block") this.open.set(`${entry.zone}/${entry.seg}`, entry.off + entry.len);
    if (entry.type === "epoch") this.notes.push(`${EPOCHS_FOLDER}/${noteFileName(entry.epoch)}`);
    if (entry.type === "retain") {
      this.segments.delete(`${entry.zone}/${entry.seg}`);
      this.redacted.delete(`${entry.zone}/${entry.seg}`);
    }
    if (entry.type === "redact") this.redacted.add(`${entry.zone}/${entry.seg}`);
    if (entry.type !== "segment") return;
    const name = `${entry.zone}/${entry.seg}`;
    this.open.delete(name);
    this.closed.add(name);
    this.segments.set(name, entry);
    this.sums.set(entry.zone, entry);
  }
}

/** What stands in the place of an erased block: `00000001-17-43d37ec06b37b957.blk`. */
export function isReplacement(name: string, segment: string): boolean {
  return name.startsWith(`${segment}-`) && /^\d{8}-\d{1,16}-[0-9a-f]{16}\.blk$/.test(name);
}

/** Bytes `from` to `to - 1` of a segment that is still open. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

const PART = /^blocks\/([\w-]+\/\d{8})\.blk\.part\/(0|[1-9]\d{0,15})-([1-9]\d{0,15})$/;

export function partKey(name: string, { from, to }: Part): string {
  return `blocks/${name}.blk.part/${from}-${to}`;
}

export function parsePartKey(
  key: string,
): { readonly name: string; readonly part: Part } | undefined {
  const [, name, from, to] = PART.exec(key) ?? [];
  if (name === undefined || Number(from) >= Number(to)) return undefined;
  return { name, part: { from: Number(from), to: Number(to) } };
}
