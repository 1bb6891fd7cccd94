/**
 * Which paths one poll looks at: every new, changing or announced one, and some of the others in
 * turn, so that thousands of idle files cost next to nothing and none is forgotten.
 */
import { dirname } from "node:path";
import type { Found } from "./discovery.ts";

/** A path that changed is looked at in every poll for this long. */
const HOT_MS = 10_000;
const COLD_PER_POLL = 64;

interface PathState {
  hotUntilMs: number;
  isDue: boolean;
}

export class PathSchedule {
  readonly #states = new Map<string, PathState>();
  #coldTurn = 0;
  #known: ReadonlySet<string> | undefined;

  /** Takes over what was found; returns the paths that are no longer there. */
  update({ paths, changedDirectories }: Found): string[] {
    if (paths === this.#known && changedDirectories.size === 0) return [];
    this.#known = paths;
    const vanished: string[] = [];
    for (const path of this.#states.keys()) {
      if (paths.has(path)) continue;
      this.#states.delete(path);
      vanished.push(path);
    }
    for (const path of paths) {
      const state = this.#states.get(path);
      if (state === undefined) this.#states.set(path, { hotUntilMs: 0, isDue: true });
      // Another file may now have this name.
      else if (changedDirectories.has(dirname(path))) state.isDue = true;
    }
    return vanished;
  }

  /** Has a path looked at in the next poll; false when it is none of the known ones. */
  expect(path: string): boolean {
    const state = this.#states.get(path);
    if (state !== undefined) state.isDue = true;
    return state !== undefined;
  }

  /** Notes that the file at the path changed. */
  changed(path: string, nowMs: number): void {
    const state = this.#states.get(path);
    if (state !== undefined) state.hotUntilMs = nowMs + HOT_MS;
  }

  take(nowMs: number): string[] {
    const due: string[] = [];
    const cold: string[] = [];
    for (const [path, state] of this.#states) {
      if (state.isDue || state.hotUntilMs > nowMs) due.push(path);
      else cold.push(path);
      state.isDue = false;
    }
    if (cold.length <= COLD_PER_POLL) return due.concat(cold);
    for (let index = 0; index < COLD_PER_POLL; index++) {
      due.push(cold[(this.#coldTurn + index) % cold.length]!);
    }
    this.#coldTurn = (this.#coldTurn + COLD_PER_POLL) % cold.length;
    return due;
  }
}
