/**
 * Makes the proof of one record, which stands alone: a file that needs no archive to be checked.
 *
 * Invariant: the archive's log is rebuilt from its entries first, so no proof is made of what was
 * changed; and what was made leads to the signed root, or is not handed out.
 */
import type { Decrypter } from "age-encryption";
import { AgentError } from "../../../src/component/errors.ts";
import { readAnchors } from "../anchors/anchor_files.ts";
import type { BlockEntry } from "../format/entry.ts";
import { parseEntry } from "../format/entry.ts";
import { recordLeaf } from "../format/inner_tree.ts";
import { hashLeaf, sha256, treeRoot } from "../format/merkle.ts";
import type { NoteVerifier } from "../format/note.ts";
import type { TlogProof } from "../format/tlog_proof.ts";
import { formatTlogProof } from "../format/tlog_proof.ts";
import { inclusionSpans, rootOfInclusion } from "../format/tree_proof.ts";
import type { ReadCheckpoint } from "../reader/log_files.ts";
import { judgeCheckpoint, LogFiles } from "../reader/log_files.ts";
import { LogWalk } from "../reader/log_walk.ts";
import { decryptBlock, wrongIdentity } from "../reader/open_block.ts";
import { SegmentReader } from "../reader/segment_reader.ts";
import { TileHashes } from "../reader/tile_hashes.ts";
import type { RecordPart } from "./record_proof.ts";
import { encodeExtra } from "./record_proof.ts";

export interface ProveOptions {
  readonly archive: string;
  /** Undefined: the key beside the archive is trusted. */
  readonly verifier?: NoteVerifier | undefined;
  readonly zone: string;
  /** Number of the record in its zone. */
  readonly sequence: number;
  /** Undefined: the proof is of the block that holds the record, not of the record itself. */
  readonly identities?: Decrypter | undefined;
  /** Puts the record itself into the proof. */
  readonly disclose: boolean;
}

interface FoundEntry {
  readonly index: number;
  readonly bytes: Buffer;
  readonly entry: BlockEntry;
}

/**
 * The text of a c2sp.org/tlog-proof. Throws `archive.tampered`, `archive.unreadable` when there is no
 * such record, and `archive.wrong_identity`.
 */
export async function proveRecord(options: ProveOptions): Promise<string> {
  const files = new LogFiles(options.archive);
  const verifier = options.verifier ?? (await files.readVerifier());
  const newest = await files.readCheckpoint(verifier);
  if (newest.problem !== undefined) throw tampered(`log/checkpoint: ${newest.problem}`);
  const { index, bytes, entry } = await findEntry(files, newest.checkpoint, options);
  const leaf = { index, hash: hashLeaf(bytes) };
  const signed = (await underAnchor(files, leaf, verifier)) ?? (await pathTo(files, leaf, newest));
  if (signed === undefined) {
    throw tampered(`a tile on the way from entry ${index} to the root was changed`);
  }
  const record = await recordPart(entry, index, options);
  const extra = encodeExtra({ entry: bytes, record });
  return formatTlogProof({ extra, index, ...signed });
}

interface Leaf {
  readonly index: number;
  readonly hash: Buffer;
}

type SignedPath = Pick<TlogProof, "path" | "checkpoint">;

/** Undefined when the tiles do not lead from the leaf to the checkpoint's root. */
async function pathTo(
  files: LogFiles,
  leaf: Leaf,
  { checkpoint: { size, root }, note }: ReadCheckpoint,
): Promise<SignedPath | undefined> {
  const path = await new TileHashes(files, size).ofSpans(inclusionSpans(leaf.index, size));
  if (rootOfInclusion(leaf, size, path)?.equals(root) !== true) return undefined;
  return { path, checkpoint: note.toString() };
}

/** Under the newest checkpoint that witnesses cosigned, where one covers the entry. */
async function underAnchor(
  files: LogFiles,
  leaf: Leaf,
  verifier: NoteVerifier,
): Promise<SignedPath | undefined> {
  const newest = (await readAnchors(files.archive)).at(-1);
  if (newest === undefined || newest.size <= leaf.index) return undefined;
  const read = judgeCheckpoint(newest.note, verifier);
  if (read.problem !== undefined || read.checkpoint.size <= leaf.index) return undefined;
  return pathTo(files, leaf, read);
}

async function findEntry(
  files: LogFiles,
  { size, root }: { size: number; root: Buffer },
  { archive, zone, sequence }: ProveOptions,
): Promise<FoundEntry> {
  const walk = new LogWalk(files, () => {});
  let found: FoundEntry | undefined;
  for await (const { index, bytes } of walk.entriesTo(size)) {
    const entry = parseEntry(bytes);
    if (entry.type !== "block" || entry.zone !== zone) continue;
    if (entry.seq[0] <= sequence && sequence <= entry.seq[1]) found = { index, bytes, entry };
  }
  if (!walk.isWhole || !walk.root().equals(root)) {
    throw tampered("the entries do not give the signed root; `vouchsafe verify` says where");
  }
  if (found !== undefined) return found;
  const message = `${archive} has no record ${sequence} in zone '${zone}' at its size of ${size}`;
  throw new AgentError("archive.unreadable", message);
}

async function recordPart(
  entry: BlockEntry,
  index: number,
  { archive, sequence, identities, disclose }: ProveOptions,
): Promise<RecordPart | undefined> {
  if (identities === undefined) return undefined;
  const { zone, seg, off, len } = entry;
  const place = `blocks/${zone}/${seg}.blk, entry ${index}, byte ${off}`;
  const segments = new SegmentReader(archive);
  const bytes = await segments.read(zone, seg, off, len).finally(() => segments.close());
  if (bytes.length !== len || sha256(bytes).toString("hex") !== entry.sha256) {
    throw tampered(`${place}: the block was changed or is missing`);
  }
  const opened = await decryptBlock(bytes, entry, identities);
  if (opened === undefined) throw wrongIdentity(`zone ${zone} of ${archive}`);
  if ("problem" in opened) throw tampered(`${place}: ${opened.problem}`);
  const salts = opened.salts();
  const leaves = opened.records.map((record, at) => recordLeaf(salts[at]!, record));
  const at = sequence - entry.seq[0];
  const spans = inclusionSpans(at, leaves.length);
  const path = spans.map(({ from, to }) => treeRoot(leaves.slice(from, to)));
  const disclosed = disclose ? { salt: salts[at]!, data: opened.records[at]! } : undefined;
  return { at, path, leaf: leaves[at]!, disclosed };
}

function tampered(message: string): AgentError {
  return new AgentError("archive.tampered", message);
}
