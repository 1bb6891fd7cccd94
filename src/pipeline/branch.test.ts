import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../component/errors.ts";
import { LogRecord } from "../data/log_record.ts";
import { CollectingConsumer } from "../testing/collecting_consumer.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { waitUntil } from "../testing/wait_until.ts";
import { Branch, RETRY_INITIAL_MS, RETRY_MAX_MS } from "./branch.ts";
import { FanOut } from "./fan_out.ts";

const batchOf = (body: string) => ({ records: [new LogRecord({ body })] });
const retryable = () => new AgentError("storage.unwritable", "no room");
const permanent = () => new AgentError("storage.corrupt", "refused");
const bodies = (consumer: CollectingConsumer) => consumer.records.map((record) => record.body);

function branchTo(next: CollectingConsumer) {
  const clock = new FakeClock();
  const stop = new AbortController();
  return { branch: new Branch("to test", next, clock, stop.signal), clock, stop };
}

test("tries a retryable refusal again until it is taken", async () => {
  const next = new CollectingConsumer();
  const { branch, clock } = branchTo(next);
  let failures = 2;
  next.gate = async () => {
    if (failures-- > 0) throw retryable();
  };
  const delivered = branch.consumeLogs(batchOf("a"));
  await waitUntil("first retry is scheduled", () => clock.pendingTimers === 1);
  assert.ok(branch.lastError instanceof AgentError);
  clock.advance(RETRY_INITIAL_MS);
  await waitUntil("second retry is scheduled", () => clock.pendingTimers === 1);
  assert.equal(branch.pendingMs, RETRY_INITIAL_MS);
  clock.advance(RETRY_MAX_MS);
  await delivered;
  assert.deepEqual(bodies(next), ["a", "a", "a"]);
  assert.equal(branch.pendingMs, 0);
  assert.equal(branch.lastError, undefined);
});

test("keeps the order: later batches wait behind one that is tried again", async () => {
  const next = new CollectingConsumer();
  const { branch, clock } = branchTo(next);
  next.gate = async () => {
    throw retryable();
  };
  const first = branch.consumeLogs(batchOf("a"));
  await waitUntil("the retry is scheduled", () => clock.pendingTimers === 1);
  const later = [branch.consumeLogs(batchOf("b")), branch.consumeLogs(batchOf("c"))];
  next.gate = async () => {};
  clock.advance(RETRY_INITIAL_MS);
  await Promise.all([first, ...later]);
  assert.deepEqual(bodies(next), ["a", "a", "b", "c"]);
});

test("waits as long as the other side asks", async () => {
  const next = new CollectingConsumer();
  const { branch, clock } = branchTo(next);
  next.gate = async () => {
    throw new AgentError("storage.unwritable", "busy", { retryAfterMs: 5000 });
  };
  const delivered = branch.consumeLogs(batchOf("a"));
  await waitUntil("the retry is scheduled", () => clock.pendingTimers === 1);
  clock.advance(4999);
  assert.equal(next.batches.length, 1);
  next.gate = async () => {};
  clock.advance(1);
  await delivered;
  assert.equal(next.batches.length, 2);
});

test("does not try a permanent refusal again", async () => {
  const next = new CollectingConsumer();
  const { branch } = branchTo(next);
  next.gate = async () => {
    throw permanent();
  };
  await assert.rejects(branch.consumeLogs(batchOf("a")), { code: "storage.corrupt" });
  assert.equal(next.batches.length, 1);
});

test("gives a waiting batch back when the agent stops", async () => {
  const next = new CollectingConsumer();
  const { branch, clock, stop } = branchTo(next);
  next.gate = async () => {
    throw retryable();
  };
  const refused = assert.rejects(branch.consumeLogs(batchOf("a")), {
    code: "pipeline.shutting_down",
  });
  await waitUntil("the retry is scheduled", () => clock.pendingTimers === 1);
  stop.abort();
  await refused;
  assert.equal(clock.pendingTimers, 0);
});

test("a fan-out resolves only when the slowest branch has the batch", async () => {
  const quick = new CollectingConsumer();
  const slow = new CollectingConsumer();
  const gate = Promise.withResolvers<void>();
  slow.gate = () => gate.promise;
  let resolved = false;
  const done = new FanOut([quick, slow]).consumeLogs(batchOf("a")).then(() => {
    resolved = true;
  });
  await waitUntil("both have been called", () => quick.batches.length + slow.batches.length === 2);
  assert.equal(resolved, false);
  gate.resolve();
  await done;
});

test("a retryable refusal of one branch outranks a permanent one of another", async () => {
  const refusing = new CollectingConsumer();
  refusing.gate = async () => {
    throw permanent();
  };
  const full = new CollectingConsumer();
  full.gate = async () => {
    throw retryable();
  };
  const fanOut = new FanOut([refusing, full]);
  await assert.rejects(fanOut.consumeLogs(batchOf("a")), { code: "storage.unwritable" });
});
