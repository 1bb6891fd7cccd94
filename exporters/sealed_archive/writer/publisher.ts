/**
 * Turns committed entries into the public log: tiles, then `last_signed`, then the checkpoint.
 *
 * Invariant: nothing is signed that is not durable, and no root leaves this process that is not in
 * `last_signed`, so that after any crash and any restore the agent can see that it signed a size
 * already and never signs another root for it. The log is signed at the size at which an epoch ends,
 * and the epoch is closed, before anything beyond is signed.
 */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { AgentError } from "../../../src/component/errors.ts";
import { writeFileDurably } from "../../../src/lib/durable_file.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import { formatCheckpoint } from "../format/checkpoint.ts";
import type { LogTree } from "../format/log_tree.ts";
import type { NoteSigner } from "../format/note.ts";
import { signNote } from "../format/note.ts";
import type { Tile } from "../format/tiles.ts";
import { encodeBundle, TILE_WIDTH, tilePath, tilesBetween } from "../format/tiles.ts";
import { readIfThere } from "../optional_file.ts";
import { makePublicDirectory } from "./archive_directory.ts";
import type { EpochKeys } from "./epoch_keys.ts";
import { PUBLIC_FILE_MODE } from "./segment_files.ts";

const LAST_SIGNED = "last_signed";

const lastSignedSchema = z.object({
  v: z.literal(1),
  origin: z.string(),
  size: z.number().int(),
  root: z.string(),
});
export type LastSigned = z.infer<typeof lastSignedSchema>;

export interface PublisherOptions {
  readonly archive: string;
  readonly stateDirectory: string;
  readonly signer: NoteSigner;
  readonly epochs: EpochKeys;
  readonly tree: LogTree;
  /** Entries from the start of the bundle in which `publishedSize` lies. */
  readonly entries: Buffer[];
  readonly publishedSize: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #tree: LogTree;
  readonly #entries: Buffer[];
  #firstEntry: number;
  #publishedSize: number;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#tree = options.tree;
    this.#entries = options.entries;
    this.#publishedSize = options.publishedSize;
    this.#firstEntry = options.publishedSize - (options.publishedSize % TILE_WIDTH);
  }

  get publishedSize(): number {
    return this.#publishedSize;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** Takes in an entry that is durable in the write-ahead log. */
  append(entry: Buffer, leafHash: Buffer): void {
    this.#entries.push(entry);
    this.#tree.append(leafHash);
  }

  /** Signs the log as it is now. May be repeated after an error. Calls must not overlap. */
  async publish(): Promise<void> {
    const { epochs } = this.#options;
    const { end } = epochs;
    if (end !== undefined) {
      await this.#prepare(end.size);
      await epochs.writeNote(this.#tree.root(end.size));
      await this.#sign(end.size);
      await epochs.close();
    }
    const { size } = this.#tree;
    if (size === this.#publishedSize) return;
    await this.#prepare(size);
    await this.#sign(size);
  }

  /** Everything that must be on disk before a root of this size may leave the process. */
  async #prepare(size: number): Promise<void> {
    const { archive, stateDirectory, signer } = this.#options;
    for (const tile of tilesBetween(this.#publishedSize, size)) {
      const path = join(archive, "log", tilePath(tile));
      await makePublicDirectory(dirname(path));
      await writeFileDurably(path, this.#content(tile), PUBLIC_FILE_MODE);
    }
    await writeLastSigned(stateDirectory, this.#checkpoint(size, signer));
  }

  async #sign(size: number): Promise<void> {
    const { archive, signer, epochs } = this.#options;
    const log = join(archive, "log");
    const text = formatCheckpoint(this.#checkpoint(size, signer));
    const note = signNote(text, signer, epochs.signer);
    await writeFileDurably(join(log, "checkpoint"), note, PUBLIC_FILE_MODE);
    const from = this.#publishedSize;
    this.#publishedSize = size;
    this.#forget(size);
    await removePartials(log, from, size);
  }

  #checkpoint(size: number, { verifier }: NoteSigner): Checkpoint {
    return { origin: verifier.name, size, root: this.#tree.root(size) };
  }

  #content({ level, index, width }: Tile): Buffer {
    const first = index * TILE_WIDTH;
    if (level !== "entries") return Buffer.concat(this.#tree.hashes(level, first, width));
    const from = first - this.#firstEntry;
    return encodeBundle(this.#entries.slice(from, from + width));
  }

  #forget(size: number): void {
    this.#tree.forget(size);
    const first = size - (size % TILE_WIDTH);
    this.#entries.splice(0, first - this.#firstEntry);
    this.#firstEntry = first;
  }
}

/** The specification lets partial tiles go when the full one is there. A reader then takes that. */
async function removePartials(log: string, from: number, size: number): Promise<void> {
  for (const tile of tilesBetween(from, size)) {
    if (tile.width < TILE_WIDTH) continue;
    await rm(join(log, `${tilePath(tile)}.p`), { recursive: true, force: true });
  }
}

async function writeLastSigned(
  directory: string,
  { origin, size, root }: Checkpoint,
): Promise<void> {
  const content: LastSigned = { v: 1, origin, size, root: root.toString("base64") };
  await writeFileDurably(join(directory, LAST_SIGNED), `${JSON.stringify(content)}\n`);
}

/** Undefined before the first checkpoint. Throws `storage.corrupt`. */
export async function readLastSigned(directory: string): Promise<LastSigned | undefined> {
  const path = join(directory, LAST_SIGNED);
  const content = await readIfThere(path);
  if (content === undefined) return undefined;
  try {
    return lastSignedSchema.parse(JSON.parse(content.toString()));
  } catch (cause) {
    throw new AgentError("storage.corrupt", `${path} is not readable`, { cause });
  }
}
