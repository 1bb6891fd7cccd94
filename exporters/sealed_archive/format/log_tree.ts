/**
 * The log's tree while it grows: the hashes of each level from the start of the oldest tile that is
 * still wanted. It needs memory for the right edge only, however long the log is.
 *
 * Invariant: `hashes[l]` holds the level-`l` hashes `first[l] .. levelCount(size, l) - 1`, and
 * `first[l]` is the first of a tile.
 */
import { treeRoot } from "./merkle.ts";
import { levelCount, TILE_WIDTH } from "./tiles.ts";

export class LogTree {
  readonly #levels: { first: number; hashes: Buffer[] }[] = [];
  #size = 0;

  /**
   * The tree of `size` entries from its right edge: `readPartial(level)` gives the hashes of the
   * partial tile of each level that has one.
   */
  static restore(size: number, readPartial: (level: number) => readonly Buffer[]): LogTree {
    const tree = new LogTree();
    tree.#size = size;
    for (let level = 0; levelCount(size, level) > 0; level++) {
      const width = levelCount(size, level) % TILE_WIDTH;
      const hashes = width === 0 ? [] : readPartial(level).slice(0, width);
      tree.#levels.push({ first: levelCount(size, level) - width, hashes });
    }
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  append(leafHash: Buffer): void {
    this.#size++;
    this.#push(0, leafHash);
  }

  #push(level: number, hash: Buffer): void {
    const { first, hashes } = this.#level(level);
    hashes.push(hash);
    const count = first + hashes.length;
    if (count % TILE_WIDTH === 0) {
      this.#push(level + 1, treeRoot(hashes.slice(count - first - TILE_WIDTH)));
    }
  }

  #level(level: number): { first: number; hashes: Buffer[] } {
    this.#levels[level] ??= { first: 0, hashes: [] };
    return this.#levels[level];
  }

  /** The hashes `from .. from + width - 1` of a level; they must not have been forgotten. */
  hashes(level: number, from: number, width: number): Buffer[] {
    const { first, hashes } = this.#level(level);
    if (from < first || from + width > first + hashes.length) {
      throw new RangeError(`level ${level} has no hashes ${from} to ${from + width - 1} any more`);
    }
    return hashes.slice(from - first, from - first + width);
  }

  /**
   * RFC 6962 root of the first `size` entries. Tiles are perfect subtrees, so the tree is that of
   * the complete tiles with the root of the incomplete one as the last leaf, level by level.
   */
  root(size: number = this.#size): Buffer {
    let ragged: Buffer | undefined;
    for (let level = 0; levelCount(size, level) > 0; level++) {
      const count = levelCount(size, level);
      const width = count % TILE_WIDTH;
      const hashes = this.hashes(level, count - width, width);
      if (ragged !== undefined) hashes.push(ragged);
      if (hashes.length > 0) ragged = treeRoot(hashes);
    }
    return ragged ?? treeRoot([]);
  }

  /** Lets go of the tiles that are complete in a log of `size` entries. */
  forget(size: number): void {
    for (const [level, kept] of this.#levels.entries()) {
      const count = levelCount(size, level);
      const drop = count - (count % TILE_WIDTH) - kept.first;
      if (drop <= 0) continue;
      kept.hashes.splice(0, drop);
      kept.first += drop;
    }
  }
}
