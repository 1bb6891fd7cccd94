/**
 * Decrypts blocks, checks the records inside, and shows them to an observer.
 *
 * Invariant: without identities nothing is decrypted and nothing is counted.
 */
import type { Decrypter } from "age-encryption";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { decodeLogs } from "../../../src/otlp/decode_logs.ts";
import { STORED_DECODE_LIMITS } from "../../../src/otlp/limits.ts";
import type { BlockEntry, DroppedRange } from "../format/entry.ts";
import { recordTimeMs } from "../format/record_time.ts";
import type { Report } from "./finding.ts";
import { decryptBlock } from "./open_block.ts";
import { decryptRedacted, redactedPath } from "./open_redacted.ts";
import type { Replaced } from "./redaction_check.ts";

/** Looks at the records of each block, in order, beside what the archive itself checks. */
export interface RecordObserver {
  record(record: LogRecord, place: { file: string; entry: number; record: number }): void;
  dropped(ranges: readonly DroppedRange[]): void;
  /** Called once, at the end, when the records of all blocks were there to look at. */
  finish(report: Report): void;
}

export interface RecordCheckOptions {
  readonly identities?: Decrypter | undefined;
  readonly observer?: RecordObserver | undefined;
  readonly report: Report;
}

interface Place {
  readonly file: string;
  readonly zone: string;
  readonly segment: string;
  readonly entry: number;
  readonly offset?: number;
}

interface Problem {
  readonly record: number;
  readonly reason: string;
}

export class RecordCheck {
  readonly #options: RecordCheckOptions;
  /** By zone, the blocks that the identities did not open. */
  readonly unopenedZones: Record<string, number> = {};
  #decrypted = 0;
  #undecrypted = 0;

  constructor(options: RecordCheckOptions) {
    this.#options = options;
  }

  /** Blocks that the identities opened. */
  get decrypted(): number {
    return this.#decrypted;
  }

  get undecrypted(): number {
    return this.#undecrypted;
  }

  /** `bytes` are those that the entry names. */
  async checkBlock(bytes: Buffer, entry: BlockEntry, index: number): Promise<void> {
    const { identities } = this.#options;
    if (identities === undefined) return;
    const opened = await decryptBlock(bytes, entry, identities);
    const { zone, seg: segment, off: offset } = entry;
    const place = { file: `blocks/${zone}/${segment}.blk`, zone, segment, entry: index, offset };
    if (!this.#isOpen(opened, entry, place)) return;
    const problem = this.#checkTimes(this.#look(opened.records, entry, place), entry);
    if (problem !== undefined) this.#options.report({ kind: "record", ...place, ...problem });
  }

  /** What stands in the place of a redacted block. */
  async checkReplaced({ index, entry, redaction, bytes }: Replaced): Promise<void> {
    const { identities } = this.#options;
    if (identities === undefined) return;
    const opened = await decryptRedacted(bytes, entry, redaction, identities);
    const file = redactedPath(redaction);
    const place = { file, zone: entry.zone, segment: entry.seg, entry: index };
    if (!this.#isOpen(opened, entry, place)) return;
    const records = opened.items.map((item) => ("leaf" in item ? undefined : item.record));
    const seen = this.#look(records, entry, place);
    if ("reason" in seen) this.#options.report({ kind: "record", ...place, ...seen });
  }

  #isOpen<Opened extends object>(
    opened: Opened | { readonly problem: string } | undefined,
    { zone, seq }: BlockEntry,
    place: Place,
  ): opened is Opened {
    if (opened === undefined) {
      this.#undecrypted++;
      this.unopenedZones[zone] = (this.unopenedZones[zone] ?? 0) + 1;
      return false;
    }
    this.#decrypted++;
    if (!("problem" in opened)) return true;
    const reason = opened.problem;
    this.#options.report({ kind: "block", ...place, record: seq[0], reason });
    return false;
  }

  /** The time bounds of the records, or what is wrong with one of them. */
  #look(
    records: readonly (Buffer | undefined)[],
    { seq }: BlockEntry,
    { file, entry }: Place,
  ): Problem | { readonly earliestMs: number; readonly latestMs: number } {
    let earliestMs = Number.POSITIVE_INFINITY;
    let latestMs = Number.NEGATIVE_INFINITY;
    for (const [at, bytes] of records.entries()) {
      if (bytes === undefined) continue;
      const number = seq[0] + at;
      const record = decodeRecord(bytes);
      if (record === undefined) return { record: number, reason: "it is not one OTLP record" };
      earliestMs = Math.min(earliestMs, recordTimeMs(record));
      latestMs = Math.max(latestMs, recordTimeMs(record));
      this.#options.observer?.record(record, { file, entry, record: number });
    }
    return { earliestMs, latestMs };
  }

  #checkTimes(
    seen: Problem | { readonly earliestMs: number; readonly latestMs: number },
    { seq, t }: BlockEntry,
  ): Problem | undefined {
    if ("reason" in seen) return seen;
    if (seen.earliestMs === t[0] && seen.latestMs === t[1]) return undefined;
    return { record: seq[0], reason: "the time bounds in the log are not those of its records" };
  }
}

function decodeRecord(bytes: Buffer): LogRecord | undefined {
  try {
    const { records } = decodeLogs(bytes, STORED_DECODE_LIMITS);
    return records.length === 1 ? records[0] : undefined;
  } catch {
    return undefined;
  }
}
