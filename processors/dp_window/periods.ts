/**
 * The days that can still be counted, of one plan: at most yesterday, today and tomorrow.
 *
 * Invariant: a day of which the ledger knows a release is counted on with the very table of that
 * release, or is silent until it is over.
 */
import { readdir } from "node:fs/promises";
import type { RandomSource } from "../../src/component/settings.ts";
import {
  ContributionsFile,
  dayOfFile,
  eraseContributions,
  hasContributions,
  ownSuffix,
} from "./contributions_file.ts";
import type { PeriodBounds } from "./period.ts";
import { Period } from "./period.ts";
import { newUnitKey } from "./unit_key.ts";

/** Why nothing of a day is released. */
export type Silence = "exhausted" | "state_lost";

interface Day {
  readonly period: Period;
  readonly file: ContributionsFile;
}

export interface PeriodsOptions {
  readonly directory: string;
  readonly plan: string;
  readonly bounds: PeriodBounds;
  readonly random: RandomSource;
}

export class Periods {
  readonly #options: PeriodsOptions;
  readonly #days = new Map<number, Day>();
  /** Days of which nothing more is counted or released. */
  readonly #silences = new Map<number, Silence>();

  constructor(options: PeriodsOptions) {
    this.#options = options;
  }

  /**
   * Continues a day from disk, or silences it when what was counted before is lost. `committed` is
   * the mark named by its last release, if it has any.
   */
  async resume(day: number, committed: string | undefined): Promise<void> {
    const place = { ...this.#options, day };
    const exists = await hasContributions(place);
    const resumed = exists
      ? await ContributionsFile.resume(place, this.#options.bounds, committed)
      : undefined;
    if (resumed !== undefined) this.#days.set(day, resumed);
    else if (committed !== undefined) this.silenceDay(day, "state_lost");
    else if (exists) await this.#eraseDay(day);
  }

  /** The period of a day, begun if need be. Undefined when the day is silent. */
  get(day: number): Period | undefined {
    if (this.#silences.has(day)) return undefined;
    return (this.#days.get(day) ?? this.#begin(day)).period;
  }

  /** Why a day is silent; undefined when it is not. */
  silence(day: number): Silence | undefined {
    return this.#silences.get(day);
  }

  /** Counts nothing more of the day. */
  silenceDay(day: number, reason: Silence): void {
    this.#silences.set(day, reason);
  }

  /** Makes the day's contributions durable; gives the mark that its releases are to name. */
  write(day: number): Promise<string> {
    return (this.#days.get(day) ?? this.#begin(day)).file.write(this.#options.random);
  }

  /**
   * Forgets the days before `day` and erases them on disk. Files of other plans may still be in use
   * on the day before, but no configuration keeps an older one open.
   */
  async eraseBefore(day: number): Promise<void> {
    for (const old of this.#silences.keys()) if (old < day) this.#silences.delete(old);
    for (const [old, { file }] of this.#days) {
      if (old >= day) continue;
      this.#days.delete(old);
      await file.close();
    }
    for (const name of await readdir(this.#options.directory)) {
      const old = dayOfFile(name);
      if (old !== undefined && old < (this.#isOwn(name) ? day : day - 1)) {
        await eraseContributions(this.#options.directory, name);
      }
    }
  }

  async close(): Promise<void> {
    for (const { file } of this.#days.values()) await file.close();
  }

  /** For a day that no release names: nothing was ever emitted of it, so it may begin anew. */
  async #eraseDay(day: number): Promise<void> {
    for (const name of await readdir(this.#options.directory)) {
      if (this.#isOwn(name) && dayOfFile(name) === day) {
        await eraseContributions(this.#options.directory, name);
      }
    }
  }

  #isOwn(name: string): boolean {
    return name.endsWith(ownSuffix(this.#options.plan));
  }

  #begin(day: number): Day {
    const { bounds, random } = this.#options;
    const period = new Period(newUnitKey(random), bounds);
    const file = ContributionsFile.begin({ ...this.#options, day }, period);
    const begun = { period, file };
    this.#days.set(day, begun);
    return begun;
  }
}
