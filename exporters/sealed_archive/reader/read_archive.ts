/**
 * Reads records back out of an archive.
 *
 * Invariant: nothing is handed out that is not vouched for: the checkpoint's signature, the root
 * over all entries, the hash of the block and the inner root of its records are checked first.
 */
import type { Decrypter } from "age-encryption";
import { AgentError } from "../../../src/component/errors.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { decodeLogs } from "../../../src/otlp/decode_logs.ts";
import { STORED_DECODE_LIMITS } from "../../../src/otlp/limits.ts";
import type { BlockEntry } from "../format/entry.ts";
import { parseEntry } from "../format/entry.ts";
import { sha256 } from "../format/merkle.ts";
import type { NoteVerifier } from "../format/note.ts";
import type { Recipients } from "../format/recipients.ts";
import { advanceRecipients } from "../format/recipients.ts";
import { recordTimeMs } from "../format/record_time.ts";
import type { Finding } from "./finding.ts";
import { formatFinding } from "./finding.ts";
import { LogFiles } from "./log_files.ts";
import { LogWalk } from "./log_walk.ts";
import { decryptBlock } from "./open_block.ts";
import type { Redaction, Redactions } from "./open_redacted.ts";
import { addRedaction, decryptRedacted, readRedacted } from "./open_redacted.ts";
import { SegmentReader } from "./segment_reader.ts";

export interface ReadOptions {
  readonly archive: string;
  readonly identities: Decrypter;
  /** Undefined: the key beside the archive is trusted. */
  readonly verifier?: NoteVerifier | undefined;
  readonly zone?: string | undefined;
  /** Told at the end of each zone of which not one block was for the identities. */
  readonly onUnopenedZone?: ((zone: string, blocks: number) => void) | undefined;
  /** Records from this time on, in milliseconds; see `recordTimeMs` for which time it is. */
  readonly sinceMs?: number | undefined;
  /** Records before this time. */
  readonly untilMs?: number | undefined;
}

export interface ReadRecord {
  readonly zone: string;
  /** Number of the record in its zone. */
  readonly sequence: number;
  readonly record: LogRecord;
}

/**
 * The records of one block after the other. Throws `archive.tampered` with the place; at the end
 * `archive.wrong_identity` when no zone opened, or one only in part, and `archive.unreadable` when
 * there is no such zone.
 */
export async function* readArchive(options: ReadOptions): AsyncGenerator<ReadRecord[]> {
  const files = new LogFiles(options.archive);
  const verifier = options.verifier ?? (await files.readVerifier());
  let log = await checkLog(files, verifier);
  const segments = new SegmentReader(options.archive);
  const zones: Recipients = new Map();
  const opened = new Set<string>();
  const unread = new Map<string, number>();
  try {
    const walk = new LogWalk(files, () => {});
    for await (const { index, bytes } of walk.entriesTo(log.size)) {
      const entry = parseEntry(bytes);
      if (entry.type === "malformed" || entry.type === "unknown") continue;
      advanceRecipients(zones, entry);
      if (entry.type !== "block" || !isWanted(entry, options)) continue;
      let block = await readBlock(segments, log, entry, index);
      if (typeof block === "string") {
        // It may be gone since we looked; the newest checkpoint then says so.
        const { deleted, redactions } = await checkLog(files, verifier);
        log = { ...log, deleted, redactions };
        block = await readBlock(segments, log, entry, index);
      }
      if (typeof block === "string") throw tampered(block);
      if (block === undefined) continue;
      const records = await openRecords(block, options.identities);
      if (records === undefined) {
        unread.set(entry.zone, (unread.get(entry.zone) ?? 0) + 1);
        continue;
      }
      opened.add(entry.zone);
      yield records.filter(({ record }) => isInTime(recordTimeMs(record), options));
    }
  } finally {
    await segments.close();
  }
  const wanted = options.zone;
  if (wanted !== undefined && !zones.has(wanted)) {
    const names = [...zones.keys()].join(", ");
    const message = `${options.archive} has no zone '${wanted}', only ${names}`;
    throw new AgentError("archive.unreadable", message);
  }
  for (const [zone, blocks] of unread) {
    // Who reads one zone must not be stopped by the others; a hole in a zone is no such case.
    if (opened.size === 0 || opened.has(zone)) {
      throw new AgentError(
        "archive.wrong_identity",
        `${blocks} blocks of zone ${zone} in ${options.archive} were sealed for other recipients`,
      );
    }
    options.onUnopenedZone?.(zone, blocks);
  }
}

interface CheckedLog {
  readonly archive: string;
  readonly size: number;
  /** Segments that the log says are deleted; see {@link segmentKey}. */
  readonly deleted: ReadonlySet<string>;
  readonly redactions: Redactions;
}

async function checkLog(files: LogFiles, verifier: NoteVerifier): Promise<CheckedLog> {
  const { checkpoint, problem } = await files.readCheckpoint(verifier);
  if (problem !== undefined) throw tampered(`log/checkpoint: ${problem}`);
  const { size, root } = checkpoint;
  const findings: Finding[] = [];
  const deleted = new Set<string>();
  const redactions: Redactions = new Map();
  const walk = new LogWalk(files, (finding) => findings.push(finding));
  for await (const { bytes } of walk.entriesTo(size)) {
    const entry = parseEntry(bytes);
    if (entry.type === "retain") deleted.add(segmentKey(entry));
    if (entry.type === "redact") addRedaction(redactions, entry);
  }
  if (walk.isWhole && walk.root().equals(root)) {
    return { archive: files.archive, size, deleted, redactions };
  }
  walk.reportMismatches(false);
  const [first] = findings;
  throw tampered(
    first === undefined ? "the entries do not give the signed root" : formatFinding(first),
  );
}

function segmentKey({ zone, seg }: { readonly zone: string; readonly seg: string }): string {
  return `${zone}/${seg}`;
}

interface FoundBlock {
  readonly entry: BlockEntry;
  readonly bytes: Buffer;
  readonly redaction: Redaction | undefined;
  readonly place: string;
}

/** Undefined when the log says that it is deleted; a text says what is wrong with it. */
async function readBlock(
  segments: SegmentReader,
  { archive, deleted, redactions }: CheckedLog,
  entry: BlockEntry,
  index: number,
): Promise<FoundBlock | string | undefined> {
  const { zone, seg, off, len } = entry;
  const place = `blocks/${zone}/${seg}.blk, entry ${index}, byte ${off}, record ${entry.seq[0]}`;
  if (deleted.has(segmentKey(entry))) return undefined;
  const redaction = redactions.get(index);
  if (redaction !== undefined) {
    const bytes = await readRedacted(archive, redaction);
    if (bytes === undefined) return `${place}: what stands in its place is missing or was changed`;
    return { entry, bytes, redaction, place };
  }
  const bytes = await segments.read(zone, seg, off, len);
  if (bytes.length !== len) return `${place}: the block is missing or cut short`;
  if (sha256(bytes).toString("hex") !== entry.sha256) return `${place}: the block was changed`;
  return { entry, bytes, redaction, place };
}

/** Undefined when the block is for others. */
async function openRecords(
  { entry, bytes, redaction, place }: FoundBlock,
  identities: Decrypter,
): Promise<ReadRecord[] | undefined> {
  const opened =
    redaction === undefined
      ? await decryptBlock(bytes, entry, identities)
      : await decryptRedacted(bytes, entry, redaction, identities);
  if (opened === undefined) return undefined;
  if ("problem" in opened) throw tampered(`${place}: ${opened.problem}`);
  const records =
    "items" in opened
      ? opened.items.map((item) => ("leaf" in item ? undefined : item.record))
      : opened.records;
  return records.flatMap((record, at): ReadRecord[] => {
    if (record === undefined) return [];
    const decoded = decodeLogs(record, STORED_DECODE_LIMITS).records[0];
    if (decoded === undefined) throw tampered(`${place}: record ${at} is not an OTLP record`);
    return [{ zone: entry.zone, sequence: entry.seq[0] + at, record: decoded }];
  });
}

function isWanted({ zone, t }: BlockEntry, options: ReadOptions): boolean {
  if (options.zone !== undefined && options.zone !== zone) return false;
  if (options.sinceMs !== undefined && t[1] < options.sinceMs) return false;
  return options.untilMs === undefined || t[0] < options.untilMs;
}

function isInTime(timeMs: number, { sinceMs, untilMs }: ReadOptions): boolean {
  return (
    (sinceMs === undefined || timeMs >= sinceMs) && (untilMs === undefined || timeMs < untilMs)
  );
}

function tampered(message: string): AgentError {
  return new AgentError("archive.tampered", message);
}
