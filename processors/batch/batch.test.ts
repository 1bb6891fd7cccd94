import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import { AgentError } from "../../src/component/errors.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { Batcher } from "./batch.ts";
import { configSchema } from "./config.ts";

async function makeBatcher(t: TestContext, config: object, downstream: string[] = []) {
  const next = new CollectingConsumer();
  const clock = new FakeClock();
  const settings = await testSettings(t, { clock, downstream });
  return { batcher: new Batcher(configSchema.parse(config), settings, next), next, clock };
}

function batchOf(from: number, count: number, id?: string): LogBatch {
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  const records = numbers.map((number) => new LogRecord({ body: number }));
  return id === undefined ? { records } : { records, source: { id, positions: numbers } };
}

const sizes = (next: CollectingConsumer) => next.batches.map(({ records }) => records.length);

test("waits for the size or the time, and acknowledges nothing before", async (t) => {
  const { batcher, next, clock } = await makeBatcher(t, { send_batch_size: 4 });
  let taken = 0;
  const give = (from: number, count: number) =>
    batcher.consumeLogs(batchOf(from, count)).then(() => {
      taken += 1;
    });
  const first = give(0, 2);
  assert.deepEqual([sizes(next), taken], [[], 0]);
  await Promise.all([first, give(2, 2)]);
  assert.deepEqual([sizes(next), taken], [[4], 2]);
  const third = give(4, 1);
  clock.advance(199);
  assert.deepEqual([sizes(next), taken], [[4], 2]);
  clock.advance(1);
  await third;
  assert.deepEqual([sizes(next), taken], [[4, 1], 3]);
  assert.equal(clock.pendingTimers, 0);
});

test("keeps every record in order, whatever comes and however it is split", async (t) => {
  const shape = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 });
  const limits = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 5 }));
  await fc.assert(
    fc.asyncProperty(shape, limits, async (counts, [size, more]) => {
      const config = { send_batch_size: size, send_batch_max_size: more === 0 ? 0 : size + more };
      const { batcher, next } = await makeBatcher(t, config);
      let from = 0;
      const calls = counts.map((count) => {
        from += count;
        return batcher.consumeLogs(batchOf(from - count, count));
      });
      await batcher.shutdown();
      await Promise.all(calls);
      assert.deepEqual(
        next.records.map(({ body }) => body),
        Array.from({ length: from }, (_, index) => index),
      );
      if (more > 0) assert.ok(sizes(next).every((count) => count <= size + more));
    }),
  );
});

test("before the archive sources stay apart, with their positions", async (t) => {
  const { batcher, next } = await makeBatcher(t, { send_batch_size: 100 }, ["sealed_archive"]);
  const calls = [batchOf(0, 2, "a"), batchOf(2, 1, "a"), batchOf(7, 1, "b")].map((batch) =>
    batcher.consumeLogs(batch),
  );
  await batcher.shutdown();
  await Promise.all(calls);
  assert.deepEqual(
    next.batches.map(({ source }) => source),
    [
      { id: "a", positions: [0, 1, 2] },
      { id: "b", positions: [7] },
    ],
  );
});

test("a refusal reaches those whose records were refused, a retryable one first", async (t) => {
  const { batcher, next } = await makeBatcher(t, { send_batch_size: 2, send_batch_max_size: 2 });
  const errors = [
    new AgentError("otlp_http.rejected", "no"),
    new AgentError("pipeline.shutting_down", "later"),
    undefined,
  ];
  next.gate = async () => {
    const error = errors.shift();
    if (error !== undefined) throw error;
  };
  await assert.rejects(batcher.consumeLogs(batchOf(0, 4)), { code: "pipeline.shutting_down" });
  await batcher.consumeLogs(batchOf(4, 2));
});

test("a timeout of 0 hands everything on at once; after the end nothing is taken", async (t) => {
  const { batcher, next } = await makeBatcher(t, { timeout: 0 });
  await batcher.consumeLogs(batchOf(0, 1));
  await batcher.shutdown();
  await batcher.shutdown();
  assert.deepEqual(sizes(next), [1]);
  await assert.rejects(batcher.consumeLogs(batchOf(0, 1)), { code: "pipeline.shutting_down" });
  assert.equal(
    configSchema.safeParse({ send_batch_size: 5, send_batch_max_size: 4 }).success,
    false,
  );
});
