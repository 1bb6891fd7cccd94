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
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import type { LogRecordFields } from "../../src/data/log_record.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import type { TestSettings } from "../../src/testing/test_settings.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { factory } from "./factory.ts";

async function detector(
  t: TestContext,
  config: object = {},
  downstream: readonly string[] = [],
  meter?: TestSettings["meter"],
) {
  const base = await testSettings(t, { type: "pii_detect", downstream, pipeline: "logs/test" });
  const settings = meter === undefined ? base : { ...base, meter };
  const next = new CollectingConsumer();
  const processor = factory.create(factory.configSchema.parse(config), settings, next);
  await processor.start();
  const treat = async (fields: LogRecordFields): Promise<LogRecord | undefined> => {
    next.batches.length = 0;
    await processor.consumeLogs({ records: [new LogRecord(fields)] });
    return next.records[0];
  };
  return {
    settings,
    next,
    processor,
    treat,
    body: async (body: AnyValue) => (await treat({ body }))?.body,
    attributes: async (attributes: Attributes) => (await treat({ attributes }))?.attributes,
  };
}

test("redacts by default when no tokenize stands behind", async (t) => {
  const { body } = await detector(t);
  assert.equal(
    await body("10.1.2.3 anna@example.com password=x1"),
    "[REDACTED:ipv4] [REDACTED:email] password=[REDACTED:secret]",
  );
});

test("passes on the same batch when nothing is found", async (t) => {
  const { processor, next } = await detector(t);
  const batch = { records: [new LogRecord({ body: "ok", attributes: { n: 1, list: ["a"] } })] };
  await processor.consumeLogs(batch);
  assert.equal(next.batches[0], batch);
});

test("leaves what a tokenize behind will treat, with places after other changes", async (t) => {
  const { treat } = await detector(t, {}, ["tokenize"]);
  const body = "\u{1f415} password=hunter22 from 10.1.2.3 by anna@example.com";
  const record = (await treat({
    body,
    attributes: { "client.address": "10.1.2.3", deep: [{ a: "x@b.io" }] },
  }))!;
  assert.equal(
    record.body,
    "\u{1f415} password=[REDACTED:secret] from 10.1.2.3 by anna@example.com",
  );
  const places = record.findings!.map(({ root, path, entity, start, end }) => {
    let value: AnyValue = root === "body" ? record.body : record.attributes;
    for (const key of path) value = (value as Record<string | number, AnyValue>)[key];
    return [root, path.join("/"), entity, (value as string).slice(start, end)];
  });
  assert.deepEqual(places, [
    ["body", "", "ipv4", "10.1.2.3"],
    ["body", "", "email", "anna@example.com"],
    ["attributes", "client.address", "ipv4", "10.1.2.3"],
    ["attributes", "deep/0/a", "email", "x@b.io"],
  ]);
});

test("looks into values of every type", async (t) => {
  const { attributes } = await detector(t);
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.deepEqual(
    await attributes({
      card: 4111111111111111,
      big: 4111111111111111n,
      double: new Double(4111111111111111),
      text: bytes("mail anna@example.com"),
      noText: Uint8Array.of(0xff, 0x40),
      nested: { list: ["a", { b: "10.1.2.3" }], flag: true, none: null },
      small: 42,
      ssn: 219456789,
      user: 219456789,
    }),
    {
      card: "[REDACTED:payment_card]",
      big: "[REDACTED:payment_card]",
      double: "[REDACTED:payment_card]",
      text: "mail [REDACTED:email]",
      noText: Uint8Array.of(0xff, 0x40),
      nested: { list: ["a", { b: "[REDACTED:ipv4]" }], flag: true, none: null },
      small: 42,
      ssn: "[REDACTED:us_ssn]",
      user: 219456789,
    },
  );
});

test("knows secrets by the names of attributes and of keys in a body", async (t) => {
  const { attributes, body } = await detector(t);
  assert.deepEqual(
    await attributes({
      password: "swordfish",
      "http.request.header.authorization": "Bearer abc",
      "http.request.header.cookie": ["sid=abc; lang=de"],
      "http.response.header.set-cookie": "sid=abc; Path=/",
      pin: { cvv: 123 },
      token: "short",
      "user.token": "a1b2c3d4e5f6",
    }),
    {
      password: "[REDACTED:secret]",
      "http.request.header.authorization": "Bearer [REDACTED:authorization]",
      "http.request.header.cookie": ["sid=[REDACTED:cookie]; lang=[REDACTED:cookie]"],
      "http.response.header.set-cookie": "sid=[REDACTED:cookie]; Path=/",
      pin: { cvv: "[REDACTED:secret]" },
      token: "short",
      "user.token": "[REDACTED:secret]",
    },
  );
  assert.deepEqual(await body({ login: { apiKey: "x" } }), {
    login: { apiKey: "[REDACTED:secret]" },
  });
});

test("redacts personal data in names, also when it would be tokenized in values", async (t) => {
  const { treat } = await detector(t, {}, ["tokenize"]);
  const record = await treat({
    attributes: { "visits/anna@example.com": 3, "visits/ben@example.com": 4 },
  });
  assert.deepEqual(record?.attributes, {
    "visits/[REDACTED:email]": 3,
    "visits/[REDACTED:email]#2": 4,
  });
  assert.equal(record?.findings, undefined);
});

test("treats each entity as it is told", async (t) => {
  const directory = await temporaryDirectory(t);
  const keyFile = join(directory, "hash.key");
  await writeFile(keyFile, "k".repeat(32), { mode: 0o600 });
  const { body, attributes } = await detector(t, {
    hash_key_file: keyFile,
    treatments: {
      email: { action: "mask", keep_first: 2, keep_last: 4 },
      payment_card: { action: "redact", text: "[CARD]" },
      ipv4: { action: "hash" },
      mac_address: { action: "hash", algorithm: "sha256" },
      iban: { action: "drop_field" },
      us_ssn: { action: "drop_record" },
      phone_e164: { action: "keep" },
    },
  });
  assert.equal(await body("anna@example.com"), "an**********.com");
  assert.equal(await body("4111111111111111"), "[CARD]");
  assert.match(String(await body("10.1.2.3")), /^<ipv4:hmacsha256:[0-9a-f]{64}>$/);
  assert.match(String(await body("00:1a:2b:3c:4d:5e")), /^<mac_address:sha256:[0-9a-f]{64}>$/);
  assert.equal(await body("+12025550100"), "+12025550100");
  assert.deepEqual(
    await attributes({ a: "x DE89370400440532013000", b: 1, c: [1, "DE89370400440532013000"] }),
    {
      b: 1,
      c: [1, null],
    },
  );
  assert.equal(await attributes({ a: { b: "219-45-6789" } }), undefined);
});

test("treating twice is treating once, for every action", async (t) => {
  const text =
    "10.1.2.3 anna@example.com 4111 1111 1111 1111 password=hunter2 token: a1b2c3d4e5 " +
    "Cookie: a=b; c=d";
  const treatments = (treatment: object) =>
    Object.fromEntries(
      ["email", "ipv4", "payment_card", "secret", "cookie"].map((name) => [name, treatment]),
    );
  const configs = [
    {},
    { treatments: treatments({ action: "redact", text: "[GONE]" }) },
    { treatments: treatments({ action: "mask", keep_first: 2 }) },
    { treatments: treatments({ action: "hash", algorithm: "sha256" }) },
  ];
  for (const config of configs) {
    const { body } = await detector(t, config);
    const once = await body(text);
    assert.notEqual(once, text);
    assert.equal(await body(once), once);
  }
});

test("gives the same answer from its memory, and forgets in bounds", async (t) => {
  const { attributes } = await detector(t, { cache_size: 4 });
  for (let round = 0; round < 3; round++) {
    for (let host = 1; host < 9; host++) {
      assert.deepEqual(await attributes({ a: `10.0.0.${host}`, b: `fine ${host}` }), {
        a: "[REDACTED:ipv4]",
        b: `fine ${host}`,
      });
    }
  }
});

test("looks only where it is told", async (t) => {
  const only = await detector(t, { body: false, attributes: { include: ["a"], exclude: ["b"] } });
  const record = await only.treat({
    body: "10.1.2.3",
    attributes: { a: "10.1.2.3", b: "10.1.2.3" },
  });
  assert.equal(record?.body, "10.1.2.3");
  assert.deepEqual(record?.attributes, { a: "[REDACTED:ipv4]", b: "10.1.2.3" });
});

test("finds the entities that are listed", async (t) => {
  const without = await detector(t, { entities: ["default", "-ipv4"] });
  assert.equal(await without.body("10.1.2.3 a@b.io"), "10.1.2.3 [REDACTED:email]");
  const two = await detector(t, { entities: ["ipv4", "jwt"] });
  assert.equal(await two.body("10.1.2.3 a@b.io"), "[REDACTED:ipv4] a@b.io");
});

test("leaves alone what is allowed, one finding at a time", async (t) => {
  const { body } = await detector(t, {
    allow: {
      values: ["info@example.com"],
      patterns: ["noreply@.*"],
      cidrs: ["10.0.0.0/8", "2001:db8::/32"],
      domains: ["example.org"],
    },
  });
  const kept = "info@example.com noreply@x.io 10.1.2.3 2001:db8::1 anna@mail.example.org";
  assert.equal(await body(kept), kept);
  assert.equal(await body(`${kept} a@b.io`), `${kept} [REDACTED:email]`);
  assert.equal(await body("11.1.2.3 2001:db9::1"), "[REDACTED:ipv4] [REDACTED:ipv6]");
  const { body: byDefault } = await detector(t);
  assert.equal(await byDefault("127.0.0.1 and 128.0.0.1"), "127.0.0.1 and [REDACTED:ipv4]");
});

test("looks into resource attributes when asked, once for all records of an origin", async (t) => {
  const { processor, next } = await detector(t, { resource: true }, ["tokenize"]);
  const resource = new Resource({ "host.ip": ["10.1.2.3"], "host.name": "web1" }, "schema");
  const records = ["a", "b"].map((body) => new LogRecord({ body, resource }));
  await processor.consumeLogs({ records });
  const [first, second] = next.records;
  assert.deepEqual(first?.resource.attributes, {
    "host.ip": ["[REDACTED:ipv4]"],
    "host.name": "web1",
  });
  assert.equal(first?.resource.schemaUrl, "schema");
  assert.equal(first?.resource, second?.resource);
  assert.equal(first?.findings, undefined);
});

test("finds what a user's rules describe", async (t) => {
  const { body } = await detector(t, {
    rules: [
      { entity: "order", pattern: "ORD-\\d{6}", literal: "ORD-" },
      { entity: "member", pattern: "\\b\\d{8}\\b", validator: "luhn", context: ["Member"] },
    ],
    treatments: { order: { action: "redact", text: "[ORDER]" } },
  });
  assert.equal(await body("ORD-123456 and ORD-12"), "[ORDER] and ORD-12");
  assert.equal(await body("member 12345674"), "member [REDACTED:member]");
  assert.equal(await body("member 12345678"), "member 12345678");
  assert.equal(await body("number 12345674"), "number 12345674");
});

test("runs a rule that would backtrack for ever in linear time", async (t) => {
  const { body } = await detector(t, { rules: [{ entity: "bad", pattern: "(a+)+$" }] });
  const text = `${"a".repeat(20_000)}!`;
  assert.equal(await body(text), text);
});

test("withholds a record that it cannot treat, and says so without content", async (t) => {
  const tooOften = { rules: [{ entity: "any", pattern: "a" }], max_value_size: 20_000 };
  const { treat, settings } = await detector(t, tooOften);
  assert.equal(await treat({ body: "a".repeat(10_001) }), undefined);
  assert.equal(await treat({ body: "b".repeat(20_001) }), undefined);
  assert.equal(await treat({ body: "fine" }).then((record) => record?.body), "fine");
  let deep: AnyValue = "anna@example.com";
  for (let depth = 0; depth < 100; depth++) deep = [deep];
  assert.equal(await treat({ attributes: { deep } }), undefined);
  assert.equal(settings.logged.length, 1);
  assert.equal(settings.logged[0]?.level, "warn");
});

test("empties a record that it cannot treat when that is asked for", async (t) => {
  const { treat } = await detector(t, { on_error: "redact", max_value_size: 10 });
  const record = await treat({ hrTime: [7, 8], body: "longer than that", attributes: { a: "x" } });
  assert.equal(record?.body, "[REDACTED:record]");
  assert.deepEqual(record?.attributes, {});
  assert.deepEqual(record?.hrTime, [7, 8]);
});

test("withholds a record whose attribute throws when it is read", async (t) => {
  const { treat } = await detector(t);
  const attributes = {
    get a(): string {
      throw new TypeError("anna@example.com");
    },
  };
  assert.equal(await treat({ body: "10.1.2.3", attributes }), undefined);
  assert.equal((await treat({ attributes: { b: "10.1.2.3" } }))?.attributes.b, "[REDACTED:ipv4]");
});

test("adds a summary when asked", async (t) => {
  const info = await detector(t, { summary: "info" });
  assert.deepEqual(await info.attributes({ a: "10.1.2.3 10.1.2.4", b: "x" }), {
    a: "[REDACTED:ipv4] [REDACTED:ipv4]",
    b: "x",
    "redaction.masked.count": 2,
  });
  const debug = await detector(t, { summary: "debug" });
  const record = await debug.treat({ body: "a@b.io", attributes: { a: "10.1.2.3" } });
  assert.equal(record?.attributes["redaction.masked.keys"], "body,a");
});

test("counts findings by entity and action, and what is withheld by reason", async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  t.after(() => provider.shutdown());
  const config = { treatments: { us_ssn: { action: "drop_record" } } };
  const { body } = await detector(t, config, ["tokenize"], provider.getMeter("test"));
  await body("a@b.io c@d.io password=x1y");
  await body("ssn 219-45-6789");
  await provider.forceFlush();
  const points = exporter.getMetrics()[0]!.scopeMetrics[0]!.metrics.flatMap((metric) =>
    metric.dataPoints.map((point) => {
      const { entity, action, reason } = point.attributes;
      return [metric.descriptor.name, entity ?? reason, action, point.value];
    }),
  );
  assert.deepEqual(points, [
    ["vouchsafe_pii_findings", "secret", "redact", 1],
    ["vouchsafe_pii_findings", "email", "tokenize", 2],
    ["vouchsafe_pii_findings", "us_ssn", "drop_record", 1],
    ["vouchsafe_pii_withheld_records", "drop_record", undefined, 1],
  ]);
});

test("refuses a key file that others can read, is too short, or is not there", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "hash.key");
  const config = { hash_key_file: path, treatments: { ipv4: { action: "hash" } } };
  await assert.rejects(detector(t, config), { code: "pii_detect.hash_key_unusable" });
  await writeFile(path, "short", { mode: 0o600 });
  await assert.rejects(detector(t, config), { code: "pii_detect.hash_key_unusable" });
  await chmod(path, 0o644);
  await assert.rejects(detector(t, config), { code: "storage.insecure" });
});

test("a generalized address is left alone by a second detector", async (t) => {
  const treatments = { ipv4: { action: "generalize", to: "network" } };
  const { body } = await detector(t, { treatments });
  const once = await body("from 203.0.113.77 to 2001:db8::1");
  assert.equal(once, "from 203.0.113.0/24 to [REDACTED:ipv6]");
  assert.equal(await body(once), once);
});

test("an encrypted value differs each time, also for an attribute that repeats", async (t) => {
  const recipients = ["age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"];
  const treatments = { email: { action: "encrypt", recipients } };
  const { attributes } = await detector(t, { treatments });
  const seen = new Set<AnyValue>();
  for (let count = 0; count < 5; count++) {
    const treated = (await attributes({ user: "anna@example.com" }))?.user;
    assert.match(String(treated), /^<email:age:[\w-]+={0,2}>$/);
    assert.equal((await attributes({ user: treated! }))?.user, treated);
    seen.add(treated);
  }
  assert.equal(seen.size, 5);
});

test("reads encoded parts when asked, and shows decoded only what was found", async (t) => {
  const plain = "GET /find?q=a%26b&key=%73%6b_live_4eC39HqLyjWDarjtT1zdp7dc";
  const { body } = await detector(t);
  assert.equal(await body(plain), plain);
  const { body: decoded, treat } = await detector(
    t,
    { decode: ["percent", "base64"], names: "off" },
    ["tokenize"],
  );
  assert.equal(await decoded(plain), "GET /find?q=a%26b&key=[REDACTED:stripe_key]");
  const record = await treat({ body: "q=a%26b from ip=%31%39%32.0.2.7" });
  assert.equal(record?.body, "q=a%26b from ip=192.0.2.7");
  assert.deepEqual(record?.findings, [
    { root: "body", path: [], entity: "ipv4", start: 16, end: 25 },
  ]);
  const note = Buffer.from("call 192.0.2.7, or not").toString("base64");
  assert.equal(await decoded(`note ${note}`), "note call 192.0.2.7, or not");
  assert.equal(await decoded("/a%20b?c=d%3De"), "/a%20b?c=d%3De");
  // A token stays one: it is found as it stands.
  const basic = `authorization: Basic ${Buffer.from("anna:long-secret").toString("base64")}`;
  assert.equal(await decoded(basic), "authorization: Basic [REDACTED:authorization]");
});

test("bytes beside what is no UTF-8 are read", async (t) => {
  const { body } = await detector(t);
  const rubbish = Uint8Array.of(0xff, 0xfe, 0x20);
  assert.equal(await body(rubbish), rubbish);
  const bytes = Buffer.concat([rubbish, Buffer.from("anna@example.com")]);
  assert.equal(await body(bytes), "\ufffd\ufffd [REDACTED:email]");
});
