/**
 * Brings the segment files of one zone back to what the log says, after {@link recoverLog}.
 *
 * Invariant: only bytes that no entry names are removed. A block that an entry names and that is
 * missing or different is damage, and the agent refuses to write behind it.
 */
import type { Hash } from "node:crypto";
import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import { writeFileDurably } from "../../../src/lib/durable_file.ts";
import type { BlockEntry } from "../format/entry.ts";
import type { KeptSegment } from "../format/kept_segments.ts";
import { sha256 } from "../format/merkle.ts";
import type { ZonePosition } from "../format/position.ts";
import { segmentFileName, segmentName } from "../format/position.ts";
import { PUBLIC_FILE_MODE, SegmentFiles, SUMS_FILE } from "./segment_files.ts";

export interface RecoveredSegments {
  /** Over the bytes of the open segment. */
  readonly segmentHash: Hash;
  readonly sums: string;
  readonly cutBytes: number;
  /** Numbers of segments that are there although the log says that they are deleted. */
  readonly retired: readonly number[];
}

/** `directory` is `<archive>/blocks/<zone>`. Throws `archive.damaged`. */
export async function recoverSegments(
  directory: string,
  position: ZonePosition,
  kept: readonly KeptSegment[],
  unsignedBlocks: readonly BlockEntry[],
): Promise<RecoveredSegments> {
  for (const block of unsignedBlocks) await checkBlock(directory, block);
  let cutBytes = await removeLaterSegments(directory, position);
  if (kept.at(-1)?.segment === position.segment) cutBytes += await cutTail(directory, position);
  await removeTemporaryFiles(directory);
  const sums = await recoverSums(directory, position);
  const retired = await listRetired(directory, position, kept);
  const segmentHash = createHash("sha256");
  if (position.open) {
    const path = join(directory, segmentFileName(segmentName(position.segment)));
    for await (const chunk of createReadStream(path)) segmentHash.update(chunk as Buffer);
  }
  return { segmentHash, sums, cutBytes, retired };
}

async function checkBlock(directory: string, block: BlockEntry): Promise<void> {
  const path = join(directory, segmentFileName(block.seg));
  const bytes = Buffer.alloc(block.len);
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { bytesRead } = await handle.read(bytes, 0, block.len, block.off);
      if (bytesRead === block.len && sha256(bytes).toString("hex") === block.sha256) return;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new AgentError("archive.damaged", `cannot read ${path}`, { cause });
  }
  throw new AgentError("archive.damaged", `${path}: the block at byte ${block.off} was changed`);
}

async function removeLaterSegments(directory: string, { segment }: ZonePosition): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory)) {
    const number = /^\d{8}\.blk$/.test(name) ? Number(name.slice(0, 8)) : 0;
    if (number <= segment) continue;
    bytes += (await stat(join(directory, name))).size;
    await rm(join(directory, name));
  }
  return bytes;
}

async function cutTail(directory: string, position: ZonePosition): Promise<number> {
  const path = join(directory, segmentFileName(segmentName(position.segment)));
  const size = await stat(path).then(
    (found) => found.size,
    () => -1,
  );
  if (size < position.bytes) {
    throw new AgentError("archive.damaged", `${path} is missing or shorter than the log says`);
  }
  if (size === position.bytes) return 0;
  const files = new SegmentFiles(directory);
  await files.cut(position.segment, position.bytes);
  await files.close();
  return size - position.bytes;
}

async function listRetired(
  directory: string,
  { segment: newest }: ZonePosition,
  kept: readonly KeptSegment[],
): Promise<number[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{8}(-.*)?\.blk$/.test(name));
  return [...new Set(names.map((name) => Number(name.slice(0, 8))))].filter(
    (number) => number <= newest && !kept.some(({ segment }) => segment === number),
  );
}

/** A crash may have left the list one line ahead of the log. */
async function recoverSums(directory: string, position: ZonePosition): Promise<string> {
  const path = join(directory, SUMS_FILE);
  const content = await readFile(path, "utf8").catch(() => "");
  const lines = content.split("\n").slice(0, position.closedSegments);
  const sums = lines.map((line) => `${line}\n`).join("");
  if (position.sums !== "" && sha256(sums).toString("hex") !== position.sums) {
    throw new AgentError("archive.damaged", `${path} is not what the log says`);
  }
  if (position.sums === "" && content !== "") await rm(path);
  else if (sums !== content) await writeFileDurably(path, sums, PUBLIC_FILE_MODE);
  return position.sums === "" ? "" : sums;
}

/** What a crash left of a file that was being replaced. */
export async function removeTemporaryFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.endsWith(".tmp")) await rm(join(directory, name));
  }
}
