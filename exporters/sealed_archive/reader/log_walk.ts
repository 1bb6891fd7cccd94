/**
 * Walks the entries of the log from the first on, and rebuilds the whole tree from them.
 *
 * Invariant: tiles are never trusted, only compared. What counts is the root that the entries give;
 * tiles tell where the difference lies.
 */

import { LogTree } from "../format/log_tree.ts";
import { HASH_BYTES, hashLeaf } from "../format/merkle.ts";
import type { Tile } from "../format/tiles.ts";
import { decodeBundle, levelCount, parseTilePath, TILE_WIDTH, tilePath } from "../format/tiles.ts";
import type { Report } from "./finding.ts";
import type { LogFiles } from "./log_files.ts";
import { cutTile } from "./log_files.ts";

/** Runs of entries that differ from their tile; further ones are not told apart. */
const RUNS_MAX = 100;

/** Neighbouring entries of one bundle whose hashes are not those in the tile beside it. */
interface MismatchRun {
  readonly tile: Tile;
  readonly first: number;
  last: number;
}

export interface WalkedEntry {
  readonly index: number;
  readonly bytes: Buffer;
}

export class LogWalk {
  readonly #files: LogFiles;
  readonly #report: Report;
  readonly #tree = new LogTree();
  readonly #mismatches: MismatchRun[] = [];
  /** False when a bundle is missing or not whole, so that the tree cannot be rebuilt. */
  #whole = true;

  constructor(files: LogFiles, report: Report) {
    this.#files = files;
    this.#report = report;
  }

  get size(): number {
    return this.#tree.size;
  }

  get isWhole(): boolean {
    return this.#whole;
  }

  root(): Buffer {
    return this.#tree.root();
  }

  /** Goes on to the entry before `size`, or to the first that cannot be read. */
  async *entriesTo(size: number): AsyncGenerator<WalkedEntry> {
    while (this.size < size && this.#whole) {
      const index = Math.floor(this.size / TILE_WIDTH);
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
      yield* this.#bundle({ level: "entries", index, width });
      await this.#compareUpperTiles();
      this.#tree.forget(this.size);
    }
    await this.#comparePartialTiles();
  }

  async *#bundle(tile: Tile): AsyncGenerator<WalkedEntry> {
    const file = `log/${tilePath(tile)}`;
    const bytes = await this.#files.readTile(tile);
    if (bytes === undefined) return this.#stop(file, "the entry bundle is missing");
    const { entries, whole } = decodeBundle(bytes);
    const first = tile.index * TILE_WIDTH;
    const leaves = await this.#readLeaves({ ...tile, level: 0 });
    for (let at = this.size - first; at < Math.min(entries.length, tile.width); at++) {
      const leaf = hashLeaf(entries[at]!);
      this.#tree.append(leaf);
      if (leaves !== undefined && !isSameHash(leaves, at, leaf)) this.#mismatch(tile, first + at);
      yield { index: first + at, bytes: entries[at]! };
    }
    if (entries.length === tile.width && whole) return;
    const found = `${entries.length} whole entries${whole ? "" : " and a broken one"}`;
    this.#stop(file, `the bundle holds ${found}, the checkpoint counts ${tile.width}`);
  }

  async #readLeaves(tile: Tile): Promise<Buffer | undefined> {
    const bytes = await this.#files.readTile(tile);
    const file = `log/${tilePath(tile)}`;
    if (bytes === undefined) this.#report({ kind: "tile", file, reason: "the tile is missing" });
    else if (bytes.length !== tile.width * HASH_BYTES) {
      const reason = `the tile has ${bytes.length} bytes instead of ${tile.width * HASH_BYTES}`;
      this.#report({ kind: "tile", file, reason });
    }
    return bytes;
  }

  #mismatch(tile: Tile, index: number): void {
    const run = this.#mismatches.at(-1);
    if (run?.tile.index === tile.index && run.last === index - 1) run.last = index;
    else if (this.#mismatches.length < RUNS_MAX) {
      this.#mismatches.push({ tile, first: index, last: index });
    }
  }

  #stop(file: string, reason: string): void {
    this.#whole = false;
    this.#report({ kind: "entry", file, entry: this.size, reason });
  }

  /** Full tiles above level 0 that the newest bundle completed. */
  async #compareUpperTiles(): Promise<void> {
    for (let level = 1; levelCount(this.size, level) > 0; level++) {
      const isComplete = this.size % TILE_WIDTH ** (level + 1) === 0;
      const index = levelCount(this.size, level) / TILE_WIDTH - 1;
      if (isComplete) await this.#compareTile({ level, index, width: TILE_WIDTH });
    }
  }

  async #comparePartialTiles(): Promise<void> {
    for (let level = 1; levelCount(this.size, level) > 0; level++) {
      const count = levelCount(this.size, level);
      const width = count % TILE_WIDTH;
      const index = Math.floor(count / TILE_WIDTH);
      if (width > 0) await this.#compareTile({ level, index, width });
    }
  }

  async #compareTile(tile: Tile & { level: number | "entries" }): Promise<void> {
    if (tile.level === "entries") return;
    const file = `log/${tilePath(tile)}`;
    const bytes = await this.#readLeaves(tile);
    if (bytes === undefined) return;
    const hashes = this.#tree.hashes(tile.level, tile.index * TILE_WIDTH, tile.width);
    const at = hashes.findIndex((hash, index) => !isSameHash(bytes, index, hash));
    if (at < 0) return;
    const span = TILE_WIDTH ** tile.level;
    const first = (tile.index * TILE_WIDTH + at) * span;
    const reason = `its hash ${at} is not that of the entries ${first} to ${first + span - 1}`;
    this.#report({ kind: "tile", file, entry: first, reason });
  }

  /** Says of each difference between entries and tiles which side was changed. */
  reportMismatches(entriesAreSigned: boolean): void {
    for (const { tile, first, last } of this.#mismatches) {
      const level = entriesAreSigned ? 0 : tile.level;
      const file = `log/${tilePath({ ...tile, level })}`;
      const which = first === last ? "this entry is" : `the entries ${first} to ${last} are`;
      const reason = entriesAreSigned
        ? `${which} as signed, but their hash in the tile was changed`
        : `${which} not as in the tile: changed, moved, added or removed`;
      this.#report({ kind: entriesAreSigned ? "tile" : "entry", file, entry: first, reason });
    }
  }

  /**
   * Checks the files below `log/tile` that the walk had no reason to read. Returns the paths that
   * lie beyond the checkpoint: a newer one has to explain them.
   */
  async checkOtherTiles(): Promise<string[]> {
    const beyond: string[] = [];
    for (const path of await this.#files.listTiles()) {
      const tile = parseTilePath(path);
      const file = `log/${path}`;
      if (tile === undefined) {
        // A file that is being written; no reader takes it for a tile.
        if (path.endsWith(".tmp")) continue;
        this.#report({ kind: "unexpected_file", file, reason: "no tile has this name" });
      } else if (!this.covers(tile)) beyond.push(path);
      else if (tile.width < TILE_WIDTH) await this.#checkPartial(tile, file);
    }
    return beyond;
  }

  covers({ level, index, width }: Tile): boolean {
    const count = level === "entries" ? this.size : levelCount(this.size, level);
    return index * TILE_WIDTH + width <= count;
  }

  /** A partial tile of an earlier size must be the beginning of the tile as it is now. */
  async #checkPartial(tile: Tile, file: string): Promise<void> {
    const count = tile.level === "entries" ? this.size : levelCount(this.size, tile.level);
    const width = Math.min(TILE_WIDTH, count - tile.index * TILE_WIDTH);
    if (width === tile.width) return;
    const [part, now] = await Promise.all([
      this.#files.readTileFile(tile),
      this.#files.readTile({ ...tile, width }),
    ]);
    if (part === undefined || now === undefined || part.equals(cutTile(now, tile))) return;
    const reason = `it is not the first ${tile.width} of the tile's ${width}`;
    this.#report({ kind: "tile", file, reason });
  }
}

function isSameHash(tile: Buffer, at: number, hash: Buffer): boolean {
  return tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES).equals(hash);
}
