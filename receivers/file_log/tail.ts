/**
 * One incarnation of a file: reads it from its offset to its end, whenever there is more.
 *
 * Invariant: bytes become records only after a look at the file's beginning, made after they were
 * read, has shown that they belong to this incarnation; the stored offset follows acknowledgement
 * and nothing else.
 */
import type { CancelTimer } from "../../src/component/settings.ts";
import { hrTimeFromUnixNano } from "../../src/data/time.ts";
import { Delivery } from "../../src/lib/delivery/delivery.ts";
import type { HeldFrom } from "../../src/lib/operators/operator.ts";
import { borrowBuffer, returnBuffer, WINDOW_BYTES } from "./buffer_pool.ts";
import { fingerprintOf, matchesHead } from "./fingerprint.ts";
import type { FileEntry } from "./offset_store.ts";
import type { FileKey } from "./open_file.ts";
import { keyText, OpenFile } from "./open_file.ts";
import { RecordBuilder } from "./record_builder.ts";
import type { Split } from "./splitter.ts";
import type { TailEnvironment } from "./tail_environment.ts";

type Outcome = "more" | "end" | "lost";

export class Tail {
  readonly entry: FileEntry;
  readonly delivery: Delivery<HeldFrom>;
  /** When the file last grew, or was opened. */
  quietSinceMs: number;
  readonly #environment: TailEnvironment;
  #file: OpenFile | undefined;
  #builder: RecordBuilder | undefined;
  /** Everything before this byte was handed on. */
  #position: number;
  /** Logs before the position. */
  #logs: number;
  /** The log whose rest is being left out. */
  #skipping: HeldFrom | undefined;
  #windowBytes = WINDOW_BYTES;
  #seenEnd = 0;
  /** A flush that saw the bytes up to here left the last ones: half a character, which may end. */
  #flushedEnd = 0;
  #pumping: Promise<void> | undefined;
  #again = false;
  #seen: { readonly sizeBytes: number; readonly modifiedMs: number } | undefined;
  #cancelFlush: CancelTimer | undefined;

  constructor(entry: FileEntry, environment: TailEnvironment) {
    this.entry = entry;
    this.#environment = environment;
    this.#position = entry.offset;
    this.#logs = entry.logs;
    this.quietSinceMs = environment.settings.clock.nowMs();
    this.delivery = new Delivery(environment.delivery, (resume) => this.#acknowledged(resume));
  }

  get position(): number {
    return this.#position;
  }

  /** Its file is not known now; it may turn up again. */
  get isLost(): boolean {
    return this.entry.state === "truncated" || this.entry.state === "gone";
  }

  get isReading(): boolean {
    return this.#pumping !== undefined;
  }

  /** All that was seen of the file is read and acknowledged, and nothing of it is held back. */
  get isDone(): boolean {
    return (
      this.#seen !== undefined &&
      this.#pumping === undefined &&
      this.#seenEnd === this.#position &&
      this.entry.offset === this.#position &&
      (this.#file?.isGzip === true || this.#seen.sizeBytes === this.#position) &&
      this.#builder?.holdsBack !== true &&
      this.delivery.isIdle
    );
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Bytes that the last look saw behind what is read; unknown for compressed files. */
  get lagBytes(): number {
    if (this.#seen === undefined || this.#file?.isGzip === true) return 0;
    return Math.max(0, this.#seen.sizeBytes - this.#position);
  }

  get sizeBytes(): number {
    return this.#seen?.sizeBytes ?? 0;
  }

  /** A poll found the file here; true when it changed since the last look. */
  sawAt(path: string, seen: { readonly sizeBytes: number; readonly modifiedMs: number }): boolean {
    this.entry.path = path;
    const isChanged =
      this.#seen?.sizeBytes !== seen.sizeBytes || this.#seen.modifiedMs !== seen.modifiedMs;
    this.#seen = seen;
    if (isChanged) this.wake();
    return isChanged;
  }

  /** The rest of this incarnation was found in another file (a copy, or a compressed form). */
  async moveTo(path: string, key: FileKey, state: "here" | "copy"): Promise<void> {
    await this.#pumping;
    await this.#closeFile();
    this.#seen = undefined;
    Object.assign(this.entry, { path, ...key, state, lost_since_ms: 0 });
    this.#environment.store.changed();
  }

  /** Looks at the open file itself, whatever became of its name. */
  async lookAtHandle(): Promise<{ links: number } | undefined> {
    const stats = await this.#file?.stat().catch(() => undefined);
    if (stats !== undefined) this.sawAt(this.entry.path, stats);
    return stats;
  }

  wake(): void {
    if (this.isLost) return;
    this.#again = true;
    this.#pumping ??= this.#pump();
  }

  /** Hands on what is unfinished, because nothing will follow, and closes the file. */
  async finish(): Promise<void> {
    await this.#pumping;
    if (this.#file !== undefined && !this.#environment.isStopping()) await this.#flush();
    await this.close();
  }

  async close(): Promise<void> {
    this.#cancelFlush?.();
    await this.#pumping;
    await this.#closeFile();
  }

  /** Resolves when reading has stopped and everything that was read is acknowledged. */
  async whenDelivered(): Promise<void> {
    await this.#pumping;
    await this.delivery.whenIdle();
  }

  closeIfIdle(): boolean {
    if (this.#pumping !== undefined || this.#file === undefined) return false;
    void this.#closeFile();
    return true;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    this.#environment.handles.release(this);
    await file.close();
  }

  async #pump(): Promise<void> {
    const { handles, isStopping } = this.#environment;
    try {
      while (this.#again && !isStopping()) {
        this.#again = false;
        if (!(await this.#open())) continue;
        let outcome: Outcome = "more";
        while (outcome === "more" && !isStopping()) outcome = await this.#readWindow();
        if (outcome === "lost") await this.#closeFile();
        else this.#scheduleFlush();
      }
    } catch (error) {
      await this.#cannotRead(error);
    } finally {
      this.#pumping = undefined;
      handles.becameIdle();
    }
  }

  async #cannotRead(error: unknown): Promise<void> {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).name;
    const message = "file cannot be read; it is tried again when it changes";
    this.#environment.warn(message, this.entry.path, code);
    await this.#closeFile();
  }

  /** False: the file cannot be opened now, or is not at its path any more. */
  async #open(): Promise<boolean> {
    const { config, handles, warn, displaced } = this.#environment;
    handles.touch(this);
    if (this.#file !== undefined) return true;
    await handles.acquire(this);
    try {
      const file = await OpenFile.open(this.entry.path, config);
      if (keyText((await file.stat()).key) === keyText(this.entry)) {
        this.#file = file;
        this.#newBuilder(file);
        return true;
      }
      await file.close();
      displaced(this);
      this.#seen = undefined;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unknown";
      if (code === "ENOENT") displaced(this);
      else warn("file cannot be opened; allow the agent's user to read it", this.entry.path, code);
      this.#seen = undefined;
    }
    handles.release(this);
    return false;
  }

  /** Operators keep what they hold back when a file was closed only to save a handle. */
  #newBuilder(file: OpenFile): void {
    if (this.#builder !== undefined) return;
    const { config, settings, operatorFailed } = this.#environment;
    this.#builder = new RecordBuilder(this.entry.id, config, {
      path: file.path,
      resolvedPath: file.resolvedPath,
      ownership: file.ownership,
      nowMs: () => settings.clock.nowMs(),
      failed: operatorFailed,
    });
  }

  async #readWindow(): Promise<Outcome> {
    const { budget, isStopping, splitter, store } = this.#environment;
    // While offsets cannot be stored, reading on would only make the replay longer.
    if (!store.writable) await store.commit();
    const cut = this.entry.cuts.find((place) => place > this.#position);
    const wanted = Math.min(this.#windowBytes, (cut ?? Number.POSITIVE_INFINITY) - this.#position);
    await budget.take(wanted);
    let unused = wanted;
    const buffer = borrowBuffer(wanted);
    try {
      if (isStopping()) return "end";
      const bytes = buffer.subarray(0, wanted);
      const bytesRead = await this.#file!.read(bytes, this.#position);
      const outcome = await this.#verify(this.#position + bytesRead);
      if (outcome !== undefined) return outcome;
      const isCut = cut !== undefined && this.#position + bytesRead === cut;
      const window = bytes.subarray(0, bytesRead);
      const split = splitter.split(window, this.#position === 0, isCut, this.#isSkipping);
      const isEnd = bytesRead < wanted;
      if (split.consumed > 0 || isCut) {
        this.#hand(split, isCut && split.consumed === bytesRead);
        unused -= split.consumed;
        this.#windowBytes = WINDOW_BYTES;
      } else if (!isEnd) {
        this.#windowBytes = Math.min(this.#windowBytes * 2, splitter.windowBytesMax);
      }
      if (this.#position + bytesRead - split.consumed !== this.#seenEnd) this.#grew();
      this.#seenEnd = this.#position + bytesRead - split.consumed;
      return isEnd ? "end" : "more";
    } finally {
      returnBuffer(buffer);
      budget.give(unused);
    }
  }

  get #isSkipping(): boolean {
    return this.#skipping !== undefined;
  }

  #grew(): void {
    this.quietSinceMs = this.#environment.settings.clock.nowMs();
  }

  /** Undefined: what was just read, up to `end`, belongs to this incarnation. */
  async #verify(end: number): Promise<Outcome | undefined> {
    const file = this.#file!;
    const head = (await file.head()).bytes;
    if (!matchesHead(this.entry.fingerprint, head)) {
      this.#environment.replaced(this, 0);
      return "lost";
    }
    if (head.length > this.entry.fingerprint.length) {
      this.entry.fingerprint = fingerprintOf(head);
      this.#environment.store.changed();
    }
    if (end > this.#position || file.isGzip) return undefined;
    const { sizeBytes } = await file.stat();
    if (sizeBytes >= this.#position) return undefined;
    return this.#becameShorter(sizeBytes);
  }

  /** The file begins as before but ends before the offset. */
  #becameShorter(sizeBytes: number): Outcome {
    const { config, warn, replaced } = this.#environment;
    // A copy was made before the last lines were written; they were read from the original.
    if (this.entry.state === "copy") return "end";
    if (config.on_truncate === "ignore") {
      const message = "file became shorter and begins the same; it is read when it has grown again";
      warn(`${message} (see on_truncate)`, this.entry.path);
      return "end";
    }
    replaced(this, config.on_truncate === "read_new" ? sizeBytes : 0);
    return "lost";
  }

  #hand(split: Split, isCut: boolean): void {
    const { instruments, settings } = this.#environment;
    if (split.oversized > 0) instruments.oversized(split.oversized);
    const start = this.#position;
    const logsBefore = this.#logs;
    this.#position += split.consumed;
    this.#logs += split.logs;
    if (split.skippingFrom === undefined) this.#skipping = undefined;
    else if (split.logs > 0 || this.#skipping === undefined) {
      this.#skipping = { offset: start + split.skippingFrom, lines: this.#logs - 1 };
    }
    const resume = this.#skipping ?? { offset: this.#position, lines: this.#logs };
    const stretch = { split, start, logs: logsBefore, resume, isCut };
    const observed = hrTimeFromUnixNano(settings.clock.nowUnixNano());
    let from = start;
    for (const built of this.#builder!.build(stretch, observed)) {
      this.delivery.deliver(built.batch, built.end - from, built.resume);
      from = built.end;
    }
  }

  #acknowledged(resume: HeldFrom): void {
    const { entry } = this;
    if (resume.offset === entry.offset) return;
    entry.offset = resume.offset;
    entry.logs = resume.lines;
    if (entry.cuts.length > 0) entry.cuts = entry.cuts.filter((cut) => cut > resume.offset);
    this.#environment.store.changed();
  }

  /** At the end of the file: an unfinished log is handed on when nothing comes for a while. */
  #scheduleFlush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    const { config, settings } = this.#environment;
    const isRestNew = this.#seenEnd > this.#position && this.#seenEnd !== this.#flushedEnd;
    const hasRest = isRestNew && !this.#isSkipping;
    const heldMs = this.#builder?.heldMs ?? 0;
    if (config.force_flush_period === 0 || (!hasRest && heldMs === 0)) return;
    const waitMs = hasRest ? config.force_flush_period : heldMs;
    const quietMs = settings.clock.nowMs() - this.quietSinceMs;
    this.#cancelFlush = settings.clock.setTimer(Math.max(0, waitMs - quietMs), () => {
      if (this.#pumping === undefined) this.#pumping = this.#flushWhenQuiet(waitMs);
    });
  }

  async #flushWhenQuiet(waitMs: number): Promise<void> {
    const { settings, isStopping } = this.#environment;
    try {
      const isQuiet = settings.clock.nowMs() - this.quietSinceMs >= waitMs;
      if (this.#file !== undefined && isQuiet && !isStopping()) await this.#flush();
    } catch (error) {
      await this.#cannotRead(error);
    } finally {
      this.#pumping = undefined;
    }
    this.wake();
  }

  /**
   * Ends the unfinished log here. The place is stored first, so that a replay ends it there again:
   * otherwise the log and its continuation would come back as one, behind the same position.
   */
  async #flush(): Promise<void> {
    const { budget, splitter, store, isStopping } = this.#environment;
    const wanted = this.#seenEnd - this.#position;
    await budget.take(wanted);
    let unused = wanted;
    const buffer = borrowBuffer(wanted);
    try {
      if (isStopping()) return;
      const bytes = buffer.subarray(0, wanted);
      const bytesRead = await this.#file!.read(bytes, this.#position);
      if ((await this.#verify(this.#position + bytesRead)) !== undefined) return;
      const window = bytes.subarray(0, bytesRead);
      const split = splitter.split(window, this.#position === 0, true, this.#isSkipping);
      this.#flushedEnd = this.#position + bytesRead;
      if (split.consumed === 0 && this.#builder?.holdsBack !== true) return;
      this.entry.cuts.push(this.#position + split.consumed);
      await store.commit();
      if (isStopping()) return;
      this.#hand(split, true);
      unused -= split.consumed;
    } finally {
      returnBuffer(buffer);
      budget.give(unused);
    }
  }
}
