/** Reads the public log of an archive. Missing is an answer; unreadable is an error. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import { parseCheckpoint } from "../format/checkpoint.ts";
import { HASH_BYTES } from "../format/merkle.ts";
import type { NoteVerifier } from "../format/note.ts";
import { openNote, parseVerifier } from "../format/note.ts";
import type { Tile } from "../format/tiles.ts";
import { decodeBundle, TILE_WIDTH, tilePath } from "../format/tiles.ts";
import { readIfThere } from "../optional_file.ts";

export interface ReadCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The signed note, as it was read. */
  readonly note: Buffer;
  /** What about it cannot be trusted; undefined when all is well. */
  readonly problem: string | undefined;
}

export class LogFiles {
  readonly archive: string;

  constructor(archive: string) {
    this.archive = archive;
  }

  /** The vkey beside the archive. Throws `archive.unreadable` or `archive.key_invalid`. */
  async readVerifier(): Promise<NoteVerifier> {
    const bytes = await this.#read("log.vkey");
    if (bytes === undefined) {
      throw new AgentError("archive.unreadable", `${this.archive} has no log.vkey`);
    }
    return parseVerifier(bytes.toString());
  }

  /** Throws `archive.unreadable` when there is no checkpoint or nothing can be made of it. */
  async readCheckpoint(verifier: NoteVerifier, path = "log/checkpoint"): Promise<ReadCheckpoint> {
    const bytes = await this.#read(path);
    if (bytes === undefined) {
      throw new AgentError("archive.unreadable", `there is no archive: ${this.archive}/${path}`);
    }
    return judgeCheckpoint(bytes, verifier);
  }

  /** A partial tile may be gone when the full one is there, which then holds it. */
  async readTile(tile: Tile): Promise<Buffer | undefined> {
    const exact = await this.#read(join("log", tilePath(tile)));
    if (exact !== undefined || tile.width === TILE_WIDTH) return exact;
    const full = await this.#read(join("log", tilePath({ ...tile, width: TILE_WIDTH })));
    return full === undefined ? undefined : cutTile(full, tile);
  }

  /** The bytes of exactly this file. */
  async readTileFile(tile: Tile): Promise<Buffer | undefined> {
    return this.#read(join("log", tilePath(tile)));
  }

  /** Paths of all files below `log/tile`, as `tile/...`. */
  async listTiles(): Promise<string[]> {
    const root = join(this.archive, "log", "tile");
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join("tile", join(entry.parentPath, entry.name).slice(root.length + 1)))
      .sort();
  }

  async #read(path: string): Promise<Buffer | undefined> {
    try {
      return await readIfThere(join(this.archive, path));
    } catch (cause) {
      throw new AgentError("archive.unreadable", `cannot read ${join(this.archive, path)}`, {
        cause,
      });
    }
  }
}

/** The first `tile.width` hashes or entries of a tile's bytes. */
export function cutTile(bytes: Buffer, { level, width }: Tile): Buffer {
  if (level !== "entries") return bytes.subarray(0, width * HASH_BYTES);
  const { entries } = decodeBundle(bytes);
  const length = entries.slice(0, width).reduce((sum, entry) => sum + 2 + entry.length, 0);
  return bytes.subarray(0, length);
}

/** Throws `archive.unreadable` when nothing can be made of it. */
export function judgeCheckpoint(note: Buffer, verifier: NoteVerifier): ReadCheckpoint {
  const opened = openNote(note.toString(), verifier);
  const checkpoint = parseCheckpoint(
    opened.status === "malformed" ? textOf(note.toString()) : opened.text,
  );
  if (checkpoint === undefined) {
    throw new AgentError("archive.unreadable", "the checkpoint has no origin, size and root");
  }
  return { checkpoint, note, problem: problemOf(opened.status, checkpoint, verifier) };
}

/** The part of a broken note that still says origin, size and root, to look at the rest with. */
function textOf(note: string): string {
  return `${note.split("\n").slice(0, 3).join("\n")}\n`;
}

function problemOf(
  status: ReturnType<typeof openNote>["status"],
  { origin }: Checkpoint,
  { name }: NoteVerifier,
): string | undefined {
  if (origin !== name) return `it is the checkpoint of ${origin}, the key is that of ${name}`;
  if (status === "malformed") return "it is not a signed note: signatures are missing or broken";
  if (status === "unsigned") return "it has no signature by the verifier key";
  if (status === "forged") return "its signature does not fit: origin, size or root was changed";
  return undefined;
}
