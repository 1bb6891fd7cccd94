import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { LogRecord } from "../../src/data/log_record.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { MemoryLimiter } from "./memory_limiter.ts";
import { processMemory } from "./process_memory.ts";

const MIB = 1024 * 1024;
const batch = { records: [new LogRecord({ body: "a" })] };

async function makeLimiter(t: TestContext, config: object) {
  const memory = {
    usedMib: 0,
    collections: 0,
    usedBytes: () => memory.usedMib * MIB,
    totalBytes: () => 1000 * MIB,
    collect: () => {
      memory.collections += 1;
    },
  };
  const next = new CollectingConsumer();
  const clock = new FakeClock();
  const settings = await testSettings(t, { clock });
  const limiter = new MemoryLimiter(configSchema.parse(config), settings, next, memory);
  await limiter.start();
  t.after(() => limiter.shutdown());
  return { limiter, memory, next, clock, settings };
}

const refusal = { code: "memory_limiter.refused", permanent: false, retryAfterMs: 1000 };

test("refuses above the soft limit, retryably, and takes records again below it", async (t) => {
  const { limiter, memory, next, clock, settings } = await makeLimiter(t, { limit_mib: 100 });
  await limiter.consumeLogs(batch);
  memory.usedMib = 81;
  await limiter.consumeLogs(batch);
  clock.advance(1000);
  await assert.rejects(limiter.consumeLogs(batch), refusal);
  memory.usedMib = 80;
  clock.advance(1000);
  await limiter.consumeLogs(batch);
  assert.equal(next.batches.length, 3);
  assert.deepEqual(
    settings.logged.map(({ level }) => level),
    ["warn", "info"],
  );
});

test("collects garbage every 10 s between the limits, and at each look above", async (t) => {
  const { memory, clock } = await makeLimiter(t, { limit_mib: 100, spike_limit_mib: 40 });
  memory.usedMib = 70;
  clock.advance(5000);
  assert.equal(memory.collections, 1);
  clock.advance(6000);
  assert.equal(memory.collections, 2);
  memory.usedMib = 101;
  clock.advance(3000);
  assert.equal(memory.collections, 5);
});

test("goes on when a collection was enough", async (t) => {
  const { limiter, memory, clock } = await makeLimiter(t, { limit_percentage: 10 });
  memory.usedMib = 90;
  memory.collect = () => {
    memory.usedMib = 10;
  };
  clock.advance(1000);
  await limiter.consumeLogs(batch);
});

test("leaves no timer behind, also when stopped twice or before the start", async (t) => {
  const { limiter, clock } = await makeLimiter(t, { limit_mib: 100 });
  await limiter.shutdown();
  await limiter.shutdown();
  assert.equal(clock.pendingTimers, 0);
});

test("the real memory is measured and collected", () => {
  assert.ok(processMemory.usedBytes() > MIB);
  assert.ok(processMemory.totalBytes() > processMemory.usedBytes());
  let garbage: Uint8Array | undefined = new Uint8Array(64 * MIB).fill(1);
  const before = processMemory.usedBytes();
  assert.equal(garbage[0], 1);
  garbage = undefined;
  processMemory.collect();
  assert.ok(processMemory.usedBytes() < before - 32 * MIB);
});

test("limits that contradict each other are refused", () => {
  for (const config of [
    {},
    { limit_mib: 10, spike_limit_mib: 10 },
    { limit_percentage: 50, spike_limit_percentage: 60 },
    { limit_mib: 10, check_interval: "0s" },
  ]) {
    assert.equal(configSchema.safeParse(config).success, false, JSON.stringify(config));
  }
});
