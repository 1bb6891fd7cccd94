/**
 * Group commit: takes the items that were sealed since the last one, and makes them durable.
 *
 * Invariant: blocks are on disk before the frames that name them, frames are on disk before anyone
 * is told, and both happen in the order of the items. After any error everything since the last
 * success is cut off and written again from memory: a kernel that could not write a page may forget
 * it and call the next sync a success, so syncing once more would prove nothing.
 */
import type { CancelTimer, Clock } from "../../../src/component/settings.ts";
import type { Entry } from "../format/entry.ts";
import type { BlockWrite, SegmentFiles } from "./segment_files.ts";
import type { Wal, WalFrame } from "./wal.ts";

export interface Item {
  readonly entry: Entry;
  readonly frame: WalFrame;
  /** For a block entry. */
  readonly block?: BlockWrite;
  /** For a segment entry: the new SHA256SUMS. */
  readonly sums?: string;
}

export interface CommitterOptions {
  readonly clock: Clock;
  readonly wal: Wal;
  /** By zone. */
  readonly segments: ReadonlyMap<string, SegmentFiles>;
  /** Shortest time between the starts of two commits. */
  readonly groupCommitMs: number;
  /** Called in order, with items that are durable from now on. */
  readonly onCommitted: (items: readonly Item[]) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
  readonly onRecovered: () => void;
}

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5000;

export class Committer {
  readonly #options: CommitterOptions;
  #queue: Item[] = [];
  #running: Promise<void> | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #hurried = false;
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  add(item: Item): void {
    this.#queue.push(item);
    this.#running ??= this.#run();
  }

  /** Commits what waits without the pause between commits; resolves when the queue is empty. */
  async flush(): Promise<void> {
    this.#hurried = true;
    this.#wake?.();
    await this.#running;
    this.#hurried = false;
  }

  /** Gives up on what is not durable yet. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, groupCommitMs } = this.#options;
    while (this.#queue.length > 0 && !this.#stopped) {
      const pauseMs = this.#lastStartMs + groupCommitMs - clock.nowMs();
      // The wall clock may have been set back; no pause is longer than the configured one.
      if (pauseMs > 0 && !this.#hurried) await this.#sleep(Math.min(pauseMs, groupCommitMs));
      if (this.#stopped) break;
      this.#lastStartMs = clock.nowMs();
      const items = this.#queue;
      this.#queue = [];
      if (await this.#writeUntilDone(items)) await this.#options.onCommitted(items);
    }
    // In the same step as the last look at the queue, so that no item is left without a run.
    this.#running = undefined;
  }

  /** False when it was stopped before the items were durable. */
  async #writeUntilDone(items: readonly Item[]): Promise<boolean> {
    let retryMs = 0;
    while (!this.#stopped) {
      try {
        if (retryMs > 0) await this.#takeBack(items);
        await this.#write(items);
        if (retryMs > 0) this.#options.onRecovered();
        return true;
      } catch (error) {
        if (retryMs === 0) this.#options.onFailure(error);
        retryMs = Math.min(Math.max(RETRY_MS_MIN, retryMs * 2), RETRY_MS_MAX);
        await this.#sleep(retryMs);
      }
    }
    return false;
  }

  async #write(items: readonly Item[]): Promise<void> {
    const { segments, wal } = this.#options;
    for (const [zone, zoneItems] of byZone(items)) {
      await writeZone(segments.get(zone)!, zoneItems);
    }
    await wal.append(items.map((item) => item.frame));
    await wal.sync();
  }

  async #takeBack(items: readonly Item[]): Promise<void> {
    const { segments, wal } = this.#options;
    await wal.discardUnsynced();
    for (const [zone, zoneItems] of byZone(items)) {
      const files = segments.get(zone)!;
      // A handle that failed once may remember its error; a new one starts clean.
      await files.close().catch(() => {});
      const block = zoneItems.find((item) => item.block !== undefined)?.block;
      if (block !== undefined) await files.cut(block.segment, block.offset);
    }
  }

  async #sleep(delayMs: number): Promise<void> {
    let cancel: CancelTimer | undefined;
    await new Promise<void>((wake) => {
      this.#wake = wake;
      cancel = this.#options.clock.setTimer(delayMs, wake);
    });
    cancel?.();
    this.#wake = undefined;
  }
}

/** The items that concern segment files, by zone, each zone's in their order. */
function byZone(items: readonly Item[]): Map<string, Item[]> {
  const zones = new Map<string, Item[]>();
  for (const item of items) {
    const { entry } = item;
    if (entry.type !== "block" && entry.type !== "segment") continue;
    const zoneItems = zones.get(entry.zone);
    if (zoneItems === undefined) zones.set(entry.zone, [item]);
    else zoneItems.push(item);
  }
  return zones;
}

async function writeZone(files: SegmentFiles, items: readonly Item[]): Promise<void> {
  let run: BlockWrite[] = [];
  for (const { block, entry, sums } of items) {
    if (block !== undefined) run.push(block);
    if (entry.type !== "segment") continue;
    if (run.length > 0) await files.write(run);
    run = [];
    await files.finish(Number(entry.seg), entry.bytes, sums ?? "");
  }
  if (run.length > 0) await files.write(run);
}
