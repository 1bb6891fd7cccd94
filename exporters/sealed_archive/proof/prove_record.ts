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
import { hashLeaf, treeRoot } from "../format/merkle.ts";
import type { NoteVerifier } from "../format/note.ts";
import { leafOf } from "../format/redacted_block.ts";
import type { TlogProof } from "../format/tlog_proof.ts";
import { formatTlogProof } from "../format/tlog_proof.ts";
import { inclusionSpans, rootOfInclusion } from "../format/tree_proof.ts";
import type { ReadCheckpoint } from "../reader/log_files.ts";
import { judgeCheckpoint, LogFiles } from "../reader/log_files.ts";
import { LogWalk } from "../reader/log_walk.ts";
import { wrongIdentity } from "../reader/open_block.ts";
import { openItems } from "../reader/open_items.ts";
import type { Redaction, Redactions } from "../reader/open_redacted.ts";
import { addRedaction } from "../reader/open_redacted.ts";
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
  readonly redaction?: Redaction | undefined;
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
  const { index, bytes, entry, redaction } = await findEntry(files, newest.checkpoint, options);
  const leaf = { index, hash: hashLeaf(bytes) };
  const signed = (await underAnchor(files, leaf, verifier)) ?? (await pathTo(files, leaf, newest));
  if (signed === undefined) {
    throw tampered(`a tile on the way from entry ${index} to the root was changed`);
  }
  const record = await recordPart(entry, index, redaction, options);
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
  const redactions: Redactions = new Map();
  for await (const { index, bytes } of walk.entriesTo(size)) {
    const entry = parseEntry(bytes);
    if (entry.type === "redact") addRedaction(redactions, entry);
    if (entry.type !== "block" || entry.zone !== zone) continue;
    if (entry.seq[0] <= sequence && sequence <= entry.seq[1]) found = { index, bytes, entry };
  }
  if (!walk.isWhole || !walk.root().equals(root)) {
    throw tampered("the entries do not give the signed root; `vouchsafe verify` says where");
  }
  if (found !== undefined) return { ...found, redaction: redactions.get(found.index) };
  const message = `${archive} has no record ${sequence} in zone '${zone}' at its size of ${size}`;
  throw new AgentError("archive.unreadable", message);
}

async function recordPart(
  entry: BlockEntry,
  index: number,
  redaction: Redaction | undefined,
  { archive, sequence, identities, disclose }: ProveOptions,
): Promise<RecordPart | undefined> {
  if (identities === undefined) return undefined;
  const { zone, seg, off } = entry;
  const opened = await openItems(archive, entry, redaction, identities);
  if (opened === undefined) throw wrongIdentity(`zone ${zone} of ${archive}`);
  if ("problem" in opened) {
    throw tampered(`blocks/${zone}/${seg}.blk, entry ${index}, byte ${off}: ${opened.problem}`);
  }
  const leaves = opened.items.map(leafOf);
  const at = sequence - entry.seq[0];
  const item = opened.items[at]!;
  if ("leaf" in item) {
    const message = `record ${sequence} of zone '${zone}' was erased by an authority's order`;
    throw new AgentError("archive.unreadable", message);
  }
  const spans = inclusionSpans(at, leaves.length);
  const path = spans.map(({ from, to }) => treeRoot(leaves.slice(from, to)));
  const disclosed = disclose ? { salt: item.salt, data: item.record } : undefined;
  return { at, path, leaf: leaves[at]!, disclosed };
}

function tampered(message: string): AgentError {
  return new AgentError("archive.tampered", message);
}
