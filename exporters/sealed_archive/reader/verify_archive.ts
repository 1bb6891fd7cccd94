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
import type { Checkpoint } from "../format/checkpoint.ts";
import type {
  BlockEntry,
  DroppedRange,
  Entry,
  ParsedEntry,
  PreviousLog,
  StatementEntry,
} from "../format/entry.ts";
import { isStatement, parseEntry } from "../format/entry.ts";
import { EPOCHS_FOLDER, noteFileName } from "../format/epoch.ts";
import type { NoteVerifier } from "../format/note.ts";
import { parseTilePath } from "../format/tiles.ts";
import type { EpochSummary } from "./epoch_check.ts";
import { EpochCheck } from "./epoch_check.ts";
import type { Finding, Report } from "./finding.ts";
import { LogFiles } from "./log_files.ts";
import { LogWalk } from "./log_walk.ts";
import { wrongIdentity } from "./open_block.ts";
import type { Deleted, Uncovered } from "./payload_check.ts";
import { PayloadCheck } from "./payload_check.ts";
import { RecipientsCheck } from "./recipients_check.ts";
import type { RecordObserver } from "./record_check.ts";
import { RecordCheck } from "./record_check.ts";
import type { Redacted } from "./redaction_check.ts";
import { RetentionCheck } from "./retention_check.ts";
import type { Silence } from "./silences.ts";
import { Silences } from "./silences.ts";

/** Findings that are kept; more are only counted. */
const FINDINGS_MAX = 1000;
/** Dropped ranges that are kept for the report. */
const DROPPED_MAX = 10_000;
/** Statements that are kept for the report: the newest of them. */
const STATEMENTS_MAX = 1000;
const SETTLE_POLL_MS = 100;
const PUBLISH_INTERVAL_MS_DEFAULT = 1000;

export interface VerifyOptions {
  readonly archive: string;
  /** Undefined: the key beside the archive is trusted. */
  readonly verifier?: NoteVerifier | undefined;
  readonly identities?: Decrypter | undefined;
  /** The key of the first epoch, kept elsewhere; without it the one in the log is trusted. */
  readonly firstEpoch?: NoteVerifier | undefined;
  /** A checkpoint that was kept elsewhere; the archive must contain its log. */
  readonly kept?: Checkpoint | undefined;
  /** `zone/segment` of those that a copy has not got yet: their blocks are only counted. */
  readonly absentSegments?: ReadonlySet<string> | undefined;
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
  /** The log that this one goes on from, as its genesis says. */
  readonly previous: PreviousLog | undefined;
  readonly blocks: number;
  readonly records: number;
  readonly blockBytes: number;
  /** Bytes that a newer checkpoint covers and that were not checked in this run. */
  readonly newerBytes: number;
  /** What the log counts and is gone because its time was over. */
  readonly deleted: Deleted;
  /** Records that the log says came and could not be sealed. */
  readonly withheld: number;
  readonly redacted: Redacted;
  /** When the agent ran and said nothing for longer than it undertook; the first of them. */
  readonly silences: readonly Silence[];
  /** True when so much is there that holes in the chains of records would have been seen. */
  readonly chainsChecked: boolean;
  /** Blocks in `absentSegments`. */
  readonly absentBlocks: number;
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
  #absentBlocks = 0;
  #recordCount = 0;
  #blockBytes = 0;
  /** A block is not there, whatever the reason, and one before it is. */
  #hasGap = false;
  readonly #records: RecordCheck;
  readonly #epochs: EpochCheck;
  readonly #retention: RetentionCheck;
  readonly #recipients: RecipientsCheck;
  #latestMs = 0;
  readonly #silences = new Silences();
  #withheld = 0;
  #previous: PreviousLog | undefined;
  #publishIntervalMs = PUBLISH_INTERVAL_MS_DEFAULT;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#files = new LogFiles(options.archive);
    const report: Report = (finding) => this.#report(finding);
    this.#walk = new LogWalk(this.#files, report);
    this.#payload = new PayloadCheck(options.archive, report);
    this.#epochs = new EpochCheck({ ...options, first: options.firstEpoch, report });
    this.#retention = new RetentionCheck(report);
    this.#recipients = new RecipientsCheck(report);
    this.#records = new RecordCheck({ ...options, report });
  }

  async run(): Promise<VerifyResult> {
    const { archive, clock } = this.#options;
    const startedMs = clock.nowMs();
    await readdir(archive).catch((cause: unknown) => {
      throw new AgentError("archive.unreadable", `cannot read the folder ${archive}`, { cause });
    });
    const verifier = this.#options.verifier ?? (await this.#files.readVerifier());
    const { checkpoint, note, problem } = await this.#files.readCheckpoint(verifier);
    if (problem !== undefined) {
      this.#report({ kind: "checkpoint", file: "log/checkpoint", reason: problem });
    }
    try {
      await this.#checkCovered(checkpoint, verifier);
      const elapsedMs = clock.nowMs() - startedMs;
      // What lies beyond a log that cannot be trusted is no question any more.
      const isSigned = problem === undefined && this.#isSigned(checkpoint);
      if (isSigned) this.#epochs.checkCheckpoint(note.toString());
      // A segment is deleted only after the checkpoint that says so.
      if (isSigned && this.#payload.hasMissing) await this.#follow(verifier);
      this.#payload.reportMissing();
      const { redactions } = this.#payload;
      for await (const replaced of redactions.replaced()) {
        await this.#records.checkReplaced(replaced);
      }
      const newerBytes = isSigned ? await this.#settle(verifier) : 0;
      await this.#payload.checkSums();
      const there = this.#blocks - this.#payload.deleted.blocks - this.#absentBlocks;
      const { decrypted, undecrypted, unopenedZones } = this.#records;
      if (there > 0 && undecrypted === there) throw wrongIdentity(archive);
      const chainsChecked = undecrypted === 0 && !this.#hasGap;
      if (chainsChecked) {
        this.#options.observer?.finish((finding) => this.#report(finding));
      }
      return {
        origin: checkpoint.origin,
        vkey: verifier.vkey,
        size: checkpoint.size,
        root: checkpoint.root.toString("base64"),
        entries: this.#kinds,
        epochs: this.#epochs.summary(),
        previous: this.#previous,
        blocks: this.#blocks,
        records: this.#recordCount,
        blockBytes: this.#blockBytes,
        newerBytes,
        deleted: this.#payload.deleted,
        withheld: this.#withheld,
        silences: this.#silences.found,
        redacted: redactions.summary(),
        chainsChecked: chainsChecked && this.#options.identities !== undefined,
        absentBlocks: this.#absentBlocks,
        decryptedBlocks: decrypted,
        unopenedZones,
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

  async #checkCovered(checkpoint: Checkpoint, verifier: NoteVerifier): Promise<void> {
    const { kept } = this.#options;
    if (kept !== undefined && kept.size <= checkpoint.size) {
      await this.#checkEntries(kept.size, verifier);
      this.#compareKept(kept);
    }
    await this.#checkEntries(checkpoint.size, verifier);
    if (kept !== undefined && kept.size > checkpoint.size) {
      const reason = `the kept checkpoint has ${kept.size} entries, the archive ${checkpoint.size}`;
      this.#report({ kind: "kept_checkpoint", file: "log/checkpoint", reason });
    }
    const isSigned = this.#isSigned(checkpoint);
    this.#walk.reportMismatches(isSigned);
    if (isSigned || !this.#walk.isWhole) return;
    const reason = `the ${checkpoint.size} entries do not give the root that the checkpoint has`;
    this.#report({ kind: "root", file: "log/checkpoint", reason });
  }

  #isSigned({ size, root }: Checkpoint): boolean {
    return this.#walk.isWhole && this.#walk.size === size && this.#walk.root().equals(root);
  }

  #compareKept(kept: Checkpoint): void {
    if (!this.#walk.isWhole || this.#walk.root().equals(kept.root)) return;
    const reason = `the first ${kept.size} entries are not those that the kept checkpoint signed`;
    this.#report({ kind: "kept_checkpoint", reason });
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
    await this.#checkOrder(entry, index);
    if ((entry.type === "genesis") !== (index === 0)) {
      const reason = index === 0 ? "the log begins without a genesis" : "a second genesis";
      this.#report({ kind: "entry", entry: index, reason });
    }
    if (entry.type === "genesis") {
      this.#previous = entry.previous;
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
    if (entry.type === "retain") this.#payload.takeRetained(entry);
    if (entry.type === "redact") this.#payload.redactions.take(entry);
    if (entry.type === "block") await this.#checkBlock(entry, index);
    if (entry.type === "block" || entry.type === "heartbeat" || entry.type === "redact") {
      const dropped = entry.dropped ?? [];
      if (entry.type !== "redact") this.#withheld += entry.withheld ?? 0;
      this.#options.observer?.dropped(dropped);
      if (this.#dropped.length < DROPPED_MAX) this.#dropped.push(...dropped);
    }
  }

  /**
   * What each entry must fit that came before it. Times never go back, and so lie between those at
   * which their epoch was opened and closed.
   */
  async #checkOrder(entry: Entry, index: number): Promise<void> {
    this.#retention.take(entry, index);
    this.#recipients.take(entry);
    if (entry.at < this.#latestMs) {
      const reason = "its time is before that of an earlier entry";
      this.#report({ kind: "entry", entry: index, reason });
    }
    this.#latestMs = Math.max(this.#latestMs, entry.at);
    this.#silences.take(entry, index);
    await this.#epochs.take(entry, index, () =>
      this.#walk.isWhole ? this.#walk.root() : undefined,
    );
  }

  async #checkBlock(entry: BlockEntry, index: number): Promise<void> {
    this.#blocks++;
    this.#recordCount += entry.inner.n;
    this.#blockBytes += entry.len;
    if (this.#options.absentSegments?.has(`${entry.zone}/${entry.seg}`) === true) {
      this.#payload.cover(entry);
      this.#absentBlocks++;
      this.#hasGap ||= this.#records.decrypted > 0;
      return;
    }
    const bytes = await this.#payload.checkBlock(entry, index);
    const isGone = bytes === undefined && !this.#payload.redactions.isZeroed(index);
    this.#hasGap ||= isGone && this.#records.decrypted > 0;
    if (bytes === undefined) return;
    this.#recipients.checkBlock(bytes, entry, index);
    await this.#records.checkBlock(bytes, entry, index);
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
      await this.#checkOrder(entry, index);
      if (entry.type === "block" || entry.type === "segment") this.#payload.cover(entry);
      if (entry.type === "retain") this.#payload.takeRetained(entry);
      if (entry.type === "redact") this.#payload.redactions.take(entry);
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
