/**
 * The real processor, with its files, over hours of the made-up log: every released number against
 * the truth.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { configSchema } from "../../../processors/dp_window/config.ts";
import { DpWindow } from "../../../processors/dp_window/dp_window.ts";
import { readLedger } from "../../../processors/dp_window/ledger.ts";
import type { LedgerState } from "../../../processors/dp_window/ledger_state.ts";
import { AgentError } from "../../../src/component/errors.ts";
import type { Attributes } from "../../../src/data/any_value.ts";
import { CollectingConsumer } from "../../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { seededRandom } from "../../../src/testing/seeded_random.ts";
import { testSettings } from "../../../src/testing/test_settings.ts";
import type { Truth } from "./access_log.ts";
import {
  addTo,
  Bounds,
  BYTES,
  CELLS,
  emptyTruth,
  generator,
  LATENCY_EDGES,
  PER_CELL,
  recordOf,
  STATUSES,
  visitsOf,
} from "./access_log.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const FIRST_HOUR = Date.UTC(2026, 0, 1) / HOUR_MS;
const CELLS_A_DAY = 8;
const USERS_TRACKED = 2000;
const USERS = 6000;
const DATASET = "access-log";

const CONFIG = {
  dataset: DATASET,
  unit: { attribute: "user.id" },
  budget: { epsilon: "2", delta: "1e-9", horizon: { period: "30d", epsilon: "13" } },
  window: { size: "1h", release_tick: "1m" },
  contribution: { max_cells_per_period: CELLS_A_DAY, max_tracked_units: USERS_TRACKED },
  partitions: { keys: ["status"], status: { public: [...STATUSES] } },
  metrics: [
    { name: "requests", kind: "count", per_cell: PER_CELL, weight: 2 },
    { name: "users", kind: "distinct_units" },
    { name: "bytes", kind: "sum", field: "bytes", ...BYTES },
    { name: "latency", kind: "histogram", field: "latency", buckets: [...LATENCY_EDGES] },
  ],
};

export interface YearOptions {
  readonly hours: number;
  readonly perHour: number;
  /** True: the agent is stopped and started again after a release, at one hour in three. */
  readonly restarts: boolean;
}

/** One released number, in steps, with what it should show. */
export interface Sample {
  readonly metric: string;
  readonly error: number;
  readonly sd: number;
  readonly isInside: boolean;
  readonly truth: number;
}

export interface Year {
  readonly samples: readonly Sample[];
  /** Without and with bounds, summed over all hours and cells. */
  readonly raw: Truth;
  readonly bounded: Truth;
  readonly records: number;
  readonly ledger: LedgerState;
  /** Released numbers by window, to compare two runs. */
  readonly values: ReadonlyMap<string, string>;
  readonly restarts: number;
  /** Releases that were handed on again after a restart with other bytes than before. */
  readonly changed: number;
  /** Releases that were handed on again. */
  readonly repeated: number;
}

export async function runYear(options: YearOptions): Promise<Year> {
  const root = await mkdtemp(join(tmpdir(), "dp-eval-"));
  try {
    return await new Run(root, options).run();
  } finally {
    await rm(root, { recursive: true });
  }
}

class Run {
  readonly #root: string;
  readonly #options: YearOptions;
  readonly #clock = new FakeClock(FIRST_HOUR * HOUR_MS);
  /** One stream for the whole run, so that restarts go on with it. */
  readonly #random = seededRandom("a year");
  readonly #visits = generator(20_260_101);
  readonly #restarts = generator(7);
  readonly #sink = new CollectingConsumer();
  readonly #bounds = new Bounds(CELLS_A_DAY, USERS_TRACKED);
  readonly #truths = new Map<number, Truth>();
  readonly #raw = emptyTruth();
  readonly #bounded = emptyTruth();
  readonly #samples: Sample[] = [];
  readonly #values = new Map<string, string>();
  readonly #seen = new Map<string, string>();
  #counts = { records: 0, restarts: 0, changed: 0, repeated: 0 };
  #taken = 0;

  constructor(root: string, options: YearOptions) {
    this.#root = root;
    this.#options = options;
  }

  async run(): Promise<Year> {
    let processor = await this.#start();
    for (let hour = 0; hour <= this.#options.hours; hour++) {
      this.#clock.advance((FIRST_HOUR + hour) * HOUR_MS - this.#clock.nowMs());
      // The window of the hour before closes at five past; records of this hour come after that, so
      // that a restart in between loses none.
      this.#clock.advance(5 * MINUTE_MS);
      if (hour > 0) await this.#take(FIRST_HOUR + hour - 1);
      if (this.#options.restarts && this.#restarts() < 1 / 3) {
        processor = await this.#restart(processor);
      }
      if (hour < this.#options.hours) await this.#visit(processor, FIRST_HOUR + hour);
    }
    await processor.shutdown(AbortSignal.timeout(10_000));
    const directory = join(this.#root, "dp_window", "datasets", DATASET);
    return {
      samples: this.#samples,
      raw: this.#raw,
      bounded: this.#bounded,
      ledger: await readLedger(directory, DATASET),
      values: this.#values,
      ...this.#counts,
    };
  }

  async #start(): Promise<DpWindow> {
    const settings = await testSettings(undefined as unknown as TestContext, {
      type: "dp_window",
      pipeline: "logs",
      clock: this.#clock,
      random: this.#random,
      root: this.#root,
    });
    const processor = new DpWindow(configSchema.parse(CONFIG), settings, this.#sink);
    await processor.start();
    return processor;
  }

  /** Stops while the last release is refused, so that the next start hands it on again. */
  async #restart(processor: DpWindow): Promise<DpWindow> {
    await processor.shutdown(AbortSignal.timeout(10_000));
    this.#counts.restarts++;
    return this.#start();
  }

  async #visit(processor: DpWindow, hour: number): Promise<void> {
    const { perHour } = this.#options;
    const visits = visitsOf(hour, this.#visits, { users: USERS, perHour });
    const truth = emptyTruth();
    const seen = new Set<string>();
    for (const visit of visits) {
      this.#bounds.add(visit, hour, truth);
      const key = `${visit.user} ${visit.status}`;
      addTo(this.#raw, visit, !seen.has(key));
      seen.add(key);
    }
    this.#truths.set(hour, truth);
    this.#counts.records += visits.length;
    await processor.consumeLogs({ records: visits.map((visit) => recordOf(visit, hour)) });
  }

  /** Waits for the release of a window and compares it. */
  async #take(hour: number): Promise<void> {
    const refuses = this.#options.restarts && this.#restarts() < 1 / 2;
    let attempts = 0;
    this.#sink.gate = async () => {
      attempts++;
      if (refuses && attempts === 1) throw new AgentError("storage.unwritable", "not now");
    };
    const start = new Date(hour * HOUR_MS).toISOString();
    const isThere = (): boolean =>
      this.#sink.batches
        .slice(this.#taken)
        .some(({ records }) => records[0]!.attributes["dp.window.start"] === start);
    for (let polls = 1; !isThere(); polls++) {
      await sleep(1);
      if (polls % 4 === 0) this.#clock.advance(MINUTE_MS);
      if (this.#clock.nowMs() > (hour + 2) * HOUR_MS - 5 * MINUTE_MS) {
        throw new Error("the disk is too slow for this run");
      }
    }
    for (const { records } of this.#sink.batches.slice(this.#taken)) {
      const rows = records.filter(({ body }) => body === "dp.window");
      this.#note(rows.map(({ attributes }) => attributes));
    }
    this.#taken = this.#sink.batches.length;
  }

  #note(rows: readonly Attributes[]): void {
    const id = String(rows[0]!["dp.release_id"]);
    const bytes = JSON.stringify(rows, (_, value) =>
      typeof value === "bigint" ? `${value}n` : value,
    );
    const before = this.#seen.get(id);
    this.#seen.set(id, bytes);
    if (before !== undefined) {
      this.#counts.repeated++;
      if (before !== bytes) this.#counts.changed++;
      return;
    }
    const hour = Date.parse(String(rows[0]!["dp.window.start"])) / HOUR_MS;
    this.#values.set(`${hour}`, JSON.stringify(rows.map((row) => String(row["dp.value"]))));
    this.#compare(rows, this.#truths.get(hour)!);
    this.#truths.delete(hour);
  }

  #compare(rows: readonly Attributes[], truth: Truth): void {
    const buckets = truth.latency.length;
    const expected = [
      ...truth.requests.map((value) => ({ metric: "requests", value, step: 1 })),
      ...truth.users.map((value) => ({ metric: "users", value, step: 1 })),
      ...truth.bytes.map((value) => ({ metric: "bytes", value, step: BYTES.resolution })),
      ...Array.from({ length: CELLS * buckets }, (_, index) => {
        const [cell, bucket] = [Math.floor(index / buckets), index % buckets];
        return { metric: "latency", value: truth.latency[bucket]![cell]!, step: 1 };
      }),
    ];
    if (rows.length !== expected.length) throw new Error(`${rows.length} rows`);
    rows.forEach((row, index) => {
      const { metric, value, step } = expected[index]!;
      const shown = Number(row["dp.value"]) / step;
      const inSteps = (name: string): number => Number(row[name]) / step;
      this.#samples.push({
        metric,
        error: shown - value,
        sd: Math.sqrt(Number(row["dp.variance"])) / step,
        isInside: inSteps("dp.ci.low") <= value && value <= inSteps("dp.ci.high"),
        truth: value,
      });
    });
    for (const key of ["requests", "users", "bytes"] as const) {
      truth[key].forEach((value, cell) => {
        this.#bounded[key][cell]! += value;
      });
    }
  }
}
