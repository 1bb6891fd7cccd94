/**
 * The real `file_log` receiver on files that do what files should not: rotate faster than it looks,
 * come by the thousand, vanish while they are read, with clocks that jump and damaged offsets. The
 * oracle numbers every line.
 */
import assert from "node:assert/strict";
import { appendFile, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { configSchema } from "../../receivers/file_log/config.ts";
import { factory } from "../../receivers/file_log/factory.ts";
import type { Clock } from "../../src/component/settings.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";

const ROTATIONS = 150;
const LINES_PER_FILE = 20;
const FILES = 2000;
const OPEN_FILES_MAX = 64;
const DAY_MS = 86_400_000;

interface Running {
  readonly consumer: CollectingConsumer;
  readonly metrics: CollectedMetrics;
  readonly root: string;
  stop(): Promise<void>;
}

async function read(
  t: TestContext,
  options: object,
  { root, clock = systemClock }: { root?: string; clock?: Clock } = {},
): Promise<Running> {
  const consumer = new CollectingConsumer();
  const metrics = new CollectedMetrics();
  const made = await testSettings(t, {
    kind: "receiver",
    type: "file_log",
    clock,
    ...(root && { root }),
  });
  const config = configSchema.parse({ start_at: "beginning", ...options });
  const receiver = factory.create(config, { ...made, meter: metrics.meter }, consumer);
  const stop = (): Promise<void> => receiver.shutdown(AbortSignal.timeout(5000));
  t.after(stop);
  await receiver.start();
  return { consumer, metrics, root: made.root, stop };
}

const numbersOf = ({ consumer }: Running): number[] =>
  consumer.records.map(({ body }) => Number(/\d+/.exec(String(body))));

const linesOf = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${from + index}\n`).join("");

/** Every line once, in whatever order files were read. */
async function assertAllOnce(running: Running, count: number): Promise<void> {
  await waitUntil(`${count} lines`, () => running.consumer.records.length >= count, 30_000);
  const sorted = numbersOf(running).sort((a, b) => a - b);
  const wrong = sorted.findIndex((number, index) => number !== index);
  assert.equal(wrong, -1, `at ${wrong} stands ${sorted[wrong]}`);
  assert.equal(sorted.length, count);
}

for (const compressed of [false, true]) {
  const how = compressed ? ", each compressed at once" : "";
  test(`${ROTATIONS} rotations faster than the poll${how}: every line once`, async (t) => {
    const directory = await temporaryDirectory(t);
    const path = join(directory, "app.log");
    const running = await read(t, { include: [`${path}*`], compression: "auto" });
    for (let rotation = 0; rotation < ROTATIONS; rotation++) {
      await writeFile(path, linesOf(rotation * LINES_PER_FILE, LINES_PER_FILE));
      const rotated = `${path}.${rotation}`;
      await rename(path, rotated);
      if (!compressed) continue;
      const partial = join(directory, "partial");
      await writeFile(partial, gzipSync(await readFile(rotated)));
      await rename(partial, `${rotated}.gz`);
      await rm(rotated);
    }
    await assertAllOnce(running, ROTATIONS * LINES_PER_FILE);
  });
}

test("copytruncate faster than the poll: every line that a file still holds, once", async (t) => {
  const path = join(await temporaryDirectory(t), "app.log");
  const running = await read(t, { include: [`${path}*`] });
  for (let rotation = 0; rotation < ROTATIONS; rotation++) {
    await appendFile(path, linesOf(rotation * LINES_PER_FILE, LINES_PER_FILE));
    await writeFile(`${path}.${rotation}`, await readFile(path));
    await truncate(path);
  }
  await assertAllOnce(running, ROTATIONS * LINES_PER_FILE);
});

test(`${FILES} files are all read with at most ${OPEN_FILES_MAX} open`, async (t) => {
  const directory = await temporaryDirectory(t);
  for (let file = 0; file < FILES; file++) {
    await writeFile(join(directory, `${file}.log`), linesOf(2 * file, 2));
  }
  const include = [join(directory, "*.log")];
  const running = await read(t, { include, max_concurrent_files: OPEN_FILES_MAX });
  let most = 0;
  await waitUntil("all are read", async () => {
    const open = await running.metrics.read("otelcol_fileconsumer_open_files");
    most = Math.max(most, open[""] ?? 0);
    return running.consumer.records.length >= 2 * FILES;
  });
  assert.ok(most <= OPEN_FILES_MAX, `${most} open`);
  await assertAllOnce(running, 2 * FILES);
});

test("a clock that jumps a day ahead and back loses and doubles nothing", async (t) => {
  const path = join(await temporaryDirectory(t), "app.log");
  let offsetMs = 0;
  const clock: Clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + offsetMs,
    nowUnixNano: () => systemClock.nowUnixNano() + BigInt(offsetMs) * 1_000_000n,
  };
  const running = await read(t, { include: [`${path}*`], poll_interval: "20ms" }, { clock });
  let next = 0;
  for (const jumpMs of [0, DAY_MS, -DAY_MS, 0, -2 * DAY_MS, 3 * DAY_MS]) {
    offsetMs = jumpMs;
    await appendFile(path, linesOf(next, 50));
    next += 50;
    await rename(path, `${path}.${next}`);
    await appendFile(path, linesOf(next, 50));
    next += 50;
    await waitUntil("they are read", () => running.consumer.records.length >= next);
  }
  await assertAllOnce(running, next);
});

test("damaged offsets are told or cost repetition, never a line", async (t) => {
  const path = join(await temporaryDirectory(t), "app.log");
  await writeFile(path, linesOf(0, 100));
  const first = await read(t, { include: [path] });
  await assertAllOnce(first, 100);
  await first.stop();
  const offsets = join(first.root, "file_log/own/offsets.json");
  const whole = await readFile(offsets);
  await appendFile(path, linesOf(100, 10));
  let told = 0;
  for (let at = 0; at < whole.length; at += 7) {
    const flipped = Buffer.from(whole);
    flipped[at] = flipped[at]! ^ (1 << (at % 7));
    for (const damaged of [flipped, whole.subarray(0, at)]) {
      await writeFile(offsets, damaged);
      try {
        const running = await read(t, { include: [path] }, { root: first.root });
        await waitUntil("the new lines come", () => numbersOf(running).includes(109));
        const numbers = new Set(numbersOf(running));
        for (let line = 100; line < 110; line++) assert.ok(numbers.has(line), `${at}: ${line}`);
        await running.stop();
      } catch (error) {
        assert.equal((error as { code?: string }).code, "storage.corrupt", `byte ${at}`);
        told += 1;
      }
    }
  }
  t.diagnostic(`${told} damaged files were told at the start`);
  assert.ok(told > 0);
});
