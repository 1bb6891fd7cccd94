import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { StdinReceiver } from "./stdin.ts";

async function start(context: TestContext, config: object = {}, input = new PassThrough()) {
  const base = await testSettings(context, { kind: "receiver", type: "stdin" });
  const metrics = new CollectedMetrics();
  let finished = 0;
  const reportFinished = (): void => {
    finished++;
  };
  const settings = { ...base, meter: metrics.meter, reportFinished };
  const sink = new CollectingConsumer();
  const receiver = new StdinReceiver(configSchema.parse(config), settings, sink, input);
  await receiver.start();
  context.after(() => receiver.shutdown(AbortSignal.abort()));
  const bodies = (): unknown[] => sink.records.map(({ body }) => body);
  return { receiver, sink, input, metrics, bodies, settings, finished: () => finished };
}

test("lines become records, and the end of the input the end of the receiver", async (context) => {
  const { input, sink, bodies, finished } = await start(context, {
    attributes: { from: "pipe" },
    operators: [{ type: "json_parser", if: 'body startsWith "{"' }],
  });
  input.write("first\n\n  second  \r\nth");
  await waitUntil("two lines", () => bodies().length === 2);
  assert.deepEqual(bodies(), ["first", "second"]);
  assert.equal(finished(), 0);
  input.end('ird\n{"a":1}');
  await waitUntil("the end", () => finished() === 1);
  assert.deepEqual(bodies(), ["first", "second", "third", '{"a":1}']);
  assert.deepEqual(sink.records[3]!.attributes, { from: "pipe", a: 1 });
});

test("a slow backend makes the writer wait, and nothing is lost", async (context) => {
  const { input, sink, bodies, metrics, finished } = await start(context, {
    max_in_flight_bytes: 1000,
  });
  const gate = Promise.withResolvers<void>();
  sink.gate = () => gate.promise;
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
  for (const line of lines) input.write(`${line}\n`);
  input.end();
  await waitUntil("a first batch", () => sink.batches.length > 0);
  const held = await metrics.read("vouchsafe_stdin_in_flight_bytes");
  assert.ok(held[""]! <= 1000);
  assert.equal(finished(), 0);
  gate.resolve();
  await waitUntil("the end", () => finished() === 1);
  assert.deepEqual(bodies(), lines);
});

test("the next receiver reads on where one was shut down", async (context) => {
  const input = new PassThrough();
  const first = await start(context, { max_in_flight_bytes: 100 }, input);
  const gate = Promise.withResolvers<void>();
  first.sink.gate = () => gate.promise;
  const piece = (number: number): string => `${number}`.repeat(79);
  for (let number = 1; number <= 4; number++) input.write(`${piece(number)}\n`);
  await waitUntil("a first batch", () => first.bodies().length > 0);
  const stopped = first.receiver.shutdown(AbortSignal.timeout(20_000));
  gate.resolve();
  await stopped;
  const second = await start(context, {}, input);
  input.write("last\n");
  await waitUntil("the last line", () => second.bodies().includes("last"));
  assert.deepEqual([...first.bodies(), ...second.bodies()], [1, 2, 3, 4].map(piece).concat("last"));
});

test("two receivers do not share one input", async (context) => {
  const { input } = await start(context);
  await assert.rejects(start(context, {}, input), { code: "stdin.in_use" });
});

test("lines that are too long are cut and counted", async (context) => {
  const { input, bodies, metrics, finished } = await start(context, { max_log_size: 4 });
  input.end("abcdefg\nhi\n");
  await waitUntil("the end", () => finished() === 1);
  assert.deepEqual(bodies(), ["abcd", "hi"]);
  assert.deepEqual(await metrics.read("vouchsafe_stdin_oversized_lines"), { "": 1 });
});
