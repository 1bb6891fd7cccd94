/**
 * Finds out, at the start, what the archive holds, and repairs what a crash left half done.
 *
 * Invariant: what was signed is never contradicted. The tiles at the last signed size must give the
 * last signed root, the frames of the write-ahead log must continue them, and every block that they
 * name must have its hash; otherwise the agent refuses to write. What no entry names was never
 * acknowledged and is cut off.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import { parseCheckpoint } from "../format/checkpoint.ts";
import type { BlockEntry, Entry } from "../format/entry.ts";
import { parseEntry } from "../format/entry.ts";
import type { LogState } from "../format/log_state.ts";
import { advanceLog, emptyLogState } from "../format/log_state.ts";
import { LogTree } from "../format/log_tree.ts";
import { HASH_BYTES, hashLeaf } from "../format/merkle.ts";
import type { NoteVerifier } from "../format/note.ts";
import { openNote } from "../format/note.ts";
import { decodeBundle, splitHashes, TILE_WIDTH, tilePath } from "../format/tiles.ts";
import { readIfThere } from "../optional_file.ts";
import type { Marks } from "./marks.ts";
import type { LastSigned } from "./publisher.ts";
import { readLastSigned } from "./publisher.ts";
import { readSnapshot } from "./snapshot.ts";
import type { Mark, WalFrame } from "./wal.ts";
import { Wal } from "./wal.ts";

export interface RecoveredLog {
  readonly wal: Wal;
  readonly tree: LogTree;
  /** From the start of the bundle in which `signedSize` lies. */
  readonly entries: Buffer[];
  readonly signedSize: number;
  readonly state: LogState;
  /** Blocks beyond the last signed size; nobody but this log vouches for their bytes yet. */
  readonly unsignedBlocks: readonly BlockEntry[];
}

export interface RecoveryOptions {
  readonly archive: string;
  readonly stateDirectory: string;
  readonly verifier: NoteVerifier;
  readonly marks: Marks;
}

/** Throws `archive.*` or `storage.corrupt` when archive and state do not fit each other. */
export async function recoverLog(options: RecoveryOptions): Promise<RecoveredLog> {
  const { archive, stateDirectory, verifier, marks } = options;
  const signed = await readLastSigned(stateDirectory);
  await checkCheckpoint(archive, verifier, signed);
  const snapshot = await readSnapshot(stateDirectory);
  const { wal, frames } = await Wal.open(stateDirectory);
  try {
    const size = signed?.size ?? 0;
    if (signed === undefined && frames.length === 0) await refuseForeign(archive);
    checkCoverage(frames, snapshot?.size ?? 0, size);
    const edge = await readEdge(archive, size, signed);
    if (snapshot !== undefined) marks.commit(snapshot.marks);
    const state = snapshot?.state ?? emptyLogState();
    const replay = new Replay(edge, size, state, snapshot?.size ?? 0);
    for (const frame of frames) marks.commit(replay.take(frame));
    return { wal, signedSize: size, ...replay.result() };
  } catch (error) {
    await wal.close();
    throw error;
  }
}

/** The checkpoint beside the tiles must be one of ours, and not newer than what we remember. */
async function checkCheckpoint(
  archive: string,
  verifier: NoteVerifier,
  signed: LastSigned | undefined,
): Promise<void> {
  if (signed !== undefined && signed.origin !== verifier.name) {
    throw foreign(`the state directory belongs to the archive of ${signed.origin}`);
  }
  const note = await readIfThere(join(archive, "log", "checkpoint"));
  if (note === undefined) return;
  const opened = openNote(note.toString(), verifier);
  const checkpoint = opened.status === "malformed" ? undefined : parseCheckpoint(opened.text);
  if (checkpoint === undefined) throw damaged(`${archive}/log/checkpoint is no checkpoint`);
  if (checkpoint.origin !== verifier.name) {
    throw foreign(`${archive} belongs to ${checkpoint.origin}, this agent is ${verifier.name}`);
  }
  if (opened.status === "unsigned") throw foreign(`${archive} was signed with another log key`);
  if (opened.status === "forged") throw damaged(`the signature of ${archive}/log/checkpoint`);
  if (signed === undefined) throw stateMissing(archive);
  const root = checkpoint.root.toString("base64");
  if (checkpoint.size > signed.size || (checkpoint.size === signed.size && root !== signed.root)) {
    throw new AgentError(
      "archive.forked",
      `${archive} was signed at ${checkpoint.size} entries, but the state directory remembers ` +
        `${signed.size} and another root: it was restored from a copy, or two agents wrote`,
    );
  }
}

/** What is in an archive that something was written into. */
const OURS = [
  ["log/tile", /(^|\/)\d{3}$/],
  ["blocks", /(^|\/)\d{8}\.blk$/],
] as const;

/** Without any memory of our own, an archive that holds something is not ours to write into. */
async function refuseForeign(archive: string): Promise<void> {
  for (const [path, content] of OURS) {
    const names = await readdir(join(archive, path), { recursive: true }).catch(() => []);
    if (names.some((name) => content.test(name))) throw stateMissing(archive);
  }
}

function checkCoverage(frames: readonly WalFrame[], snapshotSize: number, signed: number): void {
  const first = frames[0]?.index ?? snapshotSize;
  const end = frames.length === 0 ? snapshotSize : frames.at(-1)!.index + 1;
  if (first <= snapshotSize && end >= signed && end >= snapshotSize) return;
  throw new AgentError(
    "storage.corrupt",
    `the write-ahead log holds entries ${first} to ${end - 1}; signed are ${signed}, ` +
      `the snapshot has ${snapshotSize}`,
  );
}

interface Edge {
  readonly tree: LogTree;
  readonly entries: Buffer[];
}

/** The right edge of the tree and the newest bundle, checked against the root that was signed. */
async function readEdge(
  archive: string,
  size: number,
  signed: LastSigned | undefined,
): Promise<Edge> {
  const partials = new Map<number | "entries", Buffer>();
  for (const level of ["entries", 0, 1, 2, 3, 4, 5] as const) {
    const count = Math.floor(size / TILE_WIDTH ** (level === "entries" ? 0 : level));
    const width = count % TILE_WIDTH;
    if (width === 0) continue;
    const path = tilePath({ level, index: Math.floor(count / TILE_WIDTH), width });
    const bytes = await readIfThere(join(archive, "log", path));
    if (bytes === undefined) throw damaged(`${archive}/log/${path} is missing`);
    if (level !== "entries" && bytes.length !== width * HASH_BYTES) {
      throw damaged(`${archive}/log/${path} has ${bytes.length} bytes`);
    }
    partials.set(level, bytes);
  }
  const tree = LogTree.restore(size, (level) => splitHashes(partials.get(level)!));
  const { entries } = decodeBundle(partials.get("entries") ?? Buffer.alloc(0));
  const leaves = partials.has(0) ? splitHashes(partials.get(0)!) : [];
  const bundleFits =
    entries.length === leaves.length &&
    entries.every((entry, index) => hashLeaf(entry).equals(leaves[index]!));
  const rootFits = signed === undefined || tree.root().toString("base64") === signed.root;
  if (!bundleFits || !rootFits) {
    throw new AgentError(
      "archive.forked",
      `the tiles in ${archive}/log do not give the root that was signed at ${size} entries`,
    );
  }
  return { tree, entries: entries.map((entry) => Buffer.from(entry)) };
}

/** Continues the signed log with the frames of the write-ahead log. */
class Replay {
  readonly #edge: Edge;
  readonly #signedSize: number;
  readonly #state: LogState;
  /** Entries that the state has taken in already. */
  readonly #stateSize: number;
  readonly #unsignedBlocks: BlockEntry[] = [];

  constructor(edge: Edge, signedSize: number, state: LogState, stateSize: number) {
    this.#edge = edge;
    this.#signedSize = signedSize;
    this.#state = state;
    this.#stateSize = stateSize;
  }

  /** Returns the marks that the frame makes durable. */
  take({ index, entry: text, marks }: WalFrame): readonly Mark[] {
    const { tree, entries } = this.#edge;
    const bytes = Buffer.from(text);
    const firstKept = this.#signedSize - (this.#signedSize % TILE_WIDTH);
    if (index >= this.#signedSize) {
      tree.append(hashLeaf(bytes));
      entries.push(bytes);
    } else if (index >= firstKept && !entries[index - firstKept]!.equals(bytes)) {
      throw new AgentError("archive.forked", `entry ${index} is not the one that was signed`);
    }
    if (index < this.#stateSize) return [];
    const entry = parseEntry(bytes);
    const problem = isOurs(entry) ? advanceLog(this.#state, entry, index) : "it is of another kind";
    if (problem !== undefined) {
      throw new AgentError("storage.corrupt", `write-ahead log, entry ${index}: ${problem}`);
    }
    if (entry.type === "block" && index >= this.#signedSize) this.#unsignedBlocks.push(entry);
    return marks;
  }

  result(): Omit<RecoveredLog, "wal" | "signedSize"> {
    return {
      ...this.#edge,
      state: this.#state,
      unsignedBlocks: this.#unsignedBlocks,
    };
  }
}

function isOurs(entry: ReturnType<typeof parseEntry>): entry is Entry {
  return entry.type !== "unknown" && entry.type !== "malformed";
}

function foreign(message: string): AgentError {
  return new AgentError("archive.foreign", message);
}

function damaged(message: string): AgentError {
  return new AgentError("archive.damaged", message);
}

export function stateMissing(archive: string): AgentError {
  return new AgentError(
    "archive.state_missing",
    `${archive} holds an archive, but this state directory has never written to it`,
  );
}
