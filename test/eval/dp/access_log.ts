/**
 * A made-up access log with known truth: people of very different activity, a day's and a week's
 * rhythm, and for each record what a processor would bound it to, worked out here a second time.
 */
import { LogRecord } from "../../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../../src/data/time.ts";

export const STATUSES = [200, 304, 404, 500] as const;
/** With the one for all other values. */
export const CELLS = STATUSES.length + 1;
export const LATENCY_EDGES = [10, 50, 200, 1000] as const;
export const BYTES = { clamp: [0, 65_536], resolution: 64 } as const;
export const PER_CELL = 4;
const HOUR_MS = 3_600_000;
const HOURS = 24;

export interface Visit {
  readonly user: number;
  readonly status: number;
  readonly bytes: number;
  readonly latencyMs: number;
}

/** A small repeatable generator (mulberry32), for the made-up log alone. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The records of one hour, in the order in which they come. */
export function visitsOf(
  hour: number,
  random: () => number,
  { users, perHour }: { readonly users: number; readonly perHour: number },
): Visit[] {
  const daily = 1 + 0.9 * Math.sin(((hour % HOURS) / HOURS) * 2 * Math.PI - 2);
  const weekly = Math.floor(hour / HOURS) % 7 < 5 ? 1.1 : 0.75;
  const count = Math.round(perHour * daily * weekly);
  return Array.from({ length: count }, () => {
    // The first are there all the time, most of them rarely.
    const user = Math.floor(users * random() ** 2.5);
    const draw = random();
    const status =
      draw < 0.8 ? 200 : draw < 0.9 ? 304 : draw < 0.96 ? 404 : draw < 0.98 ? 500 : 302;
    const bytes = Math.floor(Math.exp(4 + 7 * random()));
    return { user, status, bytes, latencyMs: Math.exp(1 + 6 * random()) };
  });
}

export function recordOf({ user, status, bytes, latencyMs }: Visit, hour: number): LogRecord {
  return new LogRecord({
    hrTime: hrTimeFromUnixMs(hour * HOUR_MS),
    attributes: { "user.id": `user ${user}`, status, bytes, latency: latencyMs },
  });
}

/** Sums of one hour: by metric and part, then by cell. */
export interface Truth {
  readonly requests: number[];
  readonly users: number[];
  /** In steps of the resolution. */
  readonly bytes: number[];
  readonly latency: number[][];
}

export function emptyTruth(): Truth {
  const zeros = (): number[] => new Array<number>(CELLS).fill(0);
  const latency = Array.from({ length: LATENCY_EDGES.length + 1 }, zeros);
  return { requests: zeros(), users: zeros(), bytes: zeros(), latency };
}

/** Bounds as the README says them, with nothing of the processor's code. */
export class Bounds {
  readonly #cellsMax: number;
  readonly #usersMax: number;
  #day = -1;
  /** Of the day: for each user the cells opened, with the records in each. */
  #opened = new Map<number, Map<string, number>>();

  constructor(cellsMax: number, usersMax: number) {
    this.#cellsMax = cellsMax;
    this.#usersMax = usersMax;
  }

  /** Adds a record to the truth of its hour, as far as the bounds let it. */
  add(visit: Visit, hour: number, truth: Truth): void {
    const day = Math.floor(hour / HOURS);
    if (day !== this.#day) {
      this.#day = day;
      this.#opened = new Map();
    }
    let cells = this.#opened.get(visit.user);
    if (cells === undefined) {
      if (this.#opened.size === this.#usersMax) return;
      cells = new Map();
      this.#opened.set(visit.user, cells);
    }
    const cell = cellOf(visit);
    const key = `${hour} ${cell}`;
    const before = cells.get(key);
    if (before === undefined && cells.size === this.#cellsMax) return;
    const count = (before ?? 0) + 1;
    if (count > PER_CELL) return;
    cells.set(key, count);
    addTo(truth, visit, count === 1);
  }
}

/** Adds a record; `first` is true for the first of its user in its cell. */
export function addTo(truth: Truth, visit: Visit, first: boolean): void {
  const cell = cellOf(visit);
  truth.requests[cell]!++;
  if (!first) return;
  truth.users[cell]!++;
  const [low, high] = BYTES.clamp;
  truth.bytes[cell]! += Math.round(Math.min(high, Math.max(low, visit.bytes)) / BYTES.resolution);
  const bucket = LATENCY_EDGES.findIndex((edge) => visit.latencyMs <= edge);
  truth.latency.at(bucket)![cell]!++;
}

function cellOf({ status }: Visit): number {
  const cell = (STATUSES as readonly number[]).indexOf(status);
  return cell === -1 ? STATUSES.length : cell;
}
