/**
 * The entries of a dataset's ledger, and what they add up to.
 *
 * Invariants, checked while reading: each entry names the hash of the one before and the next
 * number; the windows of a plan rise; what was spent on a day never passes the budget of that day.
 * An entry that breaks one was not written by this code: the file was changed, mixed up or put
 * together from copies.
 *
 * A plan is one processor with one specification. Its debit for a day pays for all its releases of
 * that day, because the noise is made for all of them together.
 */
import { createHash } from "node:crypto";
import { AgentError } from "../../src/component/errors.ts";
import type { Cost } from "./composition.ts";
import { costOf, isWithin, sumOf } from "./composition.ts";
import { PERIOD_MS } from "./config.ts";
import type { Rational } from "./rational.ts";
import { isAtMost, parseDecimal, ZERO } from "./rational.ts";
import type { RunningBase } from "./running.ts";
import type { BudgetLimits, Spec } from "./spec.ts";
import { blocksOfSpec, publicCellsOf, runningOf, stepOfWindow, thresholdAt } from "./spec.ts";

/** 0: the window itself. 1: the cells of what came after its close. */
export type Revision = 0 | 1;

/** One window of one plan with its final noisy values: nothing of it is ever drawn again. */
export interface Release {
  readonly id: string;
  readonly plan: string;
  readonly processor: string;
  readonly spec: string;
  /** Number of the window: its start divided by its length, both in Unix milliseconds. */
  readonly window: number;
  readonly revision: Revision;
  readonly status: "ok" | "partial";
  /** Decimal integers: for each cell a value for each part of each measure. */
  readonly values: readonly string[];
  /** Labels of the cells as JSON, where groups come from the data. */
  readonly groups?: readonly string[];
  /** Of running totals: their variance for noise of variance 1. */
  readonly spread?: number;
}

export interface Debit {
  readonly plan: string;
  /** Whose plan it is, for the account that people read. */
  readonly processor: string;
  readonly day: number;
  readonly epsilon: string;
  readonly delta: string;
  /** `n/d`, or "" for a pure guarantee. */
  readonly rho: string;
  /** The part of δ that choosing groups takes. */
  readonly selectionDelta: string;
  /** The dataset's budget of that day; the first debit of a day fixes it. */
  readonly budget: BudgetLimits;
}

/** Exact. */
export interface DayAmount {
  readonly epsilon: Rational;
  readonly delta: Rational;
}

/** What must be known of a plan to go on after a restart. */
export interface PlanProgress {
  readonly plan: string;
  readonly day: number;
  /** Mark of the contributions file of that day as of the last release. */
  readonly contributions: string;
}

/** A group that was shown, and the last window in which it is public because of that. */
export interface ShownGroup {
  readonly plan: string;
  readonly labels: string;
  readonly untilWindow: number;
}

/** A release with its place in the ledger, as it is shown in the released rows. */
export interface StoredRelease extends Release {
  readonly sequence: number;
  readonly head: string;
  /** What paid for the day, with its first release. */
  readonly debit?: Debit;
}

interface Link {
  readonly version: 1;
  readonly sequence: number;
  readonly previous: string;
}

export type LedgerBody =
  | { readonly kind: "genesis"; readonly dataset: string; readonly instance: string }
  | {
      readonly kind: "carry";
      readonly dataset: string;
      readonly instance: string;
      readonly specs: readonly (readonly [string, Spec])[];
      readonly debits: readonly Debit[];
      readonly progress: readonly PlanProgress[];
      /** By plan and revision. */
      readonly lastWindows: readonly (readonly [string, number])[];
      readonly shown: readonly ShownGroup[];
      /** By plan. */
      readonly running: readonly (readonly [string, RunningBase])[];
      readonly pending: readonly StoredRelease[];
    }
  | { readonly kind: "spec"; readonly hash: string; readonly spec: Spec }
  | {
      readonly kind: "release";
      readonly release: Release;
      readonly contributions: string;
      readonly debit?: Debit | undefined;
    }
  | { readonly kind: "delivered"; readonly release: string };

export type LedgerEntry = Link & LedgerBody;

export class LedgerState {
  readonly dataset: string;
  instance = "";
  sequence = -1;
  head = "";
  readonly specs = new Map<string, Spec>();
  readonly debits: Debit[] = [];
  /** By plan and day. */
  readonly progress = new Map<string, PlanProgress>();
  readonly #lastWindows = new Map<string, number>();
  /** By plan: the running totals that were released last. */
  readonly #running = new Map<string, RunningBase>();
  /** By plan and labels: groups that stay public for a while, the one shown last at the end. */
  readonly #shown = new Map<string, Map<string, number>>();
  /** Releases that no exporter has taken yet, oldest first. */
  readonly pending = new Map<string, StoredRelease>();

  constructor(dataset: string) {
    this.dataset = dataset;
  }

  static from(dataset: string, payloads: readonly Uint8Array[]): LedgerState {
    const state = new LedgerState(dataset);
    for (const payload of payloads) state.apply(payload);
    return state;
  }

  /** Adds an entry to the end. Throws `dp_window.ledger_damaged` when it does not fit there. */
  apply(payload: Uint8Array): void {
    const entry = this.#parse(payload);
    this.#require(entry.previous === this.head || this.sequence < 0, "is not chained to its past");
    this.#require(
      this.sequence < 0 || entry.sequence === this.sequence + 1,
      "has a hole or goes back",
    );
    const first = entry.kind === "genesis" || entry.kind === "carry";
    this.#require(first === this.sequence < 0, "does not begin as a ledger does");
    this.sequence = entry.sequence;
    this.head = createHash("sha256").update(payload).digest("hex");
    this.#applyBody(entry);
  }

  /** The next entry, encoded. It does not change the state before it is applied. */
  encode(body: LedgerBody): Uint8Array {
    const link: Link = { version: 1, sequence: this.sequence + 1, previous: this.head };
    return Buffer.from(JSON.stringify({ ...link, ...body }));
  }

  /** Everything that is still needed, as the first entry of a new file. Forgets old days. */
  carry(oldestDay: number): LedgerBody {
    const progress = [...this.progress.values()].filter(({ day }) => day >= oldestDay);
    const plans = new Set(progress.map(({ plan }) => plan));
    const pending = [...this.pending.values()].filter(
      ({ spec, window }) => dayOfWindow(window, this.specs.get(spec)!.windowMs) >= oldestDay,
    );
    const specs = new Set(pending.map(({ spec }) => spec));
    return {
      kind: "carry",
      dataset: this.dataset,
      instance: this.instance,
      specs: [...this.specs].filter(([hash]) => specs.has(hash)),
      debits: this.debits.filter(({ day }) => day >= oldestDay),
      progress,
      lastWindows: [...this.#lastWindows].filter(([lane]) => plans.has(lane.split(" ")[0]!)),
      shown: [...this.#shown]
        .filter(([plan]) => plans.has(plan))
        .flatMap(([plan, groups]) =>
          [...groups].map(([labels, untilWindow]) => ({ plan, labels, untilWindow })),
        ),
      running: [...this.#running].filter(([plan]) => plans.has(plan)),
      pending,
    };
  }

  /** What the dataset's processors spent on a day together, and the budget that day began with. */
  accountOf(day: number): { spent: DayAmount; budget: DayAmount; debits: readonly Debit[] } {
    const debits = this.debits.filter((debit) => debit.day === day);
    const [first] = debits;
    const none: DayAmount = { epsilon: ZERO, delta: ZERO };
    if (first === undefined) return { spent: none, budget: none, debits };
    return {
      spent: sumOf(debits.map(costOfDebit)),
      budget: { epsilon: decimal(first.budget.epsilon), delta: decimal(first.budget.delta) },
      debits,
    };
  }

  /** What `days` days up to `last` cost together. */
  costOfDays(last: number, days: number): Cost {
    const within = this.debits.filter(({ day }) => day <= last && day > last - days);
    return sumOf(within.map(costOfDebit));
  }

  /** The last window of a plan that was released; undefined before the first. */
  lastWindow(plan: string, revision: Revision): number | undefined {
    return this.#lastWindows.get(laneOf(plan, revision));
  }

  /** Labels (as JSON) of groups that are public in a window because they were shown before. */
  shownGroups(plan: string, window: number): string[] {
    return [...(this.#shown.get(plan) ?? [])]
      .filter(([, untilWindow]) => untilWindow >= window)
      .map(([labels]) => labels);
  }

  /** The running totals that were released last. */
  runningBase(plan: string): RunningBase | undefined {
    return this.#running.get(plan);
  }

  hasPaid(plan: string, day: number): boolean {
    return this.debits.some((debit) => debit.plan === plan && debit.day === day);
  }

  /** Would the dataset's budget of the day, and its horizon, cover this plan too? */
  canPay(debit: Debit): boolean {
    const others = this.debits.filter(({ day }) => day === debit.day);
    const limits = JSON.stringify(debit.budget);
    if (others.some(({ budget }) => JSON.stringify(budget) !== limits)) return false;
    const spent = sumOf([...others, debit].map(costOfDebit));
    return (
      isAtMost(spent.epsilon, decimal(debit.budget.epsilon)) &&
      isAtMost(spent.delta, decimal(debit.budget.delta)) &&
      this.#isWithinHorizon(debit)
    );
  }

  #isWithinHorizon(debit: Debit): boolean {
    const { horizon } = debit.budget;
    if (horizon === undefined) return true;
    const { days } = horizon;
    const limit = { days, epsilon: decimal(horizon.epsilon), delta: decimal(horizon.delta) };
    const later = this.debits.map(({ day }) => day).filter((day) => day > debit.day);
    // Of all spans of days with this one in it, those that end earlier have less in them.
    return [debit.day, ...new Set(later.filter((day) => day < debit.day + days))].every((last) =>
      isWithin(sumOf([this.costOfDays(last, days), costOfDebit(debit)]), limit),
    );
  }

  #applyBody(entry: LedgerEntry): void {
    switch (entry.kind) {
      case "genesis":
        this.#requireDataset(entry.dataset);
        this.instance = entry.instance;
        return;
      case "carry":
        this.#requireDataset(entry.dataset);
        this.instance = entry.instance;
        for (const [hash, spec] of entry.specs) this.specs.set(hash, spec);
        this.debits.push(...entry.debits);
        for (const progress of entry.progress) this.#setProgress(progress);
        for (const [plan, base] of entry.running) this.#running.set(plan, base);
        for (const [lane, window] of entry.lastWindows) this.#lastWindows.set(lane, window);
        for (const { plan, labels, untilWindow } of entry.shown) {
          this.#shownOf(plan).set(labels, untilWindow);
        }
        for (const release of entry.pending) this.pending.set(release.id, release);
        return;
      case "spec":
        this.specs.set(entry.hash, entry.spec);
        return;
      case "release":
        this.#applyRelease(entry.release, entry.contributions, entry.debit);
        return;
      case "delivered":
        this.pending.delete(entry.release);
        return;
      default:
        this.#require(false, "has an entry of a kind that this version does not know");
    }
  }

  #applyRelease(release: Release, contributions: string, debit: Debit | undefined): void {
    const spec = this.specs.get(release.spec);
    this.#require(spec !== undefined, "releases without a specification");
    const last = this.lastWindow(release.plan, release.revision);
    this.#require(last === undefined || release.window > last, "goes back in time");
    const day = dayOfWindow(release.window, spec!.windowMs);
    if (debit !== undefined) {
      this.#require(debit.day === day && debit.plan === release.plan, "pays for another day");
      this.#require(this.canPay(debit), "spends more than the budget");
      this.debits.push(debit);
    }
    this.#require(this.hasPaid(release.plan, day), "releases without a debit");
    this.#setProgress({ plan: release.plan, day, contributions });
    this.#lastWindows.set(laneOf(release.plan, release.revision), release.window);
    this.#noteShown(release, spec!);
    this.#noteRunning(release, spec!, day);
    const place = { sequence: this.sequence, head: this.head };
    this.pending.set(release.id, { ...release, ...place, ...(debit !== undefined && { debit }) });
  }

  #setProgress(progress: PlanProgress): void {
    this.progress.set(`${progress.plan} ${progress.day}`, progress);
  }

  /** A function of noisy numbers: groups over the threshold stay, the newest `groupsMax`. */
  #noteShown({ plan, window, groups, values }: Release, spec: Spec): void {
    const { selection } = spec;
    if (selection === undefined || groups === undefined) return;
    const blocks = blocksOfSpec(spec);
    const shown = this.#shownOf(plan);
    groups.forEach((labels, cell) => {
      const units = BigInt(values[cell * blocks + selection.block]!);
      if (units < BigInt(thresholdAt(selection, stepOfWindow(window, spec)))) return;
      const untilWindow = Math.max(window + selection.stickyWindows, shown.get(labels) ?? 0);
      // Taken out first, so that it comes to the end.
      shown.delete(labels);
      shown.set(labels, untilWindow);
    });
    for (const [labels, untilWindow] of shown) {
      if (shown.size > selection.groupsMax || untilWindow < window) shown.delete(labels);
    }
  }

  #noteRunning({ plan, values, spread }: Release, spec: Spec, day: number): void {
    const running = runningOf(spec);
    if (running === undefined || spread === undefined) return;
    const blocks = blocksOfSpec(spec);
    // Totals of open groups do not go on after a restart.
    const isOpen = publicCellsOf(spec) === undefined;
    const totals = isOpen ? [] : values.filter((_, at) => at % blocks === running.block);
    this.#running.set(plan, { day, totals, spread });
  }

  #shownOf(plan: string): Map<string, number> {
    let shown = this.#shown.get(plan);
    if (shown === undefined) {
      shown = new Map();
      this.#shown.set(plan, shown);
    }
    return shown;
  }

  #parse(payload: Uint8Array): LedgerEntry {
    try {
      const entry = JSON.parse(Buffer.from(payload).toString("utf8")) as LedgerEntry;
      if (entry.version === 1 && Number.isSafeInteger(entry.sequence)) return entry;
    } catch {
      // Reported below, without the text.
    }
    throw this.#damaged("has an entry that is not one");
  }

  #requireDataset(dataset: string): void {
    this.#require(dataset === this.dataset, "is the ledger of another dataset");
  }

  #require(condition: boolean, problem: string): void {
    if (!condition) throw this.#damaged(problem);
  }

  #damaged(problem: string): AgentError {
    return new AgentError(
      "dp_window.ledger_damaged",
      `the ledger of dataset ${this.dataset} ${problem} (after entry ${this.sequence})`,
    );
  }
}

function costOfDebit({ epsilon, delta, rho, selectionDelta }: Debit): Cost {
  const exact = {
    epsilon: decimal(epsilon),
    delta: decimal(delta),
    selectionDelta: decimal(selectionDelta),
  };
  return costOf(exact, rho);
}

function laneOf(plan: string, revision: Revision): string {
  return `${plan} ${revision}`;
}

export function dayOfWindow(window: number, windowMs: number): number {
  return Math.floor((window * windowMs) / PERIOD_MS);
}

function decimal(text: string): Rational {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error("a ledger holds decimals only");
  return value;
}
