/**
 * What a verifier found: a kind for machines, a sentence for people, and the place.
 *
 * Invariant: a finding names places, counts and hashes, never the content of a record.
 */
export interface Finding {
  readonly kind:
    | "checkpoint"
    | "root"
    | "kept_checkpoint"
    | "entry"
    | "tile"
    | "block"
    | "segment"
    | "unlogged_bytes"
    | "unexpected_file"
    | "sums"
    | "record"
    | "epoch"
    | "chain"
    | "copy";
  /** One sentence. */
  readonly reason: string;
  /** Relative to the archive. */
  readonly file?: string;
  readonly zone?: string;
  readonly segment?: string;
  /** Index in the log, from 0. */
  readonly entry?: number;
  /** Record number in its zone, as the entry's `seq` counts. */
  readonly record?: number;
  /** Byte in the segment at which the block begins, or at which unlogged bytes begin. */
  readonly offset?: number;
}

/** `file, entry 7, byte 35012, record 4100: reason` with what is known of it. */
export function formatFinding(finding: Finding): string {
  const place = [
    finding.file,
    finding.entry === undefined ? undefined : `entry ${finding.entry}`,
    finding.offset === undefined ? undefined : `byte ${finding.offset}`,
    finding.record === undefined ? undefined : `record ${finding.record}`,
  ].filter((part) => part !== undefined);
  return place.length === 0 ? finding.reason : `${place.join(", ")}: ${finding.reason}`;
}

export type Report = (finding: Finding) => void;
