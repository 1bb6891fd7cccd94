/**
 * All incarnations of files that are known, and the rules by which a file is known again. The
 * README gives them in words.
 *
 * Invariant: at most one incarnation is attached to a device and inode; one that lost its file
 * waits (`truncated` or `gone`) until its rest turns up elsewhere or its time is over.
 */
import type { Clock } from "../../src/component/settings.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { OffsetStore } from "./offset_store.ts";
import type { FileKey } from "./open_file.ts";
import { keyText } from "./open_file.ts";
import type { Tail } from "./tail.ts";

/** How long an incarnation without a file is remembered; `delaycompress` takes one rotation. */
const LOST_MS = 3_600_000;
const LOST_MAX = 1000;
/** A copy of a short file is taken for a file of its own when the original lives on for so long. */
const COPY_PATIENCE_MS = 10_000;

/** A file that no attached incarnation belongs to. */
export interface Newcomer {
  readonly path: string;
  readonly key: FileKey;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly head: Buffer;
  readonly isGzip: boolean;
}

export type Verdict =
  | { readonly kind: "new" }
  /** The rest of a known incarnation. */
  | { readonly kind: "rest"; readonly tail: Tail; readonly state: "here" | "copy" }
  /** A copy of a file that is still there: to be looked at again later. */
  | { readonly kind: "copy"; readonly tail: Tail };

export class TailSet {
  readonly #tails = new Set<Tail>();
  readonly #byKey = new Map<string, Tail>();
  readonly #store: OffsetStore;
  readonly #clock: Clock;
  readonly #fingerprintBytes: number;
  /** When a path was first seen to be a copy. */
  readonly #copySinceMs = new Map<string, number>();

  constructor(store: OffsetStore, clock: Clock, fingerprintBytes: number) {
    this.#store = store;
    this.#clock = clock;
    this.#fingerprintBytes = fingerprintBytes;
  }

  get all(): ReadonlySet<Tail> {
    return this.#tails;
  }

  at(key: FileKey): Tail | undefined {
    return this.#byKey.get(keyText(key));
  }

  add(tail: Tail): void {
    this.#tails.add(tail);
    if (!tail.isLost) this.#byKey.set(keyText(tail.entry), tail);
  }

  /** The incarnation is in another file now. */
  async move(tail: Tail, { path, key }: Newcomer, state: "here" | "copy"): Promise<void> {
    this.#detach(tail);
    // Set at once, so that nobody else claims the file while the old handle is closed.
    this.#byKey.set(keyText(key), tail);
    this.#copySinceMs.delete(path);
    await tail.moveTo(path, key, state);
  }

  /** The incarnation has no file now. */
  lose(tail: Tail, state: "truncated" | "gone"): void {
    if (tail.isLost) return;
    this.#detach(tail);
    Object.assign(tail.entry, { state, lost_since_ms: this.#clock.nowMs() });
    this.#store.changed();
  }

  forget(tail: Tail): void {
    this.#detach(tail);
    this.#tails.delete(tail);
    this.#store.remove(tail.entry.id);
  }

  judge(newcomer: Newcomer): Verdict {
    const matches = this.#matching(newcomer.head);
    for (const tail of matches) {
      // Whatever was truncated lives on in its copy, even if we had read more than was copied.
      if (tail.entry.state === "truncated" && keyText(tail.entry) !== keyText(newcomer.key)) {
        return { kind: "rest", tail, state: "copy" };
      }
      if (tail.entry.state === "gone" && this.#isRestOf(newcomer, tail)) {
        return { kind: "rest", tail, state: "here" };
      }
    }
    const original = matches.find((tail) => !tail.isLost && this.#isCopyOf(newcomer, tail));
    if (original !== undefined) return { kind: "copy", tail: original };
    this.#copySinceMs.delete(newcomer.path);
    return { kind: "new" };
  }

  /** Forgets incarnations that have been without a file for long. */
  expire(): void {
    const lost = [...this.#tails].filter((tail) => tail.isLost && tail.delivery.isIdle);
    lost.sort((a, b) => b.entry.lost_since_ms - a.entry.lost_since_ms);
    const limitMs = this.#clock.nowMs() - LOST_MS;
    lost.forEach((tail, index) => {
      if (index >= LOST_MAX || tail.entry.lost_since_ms < limitMs) this.forget(tail);
    });
  }

  #detach(tail: Tail): void {
    const key = keyText(tail.entry);
    if (this.#byKey.get(key) === tail) this.#byKey.delete(key);
  }

  /** Was a file that is gone moved here, or compressed? Or does this one only begin as it did? */
  #isRestOf(newcomer: Newcomer, tail: Tail): boolean {
    const { fingerprint, lost_since_ms } = tail.entry;
    if (!newcomer.isGzip && newcomer.sizeBytes < tail.position) return false;
    // A short beginning proves little; but a file that was only moved is not written to later.
    const isLong = fingerprint.length >= this.#fingerprintBytes;
    return isLong || newcomer.modifiedMs <= lost_since_ms;
  }

  #isCopyOf(newcomer: Newcomer, tail: Tail): boolean {
    // Until it has been read again nobody knows whether it still is what it was.
    if (tail.isReading) return true;
    // A copy is not longer than what it was made from.
    if (!newcomer.isGzip && newcomer.sizeBytes > tail.sizeBytes) return false;
    if (tail.entry.fingerprint.length >= this.#fingerprintBytes) return true;
    const nowMs = this.#clock.nowMs();
    const sinceMs = this.#copySinceMs.get(newcomer.path) ?? nowMs;
    this.#copySinceMs.set(newcomer.path, sinceMs);
    return nowMs - sinceMs < COPY_PATIENCE_MS;
  }

  /** Incarnations whose fingerprint this head has, the longest fingerprint first. */
  #matching(head: Buffer): Tail[] {
    const hashes = new Map<number, string>();
    const matches: Tail[] = [];
    for (const tail of this.#tails) {
      const { hash, length } = tail.entry.fingerprint;
      if (length === 0 || length > head.length) continue;
      let found = hashes.get(length);
      if (found === undefined) {
        found = fingerprintOf(head, length).hash;
        hashes.set(length, found);
      }
      if (found === hash) matches.push(tail);
    }
    return matches.sort((a, b) => b.entry.fingerprint.length - a.entry.fingerprint.length);
  }
}
