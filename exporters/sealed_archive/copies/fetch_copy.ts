/**
 * Brings a copy back from a bucket into a folder, as an archive that `verify` and `read` take.
 *
 * Invariant: the names of versions decide, never what the server shows as current: of the signed
 * checkpoints the largest is taken, of what never changes the oldest version, of a segment the one
 * with the hash that the log has. Nothing is trusted by that: whoever fetches a copy verifies it.
 * Deleted and overlaid objects are found, and what was locked is still there below.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AgentError } from "../../../src/component/errors.ts";
import type { NoteVerifier } from "../format/note.ts";
import { parseVerifier } from "../format/note.ts";
import { segmentFileName } from "../format/position.ts";
import { decodeBundle, tilePath, tilesBetween } from "../format/tiles.ts";
import { readIfThere } from "../optional_file.ts";
import type { Finding } from "../reader/finding.ts";
import type { ReadCheckpoint } from "../reader/log_files.ts";
import { judgeCheckpoint } from "../reader/log_files.ts";
import type { Bucket, KeyVersions, ObjectLock } from "./bucket.ts";
import { CopyPlan, isReplacement } from "./copy_plan.ts";
import { inParallel } from "./in_parallel.ts";

const AT_ONCE = 8;
/** Checkpoints that are looked at from the largest down until one has a signature. */
const CHECKPOINTS_MAX = 100;
/** A tile is 8 KiB, a bundle at most 16 MiB; only segments are longer, and they are streamed. */
const CHECKPOINT = "log/checkpoint";

export interface FetchedCopy {
  /** `zone/segment` of segments that were open at the copy's size, and so are not in it. */
  readonly openSegments: ReadonlySet<string>;
  /** What somebody did to the bucket. */
  readonly findings: readonly Finding[];
  readonly objects: number;
  readonly bytes: number;
  /** Of these objects, those without a lock. */
  readonly unlocked: number;
  /** When the first lock ends; undefined without any. */
  readonly lockedUntilMs: number | undefined;
}

export interface FetchOptions {
  readonly bucket: Bucket;
  /** A folder that is there and empty. */
  readonly directory: string;
  /** Undefined: the key beside the copy is trusted. */
  readonly verifier?: NoteVerifier | undefined;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Throws `archive.copy_failed`, and `archive.unreadable` when there is no copy. */
export async function fetchCopy(options: FetchOptions): Promise<FetchedCopy> {
  return new Fetch(options, await options.bucket.list(options.signal)).run();
}

class Fetch {
  readonly #options: FetchOptions;
  readonly #keys: ReadonlyMap<string, KeyVersions>;
  readonly #plan = new CopyPlan();
  readonly #findings: Finding[] = [];
  #objects = 0;
  #bytes = 0;
  #unlocked = 0;
  #lockedUntilMs: number | undefined;

  constructor(options: FetchOptions, keys: ReadonlyMap<string, KeyVersions>) {
    this.#options = options;
    this.#keys = keys;
  }

  async run(): Promise<FetchedCopy> {
    const { directory } = this.#options;
    await this.#fetch("log.vkey");
    const { size } = await this.#fetchCheckpoint();
    await inParallel(tilesBetween(0, size), AT_ONCE, (tile) =>
      this.#fetch(`log/${tilePath(tile)}`),
    );
    for (const tile of tilesBetween(0, size)) {
      if (tile.level !== "entries") break;
      const bytes = await readIfThere(join(directory, "log", tilePath(tile)));
      for (const entry of bytes === undefined ? [] : decodeBundle(bytes).entries) {
        this.#plan.take(entry);
      }
    }
    const { notes, segments, sums, open, redacted } = this.#plan;
    const anchors = [...this.#keys.keys()].filter((key) => /^anchors\/[\w.]+$/.test(key));
    await inParallel([...notes, ...anchors], AT_ONCE, (key) => this.#fetch(key));
    for (const { zone, sums: sha256 } of sums.values()) {
      await this.#fetch(`blocks/${zone}/SHA256SUMS`, { sha256, isReplaced: true });
    }
    for (const [name, { zone, seg, sha256 }] of segments) {
      const key = `blocks/${zone}/${segmentFileName(seg)}`;
      if (redacted.has(name)) await this.#fetchRewritten(zone, seg, key);
      else await this.#fetch(key, { sha256 });
    }
    return {
      openSegments: open,
      findings: this.#findings,
      objects: this.#objects,
      bytes: this.#bytes,
      unlocked: this.#unlocked,
      lockedUntilMs: this.#lockedUntilMs,
    };
  }

  async #fetchRewritten(zone: string, segment: string, key: string): Promise<void> {
    await this.#fetch(key, { isReplaced: true });
    const folder = `blocks/${zone}/`;
    for (const name of this.#keys.keys()) {
      const isBeside = name.startsWith(folder) && isReplacement(name.slice(folder.length), segment);
      if (isBeside) await this.#fetch(name);
    }
  }

  /** The signed checkpoint of the largest size, wherever it is, whatever lies over it. */
  async #fetchCheckpoint(): Promise<{ size: number }> {
    const { bucket, directory, signal } = this.#options;
    const verifier = this.#options.verifier ?? (await this.#ownVerifier());
    const sizes = [...this.#keys.keys()]
      .map((key) => /^checkpoints\/(0|[1-9]\d{0,15})$/.exec(key)?.[1])
      .filter((size) => size !== undefined)
      .sort((a, b) => Number(b) - Number(a));
    const shown = await this.#readCurrent(verifier);
    let best = shown?.problem === undefined ? shown : undefined;
    for (const name of sizes.slice(0, CHECKPOINTS_MAX)) {
      if (best !== undefined && best.checkpoint.size >= Number(name)) break;
      for (const { id } of this.#keys.get(`checkpoints/${name}`)!.versions) {
        const body = await bucket.get(`checkpoints/${name}`, id, signal);
        const read = judge(Buffer.concat(await body.toArray()), verifier);
        if (read === undefined || read.problem !== undefined) continue;
        if (read.checkpoint.size > (best?.checkpoint.size ?? -1)) best = read;
      }
    }
    const chosen = best ?? shown;
    if (chosen === undefined) {
      throw new AgentError("archive.unreadable", `${bucket.url} holds no checkpoint of an archive`);
    }
    const { size } = chosen.checkpoint;
    if (shown === undefined || shown.checkpoint.size < size) {
      const what = shown === undefined ? "is not shown" : `has ${shown.checkpoint.size} entries`;
      const reason = `the current version ${what}, checkpoints/${size} is signed and newer`;
      this.#findings.push({ kind: "copy", file: CHECKPOINT, reason });
    }
    await mkdir(join(directory, "log"), { recursive: true });
    await writeFile(join(directory, CHECKPOINT), chosen.note);
    return { size };
  }

  async #ownVerifier(): Promise<NoteVerifier> {
    const bytes = await readIfThere(join(this.#options.directory, "log.vkey"));
    if (bytes !== undefined) return parseVerifier(bytes.toString());
    throw new AgentError("archive.unreadable", `${this.#options.bucket.url} has no log.vkey`);
  }

  /** What a reader gets who asks for no version. */
  async #readCurrent(verifier: NoteVerifier): Promise<ReadCheckpoint | undefined> {
    const { bucket, signal } = this.#options;
    const { versions, isHidden } = this.#keys.get(CHECKPOINT) ?? { versions: [], isHidden: false };
    const newest = versions.at(-1);
    if (newest === undefined || isHidden) return undefined;
    const body = await bucket.get(CHECKPOINT, newest.id, signal);
    return judge(Buffer.concat(await body.toArray()), verifier);
  }

  /** What is not there stays away: `verify` says what is missing. */
  async #fetch(
    key: string,
    { sha256, isReplaced = false }: { sha256?: string; isReplaced?: boolean } = {},
  ): Promise<void> {
    const { versions, isHidden } = this.#keys.get(key) ?? { versions: [], isHidden: false };
    const path = join(this.#options.directory, key);
    await mkdir(dirname(path), { recursive: true });
    let chosen = "";
    const hashes: string[] = [];
    // Of what is replaced from time to time the newest is the likely one.
    for (const { id } of isReplaced ? versions.toReversed() : versions) {
      const { hash, sizeBytes } = await this.#download(key, id, `${path}.part`);
      const isFirst = hashes.length === 0;
      const isWanted = sha256 === undefined ? isFirst : hash === sha256;
      hashes.push(hash);
      if (!isFirst && !isWanted) continue;
      await rename(`${path}.part`, path);
      chosen = id;
      if (isFirst) this.#objects++;
      this.#bytes += isFirst ? sizeBytes : 0;
      if (isWanted && (isReplaced || hasOneContent(versions))) break;
    }
    await rm(`${path}.part`, { force: true });
    if (hashes.length === 0) return;
    const lock = await this.#options.bucket.lockOf(key, chosen, this.#options.signal);
    this.#judge(key, { hashes, isReplaced, isHidden, lock });
  }

  #judge(
    key: string,
    of: { hashes: string[]; isReplaced: boolean; isHidden: boolean; lock: ObjectLock | undefined },
  ): void {
    const { hashes, isReplaced, isHidden, lock } = of;
    const isLocked = lock !== undefined && (lock.legalHold || lock.untilMs > this.#options.nowMs);
    if (!isLocked) this.#unlocked++;
    else this.#lockedUntilMs = Math.min(lock.untilMs, this.#lockedUntilMs ?? lock.untilMs);
    const file = key;
    if (isHidden && isLocked) {
      const reason = "a delete marker lies over the locked object, which was read all the same";
      this.#findings.push({ kind: "copy", file, reason });
    }
    if (!isReplaced && new Set(hashes).size > 1) {
      const reason = `it has ${new Set(hashes).size} versions of different content`;
      this.#findings.push({ kind: "copy", file, reason });
    }
  }

  async #download(
    key: string,
    version: string,
    path: string,
  ): Promise<{ hash: string; sizeBytes: number }> {
    const { bucket, signal } = this.#options;
    const body = await bucket.get(key, version, signal);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          sizeBytes += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(path, { mode: 0o600 }),
      { signal },
    );
    return { hash: hash.digest("hex"), sizeBytes };
  }
}

/** Equal tags are equal contents; different ones may be, with keys of the server's own. */
function hasOneContent(versions: KeyVersions["versions"]): boolean {
  return versions.every(({ etag }) => etag !== "" && etag === versions[0]!.etag);
}

/** Undefined when nothing can be made of it. */
function judge(note: Buffer, verifier: NoteVerifier): ReadCheckpoint | undefined {
  try {
    return judgeCheckpoint(note, verifier);
  } catch {
    return undefined;
  }
}
