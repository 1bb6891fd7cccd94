/**
 * The paths that the include patterns match now.
 *
 * A folder is listed again only when its modification time says that a name came or went, so that
 * looking often is cheap. Symbolic links to files and folders are followed, except that `**` does
 * not go through links to folders (it could run in circles).
 */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ComponentLogger } from "../../src/component/settings.ts";
import type { FileLogConfig } from "./config.ts";
import type { Glob } from "./glob.ts";
import { parseGlob, pathMatcher } from "./glob.ts";
import type { WarnOnce } from "./warn_once.ts";

interface Listing {
  readonly entries: readonly Dirent[];
  readonly modifiedMs: number;
  readonly readAtMs: number;
  checkedAtMs: number;
}

export interface Found {
  readonly paths: ReadonlySet<string>;
  /** Folders in which names came or went since the last call. */
  readonly changedDirectories: ReadonlySet<string>;
}

/** File systems give times in steps; within this time a change may not show. */
const TIME_STEP_MS = 2000;
/** Even an unchanged time is not trusted for longer than this. */
const LISTING_AGE_MS_MAX = 10_000;
/** Folders that are looked at in one poll; more of them take turns. */
const DIRECTORIES_PER_POLL = 128;

export class Discovery {
  readonly globs: readonly Glob[];
  readonly #isIncluded: (path: string) => boolean;
  readonly #isExcluded: (path: string) => boolean;
  readonly #listings = new Map<string, Listing>();
  readonly #warn: WarnOnce;
  readonly #logger: ComponentLogger;
  readonly #pollIntervalMs: number;
  /** What the last walk found; undefined when the next one must not rely on it. */
  #paths: ReadonlySet<string> | undefined;
  /** Some folder could not be listed: only walking shows when it can. */
  #hasMissing = false;
  #changed = new Set<string>();
  #visited = new Set<string>();

  constructor(
    config: Pick<FileLogConfig, "include" | "exclude" | "poll_interval">,
    logger: ComponentLogger,
    warn: WarnOnce,
  ) {
    this.globs = config.include.flatMap(parseGlob);
    this.#isIncluded = pathMatcher(config.include);
    this.#isExcluded = pathMatcher(config.exclude);
    this.#pollIntervalMs = config.poll_interval;
    this.#logger = logger;
    this.#warn = warn;
  }

  async find(nowMs: number): Promise<Found> {
    this.#changed = new Set();
    if (this.#paths !== undefined && (await this.#areListingsFresh(nowMs))) {
      return { paths: this.#paths, changedDirectories: this.#changed };
    }
    this.#visited = new Set();
    this.#hasMissing = false;
    const paths = new Set<string>();
    for (const { base, segments } of this.globs) await this.#walk(base, segments, paths, nowMs);
    for (const path of this.#listings.keys()) {
      if (!this.#visited.has(path)) this.#listings.delete(path);
    }
    for (const path of paths) if (this.#isExcluded(path)) paths.delete(path);
    this.#paths = paths;
    return { paths, changedDirectories: this.#changed };
  }

  /** The paths found last are those of now, because no folder changed. */
  async #areListingsFresh(nowMs: number): Promise<boolean> {
    if (this.#hasMissing) return false;
    for (const [directory, listing] of this.#listings) {
      if (nowMs - listing.checkedAtMs < this.#turnMs) continue;
      const stats = await stat(directory).catch(() => undefined);
      if (stats === undefined || !isFresh(listing, stats.mtimeMs, nowMs)) return false;
      listing.checkedAtMs = nowMs;
    }
    return true;
  }

  /** How long a folder waits for its turn, so that not all of many are looked at at once. */
  get #turnMs(): number {
    return (Math.ceil(this.#listings.size / DIRECTORIES_PER_POLL) - 1) * this.#pollIntervalMs;
  }

  /** A path came or went: if it is one of ours, its folder is listed again at the next call. */
  expectChange(path: string): void {
    if (!this.#isIncluded(path)) return;
    this.#listings.delete(dirname(path));
    this.#paths = undefined;
  }

  async #walk(
    directory: string,
    segments: readonly (string | RegExp)[],
    paths: Set<string>,
    nowMs: number,
  ): Promise<void> {
    const [segment, ...rest] = segments;
    if (segment === undefined) return;
    if (typeof segment === "string" && segment !== "**") {
      const path = join(directory, segment);
      if (rest.length === 0) paths.add(path);
      else await this.#walk(path, rest, paths, nowMs);
      return;
    }
    const isDeep = segment === "**";
    // `**` also matches no folder at all.
    if (isDeep && rest.length > 0) await this.#walk(directory, rest, paths, nowMs);
    for (const entry of await this.#list(directory, nowMs)) {
      if (!isDeep && !(segment as RegExp).test(entry.name)) continue;
      const path = join(directory, entry.name);
      const mayBeDirectory = entry.isDirectory() || (!isDeep && entry.isSymbolicLink());
      if (mayBeDirectory && (isDeep || rest.length > 0)) {
        await this.#walk(path, isDeep ? segments : rest, paths, nowMs);
      } else if (rest.length === 0) paths.add(path);
    }
  }

  async #list(directory: string, nowMs: number): Promise<readonly Dirent[]> {
    this.#visited.add(directory);
    const known = this.#listings.get(directory);
    if (known !== undefined && nowMs - known.checkedAtMs < this.#turnMs) return known.entries;
    try {
      const { mtimeMs } = await stat(directory);
      if (known !== undefined && isFresh(known, mtimeMs, nowMs)) {
        known.checkedAtMs = nowMs;
        return known.entries;
      }
      const entries = await readdir(directory, { withFileTypes: true });
      const listing = { entries, modifiedMs: mtimeMs, readAtMs: nowMs, checkedAtMs: nowMs };
      this.#listings.set(directory, listing);
      if (known === undefined || known.modifiedMs !== mtimeMs) this.#changed.add(directory);
      return entries;
    } catch (error) {
      this.#listings.delete(directory);
      this.#hasMissing = true;
      this.#reportUnreadable(directory, (error as NodeJS.ErrnoException).code ?? "unknown");
      return [];
    }
  }

  #reportUnreadable(directory: string, code: string): void {
    if (code === "ENOENT" || code === "ENOTDIR") {
      this.#logger.debug("folder does not exist yet", { path: directory });
    } else {
      this.#warn("folder cannot be listed; allow the agent's user to read it", directory, code);
    }
  }
}

function isFresh(listing: Listing, modifiedMs: number, nowMs: number): boolean {
  const isSettled = listing.readAtMs - modifiedMs > TIME_STEP_MS;
  const isYoung = nowMs - listing.readAtMs < LISTING_AGE_MS_MAX;
  return listing.modifiedMs === modifiedMs && isSettled && isYoung;
}
