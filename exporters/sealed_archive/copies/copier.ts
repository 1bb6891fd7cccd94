/**
 * Copies what is new in the archive to a bucket: tiles, entry bundles, closed segments, closing notes
 * of epochs, anchors, and at the end the checkpoint that covers them.
 *
 * Invariant: a checkpoint is in the bucket only when everything that it covers is there, except the
 * blocks of segments that are still open. What was interrupted goes on at the next run: objects that
 * are there with the right hash and lock are not sent again.
 *
 * Trust: `copied` (state directory, 0600) says up to which size a place has everything. Who changes
 * it makes the agent copy too much, or leave objects out, which `verify` of the copy shows.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AgentError } from "../../../src/component/errors.ts";
import { writeFileDurably } from "../../../src/lib/durable_file.ts";
import { parseCheckpoint } from "../format/checkpoint.ts";
import type { SegmentEntry } from "../format/entry.ts";
import { segmentFileName } from "../format/position.ts";
import type { Tile } from "../format/tiles.ts";
import { decodeBundle, TILE_WIDTH, tilePath, tilesBetween } from "../format/tiles.ts";
import { readIfThere } from "../optional_file.ts";
import { LogFiles } from "../reader/log_files.ts";
import type { Bucket, ObjectContent, WantedLock } from "./bucket.ts";
import { CopyPlan, isReplacement } from "./copy_plan.ts";
import { inParallel } from "./in_parallel.ts";

const STATE_FILE = "copied";
const AT_ONCE = 8;
const ANCHOR = /^\d{1,16}\.[a-z]{1,8}$/;

const stateSchema = z.strictObject({
  v: z.literal(1),
  to: z.string(),
  size: z.number().int().min(0),
  /** Of the newest anchor that was copied. */
  anchor_ms: z.number().min(0),
  /** Segments that were rewritten, by `zone/segment`: the time of the file that was copied. */
  rewritten: z.record(z.string().regex(/^[\w-]+\/\d{8}$/), z.number()),
});
type CopyState = z.infer<typeof stateSchema>;

export interface CopyRun {
  /** Of the log that the copy now has. */
  readonly size: number;
  readonly segments: number;
  readonly segmentBytes: number;
  readonly objects: number;
  readonly bytes: number;
}

export interface CopierOptions {
  readonly archive: string;
  readonly stateDirectory: string;
  readonly bucket: Bucket;
  /** Undefined: objects are not locked. */
  readonly lock: WantedLock | undefined;
  readonly signal: AbortSignal;
}

/** Undefined when there was nothing new. Throws `archive.copy_failed`, `archive.copy_conflict`. */
export async function copyNew(options: CopierOptions): Promise<CopyRun | undefined> {
  return new Copier(options).run();
}

class Copier {
  readonly #options: CopierOptions;
  readonly #files: LogFiles;
  readonly #plan = new CopyPlan();
  #objects = 0;
  #bytes = 0;

  constructor(options: CopierOptions) {
    this.#options = options;
    this.#files = new LogFiles(options.archive);
  }

  async run(): Promise<CopyRun | undefined> {
    const { archive, stateDirectory, bucket } = this.#options;
    const note = await readIfThere(join(archive, "log", "checkpoint"));
    const size = note === undefined ? undefined : parseCheckpoint(textOf(note))?.size;
    if (note === undefined || size === undefined) return undefined;
    const state = await readState(stateDirectory, bucket.url);
    if (size === state.size) return undefined;
    await this.#putFile("log.vkey");
    await inParallel(tilesBetween(state.size, size), AT_ONCE, (tile) =>
      this.#putTile(tile, state.size),
    );
    const { segments, notes, sums } = this.#plan;
    for (const [name, entry] of segments) {
      if (!this.#plan.redacted.has(name)) await this.#putSegment(entry);
    }
    const rewritten = await this.#putRewritten(state.rewritten);
    await inParallel(notes, AT_ONCE, (path) => this.#putFile(path));
    const anchorMs = await this.#putAnchors(size, state.anchor_ms);
    for (const entry of sums.values()) await this.#putSums(entry);
    await this.#putBytes("log/checkpoint", note, true);
    await this.#putBytes(`checkpoints/${size}`, note);
    const next: CopyState = { v: 1, to: bucket.url, size, anchor_ms: anchorMs, rewritten };
    await writeFileDurably(join(stateDirectory, STATE_FILE), `${JSON.stringify(next)}\n`);
    return {
      size,
      segments: segments.size,
      segmentBytes: [...segments.values()].reduce((sum, { bytes }) => sum + bytes, 0),
      objects: this.#objects,
      bytes: this.#bytes,
    };
  }

  async #putTile(tile: Tile, from: number): Promise<void> {
    const bytes = await this.#files.readTile(tile);
    if (bytes === undefined) throw missing(`log/${tilePath(tile)}`);
    if (tile.level === "entries") {
      const first = tile.index * TILE_WIDTH;
      for (const [at, entry] of decodeBundle(bytes).entries.entries()) {
        if (first + at >= from) this.#plan.take(entry);
      }
    }
    await this.#putBytes(`log/${tilePath(tile)}`, bytes);
  }

  /** The bucket checks the file against the hash that the log has of it. */
  async #putSegment({ zone, seg, bytes, sha256 }: SegmentEntry): Promise<void> {
    const key = `blocks/${zone}/${segmentFileName(seg)}`;
    const path = join(this.#options.archive, key);
    const { size } = await stat(path).catch(() => ({ size: -1 }));
    // It may be deleted just now; the next run knows the entry that says so.
    if (size < bytes) throw missing(key);
    await this.#put({
      key,
      sizeBytes: bytes,
      sha256: Buffer.from(sha256, "hex"),
      open: () => createReadStream(path, { start: 0, end: bytes - 1 }),
    });
  }

  /**
   * Segments with erased records, and the files that stand in their place. The blocks are overwritten
   * a while after the entry that says so, hence a look at them in every run.
   */
  async #putRewritten(before: CopyState["rewritten"]): Promise<CopyState["rewritten"]> {
    const after: CopyState["rewritten"] = {};
    for (const name of new Set([...this.#plan.redacted, ...Object.keys(before)])) {
      const [zone, segment] = name.split("/") as [string, string];
      const folder = join(this.#options.archive, "blocks", zone);
      const path = join(folder, segmentFileName(segment));
      const { mtimeMs, size: sizeBytes } = await stat(path).catch(() => ({ mtimeMs: -1, size: 0 }));
      // Deleted at the end of its time.
      if (mtimeMs < 0) continue;
      after[name] = mtimeMs;
      if (before[name] === mtimeMs && !this.#plan.redacted.has(name)) continue;
      for (const file of await readdir(folder)) {
        if (isReplacement(file, segment)) await this.#putFile(`blocks/${zone}/${file}`);
      }
      const sha256 = await hashFile(path);
      const key = `blocks/${zone}/${segmentFileName(segment)}`;
      const open = () => createReadStream(path, { start: 0, end: sizeBytes - 1 });
      await this.#put({ key, sizeBytes, sha256, open, isReplaced: true });
    }
    return after;
  }

  /** As far as the log has it: the file may be ahead. */
  async #putSums({ zone, sums }: SegmentEntry): Promise<void> {
    const key = `blocks/${zone}/SHA256SUMS`;
    const bytes = await readIfThere(join(this.#options.archive, key));
    const hash = createHash("sha256");
    for (let end = 0; bytes !== undefined && end < bytes.length; ) {
      const next = bytes.indexOf("\n", end) + 1;
      if (next === 0) break;
      hash.update(bytes.subarray(end, next));
      end = next;
      if (hash.copy().digest("hex") !== sums) continue;
      await this.#putBytes(key, bytes.subarray(0, end), true);
      return;
    }
    throw missing(`${key}, as the log has it,`);
  }

  /** Those of a log up to `size` that are as new as the newest one copied. Returns its new time. */
  async #putAnchors(size: number, sinceMs: number): Promise<number> {
    const folder = join(this.#options.archive, "anchors");
    let newestMs = sinceMs;
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      if (!ANCHOR.test(name) || Number.parseInt(name, 10) > size) continue;
      const { mtimeMs } = await stat(join(folder, name));
      if (mtimeMs < sinceMs) continue;
      await this.#putFile(`anchors/${name}`);
      newestMs = Math.max(newestMs, mtimeMs);
    }
    return newestMs;
  }

  async #putFile(path: string): Promise<void> {
    const bytes = await readIfThere(join(this.#options.archive, path));
    if (bytes === undefined) throw missing(path);
    await this.#putBytes(path, bytes);
  }

  async #putBytes(key: string, bytes: Buffer, isReplaced = false): Promise<void> {
    const sha256 = createHash("sha256").update(bytes).digest();
    await this.#put({ key, sizeBytes: bytes.length, sha256, open: () => bytes, isReplaced });
  }

  async #put(content: ObjectContent): Promise<void> {
    const { bucket, lock, signal } = this.#options;
    if ((await bucket.put(content, lock, signal)) === "there") return;
    this.#objects++;
    this.#bytes += content.sizeBytes;
  }
}

async function hashFile(path: string): Promise<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest();
}

/** A signed note without its signatures. */
function textOf(note: Buffer): string {
  const text = note.toString();
  return text.slice(0, text.indexOf("\n\n") + 1);
}

async function readState(directory: string, to: string): Promise<CopyState> {
  const path = join(directory, STATE_FILE);
  const nothing: CopyState = { v: 1, to, size: 0, anchor_ms: 0, rewritten: {} };
  const content = await readIfThere(path);
  if (content === undefined) return nothing;
  try {
    const state = stateSchema.parse(JSON.parse(content.toString()));
    return state.to === to ? state : nothing;
  } catch (cause) {
    throw new AgentError("storage.corrupt", `${path} is not readable`, { cause });
  }
}

function missing(path: string): AgentError {
  return new AgentError("archive.copy_failed", `${path} is not in the archive's folder`);
}
