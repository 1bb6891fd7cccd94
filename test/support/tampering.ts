/**
 * What somebody without any key can do to the files of an archive, each with the place that `verify`
 * must name. Every one is detected with nothing but the log's public key.
 */
import { cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatCheckpoint } from "../../exporters/sealed_archive/format/checkpoint.ts";
import { hashLeaf } from "../../exporters/sealed_archive/format/merkle.ts";
import {
  encodeSigningKey,
  parseSigningKey,
  signNote,
} from "../../exporters/sealed_archive/format/note.ts";
import { decodeBundle, encodeBundle } from "../../exporters/sealed_archive/format/tiles.ts";
import type { Finding } from "../../exporters/sealed_archive/reader/finding.ts";
import type { Scene } from "./tampering_scene.ts";
import { checkpointOf, RECORDS } from "./tampering_scene.ts";

const FIRST_BUNDLE = "log/tile/entries/000";
const FIRST_TILE = "log/tile/0/000";
const SEGMENT = "blocks/default/00000001.blk";

export type Place = Partial<Finding>;

export interface Tampering {
  readonly name: string;
  readonly apply: (archive: string, scene: Scene) => Promise<void>;
  /** One of the findings has all of this. */
  readonly expected: Place;
}

const flipByte =
  (path: string, offset: number) =>
  async (archive: string): Promise<void> => {
    const bytes = await readFile(join(archive, path));
    bytes[offset < 0 ? bytes.length + offset : offset]! ^= 1;
    await writeFile(join(archive, path), bytes);
  };

const remove =
  (path: string) =>
  (archive: string): Promise<void> =>
    rm(join(archive, path), { recursive: true });

const editEntries =
  (path: string, edit: (entries: Buffer[]) => Buffer[]) =>
  async (archive: string): Promise<void> => {
    const { entries } = decodeBundle(await readFile(join(archive, path)));
    await writeFile(join(archive, path), encodeBundle(edit(entries)));
  };

/** An entry in its canonical form that says another hash of its block. */
const forge = (entry: Buffer): Buffer =>
  Buffer.from(
    entry.toString().replace(/"sha256":"(.)/, (_, digit) => `"sha256":"${digit === "0" ? 1 : 0}`),
  );

export const editCheckpoint =
  (edit: (note: string) => string) =>
  async (archive: string): Promise<void> => {
    const path = join(archive, "log", "checkpoint");
    await writeFile(path, edit(await readFile(path, "utf8")));
  };

async function entryOf(archive: string, index: number): Promise<Record<string, number>> {
  const { entries } = decodeBundle(await readFile(join(archive, FIRST_BUNDLE)));
  return JSON.parse(entries[index]!.toString());
}

async function swapBlocks(archive: string): Promise<void> {
  const [a, b] = [await entryOf(archive, 10), await entryOf(archive, 11)];
  const path = join(archive, SEGMENT);
  const bytes = await readFile(path);
  const first = Buffer.from(bytes.subarray(a.off!, a.off! + a.len!));
  const second = Buffer.from(bytes.subarray(b.off!, b.off! + b.len!));
  bytes.set(second, a.off!);
  bytes.set(first, a.off! + second.length);
  await writeFile(path, bytes);
}

export async function lastSegment(archive: string): Promise<string> {
  const names = await readdir(join(archive, "blocks", "default"));
  return `blocks/default/${names.filter((name) => name.endsWith(".blk")).at(-1)}`;
}

async function append(archive: string, path: string, bytes: Buffer): Promise<void> {
  const content = await readFile(join(archive, path));
  await writeFile(join(archive, path), Buffer.concat([content, bytes]));
}

/** The partial bundle and the partial level-0 tile of the archive. */
async function partials(archive: string): Promise<{ bundle: string; tile: string; width: number }> {
  const note = await readFile(join(archive, "log", "checkpoint"), "utf8");
  const width = Number(note.split("\n")[1]) - 256;
  const [bundle, tile] = [`log/tile/entries/001.p/${width}`, `log/tile/0/001.p/${width}`];
  return { bundle, tile, width };
}

export const fileTamperings: readonly Tampering[] = [
  {
    name: "1 flips a byte of a closed segment",
    apply: flipByte(SEGMENT, 5000),
    expected: { kind: "block", segment: "00000001" },
  },
  {
    name: "1 flips the last byte of the open segment",
    apply: async (archive) => flipByte(await lastSegment(archive), -1)(archive),
    expected: { kind: "block", record: RECORDS - 1 },
  },
  {
    name: "2 truncates a segment",
    apply: async (archive) => {
      const path = join(archive, SEGMENT);
      await truncate(path, (await readFile(path)).length - 100);
    },
    expected: { kind: "block", file: SEGMENT },
  },
  {
    name: "3 deletes a segment",
    apply: remove(SEGMENT),
    expected: { kind: "segment", file: SEGMENT },
  },
  { name: "4 swaps two blocks", apply: swapBlocks, expected: { kind: "block", entry: 10 } },
  {
    name: "5 appends a copy of a valid block to the open segment",
    apply: async (archive) => {
      const { off, len } = await entryOf(archive, 5);
      const block = (await readFile(join(archive, SEGMENT))).subarray(off, off! + len!);
      await append(archive, await lastSegment(archive), block);
    },
    expected: { kind: "unlogged_bytes" },
  },
  {
    name: "5 appends a byte to a closed segment",
    apply: (archive) => append(archive, SEGMENT, Buffer.of(0)),
    expected: { kind: "unlogged_bytes", file: SEGMENT },
  },
  {
    name: "5 adds a segment of its own",
    apply: (archive) => cp(join(archive, SEGMENT), join(archive, "blocks/default/00000099.blk")),
    expected: { kind: "unlogged_bytes", file: "blocks/default/00000099.blk", offset: 0 },
  },
  {
    name: "6 flips a byte of an entry",
    apply: flipByte(FIRST_BUNDLE, 3000),
    expected: { kind: "entry", file: FIRST_BUNDLE },
  },
  {
    name: "6 changes an entry and keeps it well formed",
    apply: editEntries(FIRST_BUNDLE, (entries) => entries.with(7, forge(entries[7]!))),
    expected: { kind: "entry", file: FIRST_BUNDLE, entry: 7 },
  },
  {
    name: "7 removes an entry",
    apply: editEntries(FIRST_BUNDLE, (entries) => entries.toSpliced(20, 1)),
    expected: { kind: "entry", file: FIRST_BUNDLE, entry: 20 },
  },
  {
    name: "8 reorders entries",
    apply: editEntries(FIRST_BUNDLE, (entries) =>
      entries.with(30, entries[31]!).with(31, entries[30]!),
    ),
    expected: { kind: "entry", file: FIRST_BUNDLE, entry: 30 },
  },
  {
    name: "9 duplicates an entry",
    apply: editEntries(FIRST_BUNDLE, (entries) => entries.toSpliced(41, 0, entries[40]!)),
    expected: { kind: "entry", file: FIRST_BUNDLE, entry: 41 },
  },
  {
    name: "10 edits a leaf hash in a tile",
    apply: flipByte(FIRST_TILE, 50 * 32 + 3),
    expected: { kind: "tile", file: FIRST_TILE, entry: 50 },
  },
  {
    name: "10 edits a hash in an upper tile",
    apply: flipByte("log/tile/1/000.p/1", 3),
    expected: { kind: "tile", file: "log/tile/1/000.p/1", entry: 0 },
  },
  {
    name: "11 edits an entry and its hash in the full tile",
    apply: async (archive) => {
      await editEntries(FIRST_BUNDLE, (entries) => entries.with(60, forge(entries[60]!)))(archive);
      const { entries } = decodeBundle(await readFile(join(archive, FIRST_BUNDLE)));
      const tile = await readFile(join(archive, FIRST_TILE));
      tile.set(hashLeaf(entries[60]!), 60 * 32);
      await writeFile(join(archive, FIRST_TILE), tile);
    },
    expected: { kind: "block", entry: 60 },
  },
  {
    name: "12 deletes a full tile",
    apply: remove(FIRST_TILE),
    expected: { kind: "tile", file: FIRST_TILE },
  },
  {
    name: "12 deletes the upper tile",
    apply: remove("log/tile/1/000.p/1"),
    expected: { kind: "tile", file: "log/tile/1/000.p/1" },
  },
  {
    name: "13 deletes an entry bundle",
    apply: remove(FIRST_BUNDLE),
    expected: { kind: "entry", file: FIRST_BUNDLE, entry: 0 },
  },
  {
    name: "14 edits the size",
    apply: editCheckpoint((note) => note.replace(/\n(\d+)\n/, (_, size) => `\n${size - 1}\n`)),
    expected: { kind: "checkpoint", file: "log/checkpoint" },
  },
  {
    name: "15 edits the root",
    apply: editCheckpoint((note) => note.replace(/\n[^\n]{44}\n/, `\n${"A".repeat(43)}=\n`)),
    expected: { kind: "checkpoint", file: "log/checkpoint" },
  },
  {
    name: "16 strips the signatures",
    apply: editCheckpoint((note) => note.slice(0, note.indexOf("\n\n") + 2)),
    expected: { kind: "checkpoint", file: "log/checkpoint" },
  },
  {
    name: "17 signs again with another key",
    apply: async (archive, { options }) => {
      const checkpoint = await checkpointOf(archive, options["--vkey"].verifier!);
      const key = parseSigningKey(encodeSigningKey(checkpoint.origin, Buffer.alloc(32, 7)));
      await editCheckpoint(() => signNote(formatCheckpoint(checkpoint), key))(archive);
    },
    expected: { kind: "checkpoint", file: "log/checkpoint" },
  },
  {
    name: "18 puts in another host's archive",
    apply: async (archive, { stranger }) => {
      await rm(archive, { recursive: true });
      await cp(stranger, archive, { recursive: true });
    },
    expected: { kind: "checkpoint", file: "log/checkpoint" },
  },
  {
    name: "18 puts in another host's blocks",
    apply: async (archive, { stranger }) => {
      await rm(join(archive, "blocks"), { recursive: true });
      await cp(join(stranger, "blocks"), join(archive, "blocks"), { recursive: true });
    },
    expected: { kind: "block", segment: "00000001", entry: 1 },
  },
  {
    name: "27 gives a partial tile another width",
    apply: async (archive) => {
      const { tile, width } = await partials(archive);
      await rename(join(archive, tile), join(archive, tile.replace(/\d+$/, String(width - 1))));
    },
    expected: { kind: "tile" },
  },
  {
    name: "27 shortens a partial tile to a valid narrower one",
    apply: async (archive) => {
      const { tile, width } = await partials(archive);
      await truncate(join(archive, tile), (width - 1) * 32);
    },
    expected: { kind: "tile" },
  },
  {
    name: "27 adds a wider partial tile beyond the checkpoint",
    apply: async (archive) => {
      const { tile, width } = await partials(archive);
      const wider = tile.replace(/\d+$/, String(width + 1));
      const bytes = await readFile(join(archive, tile));
      await writeFile(join(archive, wider), Buffer.concat([bytes, Buffer.alloc(32, 9)]));
    },
    expected: { kind: "tile" },
  },
  {
    name: "27 adds a narrower partial tile with other hashes",
    apply: async (archive) => {
      const folder = join(archive, "log/tile/0/001.p");
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "3"), Buffer.alloc(96, 1));
    },
    expected: { kind: "tile", file: "log/tile/0/001.p/3" },
  },
  {
    name: "edits SHA256SUMS",
    apply: flipByte("blocks/default/SHA256SUMS", 3),
    expected: { kind: "sums", file: "blocks/default/SHA256SUMS" },
  },
];
