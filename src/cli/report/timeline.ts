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
   * than it undertook to, as the verifier found. `end`: nothing came after it.
   */
  readonly kind: "stopped" | "silent" | "end";
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
/** As the verifier allows for a silence. */
const SLACK_MS = 60_000;

type Start = Extract<ParsedEntry, { type: "genesis" | "restart" }>;
type Dated = Exclude<ParsedEntry, { type: "unknown" | "malformed" }>;

export class Timeline {
  readonly #period: Period;
  /** The last one before the period that stated a configuration. */
  #runBefore: Run | undefined;
  readonly #runs: Run[] = [];
  readonly #stops: Silence[] = [];
  #readers: Readers[] = [];
  #unlisted = 0;
  #lastAtMs: number | undefined;
  #allowedMs = Number.POSITIVE_INFINITY;

  constructor(period: Period) {
    this.#period = period;
  }

  entry(entry: Dated, index: number): void {
    if (entry.type === "genesis" || entry.type === "restart") {
      this.#addStop(entry, index);
      this.#addStart(entry, index);
    }
    this.#addReaders(entry, index);
    this.#lastAtMs = entry.at;
  }

  #addStop({ at: toMs }: Start, entry: number): void {
    const fromMs = this.#lastAtMs;
    if (fromMs === undefined || toMs - fromMs <= this.#allowedMs) return;
    this.#keep(this.#stops, { kind: "stopped", fromMs, toMs, entry });
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

  /**
   * `nowMs`: a silence at the end lasts until then, or until the period ends. `silent`: those of a
   * running agent, in the whole log.
   */
  result(nowMs: number, silent: readonly Omit<Silence, "kind">[]): TimelineResult {
    const { sinceMs, untilMs } = this.#period;
    const endMs = Math.min(untilMs, nowMs);
    const silences: Silence[] = [
      ...this.#stops,
      ...silent.map((of) => ({ ...of, kind: "silent" as const })),
    ]
      .filter(({ fromMs, toMs }) => fromMs < untilMs && toMs >= sinceMs)
      .sort((a, b) => a.fromMs - b.fromMs);
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
