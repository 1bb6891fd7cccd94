/**
 * Checks the proof of one record with nothing but the log's public key.
 *
 * Invariant: what is handed out was signed: the entry by the path to the checkpoint's root, the
 * record by the path to the inner root in that entry.
 */
import type { LogRecord } from "../../../src/data/log_record.ts";
import { decodeLogs } from "../../../src/otlp/decode_logs.ts";
import { STORED_DECODE_LIMITS } from "../../../src/otlp/limits.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import { parseCheckpoint } from "../format/checkpoint.ts";
import type { BlockEntry } from "../format/entry.ts";
import { parseEntry } from "../format/entry.ts";
import { hashLeaf } from "../format/merkle.ts";
import type { NoteVerifier } from "../format/note.ts";
import { openNote } from "../format/note.ts";
import { parseTlogProof } from "../format/tlog_proof.ts";
import { rootOfInclusion } from "../format/tree_proof.ts";
import type { RecordPart } from "./record_proof.ts";
import { decodeExtra } from "./record_proof.ts";

export interface ProvenRecord {
  readonly checkpoint: Checkpoint;
  /** The signed note, for who also asks for cosignatures. */
  readonly note: string;
  readonly index: number;
  readonly entry: BlockEntry;
  /** Undefined when only the block is proven. */
  readonly sequence: number | undefined;
  /** Undefined when the record is not disclosed. */
  readonly record: LogRecord | undefined;
}

export type CheckedProof = ProvenRecord | { readonly problem: string };

export function checkProof(text: string, verifier: NoteVerifier): CheckedProof {
  const proof = parseTlogProof(text);
  if (proof === undefined) return { problem: "it is no c2sp.org/tlog-proof@v1" };
  const opened = openNote(proof.checkpoint, verifier);
  if (opened.status !== "valid") {
    return { problem: `its checkpoint is ${opened.status}: the key did not sign it as it is` };
  }
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint === undefined || checkpoint.origin !== verifier.name) {
    return { problem: "its checkpoint has no origin, size and root of this log" };
  }
  const extra = proof.extra === undefined ? undefined : decodeExtra(proof.extra);
  if (extra === undefined) return { problem: "its extra line is not that of a sealed archive" };
  const { index, path } = proof;
  const root = rootOfInclusion({ index, hash: hashLeaf(extra.entry) }, checkpoint.size, path);
  if (root?.equals(checkpoint.root) !== true) {
    return { problem: `its entry is not entry ${index} of the log that was signed` };
  }
  const entry = parseEntry(extra.entry);
  if (entry.type !== "block") return { problem: "its entry is not that of a block" };
  const proven = { checkpoint, note: proof.checkpoint, index, entry };
  if (extra.record === undefined) return { ...proven, sequence: undefined, record: undefined };
  return checkRecord(proven, extra.record);
}

function checkRecord(
  proven: Pick<ProvenRecord, "checkpoint" | "note" | "index" | "entry">,
  { at, path, leaf, disclosed }: RecordPart,
): CheckedProof {
  const { inner, seq } = proven.entry;
  const root = rootOfInclusion({ index: at, hash: leaf }, inner.n, path);
  if (root?.toString("base64") !== inner.root) {
    return { problem: `its record is not record ${seq[0] + at} of the block that was signed` };
  }
  const sequence = seq[0] + at;
  if (disclosed === undefined) return { ...proven, sequence, record: undefined };
  const record = decodeOne(disclosed.data);
  if (record === undefined) return { problem: "its record is not one OTLP record" };
  return { ...proven, sequence, record };
}

function decodeOne(data: Buffer): LogRecord | undefined {
  try {
    const { records } = decodeLogs(data, STORED_DECODE_LIMITS);
    return records.length === 1 ? records[0] : undefined;
  } catch {
    return undefined;
  }
}
