/**
 * Turns closed windows into durable releases.
 *
 * The order is what makes it safe, and each step is on disk before the next: the contributions of
 * the day (bounds hold across a crash), then one ledger entry with the debit and the noisy values
 * (one noise for a window, for ever); only then is the release given out to be handed on.
 *
 * Invariant: which windows are released, and when, depends on the clock and the ledger alone.
 */
import type { RandomSource } from "../../src/component/settings.ts";
import type { Aggregator } from "./aggregator.ts";
import { PERIOD_MS } from "./config.ts";
import type { Ledger } from "./ledger.ts";
import { debitOf, releaseIdOf } from "./ledger.ts";
import type { Release, Revision, StoredRelease } from "./ledger_state.ts";
import { dayOfWindow } from "./ledger_state.ts";
import type { NoisyValues } from "./noisy_values.ts";
import { noisyValues } from "./noisy_values.ts";
import type { Periods } from "./periods.ts";
import { RunningTotals } from "./running.ts";
import { drawsFrom } from "./samplers.ts";
import type { Spec } from "./spec.ts";
import { publicCellsOf, runningOf, stepOfWindow } from "./spec.ts";
import { squareRootOf } from "./square_root.ts";
import type { WindowCounts } from "./window_counts.ts";

/** Closed windows that wait for a full disk; further ones are forgotten, the oldest first. */
const DUE_MAX = 100;

export interface ReleaserOptions {
  readonly spec: Spec;
  readonly specHash: string;
  readonly plan: string;
  readonly processor: string;
  readonly ledger: Ledger;
  readonly aggregator: Aggregator;
  readonly periods: Periods;
  readonly random: RandomSource;
  /** A window that began earlier was not seen whole. */
  readonly startedMs: number;
}

interface DueWindow {
  readonly window: number;
  readonly revision: Revision;
  readonly day: number;
  readonly status: Release["status"];
  readonly counts: WindowCounts;
  /** Drawn once, even when the disk refuses the entry at first. */
  noisy: NoisyValues | undefined;
}

export class Releaser {
  readonly #options: ReleaserOptions;
  readonly #running: RunningTotals | undefined;
  /**
   * A day of which an earlier process measured open groups. To measure them again would tell twice
   * as much, so the day has no totals of them any more.
   */
  readonly #lostDay: number | undefined;
  #due: DueWindow[] = [];
  /** The last window that was open at a tick. */
  #lastSeen: number;

  constructor(options: ReleaserOptions) {
    this.#options = options;
    this.#lastSeen = options.aggregator.lastOpenAt(options.startedMs);
    const { spec, ledger, plan } = options;
    if (runningOf(spec) === undefined) return;
    const squareRoot = squareRootOf(PERIOD_MS / spec.windowMs);
    const base = ledger.state.runningBase(plan);
    this.#running = new RunningTotals(squareRoot, base);
    if (publicCellsOf(spec) === undefined) this.#lostDay = base?.day;
  }

  /**
   * Takes the windows that are closed at `nowMs`. A window that no tick saw open (the machine
   * slept, or the clock was set) is left out.
   */
  collect(nowMs: number): void {
    const { aggregator, spec, startedMs } = this.#options;
    for (const revision of aggregator.revisions) {
      const firstOpen = aggregator.firstOpenAt(nowMs, revision);
      const end = Math.min(firstOpen, this.#lastSeen + 1);
      for (let window = aggregator.firstOpen(revision); window < end; window++) {
        this.#due.push({
          window,
          revision,
          day: dayOfWindow(window, spec.windowMs),
          status: startedMs > aggregator.opensAtMs(window, revision) ? "partial" : "ok",
          counts: aggregator.take(window, revision),
          noisy: undefined,
        });
      }
      aggregator.closeBefore(firstOpen, revision);
    }
    this.#lastSeen = Math.max(this.#lastSeen, aggregator.lastOpenAt(nowMs));
    this.#due = this.#due.slice(-DUE_MAX);
  }

  /**
   * Makes what was collected durable and gives at most `room` releases; the windows beyond are
   * forgotten. When a write fails it throws, and the next call goes on from there.
   */
  async prepare(room: number): Promise<StoredRelease[]> {
    const releases: StoredRelease[] = [];
    const marks = new Map<number, string>();
    const { periods, aggregator } = this.#options;
    for (let due = this.#due[0]; due !== undefined; due = this.#due[0]) {
      if (releases.length < room && this.checkBudget(due.day)) {
        const mark = marks.get(due.day) ?? (await periods.write(due.day));
        marks.set(due.day, mark);
        const release = await this.#commit(due, mark);
        if (release !== undefined) releases.push(release);
      }
      due.counts.erase();
      // By identity, because `collect` may have dropped it meanwhile.
      this.#due = this.#due.filter((other) => other !== due);
    }
    await periods.eraseBefore(aggregator.firstDay);
    return releases;
  }

  /** True when releases of the day are paid for or can be. Otherwise the day becomes silent. */
  checkBudget(day: number): boolean {
    const { ledger, periods, plan, processor, spec } = this.#options;
    if (periods.silence(day) !== undefined) return false;
    const debit = debitOf({ plan, processor }, spec, day);
    if (ledger.state.hasPaid(plan, day) || ledger.state.canPay(debit)) return true;
    periods.silenceDay(day, "exhausted");
    return false;
  }

  async #commit(due: DueWindow, contributions: string): Promise<StoredRelease | undefined> {
    const { spec, specHash, plan, processor, ledger, periods } = this.#options;
    due.noisy ??= this.#noisy(due);
    const { window, revision, status } = due;
    const place = { plan, spec: specHash, window, revision };
    const id = releaseIdOf(place, spec.dataset);
    const release: Release = { id, processor, ...place, status, ...due.noisy };
    const result = await ledger.commit(release, spec, contributions);
    if (result !== "exhausted") return result;
    // Another processor of the dataset was faster by a moment.
    periods.silenceDay(due.day, "exhausted");
    return undefined;
  }

  /** The counts of a window with their noise: exact integers from end to end. */
  #noisy({ counts, window, revision, day }: DueWindow): NoisyValues {
    const { spec, random, ledger, plan } = this.#options;
    const draws = drawsFrom(random);
    const shown = ledger.state.shownGroups(plan, window);
    // The late cells of a window are no part of the day's totals.
    const running = revision === 0 && day !== this.#lostDay ? this.#running : undefined;
    running?.begin(day);
    const step = stepOfWindow(window, spec);
    const noisy = noisyValues(spec, counts, draws, { shown, step, ...(running && { running }) });
    draws.clear();
    return noisy;
  }
}
