/**
 * Checks the segment files against the entries: every byte of every segment belongs to one block,
 * at its place, with its hash.
 *
 * Invariant: memory is one block, whatever the archive's size; of the zones it keeps a position and
 * a line for each closed segment.
 */
import type { Hash } from "node:crypto";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { BlockEntry, RetainEntry, SegmentEntry } from "../format/entry.ts";
import { sha256 } from "../format/merkle.ts";
import type { Positions } from "../format/position.ts";
import { advance, segmentFileName, segmentName } from "../format/position.ts";
import { readIfThere } from "../optional_file.ts";
import type { Finding, Report } from "./finding.ts";
import { RedactionCheck } from "./redaction_check.ts";
import { SegmentReader } from "./segment_reader.ts";

const SUMS_FILE = "SHA256SUMS";

/** Bytes in `blocks/` that the checkpoint does not cover. */
export interface Uncovered {
  readonly zone: string;
  readonly file: string;
  /** Covered bytes; 0 when the log does not know the segment at all. */
  readonly offset: number;
  readonly sizeBytes: number;
}

interface Missing {
  readonly finding: Finding;
  blocks: number;
  records: number;
}

/** What is gone because its time was over. */
export interface Deleted {
  readonly segments: number;
  readonly blocks: number;
  readonly records: number;
}

export class PayloadCheck {
  readonly redactions: RedactionCheck;
  readonly #archive: string;
  readonly #report: Report;
  readonly #reader: SegmentReader;
  readonly #positions: Positions = new Map();
  readonly #sums = new Map<string, string>();
  readonly #hashes = new Map<string, Hash>();
  /** By `zone/segment`; a `retain` entry further on may explain it. */
  readonly #missing = new Map<string, Missing>();
  readonly #deleted = { segments: 0, blocks: 0, records: 0 };
  /** `zone/segment` with a block that was reported; its SHA-256 as a whole says nothing more. */
  readonly #damaged = new Set<string>();

  constructor(archive: string, report: Report) {
    this.#archive = archive;
    this.#report = report;
    this.#reader = new SegmentReader(archive);
    this.redactions = new RedactionCheck(archive, report);
  }

  /**
   * The block's bytes when they are what the entry says; undefined after a report, or when an entry
   * further on may say why it is gone.
   */
  async checkBlock(entry: BlockEntry, index: number): Promise<Buffer | undefined> {
    this.#advance(entry, index);
    const { zone, seg, off, len } = entry;
    const bytes = await this.#reader.read(zone, seg, off, len);
    const hash = this.#hashes.get(zone) ?? createHash("sha256");
    this.#hashes.set(zone, hash.update(bytes));
    if (bytes.length === len && sha256(bytes).toString("hex") === entry.sha256) return bytes;
    await this.#reportBlock(entry, index, bytes);
    return undefined;
  }

  async #reportBlock(entry: BlockEntry, index: number, bytes: Buffer): Promise<void> {
    const { zone, seg, off, len, seq } = entry;
    const read = bytes.length;
    const isZeroed = read === len && bytes.every((byte) => byte === 0);
    const file = segmentPath(zone, seg);
    const place = { file, zone, segment: seg, entry: index };
    this.#damaged.add(`${zone}/${seg}`);
    if ((await this.#reader.size(zone, seg)) < 0) {
      const reason = "the segment is missing, or is no regular file";
      const finding: Finding = { kind: "segment", ...place, reason };
      const missing = this.#missing.get(`${zone}/${seg}`) ?? { finding, blocks: 0, records: 0 };
      this.#missing.set(`${zone}/${seg}`, missing);
      missing.blocks++;
      missing.records += entry.inner.n;
      return;
    }
    const records = `records ${seq[0]} to ${seq[1]}`;
    if (isZeroed) {
      const reason = `the block of ${records} was overwritten with zeros`;
      const finding = { kind: "block", ...place, offset: off, record: seq[0], reason } as const;
      this.redactions.addZeroed({ index, entry, finding });
      return;
    }
    const reason =
      read < len
        ? `the segment ends inside the block of ${records}: ${len - read} bytes are missing`
        : `the block of ${records} was changed: its SHA-256 is not the one in the log`;
    this.#report({ kind: "block", ...place, offset: off, record: seq[0], reason });
  }

  /** The log says that this segment was deleted. */
  takeRetained(entry: RetainEntry): void {
    const { zone, seg } = entry;
    this.redactions.forget(entry);
    const missing = this.#missing.get(`${zone}/${seg}`);
    if (missing === undefined || !this.#missing.delete(`${zone}/${seg}`)) return;
    this.#deleted.segments++;
    this.#deleted.blocks += missing.blocks;
    this.#deleted.records += missing.records;
  }

  get deleted(): Deleted {
    return this.#deleted;
  }

  /** True when something is missing that no entry so far explains. */
  get hasMissing(): boolean {
    return this.#missing.size > 0 || this.redactions.hasUnexplained;
  }

  reportMissing(): void {
    for (const { finding } of this.#missing.values()) this.#report(finding);
  }

  async checkSegment(entry: SegmentEntry, index: number): Promise<void> {
    this.#advance(entry, index);
    const { zone, seg } = entry;
    const place = { file: segmentPath(zone, seg), zone, segment: seg, entry: index };
    const digest = (this.#hashes.get(zone) ?? createHash("sha256")).digest("hex");
    this.#hashes.delete(zone);
    const size = await this.#reader.size(zone, seg);
    if (size > entry.bytes) {
      const reason = `${size - entry.bytes} bytes that no entry names were appended`;
      this.#report({ kind: "unlogged_bytes", ...place, offset: entry.bytes, reason });
    }
    if (digest !== entry.sha256 && !this.#damaged.has(`${zone}/${seg}`)) {
      const reason = "the blocks together do not have the SHA-256 that the log has";
      this.#report({ kind: "segment", ...place, reason });
    }
    const sums = `${this.#sums.get(zone) ?? ""}${entry.sha256}  ${segmentFileName(seg)}\n`;
    this.#sums.set(zone, sums);
    if (sha256(sums).toString("hex") === entry.sums) return;
    const reason = "the entry's hash of SHA256SUMS is not that of the segments closed so far";
    this.#report({ kind: "entry", zone, entry: index, reason });
  }

  /** Only takes note of what an entry covers, without reading any block. */
  cover(entry: BlockEntry | SegmentEntry): void {
    advance(this.#positions, entry);
    if (entry.type === "block") return;
    const line = `${entry.sha256}  ${segmentFileName(entry.seg)}\n`;
    this.#sums.set(entry.zone, (this.#sums.get(entry.zone) ?? "") + line);
  }

  #advance(entry: BlockEntry | SegmentEntry, index: number): void {
    const problem = advance(this.#positions, entry);
    if (problem === undefined) return;
    const { zone, seg } = entry;
    this.#report({ kind: "entry", zone, segment: seg, entry: index, reason: problem });
  }

  /** What lies in `blocks/` beyond what the entries cover. */
  async listUncovered(): Promise<Uncovered[]> {
    const uncovered: Uncovered[] = [];
    for (const zone of await listFolders(join(this.#archive, "blocks"))) {
      for (const name of (await readdir(join(this.#archive, "blocks", zone))).sort()) {
        if (!/^\d{8}\.blk$/.test(name)) continue;
        const segment = name.slice(0, 8);
        const sizeBytes = await this.#reader.size(zone, segment);
        const offset = this.#coveredBytes(zone, segment, sizeBytes);
        const file = segmentPath(zone, segment);
        if (sizeBytes < 0 || sizeBytes > offset) uncovered.push({ zone, file, offset, sizeBytes });
      }
      const sums = await this.#readSums(zone);
      const known = Buffer.byteLength(this.#sums.get(zone) ?? "");
      const file = `blocks/${zone}/${SUMS_FILE}`;
      if (sums.length > known) {
        uncovered.push({ zone, file, offset: known, sizeBytes: sums.length });
      }
    }
    return uncovered;
  }

  /** Does the log by now know all of these bytes? */
  isCovered({ zone, file, sizeBytes }: Uncovered): boolean {
    if (file.endsWith(SUMS_FILE)) return Buffer.byteLength(this.#sums.get(zone) ?? "") >= sizeBytes;
    const segment = file.slice(-"00000001.blk".length, -".blk".length);
    return sizeBytes >= 0 && this.#coveredBytes(zone, segment, sizeBytes) >= sizeBytes;
  }

  /** Closed segments before the newest were checked in full when their entry came. */
  #coveredBytes(zone: string, segment: string, sizeBytes: number): number {
    const position = this.#positions.get(zone);
    if (position === undefined || segment > segmentName(position.segment)) return 0;
    return segment === segmentName(position.segment) ? position.bytes : sizeBytes;
  }

  /** SHA256SUMS must begin with the lines of the segments that the log says are closed. */
  async checkSums(): Promise<void> {
    for (const [zone, sums] of this.#sums) {
      const found = await this.#readSums(zone);
      if (found.subarray(0, Buffer.byteLength(sums)).equals(Buffer.from(sums))) continue;
      const reason = "it is missing or does not list the segments as the log does";
      this.#report({ kind: "sums", file: `blocks/${zone}/${SUMS_FILE}`, zone, reason });
    }
  }

  async #readSums(zone: string): Promise<Buffer> {
    const path = join(this.#archive, "blocks", zone, SUMS_FILE);
    return (await readIfThere(path)) ?? Buffer.alloc(0);
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }
}

function segmentPath(zone: string, segment: string): string {
  return `blocks/${zone}/${segmentFileName(segment)}`;
}

async function listFolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
