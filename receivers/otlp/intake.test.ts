/** Retries, repeats and lost answers: which of them are the same delivery. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { AgentError } from "../../src/component/errors.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { BODIES_MAX, DeliveryLedger } from "./delivery_ledger.ts";
import { InFlightBytes } from "./in_flight.ts";
import { Intake } from "./intake.ts";

const body = encodeLogsData([new LogRecord({ body: "a" }), new LogRecord({ body: "b" })]);
const digest = createHash("sha256").update(body).digest("hex");

function setUp() {
  const next = new CollectingConsumer();
  const clock = new FakeClock();
  const intake = new Intake(next, clock, 1_000);
  const inFlight = new InFlightBytes(1_000_000);
  const take = async (bytes: Uint8Array = body) => {
    const reservation = inFlight.open();
    reservation.take(bytes.length);
    try {
      return await intake.take(bytes, decodeLogs, reservation);
    } finally {
      reservation.close();
    }
  };
  const sources = () => next.batches.map((batch) => batch.source!.id);
  return { next, clock, intake, inFlight, take, sources };
}

test("a batch names its body and counts its records", async () => {
  const { next, take } = setUp();
  await take();
  assert.deepEqual(next.batches[0]!.source, { id: `otlp:${digest}:0`, positions: [1, 2] });
});

test("a body sent again after its answer is another delivery", async () => {
  const { take, sources } = setUp();
  (await take()).answerSent();
  (await take()).answerSent();
  await take();
  assert.deepEqual(
    sources(),
    [0, 1, 2].map((n) => `otlp:${digest}:${n}`),
  );
});

test("a retry of a client that missed the answer is not delivered again", async () => {
  const { take, sources } = setUp();
  await take();
  const retry = await take();
  assert.equal(sources().length, 1);
  retry.answerSent();
  await take();
  assert.deepEqual(sources(), [`otlp:${digest}:0`, `otlp:${digest}:1`]);
});

test("a retry after a refusal has the same id, so that the archive can drop it", async () => {
  const { next, take, sources } = setUp();
  next.gate = () => Promise.reject(new AgentError("storage.unwritable", "full"));
  await assert.rejects(take(), { code: "storage.unwritable" });
  next.gate = async () => {};
  await take();
  assert.deepEqual(sources(), [`otlp:${digest}:0`, `otlp:${digest}:0`]);
});

test("a retry while the first is under way joins it; one answer counts once", async () => {
  const { next, take, sources } = setUp();
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const both = Promise.all([take(), take()]);
  gate.resolve();
  const [first, second] = await both;
  assert.equal(sources().length, 1);
  first.answerSent();
  second.answerSent();
  (await take()).answerSent();
  assert.deepEqual(sources(), [`otlp:${digest}:0`, `otlp:${digest}:1`]);
});

test("after the timeout the delivery goes on, and the retry finds it", async () => {
  const { next, clock, inFlight, take, sources } = setUp();
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const late = assert.rejects(take(), { code: "otlp.not_acknowledged", permanent: false });
  clock.advance(1_000);
  await late;
  assert.equal(inFlight.bytes, body.length);
  gate.resolve();
  const retry = await take();
  assert.equal(sources().length, 1);
  assert.equal(inFlight.bytes, 0);
  assert.equal(clock.pendingTimers, 0);
  retry.answerSent();
});

test("what is malformed is not remembered", async () => {
  const { next, inFlight, take } = setUp();
  for (let count = 0; count < 2; count++) {
    await assert.rejects(take(Uint8Array.of(0x0a, 0x7f)), { code: "otlp.malformed" });
  }
  assert.equal(next.batches.length, 0);
  assert.equal(inFlight.bytes, 0);
});

test("while stopping, new requests are refused and those under way are awaited", async () => {
  const { next, intake, take } = setUp();
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const first = take();
  const stopped = intake.stop(new AbortController().signal);
  await assert.rejects(take(Uint8Array.of()), { code: "pipeline.shutting_down" });
  gate.resolve();
  await stopped;
  assert.equal((await first).outcome.rejectedRecords, 0);
});

test("the ledger forgets the body that was taken longest ago", () => {
  const ledger = new DeliveryLedger();
  const outcome = { rejectedRecords: 0, message: "" };
  for (let index = 0; index <= BODIES_MAX; index++) {
    ledger.taken(`${index}`, outcome);
    ledger.answerSent(`${index}`, outcome);
    if (index === 1) ledger.taken("0", outcome);
  }
  assert.equal(ledger.answered("1"), 0);
  assert.equal(ledger.answered("0"), 1);
  assert.equal(ledger.answered(`${BODIES_MAX}`), 1);
});
