/**
 * One look at the files: what is new, what changed, what was renamed, what is gone.
 *
 * Invariant: a new incarnation's id and fingerprint are on disk before its first record is handed
 * on, because the archive recognises replayed records by that id.
 */
import { readdir, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Settings } from "../../src/component/settings.ts";
import type { FileLogConfig } from "./config.ts";
import type { Discovery, Found } from "./discovery.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { FileEntry, OffsetStore } from "./offset_store.ts";
import type { FileKey } from "./open_file.ts";
import { keyOf, keyText, OpenFile } from "./open_file.ts";
import { Ordering } from "./ordering.ts";
import { PathSchedule } from "./path_schedule.ts";
import { Tail } from "./tail.ts";
import type { TailEnvironment } from "./tail_environment.ts";
import type { Newcomer, TailSet } from "./tail_set.ts";
import { textLength } from "./text_length.ts";
import type { WarnOnce } from "./warn_once.ts";

/** An open file that is idle for this long is closed; a renamed one is then taken for finished. */
const IDLE_MS = 60_000;
/** A deleted file whose writer is silent for this long is finished. */
const DELETED_MS = 10_000;
const TIDY_INTERVAL_MS = 1000;

interface Sight {
  readonly path: string;
  readonly key: FileKey;
  readonly seen: { readonly sizeBytes: number; readonly modifiedMs: number };
}

export class Poller {
  readonly #config: FileLogConfig;
  readonly #settings: Settings;
  readonly #store: OffsetStore;
  readonly #tails: TailSet;
  readonly #environment: TailEnvironment;
  readonly #discovery: Discovery;
  readonly #ordering: Ordering | undefined;
  readonly #schedule = new PathSchedule();
  readonly #warn: WarnOnce;
  /** Files whose name is not among ours any more; they are followed through their handles. */
  readonly #unlisted = new Set<Tail>();
  readonly #displaced = new Set<Tail>();
  /** Where reading of a replaced file begins, by its path, if not at its beginning. */
  readonly #startAt = new Map<string, number>();
  /** Copies that were judged, so that an unchanged one is not opened in every poll. */
  readonly #copies = new Map<string, { readonly signature: string; readonly tail: Tail }>();
  /** Which file each path led to when it was last looked at. */
  readonly #keyAt = new Map<string, FileKey>();
  #startsAtEnd: boolean;
  #isFirst = true;
  #tidyAtMs = 0;

  constructor(
    environment: TailEnvironment,
    tails: TailSet,
    discovery: Discovery,
    startsAtEnd: boolean,
  ) {
    this.#environment = environment;
    this.#config = environment.config;
    this.#settings = environment.settings;
    this.#store = environment.store;
    this.#warn = environment.warn;
    this.#tails = tails;
    this.#discovery = discovery;
    this.#startsAtEnd = startsAtEnd;
    const { ordering_criteria: ordering } = this.#config;
    this.#ordering = ordering && new Ordering(ordering, () => this.#settings.clock.nowMs());
  }

  /** Something is said to have happened at this path. */
  hint(path: string): void {
    if (!this.#schedule.expect(path)) this.#discovery.expectChange(path);
  }

  /** Its path leads elsewhere: the next poll looks for the file. */
  displaced(tail: Tail): void {
    this.#displaced.add(tail);
    this.hint(tail.entry.path);
  }

  /** Its inode holds another content now, which the next poll takes up from `startAt` on. */
  replaced(tail: Tail, startAt: number): void {
    if (startAt > 0) this.#startAt.set(tail.entry.path, startAt);
    this.#tails.lose(tail, "truncated");
    this.#unlisted.delete(tail);
    this.hint(tail.entry.path);
    // The copy lies beside it or is known already; either way it is judged again.
    for (const path of this.#copies.keys()) this.#schedule.expect(path);
  }

  async poll(): Promise<void> {
    const nowMs = this.#settings.clock.nowMs();
    const found = await this.#find(nowMs);
    for (const path of this.#schedule.update(found)) this.#loseNameOf(path);
    const sights = await Promise.all(this.#schedule.take(nowMs).map((path) => this.#look(path)));
    const seenTails = new Set<Tail>();
    const strangers = new Map<string, Sight>();
    for (const sight of sights) {
      if (sight === undefined) continue;
      const tail = this.#tails.at(sight.key);
      if (tail === undefined) strangers.set(keyText(sight.key), sight);
      else this.#recognise(tail, sight, seenTails, nowMs);
      const before = this.#keyAt.get(sight.path);
      if (before !== undefined && keyText(before) !== keyText(sight.key)) {
        this.#loseNameOf(sight.path);
      }
      this.#keyAt.set(sight.path, sight.key);
    }
    if (this.#isFirst) {
      for (const tail of this.#tails.all) if (!tail.isLost) this.#displaced.add(tail);
    }
    await this.#findDisplaced(seenTails);
    await this.#admit([...strangers.values()], nowMs);
    await this.#followUnlisted(nowMs);
    if (nowMs >= this.#tidyAtMs) {
      this.#tidyAtMs = nowMs + TIDY_INTERVAL_MS;
      if (this.#config.delete_after_read) await this.#deleteDone(nowMs);
      this.#closeIdle(nowMs);
      this.#tails.expire();
    }
    this.#isFirst = false;
    this.#startsAtEnd = false;
  }

  async #find(nowMs: number): Promise<Found> {
    const found = await this.#discovery.find(nowMs);
    if (this.#ordering === undefined) return found;
    return { ...found, paths: await this.#ordering.select(found.paths) };
  }

  async #look(path: string): Promise<Sight | undefined> {
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isFile()) {
        const seen = { sizeBytes: Number(stats.size), modifiedMs: Number(stats.mtimeMs) };
        return { path, key: keyOf(stats), seen };
      }
      const kind = stats.isDirectory() ? "a folder" : "no regular file";
      this.#warn(`skipped: the path matches include but is ${kind}`, path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unknown";
      if (code === "ENOENT" || code === "ENOTDIR") this.#loseNameOf(path);
      else this.#warn("file cannot be looked at; check the permissions", path, code);
    }
    return undefined;
  }

  #recognise(tail: Tail, sight: Sight, seenTails: Set<Tail>, nowMs: number): void {
    // One file under two names (hard links) keeps the name by which it was known.
    const isOtherName = seenTails.has(tail) && tail.entry.path !== sight.path;
    seenTails.add(tail);
    this.#unlisted.delete(tail);
    if (isOtherName) return;
    if (tail.sawAt(sight.path, sight.seen)) this.#schedule.changed(sight.path, nowMs);
  }

  /** The file that was at this path is not there any more. */
  #loseNameOf(path: string): void {
    const key = this.#keyAt.get(path);
    const tail = key === undefined ? undefined : this.#tails.at(key);
    if (tail?.entry.path === path) this.#displaced.add(tail);
    this.#keyAt.delete(path);
    this.#copies.delete(path);
  }

  /** Files that lost their name: found again beside it, or followed through the handle, or gone. */
  async #findDisplaced(seenTails: ReadonlySet<Tail>): Promise<void> {
    for (const tail of [...this.#displaced]) {
      this.#displaced.delete(tail);
      if (tail.isLost || seenTails.has(tail) || this.#unlisted.has(tail)) continue;
      const sight = await this.#findBeside(tail);
      if (sight !== undefined) {
        tail.sawAt(sight.path, sight.seen);
        this.#unlisted.add(tail);
      } else if (tail.isOpen) this.#unlisted.add(tail);
      else this.#tails.lose(tail, "gone");
    }
  }

  async #findBeside(tail: Tail): Promise<Sight | undefined> {
    const directory = dirname(tail.entry.path);
    const stem = basename(tail.entry.path).split(".")[0]!;
    const names = await readdir(directory).catch(() => []);
    // Rotation adds to the name, so the likely ones come first.
    names.sort((a, b) => Number(b.startsWith(stem)) - Number(a.startsWith(stem)));
    for (const name of names) {
      const path = join(directory, name);
      const stats = await stat(path, { bigint: true }).catch(() => undefined);
      if (stats?.isFile() !== true || keyText(keyOf(stats)) !== keyText(tail.entry)) continue;
      const seen = { sizeBytes: Number(stats.size), modifiedMs: Number(stats.mtimeMs) };
      return { path, key: keyOf(stats), seen };
    }
    return undefined;
  }

  async #admit(strangers: readonly Sight[], nowMs: number): Promise<void> {
    const admitted: { tail: Tail; sight: Sight }[] = [];
    const oldestMs = this.#config.exclude_older_than ?? Number.POSITIVE_INFINITY;
    for (const sight of strangers) {
      // An empty file cannot be told from another; it has nothing to read either.
      if (sight.seen.sizeBytes === 0 || this.#isKnownCopy(sight)) continue;
      if (nowMs - sight.seen.modifiedMs > oldestMs) continue;
      const newcomer = await this.#open(sight);
      if (newcomer === undefined || this.#tails.at(sight.key) !== undefined) continue;
      const verdict = this.#tails.judge(newcomer);
      if (verdict.kind === "copy") {
        this.#copies.set(sight.path, { signature: signatureOf(sight), tail: verdict.tail });
        continue;
      }
      this.#copies.delete(sight.path);
      this.#schedule.changed(sight.path, nowMs);
      if (verdict.kind === "rest") await this.#tails.move(verdict.tail, newcomer, verdict.state);
      const tail = verdict.kind === "rest" ? verdict.tail : await this.#create(newcomer);
      admitted.push({ tail, sight });
    }
    if (admitted.length === 0) return;
    await this.#store.commit();
    for (const { tail, sight } of admitted) tail.sawAt(sight.path, sight.seen);
  }

  /** An unchanged copy of a file that lives on and grew too long to be mistaken. */
  #isKnownCopy(sight: Sight): boolean {
    const copy = this.#copies.get(sight.path);
    return (
      copy !== undefined &&
      copy.signature === signatureOf(sight) &&
      !copy.tail.isLost &&
      copy.tail.entry.fingerprint.length >= this.#config.fingerprint_size
    );
  }

  async #open({ path, key, seen }: Sight): Promise<Newcomer | undefined> {
    let file: OpenFile | undefined;
    try {
      file = await OpenFile.open(path, this.#config);
      if (keyText((await file.stat()).key) !== keyText(key)) return undefined;
      const head = await file.head();
      if (OpenFile.looksCompressed(head)) {
        this.#warn("file is compressed and read as text; set compression: auto", path);
      }
      if (head.bytes.length === 0) return undefined;
      return { path, key, ...seen, head: head.bytes, isGzip: head.isGzip };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unknown";
      if (code.startsWith("Z_")) this.#warn("file is no whole gzip file", path, code);
      else if (code !== "ENOENT") {
        this.#warn("file cannot be opened; allow the agent's user to read it", path, code);
      }
      return undefined;
    } finally {
      await file?.close();
    }
  }

  async #create(newcomer: Newcomer): Promise<Tail> {
    const { path, key, head, isGzip, sizeBytes } = newcomer;
    const startAt = this.#startAt.get(path);
    this.#startAt.delete(path);
    const end = isGzip ? () => textLength(path) : async () => sizeBytes;
    const entry: FileEntry = {
      id: this.#newId(),
      path,
      ...key,
      ...{ state: "here", lost_since_ms: 0, fingerprint: fingerprintOf(head) },
      ...{ offset: startAt ?? (this.#startsAtEnd ? await end() : 0), logs: 0, cuts: [] },
    };
    const tail = new Tail(entry, this.#environment);
    this.#store.add(entry);
    this.#tails.add(tail);
    this.#settings.logger.info("reading a file", { path, offset: entry.offset });
    return tail;
  }

  #newId(): string {
    const bytes = new Uint8Array(16);
    this.#settings.random(bytes);
    return Buffer.from(bytes).toString("hex");
  }

  async #followUnlisted(nowMs: number): Promise<void> {
    for (const tail of [...this.#unlisted]) {
      const stats = await tail.lookAtHandle();
      if (stats === undefined) tail.wake();
      const quietMs = nowMs - tail.quietSinceMs;
      const isOver = quietMs > (stats?.links === 0 ? DELETED_MS : IDLE_MS);
      if (!isOver || tail.isReading) continue;
      await tail.finish();
      this.#unlisted.delete(tail);
      this.#tails.lose(tail, "gone");
    }
  }

  /** Only files that have been quiet since the last time, so that their writer may be done. */
  async #deleteDone(nowMs: number): Promise<void> {
    for (const tail of this.#tails.all) {
      const { path } = tail.entry;
      const isQuiet = nowMs - tail.quietSinceMs >= TIDY_INTERVAL_MS;
      if (tail.isLost || !isQuiet || !tail.isDone) continue;
      const sight = await this.#look(path);
      const isSame = sight !== undefined && keyText(sight.key) === keyText(tail.entry);
      if (!isSame || sight.seen.sizeBytes !== tail.sizeBytes || !tail.isDone) continue;
      try {
        await unlink(path);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "unknown";
        this.#warn("file is read and cannot be deleted; check the permissions", path, code);
        continue;
      }
      this.#settings.logger.info("deleted a file that is read", { path });
      await tail.close();
      this.#unlisted.delete(tail);
      this.#tails.lose(tail, "gone");
    }
  }

  #closeIdle(nowMs: number): void {
    for (const tail of this.#tails.all) {
      if (tail.isOpen && nowMs - tail.quietSinceMs > IDLE_MS) tail.closeIfIdle();
    }
  }
}

function signatureOf({ key, seen }: Sight): string {
  return `${keyText(key)} ${seen.sizeBytes} ${seen.modifiedMs}`;
}
