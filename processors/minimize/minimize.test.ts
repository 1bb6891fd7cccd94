import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { LogRecordFields } from "../../src/data/log_record.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { TestSettings } from "../../src/testing/test_settings.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { factory } from "./factory.ts";
import { positionError } from "./position.ts";

async function minimizer(t: TestContext, config: object, meter?: TestSettings["meter"]) {
  const base = await testSettings(t, { type: "minimize", clock: new FakeClock() });
  const settings = meter === undefined ? base : { ...base, meter };
  const next = new CollectingConsumer();
  const processor = factory.create(factory.configSchema.parse(config), settings, next);
  await processor.start();
  const treat = async (fields: LogRecordFields): Promise<LogRecord | undefined> => {
    next.batches.length = 0;
    await processor.consumeLogs({ records: [new LogRecord(fields)] });
    return next.records[0];
  };
  return { processor, next, settings, treat };
}

/** A meter, and a function that gives all counts as `name{labels} value`. */
function meterOf(t: TestContext) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  t.after(() => provider.shutdown());
  const counts = async (): Promise<string[]> => {
    await reader.forceFlush();
    const metrics = exporter
      .getMetrics()
      .at(-1)!
      .scopeMetrics.flatMap((scope) => scope.metrics);
    const lines = metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => {
        const { processor: _, ...labels } = attributes;
        return `${descriptor.name} ${Object.values(labels).join(" ")} ${value}`;
      }),
    );
    return lines.sort();
  };
  return { meter: provider.getMeter("test"), counts };
}

async function keyFile(t: TestContext, content: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryDirectory(t), "hash.key");
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

test("keeps what is allowed, drops what is denied or unknown", async (t) => {
  const { treat } = await minimizer(t, {
    attributes: { allow: ["http.*", "user.id", "cart"], deny: ["*.authorization", "cart.*.card"] },
  });
  const record = await treat({
    attributes: {
      "http.route": "/a",
      "http.request.header.authorization": "x",
      user: { id: 7, email: "a@b.io" },
      cart: { lines: { card: "4111", sku: "s" }, size: 2 },
      session: "x",
      profile: { name: "x" },
    },
    droppedAttributesCount: 1,
  });
  assert.deepEqual(record?.attributes, {
    "http.route": "/a",
    user: { id: 7 },
    cart: { lines: { sku: "s" }, size: 2 },
  });
  assert.equal(record?.droppedAttributesCount, 4);
});

test("judges the maps in a list, and keeps the places of what stays", async (t) => {
  const { treat } = await minimizer(t, { attributes: { allow: ["items.sku"] } });
  const { attributes } = (await treat({
    attributes: { items: [{ sku: 1, name: "x" }, "loose", { name: "y" }], others: [{ name: "z" }] },
  }))!;
  assert.deepEqual(attributes, { items: [{ sku: 1 }, null, null] });
});

test("passes on the same batch when nothing changes", async (t) => {
  const { processor, next } = await minimizer(t, {
    attributes: { allow: ["*"], deny: ["secret"] },
    resource_attributes: { allow: ["service.*"] },
    body: { deny: ["secret"], max_bytes: "1KiB" },
    query_parameters: {},
  });
  const batch = {
    records: [
      new LogRecord({
        body: { text: "GET /a HTTP/1.1", list: [Number.NaN, null, {}] },
        attributes: {
          map: { list: [1, undefined, []] },
          "url.query": "a=REDACTED",
          "url.full": "/",
        },
        resource: new Resource({ "service.name": "shop" }),
        findings: [{ root: "body", path: ["text"], entity: "x", start: 0, end: 3 }],
      }),
    ],
  };
  await processor.consumeLogs(batch);
  assert.equal(next.batches[0], batch);
});

test("minimizes a resource and a scope once, and they stay shared", async (t) => {
  const { processor, next } = await minimizer(t, {
    resource_attributes: { deny: ["process.*"] },
    scope_attributes: { allow: [] },
  });
  const resource = new Resource({ "process.owner": "anna", "host.name": "h" }, "url", 2);
  const instrumentationScope = { name: "lib", attributes: { a: 1, b: 2 } };
  const record = new LogRecord({ body: "x", resource, instrumentationScope });
  await processor.consumeLogs({ records: [record, record] });
  const [first, second] = next.records as [LogRecord, LogRecord];
  assert.deepEqual(first.resource.attributes, { "host.name": "h" });
  assert.equal(first.resource.schemaUrl, "url");
  assert.equal(first.resource.droppedAttributesCount, 3);
  assert.deepEqual(first.instrumentationScope.attributes, {});
  assert.equal(first.instrumentationScope.droppedAttributesCount, 2);
  assert.equal(first.resource, second.resource);
  assert.equal(first.instrumentationScope, second.instrumentationScope);
  assert.equal(resource.attributes["process.owner"], "anna");
});

test("drops bodies, or keys of bodies that are maps", async (t) => {
  const dropped = await minimizer(t, { body: { drop: true } });
  assert.equal((await dropped.treat({ body: "x", attributes: { a: 1 } }))?.body, undefined);
  const keys = await minimizer(t, { body: { allow: ["level", "msg"], deny: ["msg.raw"] } });
  const record = await keys.treat({ body: { level: 1, msg: { raw: "x", text: "y" }, more: "z" } });
  assert.deepEqual(record?.body, { level: 1, msg: { text: "y" } });
  assert.equal((await keys.treat({ body: "a line" }))?.body, "a line");
  assert.equal((await keys.treat({ body: { more: "z" } }))?.body, undefined);
  const inList = await keys.treat({ body: ["a line", { level: 1, more: 2 }] });
  assert.deepEqual(inList?.body, ["a line", { level: 1 }]);
});

test("scrubs query parameters in attributes and in the body", async (t) => {
  const { treat } = await minimizer(t, { query_parameters: { keep: ["page"] } });
  const record = await treat({
    body: '203.0.113.9 - - "GET /s?q=anna&page=2 HTTP/1.1" 200 5 "https://e.io/?t=1" "Agent?"',
    attributes: {
      "url.query": "q=anna&page=2",
      "url.full": "https://e.io/a?q=anna#id_token=abc",
      "http.request.header.referer": ["https://e.io/?t=1", "https://e.io/"],
      "url.path": "/a?b",
    },
  });
  assert.equal(
    record?.body,
    '203.0.113.9 - - "GET /s?q=REDACTED&page=2 HTTP/1.1" 200 5 "https://e.io/?t=REDACTED" "Agent?"',
  );
  assert.deepEqual(record?.attributes, {
    "url.query": "q=REDACTED&page=2",
    "url.full": "https://e.io/a?q=REDACTED#id_token=REDACTED",
    "http.request.header.referer": ["https://e.io/?t=REDACTED", "https://e.io/"],
    "url.path": "/a?b",
  });
});

test("reports a new field once, with its kind and shape and never its value", async (t) => {
  const { treat, settings } = await minimizer(t, {
    attributes: { allow: ["known"] },
    unknown_fields: "report",
    max_reported_fields: 4,
  });
  const attributes = {
    known: "Zz",
    order: "a1b2-c3d4",
    count: 1234,
    user: { "anna@example.com": true, "bob@example.com": false },
    tags: ["x", "y"],
    late: 1.5,
  };
  const record = await treat({ attributes });
  await treat({ attributes });
  assert.equal(record?.attributes, attributes);
  assert.deepEqual(
    settings.logged.map(({ level, message }) => `${level}: ${message}`),
    [
      "info: new field in attributes order: string, 9 characters, letters digits -",
      "info: new field in attributes count: integer, 4 digits",
      "info: new field in attributes user.*: boolean",
      "info: new field in attributes tags: string, 1 character, letters",
      "warn: more new fields than are reported: the others are only counted",
    ],
  );
  assert.deepEqual(settings.logged[0]?.attributes, { action: "passed on" });
});

test("passes unknown fields in silence when told to", async (t) => {
  const config = { attributes: { allow: [] }, unknown_fields: "pass" };
  const { treat, settings } = await minimizer(t, config);
  assert.deepEqual((await treat({ attributes: { a: 1 } }))?.attributes, { a: 1 });
  assert.deepEqual(settings.logged, []);
});

test("hashes unknown values with a key: by field, the same each time, hashed once", async (t) => {
  const hash_key_file = await keyFile(t, "k".repeat(32));
  const config = { attributes: { allow: ["a"] }, unknown_fields: "hash", hash_key_file };
  const { treat } = await minimizer(t, config);
  const attributes = { a: "x", b: "x", c: "x", list: [7, null], m: { "7": "7" }, e: {}, t: "" };
  const once = (await treat({ attributes }))!.attributes;
  const again = (await treat({ attributes: { b: "x" } }))!.attributes;
  assert.equal(once.a, "x");
  assert.match(String(once.b), /^<field:hmacsha256:[0-9a-f]{64}>$/);
  assert.notEqual(once.b, once.c);
  assert.equal(again.b, once.b);
  assert.ok(Array.isArray(once.list) && String(once.list[0]).startsWith("<field:"));
  assert.deepEqual([once.e, once.t], [{}, ""]);
  assert.deepEqual((await treat({ attributes: once }))?.attributes, once);
  const otherKey = { ...config, hash_key_file: await keyFile(t, "l".repeat(32)) };
  const other = await minimizer(t, otherKey);
  assert.notEqual((await other.treat({ attributes }))?.attributes.b, once.b);
});

test("does not start with a hash key that is short, open to others or missing", async (t) => {
  const start = async (hash_key_file: string) => {
    const config = { attributes: { allow: ["a"] }, unknown_fields: "hash", hash_key_file };
    await minimizer(t, config);
  };
  const code = (wanted: string) => (error: { code?: string }) => error.code === wanted;
  const unusable = code("minimize.hash_key_unusable");
  await assert.rejects(start(await keyFile(t, "k".repeat(31))), unusable);
  await assert.rejects(start("/nonexistent/hash.key"), unusable);
  const open = await keyFile(t, "k".repeat(32), 0o644);
  await assert.rejects(start(open), code("storage.insecure"));
});

test("withholds what is nested too deep or has findings that do not fit", async (t) => {
  const config = {
    attributes: { allow: ["*"], deny: ["x"] },
    body: { max_bytes: 16 },
    max_depth: 3,
  };
  const { treat, settings } = await minimizer(t, config);
  const deep = { a: { b: { c: { d: "Zz" } } } };
  assert.equal(await treat({ attributes: deep }), undefined);
  assert.equal(await treat({ body: deep }), undefined);
  assert.notEqual(await treat({ attributes: { a: deep.a.b.c } }), undefined);
  for (const [path, start, end] of [
    [[], 0, 3],
    [[], 1, 1],
    [["a"], 0, 1],
    [[0], 0, 1],
  ] as const) {
    const findings = [{ root: "body", path, entity: "email", start, end }] as const;
    assert.equal(await treat({ body: "Zz", attributes: { x: 1 }, findings }), undefined);
  }
  assert.equal(settings.logged.length, 1);
  assert.ok(!JSON.stringify(settings.logged).includes("Zz"));
});

test("a name too long to be held against a list is dropped", async (t) => {
  const { treat } = await minimizer(t, { attributes: { allow: ["*"] } });
  const record = await treat({ attributes: { ["a".repeat(1025)]: 1, b: 2 } });
  assert.deepEqual(record?.attributes, { b: 2 });
});

test("a key may have any name", async (t) => {
  const { treat } = await minimizer(t, { attributes: { deny: ["x"] }, body: { max_bytes: 16 } });
  const hostile = JSON.parse('{"__proto__":{"x":1,"y":2},"constructor":3,"x":4}');
  const { attributes } = (await treat({ attributes: hostile }))!;
  assert.equal(JSON.stringify(attributes), '{"__proto__":{"x":1,"y":2},"constructor":3}');
  const body = JSON.parse('{"__proto__":"abc","later":"0123456789"}');
  assert.equal(JSON.stringify((await treat({ body }))?.body), '{"__proto__":"abc"}');
});

test("says what a configuration lacks", () => {
  const messageOf = (config: object) => factory.configSchema.safeParse(config).error?.message;
  assert.match(messageOf({ unknown_fields: "drop" })!, /write an allow/);
  const allow = { attributes: { allow: ["a"] } };
  assert.match(messageOf({ ...allow, unknown_fields: "hash" })!, /hash_key_file/);
  assert.match(messageOf({ ...allow, hash_key_file: "k" })!, /nothing is hashed/);
  assert.match(messageOf({ body: { max_bytes: 15 } })!, /at least 16/);
});

test("stands where it has something to do and spoils nothing", () => {
  const position = { pipeline: "logs", before: [], after: [], exporters: [] };
  const error = (config: object, before: string[]) =>
    positionError(factory.configSchema.parse(config), { ...position, before });
  assert.match(error({}, [])!, /nothing to do/);
  const config = { query_parameters: {} };
  assert.equal(error(config, ["pii_detect", "tokenize"]), undefined);
  assert.match(error(config, ["hmac_chain"])!, /before hmac_chain/);
  assert.match(error(config, ["dp_window"])!, /before dp_window/);
});

test("counts fields, bodies, texts and withheld records", async (t) => {
  const { meter, counts } = meterOf(t);
  const config = {
    attributes: { allow: ["url.full", "a"], deny: ["a.x"] },
    body: { max_bytes: 16, deny: ["d"] },
    query_parameters: {},
    max_depth: 2,
  };
  const { treat } = await minimizer(t, config, meter);
  await treat({
    attributes: { a: { x: 1 }, "url.full": "/?q=1", b: 1, c: { d: [1, 2] } },
    body: "",
  });
  await treat({ body: "x".repeat(17) });
  await treat({ body: { d: 1 } });
  await treat({ attributes: { a: { b: { c: 1 } } } });
  assert.deepEqual(await counts(), [
    "vouchsafe_minimize_bodies cut 1",
    "vouchsafe_minimize_fields attributes denied 1",
    "vouchsafe_minimize_fields attributes dropped 1",
    "vouchsafe_minimize_fields body denied 1",
    "vouchsafe_minimize_scrubbed_texts  1",
    "vouchsafe_minimize_withheld_records too_deep 2",
  ]);
});
