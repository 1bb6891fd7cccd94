/**
 * The durable part of a queue: batches in encrypted files, and which of them are done.
 *
 * Invariant: a batch whose {@link QueueStore.append} resolved is given out again after every crash
 * until it was {@link QueueStore.finish}ed. Damage costs the damaged frames alone, and each is told.
 */
import { join } from "node:path";
import type { RandomSource } from "../../component/settings.ts";
import { Cursor } from "./cursor.ts";
import type { FoundFrame } from "./frame.ts";
import { encodeHeader, HEADER_BYTES, RUN_BYTES } from "./frame.ts";
import type { FrameCipher } from "./frame_cipher.ts";
import { loadQueueKey } from "./frame_cipher.ts";
import type { Segment } from "./segment_files.ts";
import { SegmentFiles } from "./segment_files.ts";

export interface Frame {
  readonly index: number;
  readonly records: number;
  readonly enqueuedMs: number;
  /** On disk, with its header. */
  readonly bytes: number;
  readonly run: Uint8Array;
  readonly offset: number;
  readonly segment: Segment;
}

export interface NewFrame {
  readonly plain: Uint8Array;
  readonly records: number;
  readonly enqueuedMs: number;
}

export interface Recovered {
  /** What waits, oldest first. */
  readonly frames: readonly Frame[];
  /** Batches that were there and cannot be found. */
  readonly lostFrames: number;
  /** Bytes of the files that belong to no frame. */
  readonly strayBytes: number;
  /** Batches that were delivered may be delivered again, because what was done is not known. */
  readonly cursorLost: boolean;
}

export interface QueueStoreOptions {
  readonly directory: string;
  readonly keyFile: string | undefined;
  readonly random: RandomSource;
}

export class QueueStore {
  readonly #files: SegmentFiles;
  readonly #cipher: FrameCipher;
  readonly #cursor: Cursor;
  readonly #random: RandomSource;
  /** Frames of each file that are not done. */
  readonly #open = new Map<Segment, number>();
  #run: Uint8Array;
  #writing: Promise<void> | undefined;
  #dirty = false;

  private constructor(files: SegmentFiles, cipher: FrameCipher, cursor: Cursor, r: RandomSource) {
    this.#files = files;
    this.#cipher = cipher;
    this.#cursor = cursor;
    this.#random = r;
    this.#run = this.#newRun();
  }

  /** @throws AgentError `storage.insecure`, `queue.key_unusable` */
  static async open(
    options: QueueStoreOptions,
  ): Promise<{ store: QueueStore; recovered: Recovered }> {
    const { directory, keyFile, random } = options;
    const cipher =
      keyFile === undefined
        ? await loadQueueKey(join(directory, "queue.key"), random)
        : await loadQueueKey(keyFile);
    const cursor = await Cursor.open(directory, cipher);
    const store = new QueueStore(new SegmentFiles(directory), cipher, cursor, random);
    return { store, recovered: await store.#recover() };
  }

  /**
   * Puts the batches on disk, in order, with one sync.
   * @throws AgentError `storage.unwritable`; then none of them counts.
   */
  async append(parts: readonly NewFrame[]): Promise<Frame[]> {
    const firstIndex = this.#cursor.next;
    const run = this.#run;
    const pieces = parts.flatMap(({ plain, records, enqueuedMs }, position) => {
      const index = firstIndex + position;
      // The tag of AES-GCM is part of the payload.
      const header = encodeHeader({ index, records, enqueuedMs, run }, plain.length + 16);
      return [header, this.#cipher.seal(plain, header, { index, run })];
    });
    try {
      const { segment, offset } = await this.#files.append(Buffer.concat(pieces), firstIndex);
      this.#cursor.next = firstIndex + parts.length;
      this.#open.set(segment, (this.#open.get(segment) ?? 0) + parts.length);
      let at = offset;
      return parts.map(({ records, enqueuedMs }, position) => {
        const bytes = pieces[2 * position]!.length + pieces[2 * position + 1]!.length;
        at += bytes;
        const index = firstIndex + position;
        return { index, records, enqueuedMs, bytes, run, offset: at - bytes, segment };
      });
    } catch (error) {
      // The indexes are used again, so the key must be another one.
      this.#run = this.#newRun();
      throw error;
    }
  }

  /** What was appended; undefined when it is damaged or gone. */
  async read(frame: Frame): Promise<Buffer | undefined> {
    const bytes = await this.#files.read(frame.segment, frame.offset, frame.bytes);
    if (bytes === undefined || bytes.length < frame.bytes) return undefined;
    const header = bytes.subarray(0, HEADER_BYTES);
    return this.#cipher.open(bytes.subarray(HEADER_BYTES), header, frame);
  }

  /** The batch need not be given out again. Its file goes a little later. */
  finish(frame: Frame): void {
    if (!this.#cursor.add(frame.index)) return;
    this.#open.set(frame.segment, this.#open.get(frame.segment)! - 1);
    this.#dirty = true;
    this.#writing ??= this.#write();
    this.#writing.catch(() => {});
  }

  /** Resolves when all that is done is on disk as done, as far as the disk allows. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => {});
    // Also when nothing new is done: the cursor tells how many batches there must be.
    this.#dirty = true;
    await this.#write().catch(() => {});
    for (const segment of this.#open.keys()) await this.#files.close(segment);
  }

  /** First the cursor, then the files that it makes superfluous: never the other way round. */
  async #write(): Promise<void> {
    try {
      while (this.#dirty) {
        this.#dirty = false;
        const finished = [...this.#open].filter(([, count]) => count === 0);
        await this.#cursor.write();
        for (const [segment] of finished) {
          if (this.#open.get(segment) !== 0 || this.#files.isActive(segment)) continue;
          this.#open.delete(segment);
          await this.#files.remove(segment);
        }
      }
    } catch (error) {
      this.#dirty = true;
      throw error;
    } finally {
      this.#writing = undefined;
    }
  }

  async #recover(): Promise<Recovered> {
    const cursor = this.#cursor;
    const frames: Frame[] = [];
    let strayBytes = 0;
    let lostFrames = 0;
    let expected = cursor.done;
    const expect = (index: number): void => {
      for (; expected < index; expected++) if (cursor.add(expected)) lostFrames += 1;
    };
    for await (const { segment, scan } of this.#files.find()) {
      strayBytes += scan.skippedBytes + scan.tailBytes;
      let waiting = 0;
      for (const found of scan.frames) {
        // Without a cursor nobody knows what was before the oldest frame.
        if (!cursor.isKnown && frames.length === 0) expected = cursor.startAt(found.index);
        expect(found.index);
        expected = Math.max(expected, found.index + 1);
        if (cursor.isDone(found.index)) continue;
        frames.push(ofSegment(found, segment));
        waiting += 1;
      }
      this.#open.set(segment, waiting);
    }
    expect(cursor.next);
    cursor.next = expected;
    const cursorLost = !cursor.isKnown && frames.length > 0;
    this.#dirty = true;
    await this.#write();
    return { frames, lostFrames, strayBytes, cursorLost };
  }

  #newRun(): Uint8Array {
    const run = new Uint8Array(RUN_BYTES);
    this.#random(run);
    return run;
  }
}

function ofSegment(found: FoundFrame, segment: Segment): Frame {
  const { index, records, enqueuedMs, run, offset, bytes } = found;
  return { index, records, enqueuedMs, run, offset, bytes, segment };
}
