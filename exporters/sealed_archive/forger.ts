/** What the tests do in the place of someone who has keys of the log: write another history. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatCheckpoint } from "./format/checkpoint.ts";
import { LogTree } from "./format/log_tree.ts";
import { hashLeaf } from "./format/merkle.ts";
import type { NoteSigner } from "./format/note.ts";
import { signNote } from "./format/note.ts";
import { decodeBundle, encodeBundle, TILE_WIDTH, tilePath, tilesBetween } from "./format/tiles.ts";

/** All entries of a log at rest. */
export async function readEntries(archive: string): Promise<Buffer[]> {
  const checkpoint = await readFile(join(archive, "log", "checkpoint"), "utf8");
  const size = Number(checkpoint.split("\n")[1]);
  const entries: Buffer[] = [];
  for (const { level, index, width } of tilesBetween(0, size)) {
    if (level !== "entries") continue;
    const bytes = await readFile(join(archive, "log", tilePath({ level, index, width })));
    entries.push(...decodeBundle(bytes).entries);
  }
  return entries;
}

/** Replaces the whole log by one of these entries, signed by these keys. */
export async function writeLog(
  archive: string,
  entries: readonly Buffer[],
  ...signers: readonly NoteSigner[]
): Promise<void> {
  const tree = new LogTree();
  for (const entry of entries) tree.append(hashLeaf(entry));
  const log = join(archive, "log");
  for (const name of await readdir(log)) await rm(join(log, name), { recursive: true });
  for (const tile of tilesBetween(0, entries.length)) {
    const path = join(log, tilePath(tile));
    await mkdir(dirname(path), { recursive: true });
    const first = tile.index * TILE_WIDTH;
    const bytes =
      tile.level === "entries"
        ? encodeBundle(entries.slice(first, first + tile.width))
        : Buffer.concat(tree.hashes(tile.level, first, tile.width));
    await writeFile(path, bytes);
  }
  const origin = signers[0]!.verifier.name;
  const text = formatCheckpoint({ origin, size: entries.length, root: tree.root() });
  await writeFile(join(log, "checkpoint"), signNote(text, ...signers));
}
