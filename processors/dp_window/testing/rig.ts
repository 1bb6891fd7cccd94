/** The whole processor on real files, with a clock that the test moves and fixed randomness. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { RandomSource } from "../../../src/component/settings.ts";
import type { LogBatch } from "../../../src/data/log_batch.ts";
import { LogRecord } from "../../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../../src/data/time.ts";
import { CollectingConsumer } from "../../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { seededRandom } from "../../../src/testing/seeded_random.ts";
import type { TestSettings } from "../../../src/testing/test_settings.ts";
import { temporaryDirectory, testSettings } from "../../../src/testing/test_settings.ts";
import { waitUntil } from "../../../src/testing/wait_until.ts";
import { configSchema } from "../config.ts";
import { DpWindow } from "../dp_window.ts";

export const START_MS = Date.UTC(2026, 0, 1, 12);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WINDOW = { size: "1m", close_after: "10s", max_future_skew: "1s" };
export const NO_DEADLINE = new AbortController().signal;

export interface Rig {
  readonly clock: FakeClock;
  readonly sink: CollectingConsumer;
  readonly settings: TestSettings;
  readonly processor: DpWindow;
}

export interface RigOptions {
  readonly root?: string;
  readonly nowMs?: number;
  readonly name?: string;
  readonly seed?: string;
  readonly config?: object;
  readonly sink?: CollectingConsumer;
  readonly random?: RandomSource;
}

/** A started processor. It is shut down after the test. */
export async function startRig(t: TestContext, options: RigOptions = {}): Promise<Rig> {
  const clock = new FakeClock(options.nowMs ?? START_MS);
  const sink = options.sink ?? new CollectingConsumer();
  const settings = await testSettings(t, {
    type: "dp_window",
    name: options.name ?? "",
    pipeline: "logs/numbers",
    clock,
    random: options.random ?? seededRandom(options.seed ?? "rig"),
    root: options.root ?? (await temporaryDirectory(t)),
  });
  const config = configSchema.parse({
    dataset: "logs",
    unit: { attribute: "user.id" },
    budget: { epsilon: "2", delta: "1e-9" },
    window: WINDOW,
    contribution: { max_cells_per_period: 8, max_tracked_units: 1000 },
    ...options.config,
  });
  const processor = new DpWindow(config, settings, sink);
  await processor.start();
  t.after(() => processor.shutdown(AbortSignal.abort()));
  return { clock, sink, settings, processor };
}

export function visits(timeMs: number, count: number, first = 0): LogBatch {
  const records = Array.from(
    { length: count },
    (_, index) =>
      new LogRecord({
        hrTime: hrTimeFromUnixMs(timeMs),
        attributes: { "user.id": `u${first + index}` },
      }),
  );
  return { records };
}

/** Moves the clock until the condition holds, with time for the disk between the steps. */
export async function pass(
  clock: FakeClock,
  what: string,
  condition: () => boolean,
  stepMs = 5000,
): Promise<void> {
  await waitUntil(what, () => {
    if (!condition()) clock.advance(stepMs);
    return condition();
  });
}

export function ids(sink: CollectingConsumer): unknown[] {
  return [...new Set(sink.records.map(({ attributes }) => attributes["dp.release_id"]))];
}

export function bytesOf(batch: LogBatch): string {
  return JSON.stringify(batch.records, (_, value) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
}

export async function datasetFiles(settings: TestSettings): Promise<string> {
  return join(settings.root, "dp_window", "datasets", "logs");
}
