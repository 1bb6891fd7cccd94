/**
 * Names and contents of tiles and entry bundles as c2sp.org/tlog-tiles has them.
 *
 * Invariant: a path is made from numbers alone, so no content of a log can name a file elsewhere.
 */
import { HASH_BYTES } from "./merkle.ts";

export const TILE_WIDTH = 256;

/** A tile holds `width` hashes of level `level`, or `width` entries; 256 is a full one. */
export interface Tile {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

/** `tile/<level>/<index>[.p/<width>]`, the index in elements of three digits. */
export function tilePath(tile: Tile): string {
  const partial = tile.width === TILE_WIDTH ? "" : `.p/${tile.width}`;
  return `tile/${tile.level}/${indexPath(tile.index)}${partial}`;
}

function indexPath(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const elements = padded.match(/\d{3}/g)!;
  return elements
    .map((element, at) => (at < elements.length - 1 ? `x${element}` : element))
    .join("/");
}

/** The tile that a path names; undefined when the path is not the one canonical name of a tile. */
export function parseTilePath(path: string): Tile | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (match === null) return undefined;
  const level = match[1] === "entries" ? "entries" : Number(match[1]);
  const index = Number(match[2]!.replaceAll(/[x/]/g, ""));
  const tile = {
    level,
    index,
    width: match[3] === undefined ? TILE_WIDTH : Number(match[3]),
  } as const;
  return tile.width > 0 && tilePath(tile) === path ? tile : undefined;
}

/** How many hashes level `level` has in a log of `size` entries: `floor(size / 256^level)`. */
export function levelCount(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/**
 * The tiles that a log of `to` entries has and one of `from` entries had not, bundles first. With
 * `from` 0 these are all tiles a checkpoint of that size needs. Empty tiles do not exist.
 */
export function* tilesBetween(from: number, to: number): Generator<Tile> {
  yield* tilesOfLevel("entries", from, to);
  for (let level = 0; levelCount(to, level) > 0; level++) {
    yield* tilesOfLevel(level, levelCount(from, level), levelCount(to, level));
  }
}

function* tilesOfLevel(level: Tile["level"], from: number, to: number): Generator<Tile> {
  if (from === to) return;
  const full = Math.floor(to / TILE_WIDTH);
  for (let index = Math.floor(from / TILE_WIDTH); index < full; index++) {
    yield { level, index, width: TILE_WIDTH };
  }
  if (to % TILE_WIDTH > 0) yield { level, index: full, width: to % TILE_WIDTH };
}

/** The longest entry that the two-byte length of a bundle can say. */
export const ENTRY_BYTES_MAX = 65_535;

/** `(uint16 BE length || entry)*`. */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.length);
    parts.push(length, entry);
  }
  return Buffer.concat(parts);
}

/** The entries of a bundle; `whole` is false when its bytes end inside one. */
export function decodeBundle(bytes: Buffer): { entries: Buffer[]; whole: boolean } {
  const entries: Buffer[] = [];
  let offset = 0;
  while (offset + 2 <= bytes.length) {
    const end = offset + 2 + bytes.readUInt16BE(offset);
    if (end > bytes.length) break;
    entries.push(bytes.subarray(offset + 2, end));
    offset = end;
  }
  return { entries, whole: offset === bytes.length };
}

/** The hashes of a tile; a remainder that is no whole hash is left out. */
export function splitHashes(bytes: Buffer): Buffer[] {
  const hashes: Buffer[] = [];
  for (let offset = 0; offset + HASH_BYTES <= bytes.length; offset += HASH_BYTES) {
    hashes.push(bytes.subarray(offset, offset + HASH_BYTES));
  }
  return hashes;
}
