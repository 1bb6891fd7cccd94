/**
 * Hashes of subtrees, read out of the tiles.
 *
 * Invariant: tiles are not trusted. What comes from here goes into proofs, and a proof is checked
 * against a signed root by whoever makes it and by whoever reads it.
 */
import { AgentError } from "../../../src/component/errors.ts";
import { HASH_BYTES, hashNode, treeRoot } from "../format/merkle.ts";
import { levelCount, splitHashes, TILE_WIDTH, tilePath } from "../format/tiles.ts";
import type { Span } from "../format/tree_proof.ts";
import { middleOf } from "../format/tree_proof.ts";
import type { LogFiles } from "./log_files.ts";

export class TileHashes {
  readonly #files: LogFiles;
  /** Of the log whose tiles are there. */
  readonly #size: number;

  constructor(files: LogFiles, size: number) {
    this.#files = files;
    this.#size = size;
  }

  /** Throws `archive.tampered` when a tile is missing or cut short. */
  async ofSpans(spans: readonly Span[]): Promise<Buffer[]> {
    const hashes: Buffer[] = [];
    for (const span of spans) hashes.push(await this.#ofSpan(span));
    return hashes;
  }

  /** A perfect subtree lies in one tile; another one is split as RFC 6962 does. */
  async #ofSpan({ from, to }: Span): Promise<Buffer> {
    const width = to - from;
    const middle = middleOf(from, to);
    if (width > 1 && to - middle !== middle - from) {
      const left = await this.#ofSpan({ from, to: middle });
      return hashNode(left, await this.#ofSpan({ from: middle, to }));
    }
    let [level, step] = [0, 1];
    while (step * TILE_WIDTH <= width) {
      level++;
      step *= TILE_WIDTH;
    }
    return treeRoot(await this.#read(level, from / step, width / step));
  }

  async #read(level: number, first: number, count: number): Promise<Buffer[]> {
    const index = Math.floor(first / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, levelCount(this.#size, level) - index * TILE_WIDTH);
    const tile = { level, index, width };
    const bytes = await this.#files.readTile(tile);
    if (bytes?.length !== width * HASH_BYTES) {
      throw new AgentError("archive.tampered", `log/${tilePath(tile)} is missing or cut short`);
    }
    const at = first % TILE_WIDTH;
    return splitHashes(bytes.subarray(at * HASH_BYTES, (at + count) * HASH_BYTES));
  }
}
