import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import type { CreateDetector } from "../../src/component/detector.ts";
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { canaryDay, canaryValues } from "../../src/lib/canary_values.ts";
import { ownKey } from "../../src/lib/own_key.ts";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { factory } from "./factory.ts";

/** Finds `PIIn`, and any value that stands under `pin`; cannot look at a text with a NUL. */
const createDetector: CreateDetector = ({ entities }) => {
  if (entities.includes("unheard_of")) return "no entity 'unheard_of'";
  return {
    detect: (text, name) => {
      if (text.includes("\0")) throw new Error("cannot be looked at");
      if (name === "pin" && text !== "[REDACTED:pin]") {
        return [{ entity: "pin", start: 0, end: text.length }];
      }
      return [...text.matchAll(/PII\d/g)].map((match) => {
        return { entity: "pii", start: match.index, end: match.index + 4 };
      });
    },
  };
};

async function bench(t: TestContext, more: object = {}) {
  const clock = new FakeClock();
  const metrics = new CollectedMetrics();
  const base = await testSettings(t, { type: "leak_guard", clock, pipeline: "logs/out" });
  const settings = { ...base, meter: metrics.meter, createDetector };
  const next = new CollectingConsumer();
  const guard = factory.create(factory.configSchema.parse(more), settings, next);
  await guard.start();
  t.after(() => guard.shutdown(AbortSignal.abort()));
  const pass = async (record: LogRecord): Promise<LogRecord | undefined> => {
    next.batches.length = 0;
    await guard.consumeLogs({ records: [record] });
    return next.records[0];
  };
  const path = join(settings.root, "canary", "canary.key");
  const values = async () =>
    canaryValues(await ownKey(path, settings.random), canaryDay(clock.nowMs()));
  const counted = (name: string) =>
    metrics.read(`vouchsafe_leak_guard_${name}`, ["processor", "pipeline"]);
  return { clock, settings, next, guard, pass, values, counted };
}

/** Each place of a record that an exporter sends. */
const PLACES: readonly (readonly [string, (text: string) => LogRecord])[] = [
  ["body", (body) => new LogRecord({ body })],
  ["body", (text) => new LogRecord({ body: { a: [1, { b: text }] } })],
  ["body", (text) => new LogRecord({ body: Buffer.from(text) })],
  ["body", (text) => new LogRecord({ body: Buffer.concat([Buffer.of(0xff), Buffer.from(text)]) })],
  ["body", (text) => new LogRecord({ body: { [text]: 1 } })],
  ["attributes", (text) => new LogRecord({ attributes: { a: text } })],
  ["attributes", (text) => new LogRecord({ attributes: { a: ["x", [text]] } })],
  ["attributes", (text) => new LogRecord({ attributes: { [text]: true } })],
  ["resource", (text) => new LogRecord({ resource: new Resource({ a: text }) })],
  ["scope", (name) => new LogRecord({ instrumentationScope: { name } })],
  ["scope", (version) => new LogRecord({ instrumentationScope: { name: "s", version } })],
  ["scope", (a) => new LogRecord({ instrumentationScope: { name: "s", attributes: { a } } })],
  ["event_name", (eventName) => new LogRecord({ eventName })],
  ["severity_text", (severityText) => new LogRecord({ severityText })],
];

test("passes on what is clean as the same object", async (t) => {
  const { guard, next, settings } = await bench(t);
  const values: AnyValue = [1, 2n, new Double(3), true, null, "ok", new Uint8Array([0xff]), {}];
  const records = PLACES.map(([, record]) => record("fine"));
  const batch = { records: [...records, new LogRecord({ body: values, attributes: { values } })] };
  await guard.consumeLogs(batch);
  assert.equal(next.batches[0], batch);
  assert.deepEqual(settings.statuses, []);
});

test("withholds a finding in any place, and tells its kind and place alone", async (t) => {
  for (const [place, record] of PLACES) {
    const { pass, counted, settings } = await bench(t);
    assert.equal(await pass(record("secret PII7")), undefined, place);
    assert.equal(await pass(record("secret PII7")), undefined, `${place}, seen before`);
    assert.deepEqual(await counted("findings"), {
      [`action=blocked entity=pii place=${place}`]: 2,
    });
    assert.deepEqual(await counted("blocked_records"), { "reason=finding": 2 });
    assert.equal(settings.statuses.at(-1)!.status, "degraded");
    assert.equal(settings.logged.filter(({ level }) => level === "error").length, 1);
    assert.doesNotMatch(JSON.stringify([settings.logged, settings.statuses]), /PII7|secret/);
  }
});

test("redacts when configured so; a key with a finding goes with its value", async (t) => {
  const { pass, settings, counted } = await bench(t, { on_finding: "redact" });
  const record = new LogRecord({
    body: "a PII1 b PII2",
    attributes: { keep: 1, PII3: "x", pin: 1234, list: ["PII4", 5], bytes: Buffer.from("PII5") },
    eventName: "login PII6",
    resource: new Resource({ owner: "PII7" }),
  });
  const passed = (await pass(record))!;
  assert.equal(passed.body, "a [REDACTED:pii] b [REDACTED:pii]");
  assert.deepEqual(passed.attributes, {
    keep: 1,
    pin: "[REDACTED:pin]",
    list: ["[REDACTED:pii]", 5],
    bytes: "[REDACTED:pii]",
  });
  assert.equal(passed.droppedAttributesCount, 1);
  assert.equal(passed.eventName, "login [REDACTED:pii]");
  assert.deepEqual(passed.resource.attributes, { owner: "[REDACTED:pii]" });
  assert.equal(record.body, "a PII1 b PII2");
  assert.equal(settings.statuses.at(-1)!.status, "degraded");
  assert.deepEqual(await counted("blocked_records"), {});
});

test("whatever a record holds, nothing that the detector finds passes", async (t) => {
  const block = await bench(t);
  const redact = await bench(t, { on_finding: "redact" });
  const text = fc.array(fc.constantFrom("PII1", "x", "P", "II2", " "), { maxLength: 4 });
  const leaf = text.map((parts) => parts.join(""));
  const { value } = fc.letrec<{ value: AnyValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.integer(),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(leaf, tie("value"), { maxKeys: 3 }),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(
      value,
      fc.dictionary(leaf, value, { maxKeys: 3 }),
      async (body, attributes) => {
        const record = new LogRecord({ body, attributes });
        const isClean = !/PII\d/.test(JSON.stringify([body, attributes]));
        assert.equal(await block.pass(record), isClean ? record : undefined);
        const passed = await redact.pass(record);
        assert.doesNotMatch(JSON.stringify([passed!.body, passed!.attributes]), /PII\d/);
      },
    ),
  );
});

test("withholds what it cannot look at and what was found and not treated", async (t) => {
  const { pass, counted, settings } = await bench(t, { on_finding: "redact", max_depth: 3 });
  assert.equal(await pass(new LogRecord({ body: "\0" })), undefined);
  assert.equal(await pass(new LogRecord({ body: [[[["deep"]]]] })), undefined);
  assert.notEqual(await pass(new LogRecord({ body: [[["not so deep"]]] })), undefined);
  const findings = [{ root: "body", path: [], entity: "email", start: 0, end: 1 } as const];
  assert.equal(await pass(new LogRecord({ body: "x", findings })), undefined);
  assert.deepEqual(await counted("blocked_records"), { "reason=failed": 2, "reason=untreated": 1 });
  assert.equal(settings.statuses.at(-1)!.status, "degraded");
});

test("the health is degraded until nothing has leaked for a while", async (t) => {
  const { pass, settings, clock } = await bench(t, { alert_duration: "5m" });
  await pass(new LogRecord({ body: "PII1" }));
  clock.advance(240_000);
  await pass(new LogRecord({ body: "PII1" }));
  clock.advance(299_999);
  assert.equal(settings.statuses.at(-1)!.status, "degraded");
  clock.advance(1);
  assert.equal(settings.statuses.at(-1)!.status, "ok");
  assert.equal(settings.logged.length, 2, "a leak of the same kind is told once a minute");
});

test("the log is not filled by leaks of many kinds", async (t) => {
  const { pass, settings } = await bench(t);
  for (let at = 0; at < 300; at++) {
    const field = `f${at}`;
    await pass(new LogRecord({ attributes: { [field]: "PII1" } }));
  }
  assert.equal(settings.logged.length, 100);
});

test("takes out canaries, and tells whether their value can still be read", async (t) => {
  const { pass, values, counted } = await bench(t);
  const { email, payment_card, secret } = await values();
  const arrivals: string[] = [];
  const send = async (body: AnyValue, attributes = {}): Promise<void> => {
    const arrived = (pipeline: string, leaked: boolean): void => {
      arrivals.push(`${pipeline} ${leaked ? "leaked" : "treated"}`);
    };
    const record = new LogRecord({ body, attributes, canary: { kind: "email", arrived } });
    assert.equal(await pass(record), undefined);
  };
  await send("message to <email:k1:aaaaaaaaaaaaaaaaaaaa> sent", { card: "4000********1234" });
  await send(undefined, { PII1: "PII2" });
  assert.deepEqual(arrivals, ["logs/out treated", "logs/out treated"]);
  arrivals.length = 0;
  const leaks: AnyValue[] = [
    `to ${email}`,
    email.toUpperCase(),
    { deep: [{ [email]: 1 }] },
    encodeURIComponent(email),
    payment_card.replace(/(.{4})/g, "$1-"),
    Number(payment_card),
    Buffer.from(`x${email}`).toString("base64"),
    Buffer.from(`xx${secret} and more`).toString("base64url"),
    Buffer.from(email).toString("hex"),
    Buffer.from(email),
  ];
  for (const leak of leaks) await send(leak);
  assert.deepEqual(arrivals, Array(leaks.length).fill("logs/out leaked"));
  assert.deepEqual(await counted("canaries"), {
    "kind=email outcome=leaked": leaks.length,
    "kind=email outcome=treated": 2,
  });
});

test("a canary's value in another record is withheld, today's and yesterday's", async (t) => {
  const { pass, values, counted, clock, settings } = await bench(t, { on_finding: "redact" });
  const today = await values();
  for (const value of Object.values(today)) {
    assert.equal(await pass(new LogRecord({ attributes: { a: `x ${value} y` } })), undefined);
  }
  clock.advance(86_400_000);
  assert.equal(await pass(new LogRecord({ body: today.email })), undefined);
  clock.advance(86_400_000);
  assert.notEqual(await pass(new LogRecord({ body: today.email })), undefined);
  assert.deepEqual(await counted("blocked_records"), { "reason=canary": 7 });
  assert.doesNotMatch(JSON.stringify(settings.logged), /canary\.invalid/);
});

test("keeps one key for the canaries in the state directory, for its owner alone", async (t) => {
  const { settings } = await bench(t);
  const path = join(settings.root, "canary", "canary.key");
  const before = await readFile(path);
  assert.equal(before.length, 32);
  const again = factory.create(factory.configSchema.parse({}), settings, new CollectingConsumer());
  await again.start();
  assert.deepEqual(await readFile(path), before);
});

test("stands behind all that protects and before all that vouches or counts", () => {
  const error = (before: string[], after: string[], more = {}) =>
    factory.checkPosition!(factory.configSchema.parse(more), {
      pipeline: "logs",
      before,
      after,
      exporters: [],
      createDetector,
    });
  assert.equal(error(["minimize", "pii_detect", "tokenize"], ["hmac_chain", "batch"]), undefined);
  assert.equal(error([], ["dp_window"]), undefined);
  assert.match(error(["pii_detect"], ["tokenize"])!, /tokenize behind it/);
  assert.match(error([], ["leak_guard"])!, /leak_guard behind it/);
  assert.match(error(["hmac_chain"], [])!, /deleted/);
  assert.match(error(["dp_window"], [])!, /count/);
  assert.equal(error([], [], { entities: ["unheard_of"] }), "no entity 'unheard_of'");
});
