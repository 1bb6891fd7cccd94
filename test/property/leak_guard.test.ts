/** The guard behind the detector that it borrows, and canaries through real pipelines. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import { factory as guardFactory } from "../../processors/leak_guard/factory.ts";
import { factory as detectFactory } from "../../processors/pii_detect/factory.ts";
import { createDetector } from "../../processors/pii_detect/lent_detector.ts";
import { factory as tokenizeFactory } from "../../processors/tokenize/factory.ts";
import { generateTokenKey } from "../../processors/tokenize/token_keys.ts";
import { factory as canaryFactory } from "../../receivers/canary/factory.ts";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { CANARY_KINDS } from "../../src/lib/canary_values.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";

const PIPELINE = "logs/out";

interface Stages {
  /** `pii_detect`'s configuration; none when left out. */
  readonly detect?: object;
  readonly tokenize?: boolean;
}

async function pipeline(t: TestContext, { detect, tokenize = false }: Stages) {
  const metrics = new CollectedMetrics();
  const end = new CollectingConsumer();
  const root = await temporaryDirectory(t);
  const settingsOf = async (type: string, downstream: readonly string[] = []) => ({
    ...(await testSettings(t, { type, downstream, pipeline: PIPELINE, root })),
    meter: metrics.meter,
    createDetector,
  });
  const guard = guardFactory.create(
    guardFactory.configSchema.parse({}),
    await settingsOf("leak_guard"),
    end,
  );
  const stages: Processor[] = [guard];
  if (tokenize) {
    const directory = join(root, "keys");
    await generateTokenKey(directory, { random: systemRandom, nowMs: Date.UTC(2026, 10, 21) });
    const config = tokenizeFactory.configSchema.parse({ domain: "test", keys: { directory } });
    stages.unshift(tokenizeFactory.create(config, await settingsOf("tokenize"), stages[0]!));
  }
  if (detect !== undefined) {
    const settings = await settingsOf("pii_detect", tokenize ? ["tokenize"] : []);
    const config = detectFactory.configSchema.parse(detect);
    stages.unshift(detectFactory.create(config, settings, stages[0]!));
  }
  for (const stage of stages.toReversed()) await stage.start();
  t.after(() => guard.shutdown(AbortSignal.abort()));
  const head: LogsConsumer = stages[0]!;
  return { head, end, metrics, root, settingsOf };
}

async function sendCanaries(t: TestContext, stages: Stages) {
  const { head, end, metrics, settingsOf } = await pipeline(t, stages);
  const settings = { ...(await settingsOf("canary")), pipelines: [PIPELINE] };
  const receiver = canaryFactory.create(canaryFactory.configSchema.parse({}), settings, head);
  await receiver.start();
  t.after(() => receiver.shutdown(AbortSignal.abort()));
  const outcomes = (): Promise<Record<string, number>> =>
    metrics.read("vouchsafe_leak_guard_canaries", ["processor", "pipeline"]);
  await waitUntil("all canaries", async () => {
    const counts = Object.values(await outcomes());
    return counts.reduce((sum, count) => sum + count, 0) === CANARY_KINDS.length;
  });
  return { outcomes: await outcomes(), left: end.records, statuses: settings.statuses };
}

const allAre = (outcome: string): Record<string, number> =>
  Object.fromEntries(CANARY_KINDS.map((kind) => [`kind=${kind} outcome=${outcome}`, 1]));

test("every canary is treated by the detector, also with tokens, and none leaves", async (t) => {
  for (const stages of [{ detect: {} }, { detect: {}, tokenize: true }]) {
    const { outcomes, left, statuses } = await sendCanaries(t, stages);
    assert.deepEqual(outcomes, allAre("treated"));
    assert.deepEqual(left, []);
    assert.deepEqual(statuses, []);
  }
});

test("every canary is caught when nothing protects, and none leaves", async (t) => {
  const { outcomes, left, statuses } = await sendCanaries(t, {});
  assert.deepEqual(outcomes, allAre("leaked"));
  assert.deepEqual(left, []);
  assert.equal(statuses.at(-1)!.status, "degraded");
});

test("what a detector does not look for is caught, and only that", async (t) => {
  const { outcomes } = await sendCanaries(t, {
    detect: { entities: ["default", "-iban"], attributes: { exclude: ["password"] } },
  });
  assert.deepEqual(
    Object.keys(outcomes).filter((labels) => labels.includes("leaked")),
    ["kind=iban outcome=leaked", "kind=secret outcome=leaked"],
  );
});

const personal = fc.constantFrom(
  "anna@example.com",
  "Ben%40Example.org",
  "192.0.2.7",
  "2001:db8::7",
  "4111 1111 1111 1111",
  "DE89370400440532013000",
  "219-45-6789",
  "+12025550100",
  "00:1a:2b:3c:4d:5e",
  "password=hunter22",
);
const gap = fc.constantFrom(" ", ", ", "\n", " (", ") ", "] ", " é ", "; ");
const text = fc
  .array(fc.tuple(gap, fc.oneof(personal, fc.constantFrom("ok", "x=1", "200"))), { maxLength: 6 })
  .map((parts) => parts.flat().join(""));

test("passes whatever the detector has treated, by each kind of treatment", async (t) => {
  const keyFile = join(await temporaryDirectory(t), "hash.key");
  await writeFile(keyFile, Buffer.alloc(32, 7), { mode: 0o600 });
  const entities = ["email", "ipv4", "ipv6", "payment_card", "iban", "phone_e164", "secret"];
  const forAll = (treatment: object, except = "") => ({
    hash_key_file: keyFile,
    treatments: Object.fromEntries(
      entities.filter((entity) => entity !== except).map((entity) => [entity, treatment]),
    ),
  });
  const ways: Stages[] = [
    { detect: {} },
    { detect: {}, tokenize: true },
    { detect: forAll({ action: "redact", text: "XXXX" }) },
    // The name beside a secret says that what is left of it is a secret, too.
    { detect: forAll({ action: "mask", keep_last: 4 }, "secret") },
    { detect: forAll({ action: "hash" }) },
    { detect: forAll({ action: "drop_field" }) },
    { detect: { treatments: { ipv4: { action: "generalize", to: "network" } } } },
    { detect: { treatments: { ipv6: { action: "generalize", to: "network" } } } },
  ];
  for (const way of ways) {
    const { head, end, metrics } = await pipeline(t, way);
    await fc.assert(
      fc.asyncProperty(text, async (body) => {
        end.batches.length = 0;
        const attributes = { note: body, "user.email": body, nested: { list: [body] } };
        await head.consumeLogs({ records: [new LogRecord({ body, attributes })] });
        assert.equal(end.records.length, 1, `${JSON.stringify(way)}: ${JSON.stringify(body)}`);
      }),
      { numRuns: 100 },
    );
    assert.deepEqual(await metrics.read("vouchsafe_leak_guard_findings"), {});
  }
});

test("stops what the detector of the pipeline was told not to look at", async (t) => {
  const { head, end } = await pipeline(t, { detect: { attributes: { exclude: ["note"] } } });
  const leaky = new LogRecord({ attributes: { note: "anna@example.com" } });
  const clean = new LogRecord({ attributes: { note: "anna", "user.email": "anna@example.com" } });
  await head.consumeLogs({ records: [leaky, clean] });
  assert.deepEqual(
    end.records.map(({ attributes }) => attributes),
    [{ note: "anna", "user.email": "[REDACTED:email]" }],
  );
});
