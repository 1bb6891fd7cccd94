import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { Double } from "../../src/data/any_value.ts";
import type { LogRecordFields } from "../../src/data/log_record.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { factory } from "./factory.ts";

const parse = (logs: object, rest: object = {}) => factory.configSchema.parse({ logs, ...rest });

async function filter(t: TestContext, logs: object, rest: object = {}) {
  const clock = new FakeClock();
  const settings = await testSettings(t, { type: "filter", clock });
  const next = new CollectingConsumer();
  const processor = factory.create(parse(logs, rest), settings, next);
  await processor.start();
  const passes = async (fields: LogRecordFields): Promise<boolean> => {
    next.batches.length = 0;
    await processor.consumeLogs({ records: [new LogRecord(fields)] });
    return next.records.length === 1;
  };
  return { processor, next, settings, passes };
}

const messagesOf = (input: object): string[] => {
  const result = factory.configSchema.safeParse(input);
  assert.equal(result.success, false);
  return result.error!.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
};

test("includes by minimal severity, and says what happens to records without one", async (t) => {
  const info = { severity_number: { min: "info" } };
  const some = await filter(t, { include: info });
  assert.equal(await some.passes({ severityNumber: 8 }), false);
  assert.equal(await some.passes({ severityNumber: 9 }), true);
  assert.equal(await some.passes({ severityNumber: 24 }), true);
  assert.equal(await some.passes({}), false);
  assert.equal(await some.passes({ severityNumber: 0 }), false);
  const all = await filter(t, {
    include: { severity_number: { min: 9, match_undefined: true } },
    exclude: { severity_number: { min: "ERROR" } },
  });
  assert.equal(await all.passes({}), true);
  assert.equal(await all.passes({ severityNumber: 16 }), true);
  assert.equal(await all.passes({ severityNumber: 17 }), false);
});

test("compares strictly: whole texts, and values of the same type", async (t) => {
  const include = {
    match_type: "strict",
    bodies: ["hello", '{"a":[1,"AQI="],"b":null}'],
    severity_texts: ["INFO", "WARN"],
    record_attributes: [
      { key: "status", value: 200 },
      { key: "tags", value: ["x", { y: true }] },
      { key: "any" },
    ],
    resource_attributes: [{ key: "service.name", value: "shop" }],
  };
  const { passes } = await filter(t, { include });
  const whole = {
    body: "hello",
    severityText: "WARN",
    attributes: { status: 200, tags: ["x", { y: true }], any: null },
    resource: new Resource({ "service.name": "shop" }),
  };
  assert.equal(await passes(whole), true);
  const body = { b: null, a: [1, Buffer.from([1, 2])] };
  assert.equal(await passes({ ...whole, body }), true);
  const withAttributes = (changed: object) => ({
    ...whole,
    attributes: { ...whole.attributes, ...changed },
  });
  assert.equal(await passes(withAttributes({ status: new Double(200) })), true);
  assert.equal(await passes(withAttributes({ status: 200n })), true);
  for (const wrong of [
    { ...whole, body: "hello " },
    { ...whole, severityText: "info" },
    { ...whole, resource: new Resource({ "service.name": "shops" }) },
    { ...whole, resource: new Resource({}) },
    { ...whole, attributes: { status: 200, any: 1 } },
    withAttributes({ status: "200" }),
    withAttributes({ tags: ["x", { y: 1 }] }),
    withAttributes({ tags: ["x", { y: true, z: 1 }] }),
    withAttributes({ tags: ["x"] }),
  ]) {
    assert.equal(await passes(wrong), false);
  }
});

test("searches for patterns anywhere in a text, and in numbers and booleans", async (t) => {
  const exclude = {
    match_type: "regexp",
    bodies: ["^GET /health", "(?i)kube-probe"],
    record_attributes: [{ key: "http.response.status_code", value: "^2\\d\\d$" }],
  };
  const { passes } = await filter(t, { exclude });
  const ok = { "http.response.status_code": 204 };
  assert.equal(await passes({ body: "GET /healthz", attributes: ok }), false);
  assert.equal(await passes({ body: "x Kube-Probe/1.2", attributes: ok }), false);
  assert.equal(await passes({ body: "POST /health", attributes: ok }), true);
  const failed = { "http.response.status_code": 500 };
  assert.equal(await passes({ body: "GET /healthz", attributes: failed }), true);
  assert.equal(await passes({ body: "GET /healthz" }), true);
  const list = { "http.response.status_code": [204] };
  assert.equal(await passes({ body: "GET /healthz", attributes: list }), true);
});

test("does not take inherited properties for attributes", async (t) => {
  const include = { match_type: "strict", record_attributes: [{ key: "constructor" }] };
  const { passes } = await filter(t, { include });
  assert.equal(await passes({}), false);
});

test("withholds what is too long to be judged, and says so once a minute", async (t) => {
  const exclude = { match_type: "regexp", bodies: ["secret"] };
  const { passes, settings } = await filter(t, { exclude }, { max_match_length: 10 });
  assert.equal(await passes({ body: "0123456789" }), true);
  assert.equal(await passes({ body: "0123456789a" }), false);
  assert.equal(await passes({ body: "0123456789b" }), false);
  assert.equal(settings.logged.length, 1);
  assert.deepEqual(settings.logged[0]?.attributes, { reason: "too_long" });
});

test("counts what is not passed on by its reason", async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  t.after(() => provider.shutdown());
  const base = await testSettings(t, { type: "filter", pipeline: "logs/test" });
  const config = parse(
    {
      include: { severity_number: { min: "INFO" } },
      exclude: { match_type: "regexp", bodies: ["^x"] },
    },
    { max_match_length: 2 },
  );
  const settings = { ...base, meter: provider.getMeter("test") };
  const processor = factory.create(config, settings, new CollectingConsumer());
  const records = [
    ...["x", "ok", "xy", "long"].map((body) => ({ body, severityNumber: 9 })),
    ...["x", "ok", "long"].map((body) => ({ body, severityNumber: 5 })),
  ];
  await processor.consumeLogs({ records: records.map((fields) => new LogRecord(fields)) });
  await reader.forceFlush();
  const points = exporter.getMetrics().at(-1)!.scopeMetrics[0]!.metrics[0]!.dataPoints;
  const labels = { processor: "filter", pipeline: "logs/test" };
  assert.deepEqual(
    points.map(({ attributes, value }) => [attributes, value]),
    [
      [{ ...labels, reason: "not_included" }, 3],
      [{ ...labels, reason: "excluded" }, 2],
      [{ ...labels, reason: "too_long" }, 1],
    ],
  );
});

test("withholds a record whose body cannot be brought to text", async (t) => {
  const exclude = { match_type: "regexp", bodies: ["x"] };
  const { passes, settings } = await filter(t, { exclude });
  let body: object[] = [];
  for (let depth = 0; depth < 100_000; depth++) body = [body];
  assert.equal(await passes({ body: body as never }), false);
  assert.deepEqual(settings.logged[0]?.attributes, { reason: "failed" });
});

test("passes on the same batch when nothing is dropped, else records and positions", async (t) => {
  const include = { match_type: "strict", bodies: ["a"] };
  const { processor, next } = await filter(t, { include });
  const [a, b] = [new LogRecord({ body: "a" }), new LogRecord({ body: "b" })];
  const whole = { records: [a, a], source: { id: "f", positions: [1, 2] } };
  await processor.consumeLogs(whole);
  assert.equal(next.batches[0], whole);
  await processor.consumeLogs({ records: [b, a], source: { id: "f", positions: [3, 4] } });
  assert.deepEqual(next.batches[1], { records: [a], source: { id: "f", positions: [4] } });
  await processor.consumeLogs({ records: [b], source: { id: "f", positions: [5] } });
  assert.equal(next.batches.length, 2);
});

test("include and exclude divide the records", async (t) => {
  const match = { match_type: "regexp", bodies: ["a+b", "^[c-e]"], severity_texts: ["^I"] };
  const included = await filter(t, { include: match });
  const excluded = await filter(t, { exclude: match });
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "I", "\u{1f415}"), maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(text, text, async (body, severityText) => {
      const expected = /a+b|^[c-e]/.test(body) && severityText.startsWith("I");
      assert.equal(await included.passes({ body, severityText }), expected);
      assert.equal(await excluded.passes({ body, severityText }), !expected);
    }),
  );
});

test("drops a record for which an OTTL condition holds, and passes all others", async (t) => {
  const { passes } = await filter(
    t,
    {
      log_record: ["severity_number < SEVERITY_NUMBER_INFO", 'IsMatch(body, "kube-probe")'],
      resource: ['attributes["env"] == "test"'],
    },
    { error_mode: "ignore", log_conditions: ['log.attributes["drop"] == true'] },
  );
  assert.equal(await passes({ severityNumber: 9, body: "GET /cart" }), true);
  assert.equal(await passes({ severityNumber: 5, body: "GET /cart" }), false);
  assert.equal(await passes({ severityNumber: 9, body: "kube-probe/1" }), false);
  assert.equal(await passes({ severityNumber: 9, attributes: { drop: true } }), false);
  assert.equal(await passes({ severityNumber: 9, attributes: { drop: 1 } }), true);
  const resource = new Resource({ env: "test" });
  assert.equal(await passes({ severityNumber: 9, resource }), false);
});

test("withholds a record whose text is too long for the pattern of a condition", async (t) => {
  const { passes, settings } = await filter(
    t,
    { log_record: ['IsMatch(body, "secret")'] },
    { max_match_length: 3 },
  );
  assert.equal(await passes({ body: "abc" }), true);
  assert.equal(await passes({ body: "abcd" }), false);
  assert.deepEqual(settings.logged[0]?.attributes, { reason: "too_long" });
});

test("lets canaries pass: they are to reach what protects", async (t) => {
  const { passes } = await filter(t, { log_record: ["true"] });
  assert.equal(await passes({ body: "x" }), false);
  assert.equal(await passes({ body: "x", canary: { kind: "email", arrived: () => {} } }), true);
});

test("refuses conditions with faults by their place, and conditions beside lists", () => {
  const faults = messagesOf({
    logs: { log_record: ["true", "body == "], resource: ["body == 1"] },
  });
  assert.match(faults[0]!, /^logs\.log_record\.1: .*column 9: expected a value, got the end/);
  assert.match(faults[1]!, /^logs\.resource\.0: .*column 1: no path body here/);
  assert.match(messagesOf({ log_conditions: ["log.bodi == nil"] })[0]!, /no path log\.bodi/);
  const include = { severity_number: { min: "INFO" } };
  assert.match(messagesOf({ logs: { include, log_record: ["true"] } })[0]!, /either OTTL/);
  assert.match(messagesOf({ error_mode: "loud" })[0]!, /error_mode/);
});

test("names the place of what is wrong with a condition", () => {
  const bodies = ["ok", "a(?=b)"];
  const record_attributes = [{ key: "n", value: 7 }];
  const include = { match_type: "regexp", bodies, record_attributes };
  const messages = messagesOf({ logs: { include } });
  assert.match(messages[0]!, /^logs\.include\.bodies\.1: .*only \(\?:/);
  assert.match(messages[1]!, /^logs\.include\.record_attributes\.0\.value: .*quotes/);
  assert.match(messagesOf({ logs: { include: {} } })[0]!, /no condition/);
  assert.match(messagesOf({ logs: { exclude: { bodies } } })[0]!, /match_type must say/);
  const severity_number = { min: "LOUD" };
  assert.match(messagesOf({ logs: { exclude: { severity_number } } })[0]!, /WARN2/);
});

test("stands before hmac_chain, and has something to do", () => {
  const position = { pipeline: "logs", before: [], after: ["hmac_chain"], exporters: [] };
  const error = (logs: object, before: string[]) =>
    factory.checkPosition?.(parse(logs), { ...position, before });
  const include = { severity_number: { min: "INFO" } };
  assert.equal(error({ include }, ["pii_detect"]), undefined);
  assert.match(error({ include }, ["hmac_chain"])!, /before hmac_chain/);
  assert.match(error({}, [])!, /nothing to do/);
});
