import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { AgentError } from "../../component/errors.ts";
import type { QueueOptions } from "../../component/queue.ts";
import { Double } from "../../data/any_value.ts";
import type { LogBatch } from "../../data/log_batch.ts";
import { LogRecord } from "../../data/log_record.ts";
import { Resource } from "../../data/resource.ts";
import { CollectingConsumer } from "../../testing/collecting_consumer.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import type { TestSettings } from "../../testing/test_settings.ts";
import { temporaryDirectory, testSettings } from "../../testing/test_settings.ts";
import { waitUntil } from "../../testing/wait_until.ts";
import { RETRY_INITIAL_MS } from "../branch.ts";
import { DurableQueue } from "./durable_queue.ts";

const DEFAULTS: QueueOptions = {
  capacity: 1000,
  sizer: "requests",
  bytesMax: 1024 ** 3,
  consumers: 1,
  blockOnOverflow: true,
  storage: "file_storage",
  keyFile: undefined,
  deadLetterBytesMax: 0,
};
const CONTENT = "jane.doe@example.com";

interface Bench {
  readonly queue: DurableQueue;
  readonly backend: CollectingConsumer;
  readonly settings: TestSettings;
  readonly clock: FakeClock;
  readonly folder: string;
}

interface BenchOptions {
  readonly root?: string;
  readonly gate?: () => Promise<void>;
  readonly options?: Partial<QueueOptions>;
}

/** A queue before a backend that the test decides for. `root`: of the agent that ran before. */
async function startQueue(t: TestContext, setup: BenchOptions = {}): Promise<Bench> {
  const root = setup.root ?? (await temporaryDirectory(t));
  const clock = new FakeClock();
  const settings = await testSettings(t, { kind: "exporter", root, clock });
  const backend = new CollectingConsumer();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  if (setup.gate !== undefined) backend.gate = setup.gate;
  const next = {
    consumeLogs: (batch: LogBatch) => Promise.race([backend.consumeLogs(batch), stopped.promise]),
  };
  const exporter = {
    ...next,
    start: async () => {},
    shutdown: async () => stopped.reject(new AgentError("pipeline.shutting_down", "test")),
  };
  const options = { ...DEFAULTS, ...setup.options };
  const queue = new DurableQueue({ options, settings, exporter, next });
  t.after(() => queue.shutdown(AbortSignal.abort()));
  await queue.start();
  const folder = join(await settings.stateDirectory(), "queue");
  return { queue, backend, settings, clock, folder };
}

const batchOf = (...bodies: string[]) => ({
  records: bodies.map((body) => new LogRecord({ body })),
});
const bodies = (backend: CollectingConsumer) => backend.records.map(({ body }) => body);
const never = () => new Promise<void>(() => {});
const unreachable = async () => {
  throw new AgentError("otlp_http.unreachable", "down");
};

async function filesOf(folder: string, end: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(end)).sort();
}

test("acknowledges what is on disk, while the backend is down", async (t) => {
  const { queue, backend, folder } = await startQueue(t, { gate: never });
  await queue.consumeLogs(batchOf("a"));
  await queue.consumeLogs(batchOf("b"));
  assert.equal((await filesOf(folder, ".queue")).length, 1);
  await waitUntil("the first is under way", () => backend.records.length === 1);
});

test("gives every batch out again after a crash, in order", async (t) => {
  const before = await startQueue(t, { gate: never });
  for (let index = 0; index < 50; index++) await before.queue.consumeLogs(batchOf(`${index}`));
  // No shutdown: the process is gone.
  const after = await startQueue(t, { root: before.settings.root });
  await waitUntil("all arrive", () => after.backend.records.length === 50);
  assert.deepEqual(
    bodies(after.backend),
    Array.from({ length: 50 }, (_, index) => `${index}`),
  );
});

test("delivers once what was delivered before an orderly end", async (t) => {
  const before = await startQueue(t);
  await before.queue.consumeLogs(batchOf("a", "b"));
  await waitUntil("it is delivered", () => before.backend.records.length === 2);
  await before.queue.shutdown(AbortSignal.abort());
  const after = await startQueue(t, { root: before.settings.root });
  await after.queue.consumeLogs(batchOf("c"));
  await waitUntil("it is delivered", () => after.backend.records.length > 0);
  assert.deepEqual(bodies(after.backend), ["c"]);
  assert.deepEqual(after.settings.logged, []);
  assert.equal((await filesOf(after.folder, ".queue")).length, 1);
});

test("keeps every value of a record", async (t) => {
  const record = new LogRecord({
    hrTime: [1_700_000_000, 123_456_789],
    body: { big: 2n ** 60n, whole: new Double(3), list: [null, true, "x", new Uint8Array([1])] },
    attributes: { a: "b" },
    severityNumber: 9,
    eventName: "login",
    resource: new Resource({ "service.name": "shop" }, "https://example.com/schema", 2),
    instrumentationScope: { name: "scope", version: "1" },
  });
  const { queue, backend } = await startQueue(t);
  await queue.consumeLogs({ records: [record] });
  await waitUntil("it is delivered", () => backend.records.length === 1);
  assert.deepEqual(backend.records[0], record);
});

test("nothing of a record can be read from the files", async (t) => {
  const options = { deadLetterBytesMax: 1e6 };
  const gate = async () => {
    throw new AgentError("otlp_http.rejected", "refused");
  };
  const { queue, folder, backend } = await startQueue(t, { options, gate });
  await queue.consumeLogs(batchOf(CONTENT.repeat(3)));
  await waitUntil("it is refused", () => backend.records.length === 1);
  await queue.shutdown(AbortSignal.abort());
  for (const directory of [folder, join(folder, "dead_letters")]) {
    const names = await filesOf(directory, "");
    for (const name of names.filter((one) => one !== "dead_letters")) {
      const content = await readFile(join(directory, name), "latin1");
      assert.doesNotMatch(content, /jane|example/, name);
      assert.equal((await stat(join(directory, name))).mode & 0o077, 0, name);
    }
  }
});

test("makes its sender wait while it is full, and goes on when there is room", async (t) => {
  let open = (): void => {};
  const gate = () =>
    new Promise<void>((resolve) => {
      open = resolve;
    });
  const { queue, backend } = await startQueue(t, { gate, options: { capacity: 2 } });
  await queue.consumeLogs(batchOf("a"));
  await queue.consumeLogs(batchOf("b"));
  let entered = false;
  const third = queue.consumeLogs(batchOf("c")).then(() => {
    entered = true;
  });
  await waitUntil("the first is under way", () => backend.records.length === 1);
  assert.equal(entered, false);
  open();
  await third;
  await waitUntil("the second is under way", () => backend.records.length === 2);
});

test("refuses what finds no room for good where waiting is forbidden", async (t) => {
  const options = { sizer: "items", capacity: 2, blockOnOverflow: false } as const;
  const { queue } = await startQueue(t, { gate: never, options });
  await queue.consumeLogs(batchOf("a", "b"));
  await assert.rejects(queue.consumeLogs(batchOf("c")), { code: "queue.full", permanent: true });
});

test("a batch that is larger than the whole queue enters alone", async (t) => {
  const { queue, backend } = await startQueue(t, { options: { sizer: "items", capacity: 2 } });
  await queue.consumeLogs(batchOf("a", "b", "c"));
  await queue.consumeLogs(batchOf("d", "e", "f"));
  await waitUntil("all arrive", () => backend.records.length === 6);
});

test("gives a batch back when it stops while full", async (t) => {
  const { queue } = await startQueue(t, { gate: never, options: { capacity: 1 } });
  await queue.consumeLogs(batchOf("a"));
  const waiting = assert.rejects(queue.consumeLogs(batchOf("b")), {
    code: "pipeline.shutting_down",
  });
  void queue.shutdown(AbortSignal.abort());
  await waiting;
});

test("tries a retryable refusal again, and never gives up", async (t) => {
  const { queue, backend, clock } = await startQueue(t, { gate: unreachable });
  await queue.consumeLogs(batchOf("a"));
  for (let attempt = 1; attempt <= 20; attempt++) {
    await waitUntil("it waits", () => clock.pendingTimers === 1);
    assert.equal(backend.batches.length, attempt);
    clock.advance(60_000 + RETRY_INITIAL_MS);
  }
  await waitUntil("it waits", () => clock.pendingTimers === 1);
  backend.gate = async () => {};
  clock.advance(60_000);
  await waitUntil("it is taken", () => backend.batches.length === 22);
});

test("keeps what was refused for good among the dead letters, up to their bound", async (t) => {
  const gate = async () => {
    throw new AgentError("otlp_http.rejected", "refused with status 400");
  };
  const { queue, settings } = await startQueue(t, { gate, options: { deadLetterBytesMax: 200 } });
  await queue.consumeLogs(batchOf("a"));
  await queue.consumeLogs(batchOf("b", randomBytes(400).toString("hex")));
  await queue.consumeLogs(batchOf("c"));
  await waitUntil("all are refused", () => settings.logged.length === 3);
  const kept = settings.logged.map(({ attributes }) => attributes.kept);
  assert.deepEqual(kept, [true, false, true]);
});

test("a disk that takes nothing leaves the batch with its sender, and heals", async (t) => {
  const { queue, backend, folder } = await startQueue(t);
  await rm(folder, { recursive: true });
  await assert.rejects(queue.consumeLogs(batchOf("a")), { code: "storage.unwritable" });
  await mkdir(folder);
  await queue.consumeLogs(batchOf("a"));
  await waitUntil("it is delivered", () => backend.records.length === 1);
});

test("a key that others can read is refused", async (t) => {
  const keyFile = join(await temporaryDirectory(t), "key");
  await writeFile(keyFile, new Uint8Array(32), { mode: 0o644 });
  await assert.rejects(startQueue(t, { options: { keyFile } }), { code: "storage.insecure" });
  await assert.rejects(startQueue(t, { options: { keyFile: `${keyFile}x` } }), {
    code: "queue.key_unusable",
  });
});
