import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { factory } from "./factory.ts";

const PIPELINES = ["logs/a", "logs/b"];

/** A receiver over pipelines that do with each canary what `fate` says. */
async function bench(t: TestContext, more: object = {}) {
  const clock = new FakeClock();
  const metrics = new CollectedMetrics();
  const base = await testSettings(t, { kind: "receiver", type: "canary", clock });
  const settings = { ...base, meter: metrics.meter, pipelines: PIPELINES };
  const pipelines = {
    rounds: 0,
    batches: [] as LogBatch[],
    gate: async (): Promise<void> => {},
    fate: (_pipeline: string, _kind: string): "treated" | "leaked" | "lost" => "treated",
  };
  const next = {
    consumeLogs: async (batch: LogBatch): Promise<void> => {
      pipelines.rounds++;
      pipelines.batches.push(batch);
      await pipelines.gate();
      for (const pipeline of PIPELINES) {
        for (const { canary } of batch.records) {
          const fate = pipelines.fate(pipeline, canary!.kind);
          if (fate !== "lost") canary!.arrived(pipeline, fate === "leaked");
        }
      }
    },
  };
  const config = factory.configSchema.parse({ kinds: ["email", "secret"], ...more });
  const receiver = factory.create(config, settings, next);
  t.after(() => receiver.shutdown(AbortSignal.abort()));
  const read = (name: string) => metrics.read(`vouchsafe_canary_${name}`);
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    // What a round does after its promises have settled.
    await new Promise((settled) => setImmediate(settled));
  };
  await receiver.start();
  return { clock, settings, pipelines, receiver, read, advance, status: () => statusOf(settings) };
}

function statusOf({ statuses }: { statuses: { status: string; reason: string | undefined }[] }) {
  return statuses.at(-1);
}

test("sends a record of each kind at the start and then on schedule", async (t) => {
  const { pipelines, advance, read, clock } = await bench(t);
  await advance(0);
  assert.equal(pipelines.rounds, 1);
  const [email, secret] = pipelines.batches[0]!.records;
  assert.match(String(email!.body), /[a-z]{8}\.[a-z]{8}@canary\.invalid/);
  assert.match(String(secret!.body), /password=[a-z0-9]{24}/);
  assert.equal(email!.canary!.kind, "email");
  await advance(59_999);
  assert.equal(pipelines.rounds, 1);
  await advance(1);
  assert.equal(pipelines.rounds, 2);
  assert.deepEqual(await read("sent"), { "kind=email": 2, "kind=secret": 2 });
  assert.deepEqual(await read("last_sent_time_seconds"), { "": clock.nowMs() / 1000 });
  assert.deepEqual(await read("last_treated_time_seconds"), {
    "kind=email pipeline=logs/a": clock.nowMs() / 1000,
    "kind=email pipeline=logs/b": clock.nowMs() / 1000,
    "kind=secret pipeline=logs/a": clock.nowMs() / 1000,
    "kind=secret pipeline=logs/b": clock.nowMs() / 1000,
  });
  assert.deepEqual(await read("leaked"), {});
});

test("says nothing while all arrive as they should", async (t) => {
  const { advance, settings } = await bench(t);
  await advance(0);
  for (let round = 0; round < 20; round++) await advance(60_000);
  assert.deepEqual(settings.statuses, []);
  assert.deepEqual(settings.logged, []);
});

test("complains while a canary comes through, by its kind and pipeline", async (t) => {
  const { pipelines, advance, settings, status, read } = await bench(t);
  await advance(0);
  pipelines.fate = (pipeline, kind) =>
    pipeline === "logs/b" && kind === "email" ? "leaked" : "treated";
  await advance(60_000);
  assert.deepEqual(status(), {
    status: "degraded",
    reason: "canaries came through unprotected: email in logs/b",
  });
  await advance(60_000);
  assert.deepEqual(await read("leaked"), { "kind=email pipeline=logs/b": 2 });
  assert.equal(settings.logged.length, 1);
  pipelines.fate = () => "treated";
  await advance(60_000);
  assert.equal(status()!.status, "ok");
  assert.doesNotMatch(JSON.stringify([settings.logged, settings.statuses]), /canary\.invalid/);
});

test("a canary that is lost on the way is an alert, also when rounds follow quickly", async (t) => {
  for (const interval of ["5s", "30s", "10m"]) {
    const { pipelines, advance, settings, status, read } = await bench(t, { interval });
    await advance(0);
    pipelines.fate = (pipeline) => (pipeline === "logs/a" ? "lost" : "treated");
    while (pipelines.rounds < 2) await advance(1000);
    await advance(29_999);
    assert.deepEqual(settings.statuses, [], interval);
    await advance(1);
    assert.deepEqual(status(), {
      status: "degraded",
      reason: "canaries did not arrive at the guard: email in logs/a, secret in logs/a",
    });
    assert.equal((await read("overdue"))["kind=email pipeline=logs/a"], 1);
    assert.equal((await read("overdue"))["kind=email pipeline=logs/b"], 0);
    pipelines.fate = () => "treated";
    await advance(600_000);
    assert.equal(status()!.status, "ok");
    assert.equal((await read("overdue"))["kind=email pipeline=logs/a"], 0);
  }
});

test("a pipeline that stands still is an alert, and is not filled with canaries", async (t) => {
  const { pipelines, advance, status } = await bench(t);
  await advance(0);
  const gate = Promise.withResolvers<void>();
  pipelines.gate = () => gate.promise;
  for (let round = 0; round < 10; round++) await advance(60_000);
  assert.equal(pipelines.rounds, 2);
  assert.equal(status()!.status, "degraded");
  gate.resolve();
  pipelines.gate = async () => {};
  await advance(0);
  assert.equal(status()!.status, "ok");
});

test("goes on after a refusal, and says so", async (t) => {
  const { pipelines, advance, settings } = await bench(t);
  await advance(0);
  pipelines.gate = async () => {
    throw new Error("no room");
  };
  await advance(60_000);
  assert.equal(settings.logged.at(-1)!.message, "canaries were refused on their way");
  pipelines.gate = async () => {};
  await advance(60_000);
  assert.equal(pipelines.rounds, 3);
});

test("other values each day, and the same ones after a restart", async (t) => {
  const { pipelines, settings, advance } = await bench(t);
  await advance(0);
  const again = factory.create(factory.configSchema.parse({ kinds: ["email"] }), settings, {
    consumeLogs: async (batch) => void pipelines.batches.push(batch),
  });
  t.after(() => again.shutdown(AbortSignal.abort()));
  await again.start();
  await advance(0);
  assert.equal(pipelines.batches[1]!.records[0]!.body, pipelines.batches[0]!.records[0]!.body);
  await advance(86_400_000);
  await advance(60_000);
  assert.notEqual(
    pipelines.batches.at(-1)!.records[0]!.body,
    pipelines.batches[0]!.records[0]!.body,
  );
});

test("stops at once, waits for the round under way, and leaves no timer behind", async (t) => {
  const { pipelines, receiver, advance, clock } = await bench(t);
  await advance(0);
  const gate = Promise.withResolvers<void>();
  pipelines.gate = () => gate.promise;
  await advance(60_000);
  let isDown = false;
  const down = receiver.shutdown(AbortSignal.timeout(60_000)).then(() => {
    isDown = true;
  });
  await advance(0);
  assert.equal(isDown, false);
  gate.resolve();
  await down;
  await receiver.shutdown(AbortSignal.abort());
  assert.equal(clock.pendingTimers, 0);
});

test("is refused in a pipeline without a guard", () => {
  const error = (after: string[]) =>
    factory.checkPosition!(factory.configSchema.parse({}), {
      pipeline: "logs",
      before: [],
      after,
      exporters: [],
    });
  assert.match(error(["pii_detect"])!, /leak_guard/);
  assert.equal(error(["pii_detect", "leak_guard", "hmac_chain"]), undefined);
});
