/**
 * Verifies a whole archive: rebuilds the log from its entries, and checks every byte of the blocks.
 *
 * Invariant: the checkpoint is read first, and everything that it covers must be there and be right.
 * What lies beyond it is not yet covered: a running agent writes blocks and tiles before it signs
 * them. Such bytes are accepted only when a newer signed checkpoint covers all of them within the
 * time in which the agent undertook to publish; otherwise nobody vouches for them, and they are
 * reported.
 */

import { readdir } from "node:fs/promises";
import type { Decrypter } from "age-encryption";
import { AgentError } from "../../../src/component/errors.ts";
import type { Clock } from "../../../src/component/settings.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { decodeLogs } from "../../../src/otlp/decode_logs.ts";
import { STORED_DECODE_LIMITS } from "../../../src/otlp/limits.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import type {
  BlockEntry,
  DroppedRange,
  Entry,
  ParsedEntry,
  StatementEntry,
} from "../format/entry.ts";
import { isStatement, parseEntry } from "../format/entry.ts";
import { EPOCHS_FOLDER, noteFileName } from "../format/epoch.ts";
import type { NoteVerifier } from "../format/note.ts";
import { recordTimeMs } from "../format/record_time.ts";
import { parseTilePath } from "../format/tiles.ts";
import type { WitnessedLog, WitnessRule } from "./anchor_check.ts";
import { AnchorCheck } from "./anchor_check.ts";
import type { EpochSummary } from "./epoch_check.ts";
import { EpochCheck } from "./epoch_check.ts";
import type { Finding, Report } from "./finding.ts";
import { LogFiles } from "./log_files.ts";
import { LogWalk } from "./log_walk.ts";
import { decryptBlock, wrongIdentity } from "./open_block.ts";
import type { Uncovered } from "./payload_check.ts";
import { PayloadCheck } from "./payload_check.ts";

/** Findings that are kept; more are only counted. */
const FINDINGS_MAX = 1000;
/** Dropped ranges that are kept for the report. */
const DROPPED_MAX = 10_000;
/** Statements that are kept for the report: the newest of them. */
const STATEMENTS_MAX = 1000;
const SETTLE_POLL_MS = 100;
const PUBLISH_INTERVAL_MS_DEFAULT = 1000;

/** Looks at the records of each block, in order, beside what the archive itself checks. */
export interface RecordObserver {
  record(record: LogRecord, place: { file: string; entry: number; record: number }): void;
  dropped(ranges: readonly DroppedRange[]): void;
  /** Called once, at the end, when the records of all blocks were there to look at. */
  finish(report: Report): void;
}

export interface VerifyOptions {
  readonly archive: string;
  /** Undefined: the key beside the archive is trusted. */
  readonly verifier?: NoteVerifier | undefined;
  readonly identities?: Decrypter | undefined;
  /** The key of the first epoch, kept elsewhere; without it the one in the log is trusted. */
  readonly firstEpoch?: NoteVerifier | undefined;
  /** A checkpoint that was kept elsewhere; the archive must contain its log. */
  readonly kept?: Checkpoint | undefined;
  /** Which witnesses must have cosigned a checkpoint of the archive, and when. */
  readonly witnesses?: WitnessRule | undefined;
  readonly observer?: RecordObserver | undefined;
  /** Told of every entry that the checkpoint covers, in order, before it is known to be right. */
  readonly onEntry?: ((entry: ParsedEntry, index: number) => void) | undefined;
  readonly clock: Clock;
}

export interface VerifyResult {
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  readonly root: string;
  readonly entries: Readonly<Record<string, number>>;
  readonly epochs: EpochSummary;
  /** What the witnesses of the policy have cosigned; undefined without a policy or a quorum. */
  readonly witnessed: WitnessedLog | undefined;
  readonly blocks: number;
  readonly records: number;
  readonly blockBytes: number;
  /** Bytes that a newer checkpoint covers and that were not checked in this run. */
  readonly newerBytes: number;
  /** Blocks whose records were checked. */
  readonly decryptedBlocks: number;
  /** By zone, the blocks that the identities did not open; empty without identities. */
  readonly unopenedZones: Readonly<Record<string, number>>;
  /** Chain numbers that the archive says it dropped as replayed; the first of them. */
  readonly dropped: readonly DroppedRange[];
  /** What people did with the archive, in the order of the log; the newest of them. */
  readonly statements: readonly Statement[];
  readonly findings: readonly Finding[];
  readonly findingsCount: number;
  /** Of the check itself, without waiting for a newer checkpoint. */
  readonly elapsedMs: number;
}

/** An entry that a person caused, not the flow of records. */
export interface Statement {
  /** Its index in the log. */
  readonly index: number;
  readonly entry: StatementEntry;
}

/** Throws `archive.unreadable`, `archive.key_invalid` and the like when it could not check. */
export async function verifyArchive(options: VerifyOptions): Promise<VerifyResult> {
  const verification = new Verification(options);
  return verification.run();
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #files: LogFiles;
  readonly #walk: LogWalk;
  readonly #payload: PayloadCheck;
  readonly #findings: Finding[] = [];
  readonly #kinds: Record<string, number> = {};
  readonly #dropped: DroppedRange[] = [];
  readonly #statements: Statement[] = [];
  #findingsCount = 0;
  #blocks = 0;
  #records = 0;
  #blockBytes = 0;
  #undecrypted = 0;
  readonly #unopenedZones: Record<string, number> = {};
  readonly #epochs: EpochCheck;
  #latestMs = 0;
  #publishIntervalMs = PUBLISH_INTERVAL_MS_DEFAULT;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#files = new LogFiles(options.archive);
    const report: Report = (finding) => this.#report(finding);
    this.#walk = new LogWalk(this.#files, report);
    this.#payload = new PayloadCheck(options.archive, report);
    this.#epochs = new EpochCheck({ ...options, first: options.firstEpoch, report });
  }

  async run(): Promise<VerifyResult> {
    const { archive, clock, identities } = this.#options;
    const startedMs = clock.nowMs();
    await readdir(archive).catch((cause: unknown) => {
      throw new AgentError("archive.unreadable", `cannot read the folder ${archive}`, { cause });
    });
    const verifier = this.#options.verifier ?? (await this.#files.readVerifier());
    const { kept, witnesses } = this.#options;
    const report: Report = (finding) => this.#report(finding);
    const anchors = await AnchorCheck.read(archive, { verifier, kept }, report);
    const { checkpoint, note, problem } = await this.#files.readCheckpoint(verifier);
    if (problem !== undefined) {
      this.#report({ kind: "checkpoint", file: "log/checkpoint", reason: problem });
    }
    try {
      await this.#checkCovered(checkpoint, verifier, anchors);
      const elapsedMs = clock.nowMs() - startedMs;
      // What lies beyond a log that cannot be trusted is no question any more.
      const isSigned = problem === undefined && this.#isSigned(checkpoint);
      if (isSigned) this.#epochs.checkCheckpoint(note.toString());
      const newerBytes = isSigned ? await this.#settle(verifier) : 0;
      await this.#payload.checkSums();
      const newest = { size: checkpoint.size, note: note.toString() };
      const witnessed = witnesses && anchors.judge(newest, witnesses, clock.nowMs());
      if (this.#blocks > 0 && this.#undecrypted === this.#blocks) throw wrongIdentity(archive);
      if (this.#undecrypted === 0) {
        this.#options.observer?.finish((finding) => this.#report(finding));
      }
      return {
        origin: checkpoint.origin,
        vkey: verifier.vkey,
        size: checkpoint.size,
        root: checkpoint.root.toString("base64"),
        entries: this.#kinds,
        epochs: this.#epochs.summary(),
        witnessed,
        blocks: this.#blocks,
        records: this.#records,
        blockBytes: this.#blockBytes,
        newerBytes,
        decryptedBlocks: identities === undefined ? 0 : this.#blocks - this.#undecrypted,
        unopenedZones: this.#unopenedZones,
        dropped: this.#dropped,
        statements: this.#statements,
        findings: this.#findings,
        findingsCount: this.#findingsCount,
        elapsedMs,
      };
    } finally {
      await this.#payload.close();
    }
  }

  async #checkCovered(
    checkpoint: Checkpoint,
    verifier: NoteVerifier,
    anchors: AnchorCheck,
  ): Promise<void> {
    for (const size of anchors.sizesTo(checkpoint.size)) {
      await this.#checkEntries(size, verifier);
      if (this.#walk.isWhole) anchors.compare(size, this.#walk.root());
    }
    await this.#checkEntries(checkpoint.size, verifier);
    anchors.compareNewest(checkpoint);
    const isSigned = this.#isSigned(checkpoint);
    this.#walk.reportMismatches(isSigned);
    if (isSigned || !this.#walk.isWhole) return;
    const reason = `the ${checkpoint.size} entries do not give the root that the checkpoint has`;
    this.#report({ kind: "root", file: "log/checkpoint", reason });
  }

  #isSigned({ size, root }: Checkpoint): boolean {
    return this.#walk.isWhole && this.#walk.size === size && this.#walk.root().equals(root);
  }

  async #checkEntries(size: number, verifier: NoteVerifier): Promise<void> {
    for await (const { index, bytes } of this.#walk.entriesTo(size)) {
      const entry = parseEntry(bytes);
      this.#options.onEntry?.(entry, index);
      this.#kinds[entry.type] = (this.#kinds[entry.type] ?? 0) + 1;
      if (entry.type === "malformed") {
        this.#report({ kind: "entry", entry: index, reason: entry.reason });
      } else if (entry.type !== "unknown") await this.#checkEntry(entry, index, verifier);
    }
  }

  async #checkEntry(entry: Entry, index: number, verifier: NoteVerifier): Promise<void> {
    await this.#checkTime(entry, index);
    if ((entry.type === "genesis") !== (index === 0)) {
      const reason = index === 0 ? "the log begins without a genesis" : "a second genesis";
      this.#report({ kind: "entry", entry: index, reason });
    }
    if (entry.type === "genesis") {
      if (entry.origin !== verifier.name || entry.vkey !== verifier.vkey) {
        const reason = `the genesis is that of ${entry.origin}, or of another key`;
        this.#report({ kind: "entry", entry: index, reason });
      }
    }
    if (entry.type === "genesis" || entry.type === "restart") {
      this.#publishIntervalMs = entry.intervals.publish_ms;
    }
    if (isStatement(entry)) {
      this.#statements.push({ index, entry });
      if (this.#statements.length > STATEMENTS_MAX) this.#statements.shift();
    }
    if (entry.type === "segment") await this.#payload.checkSegment(entry, index);
    if (entry.type === "block") await this.#checkBlock(entry, index);
    if (entry.type === "block" || entry.type === "heartbeat") {
      const dropped = entry.dropped ?? [];
      this.#options.observer?.dropped(dropped);
      if (this.#dropped.length < DROPPED_MAX) this.#dropped.push(...dropped);
    }
  }

  /** Times never go back, and so lie between those at which their epoch was opened and closed. */
  async #checkTime(entry: Entry, index: number): Promise<void> {
    if (entry.at < this.#latestMs) {
      const reason = "its time is before that of an earlier entry";
      this.#report({ kind: "entry", entry: index, reason });
    }
    this.#latestMs = Math.max(this.#latestMs, entry.at);
    await this.#epochs.take(entry, index, () =>
      this.#walk.isWhole ? this.#walk.root() : undefined,
    );
  }

  async #checkBlock(entry: BlockEntry, index: number): Promise<void> {
    this.#blocks++;
    this.#records += entry.inner.n;
    this.#blockBytes += entry.len;
    const bytes = await this.#payload.checkBlock(entry, index);
    const { identities } = this.#options;
    if (bytes === undefined || identities === undefined) return;
    const opened = await decryptBlock(bytes, entry, identities);
    if (opened === undefined) {
      this.#undecrypted++;
      this.#unopenedZones[entry.zone] = (this.#unopenedZones[entry.zone] ?? 0) + 1;
      return;
    }
    const file = `blocks/${entry.zone}/${entry.seg}.blk`;
    const place = { file, zone: entry.zone, segment: entry.seg, entry: index, offset: entry.off };
    if ("problem" in opened) {
      this.#report({ kind: "block", ...place, record: entry.seq[0], reason: opened.problem });
      return;
    }
    const problem = this.#checkRecords(opened.records, entry, { file, entry: index });
    if (problem !== undefined) this.#report({ kind: "record", ...place, ...problem });
  }

  #checkRecords(
    records: readonly Buffer[],
    { seq, t }: BlockEntry,
    place: { file: string; entry: number },
  ): { record: number; reason: string } | undefined {
    let earliestMs = Number.POSITIVE_INFINITY;
    let latestMs = Number.NEGATIVE_INFINITY;
    for (const [at, bytes] of records.entries()) {
      const number = seq[0] + at;
      const record = decodeRecord(bytes);
      if (record === undefined) return { record: number, reason: "it is not one OTLP record" };
      earliestMs = Math.min(earliestMs, recordTimeMs(record));
      latestMs = Math.max(latestMs, recordTimeMs(record));
      this.#options.observer?.record(record, { ...place, record: number });
    }
    if (earliestMs === t[0] && latestMs === t[1]) return undefined;
    return { record: seq[0], reason: "the time bounds in the log are not those of its records" };
  }

  /** Waits until a newer checkpoint covers what lies beyond this one. Returns how much that is. */
  async #settle(verifier: NoteVerifier): Promise<number> {
    let blocks = await this.#payload.listUncovered();
    let tiles = await this.#walk.checkOtherTiles();
    let notes = await this.#epochs.listBeyond();
    const newerBytes = blocks.reduce((sum, tail) => sum + tail.sizeBytes - tail.offset, 0);
    // Three intervals: one may just have begun, one is for a slow disk.
    const untilMs = this.#options.clock.nowMs() + Math.max(3000, 3 * this.#publishIntervalMs);
    const isPending = (): boolean => blocks.length + tiles.length + notes.length > 0;
    while (isPending() && this.#options.clock.nowMs() < untilMs) {
      await new Promise((wake) => setTimeout(wake, SETTLE_POLL_MS));
      await this.#follow(verifier);
      blocks = blocks.filter((tail) => !this.#payload.isCovered(tail));
      tiles = tiles.filter((path) => !this.#walk.covers(parseTilePath(path)!));
      notes = notes.filter((number) => number >= this.#epochs.closed);
    }
    for (const tail of blocks) this.#reportUncovered(tail);
    for (const path of tiles) {
      const reason = "the tile lies beyond the checkpoint, and no newer checkpoint covers it";
      this.#report({ kind: "tile", file: `log/${path}`, reason });
    }
    for (const number of notes) {
      const file = `${EPOCHS_FOLDER}/${noteFileName(number)}`;
      const reason = "the note closes an epoch that no signed entry closes";
      this.#report({ kind: "epoch", file, reason });
    }
    return newerBytes;
  }

  #reportUncovered({ zone, file, offset, sizeBytes }: Uncovered): void {
    const beyond = `${sizeBytes - offset} bytes that no signed entry names`;
    const reason =
      `${beyond}; no checkpoint covered them while we waited. ` +
      "Someone added them, or the agent was killed and its next start will cut or log them";
    this.#report({ kind: "unlogged_bytes", file, zone, offset, reason });
  }

  /** Takes in the entries of a newer checkpoint, without reading their blocks. */
  async #follow(verifier: NoteVerifier): Promise<void> {
    const { checkpoint, note, problem } = await this.#files.readCheckpoint(verifier);
    if (problem !== undefined || checkpoint.size <= this.#walk.size) return;
    for await (const { index, bytes } of this.#walk.entriesTo(checkpoint.size)) {
      const entry = parseEntry(bytes);
      if (entry.type === "malformed" || entry.type === "unknown") continue;
      await this.#checkTime(entry, index);
      if (entry.type === "block" || entry.type === "segment") this.#payload.cover(entry);
    }
    if (!this.#walk.isWhole) return;
    if (this.#walk.root().equals(checkpoint.root)) {
      this.#epochs.checkCheckpoint(note.toString());
      return;
    }
    const reason = `the log of ${checkpoint.size} entries does not continue the one we checked`;
    this.#report({ kind: "root", file: "log/checkpoint", reason });
  }

  #report(finding: Finding): void {
    this.#findingsCount++;
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(finding);
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
