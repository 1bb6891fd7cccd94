/**
 * What the log says of the agent itself: its runs, the configurations it ran with, who could read
 * what, and the times for which nothing is said.
 *
 * Invariant: every statement names the entry that it comes from. Memory is a line for each start and
 * each silence, at most {@link LINES_MAX} of each.
 */
import type { ParsedEntry } from "../../../exporters/sealed_archive/format/entry.ts";

/** Half-open: from `sinceMs` on, before `untilMs`; both in milliseconds since 1970. */
export interface Period {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface Run {
  readonly entry: number;
  readonly atMs: number;
  readonly kind: "genesis" | "restart";
  /** SHA-256 of its configuration; undefined: a command, or an agent that did not state one. */
  readonly config: string | undefined;
  /** Entries that it took over from an agent that had not signed them. */
  readonly replayed: number;
  /** Since the entry before; undefined for the first one. */
  readonly sinceLastMs: number | undefined;
}

export interface Silence {
  /**
   * `stopped`: it ends with a start of the agent. `silent`: an agent that ran said nothing for longer
   * than it undertook to. `clock_back`: its clock was set back. `end`: nothing came after it.
   */
  readonly kind: "stopped" | "silent" | "clock_back" | "end";
  readonly fromMs: number;
  readonly toMs: number;
  /** Index of the entry behind it; undefined for `end`. */
  readonly entry: number | undefined;
}

/** Who can read a zone from this entry on. */
export interface Readers {
  readonly entry: number;
  readonly atMs: number;
  readonly zones: Readonly<Record<string, readonly string[]>>;
}

export interface TimelineResult {
  /** The first may be the one that was at work when the period began. */
  readonly runs: readonly Run[];
  readonly silences: readonly Silence[];
  /** The first is the one in force when the period began. */
  readonly readers: readonly Readers[];
  /** Starts and silences that are not listed because there were too many. */
  readonly unlisted: number;
}

const LINES_MAX = 2000;
/** A busy disk or a slow start is no silence. */
const SLACK_MS = 10_000;
const CLOCK_SLACK_MS = 1000;

type Start = Extract<ParsedEntry, { type: "genesis" | "restart" }>;
type Dated = Exclude<ParsedEntry, { type: "unknown" | "malformed" }>;

export class Timeline {
  readonly #period: Period;
  /** The last one before the period that stated a configuration. */
  #runBefore: Run | undefined;
  readonly #runs: Run[] = [];
  readonly #silences: Silence[] = [];
  #readers: Readers[] = [];
  #unlisted = 0;
  #lastAtMs: number | undefined;
  #allowedMs = Number.POSITIVE_INFINITY;

  constructor(period: Period) {
    this.#period = period;
  }

  entry(entry: Dated, index: number): void {
    const isStart = entry.type === "genesis" || entry.type === "restart";
    if (this.#lastAtMs !== undefined) this.#addSilence(entry.at, this.#lastAtMs, index, isStart);
    if (isStart) this.#addStart(entry, index);
    this.#addReaders(entry, index);
    this.#lastAtMs = entry.at;
  }

  #addSilence(atMs: number, lastMs: number, entry: number, isStart: boolean): void {
    if (atMs < lastMs - CLOCK_SLACK_MS) {
      this.#keep(this.#silences, { kind: "clock_back", fromMs: atMs, toMs: lastMs, entry });
    } else if (atMs - lastMs > this.#allowedMs) {
      const kind = isStart ? "stopped" : "silent";
      this.#keep(this.#silences, { kind, fromMs: lastMs, toMs: atMs, entry });
    }
  }

  #addStart(start: Start, entry: number): void {
    this.#allowedMs = 2 * start.intervals.heartbeat_ms + SLACK_MS;
    if (start.at >= this.#period.untilMs) return;
    const { type: kind, at: atMs, config } = start;
    const sinceLastMs = this.#lastAtMs === undefined ? undefined : atMs - this.#lastAtMs;
    const replayed = start.type === "restart" ? start.replayed : 0;
    const run = { entry, atMs, kind, config, replayed, sinceLastMs };
    if (atMs >= this.#period.sinceMs) this.#keep(this.#runs, run);
    else if (config !== undefined || this.#runBefore === undefined) this.#runBefore = run;
  }

  #addReaders(entry: Dated, index: number): void {
    if (entry.type !== "genesis" && entry.type !== "recipients") return;
    if (entry.at >= this.#period.untilMs) return;
    const zones: Record<string, readonly string[]> = { ...this.#readers.at(-1)?.zones };
    if (entry.type === "recipients") {
      const stay = (zones[entry.zone] ?? []).filter((key) => !entry.removed.includes(key));
      zones[entry.zone] = [...stay, ...entry.added];
    } else {
      for (const [zone, { recipients }] of Object.entries(entry.zones)) zones[zone] = recipients;
    }
    const readers = { entry: index, atMs: entry.at, zones };
    if (entry.at < this.#period.sinceMs) this.#readers = [readers];
    else this.#keep(this.#readers, readers);
  }

  #keep<Line>(lines: Line[], line: Line): void {
    if (lines.length < LINES_MAX) lines.push(line);
    else this.#unlisted++;
  }

  /** `nowMs`: a silence at the end lasts until then, or until the period ends. */
  result(nowMs: number): TimelineResult {
    const { sinceMs, untilMs } = this.#period;
    const endMs = Math.min(untilMs, nowMs);
    const silences = this.#silences.filter(
      ({ fromMs, toMs }) => fromMs < untilMs && toMs >= sinceMs,
    );
    const fromMs = this.#lastAtMs;
    if (fromMs !== undefined && endMs - fromMs > this.#allowedMs) {
      silences.push({ kind: "end", fromMs, toMs: endMs, entry: undefined });
    }
    return {
      runs: this.#runBefore === undefined ? this.#runs : [this.#runBefore, ...this.#runs],
      silences,
      readers: this.#readers,
      unlisted: this.#unlisted,
    };
  }
}
