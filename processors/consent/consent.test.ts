import assert from "node:assert/strict";
import { chmod, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import type { AnyValue } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { hrTimeFromUnixMs, hrTimeToUnixMs } from "../../src/data/time.ts";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { factory } from "./factory.ts";

const BASE = { purposes: ["ads"], subject_attribute: "user.id" };
const NOW_MS = Date.UTC(2026, 0, 1);

interface BenchOptions {
  readonly root?: string;
  readonly directory?: string;
}

/** A processor over a registry file; the folder of both can be given again after a restart. */
async function bench(t: TestContext, csv: string, more: object = {}, options: BenchOptions = {}) {
  const directory = options.directory ?? (await temporaryDirectory(t));
  const path = join(directory, "consents.csv");
  const replace = async (text: string): Promise<void> => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  await replace(`subject,purpose,granted,from,until\n${csv}`);
  const clock = new FakeClock(NOW_MS);
  const metrics = new CollectedMetrics();
  const settings = {
    ...(await testSettings(t, {
      type: "consent",
      clock,
      ...(options.root !== undefined && { root: options.root }),
    })),
    meter: metrics.meter,
  };
  const next = new CollectingConsumer();
  const config = factory.configSchema.parse({ ...BASE, registry: { path }, ...more });
  const processor = factory.create(config, settings, next);
  t.after(() => processor.shutdown(AbortSignal.abort()));
  const events = () => next.records.filter(({ eventName }) => eventName?.startsWith("consent."));
  const records = () => next.records.filter(({ eventName }) => eventName === undefined);
  const reload = async (text: string): Promise<void> => {
    await replace(`subject,purpose,granted,from,until\n${text}`);
    clock.advance(10_000);
  };
  return { directory, path, clock, metrics, settings, next, processor, events, records, reload };
}

const about = (subject: AnyValue, more: object = {}) =>
  new LogRecord({ body: "seen", attributes: { "user.id": subject }, ...more });

/** A processor that goes by the attribute `consent`. */
async function byAttribute(t: TestContext, more: object = {}) {
  const config = factory.configSchema.parse({ ...BASE, consent_attribute: "consent", ...more });
  const next = new CollectingConsumer();
  const metrics = new CollectedMetrics();
  const settings = { ...(await testSettings(t, { type: "consent" })), meter: metrics.meter };
  const processor = factory.create(config, settings, next);
  await processor.start();
  const pass = async (record: LogRecord): Promise<LogRecord | undefined> => {
    next.batches.length = 0;
    await processor.consumeLogs({ records: [record] });
    return next.records[0];
  };
  return { pass, metrics };
}

test("goes by an attribute of the record: a list, a text or a map", async (t) => {
  const { pass } = await byAttribute(t, { purposes: ["ads", "research"] });
  const withConsent = (consent: AnyValue) =>
    new LogRecord({ attributes: { "user.id": "u1", consent } });
  for (const consent of [["ads", "research"], "research, ads", { ads: true, research: true }]) {
    const record = withConsent(consent);
    assert.equal(await pass(record), record);
  }
  const not: AnyValue[] = [
    undefined,
    null,
    true,
    1,
    "",
    "ads",
    ["ads"],
    "adsresearch",
    "ads,researching",
    { ads: true },
    { ads: true, research: "true" },
    { ads: true, research: false },
    [["ads", "research"]],
  ];
  for (const consent of not) assert.equal(await pass(withConsent(consent)), undefined);
  assert.equal(await pass(about("u1")), undefined);
});

test("a record that names no subject is refused, or passes when configured so", async (t) => {
  const strict = await byAttribute(t);
  const nobody = new LogRecord({ body: "disk full", attributes: { consent: "ads" } });
  assert.equal(await strict.pass(nobody), undefined);
  const open = await byAttribute(t, { without_subject: "pass" });
  assert.equal(await open.pass(nobody), nobody);
  assert.equal(await open.pass(about({ id: 1 })), undefined, "a subject nobody can ask");
  assert.deepEqual(await strict.metrics.read("vouchsafe_consent_refused_records", ["processor"]), {
    "outcome=dropped reason=no_subject": 1,
  });
});

test("takes the subject from the resource only when the record has none", async (t) => {
  const { processor, records } = await bench(t, "u1,ads,,,\n");
  await processor.start();
  const resource = new Resource({ "user.id": "u1" });
  const kept = new LogRecord({ resource });
  const other = new LogRecord({ resource, attributes: { "user.id": "u2" } });
  await processor.consumeLogs({ records: [kept, other] });
  assert.deepEqual(records(), [kept]);
});

test("everyone that a record is about must have consented", async (t) => {
  const { processor, records } = await bench(t, "u1,ads,,,\nu2,ads,,,\n7,ads,,,\n");
  await processor.start();
  const passing = [about(["u1", "u2"]), about(7), about(7n)];
  const refused = [about(["u1", "u3"]), about(["u1", { id: 2 }]), about("U1"), about("u1 ")];
  await processor.consumeLogs({ records: [...passing, ...refused] });
  assert.deepEqual(records(), passing);
});

test("consent must hold now and at the time of the record", async (t) => {
  const csv =
    "before,ads,,2025-01-01,2025-12-31\n" +
    "since,ads,,2025-12-01,\n" +
    "future,ads,,2026-02-01,\n" +
    "refused,ads,,,\nrefused,ads,false,2025-12-31,\n";
  const { processor, records, clock } = await bench(t, csv);
  await processor.start();
  const at = (subject: string, time: string): LogRecord =>
    about(subject, { hrTime: hrTimeFromUnixMs(Date.parse(time)) });
  const passing = [at("since", "2025-12-31T23:00:00Z"), about("since")];
  await processor.consumeLogs({
    records: [
      ...passing,
      at("since", "2025-11-30T23:00:00Z"),
      at("before", "2025-06-01T00:00:00Z"),
      at("future", "2026-02-02T00:00:00Z"),
      at("refused", "2025-06-01T00:00:00Z"),
    ],
  });
  assert.deepEqual(records(), passing);
  clock.advance(Date.UTC(2026, 1, 3) - NOW_MS);
  const later = at("future", "2026-02-02T00:00:00Z");
  await processor.consumeLogs({ records: [later] });
  assert.equal(records().at(-1), later);
});

test("strips to what is unlinkable: nothing else of the record stays", async (t) => {
  const { processor, records, metrics } = await bench(t, "u1,ads,,,\n", {
    no_consent: "strip",
    unlinkable: { attributes: ["http.*"], resource_attributes: ["service.name"] },
  });
  await processor.start();
  const spanContext = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };
  const timeMs = Date.UTC(2025, 5, 1, 12, 34, 56);
  const fields = {
    hrTime: hrTimeFromUnixMs(timeMs),
    hrTimeObserved: hrTimeFromUnixMs(timeMs + 1),
    severityNumber: 9,
    severityText: "INFO secret",
    body: "anna was here",
    eventName: "secret",
    spanContext,
    attributes: { "user.id": "u2", "http.route": "/cart", "session.id": "secret" },
    resource: new Resource({ "service.name": "shop", "host.name": "secret" }),
    instrumentationScope: { name: "secret" },
  };
  await processor.consumeLogs({ records: [new LogRecord(fields)] });
  const [stripped] = records();
  assert.doesNotMatch(JSON.stringify(stripped), /secret|u2|anna|aaaa|bbbb/);
  assert.deepEqual(stripped!.attributes, { "http.route": "/cart" });
  assert.deepEqual(stripped!.resource.attributes, { "service.name": "shop" });
  assert.equal(stripped!.severityNumber, 9);
  assert.equal(hrTimeToUnixMs(stripped!.hrTime), Date.UTC(2025, 5, 1, 12, 34));
  assert.deepEqual(await metrics.read("vouchsafe_consent_refused_records", ["processor"]), {
    "outcome=stripped reason=no_consent": 1,
  });
});

test("whatever a record holds, only allowed names stay of it when it is stripped", async (t) => {
  const { pass } = await byAttribute(t, {
    no_consent: "strip",
    unlinkable: { attributes: ["a*"] },
  });
  const attributes = fc.dictionary(fc.string(), fc.string());
  await fc.assert(
    fc.asyncProperty(attributes, async (more) => {
      const stripped = await pass(new LogRecord({ attributes: { ...more, "user.id": "u1" } }));
      const expected = Object.keys(more).filter((key) => key.startsWith("a"));
      assert.deepEqual(Object.keys(stripped!.attributes).sort(), expected.sort());
    }),
  );
});

test("a new registry is in force after the next look, and each change is a record", async (t) => {
  const { processor, next, events, records, reload, settings, metrics } = await bench(
    t,
    "anna,ads,,,\nben,ads,,,\nben,other,,,\n",
  );
  await processor.start();
  await waitUntil("the baseline", () => events().length === 1);
  assert.equal(events()[0]!.eventName, "consent.registry_loaded");
  assert.equal(events()[0]!.attributes["consent.registry.size"], 2);
  await processor.consumeLogs({ records: [about("anna"), about("cleo")] });
  assert.deepEqual(
    records().map(({ attributes }) => attributes["user.id"]),
    ["anna"],
  );
  await reload("ben,ads,,,2026-06-01\ncleo,ads,,,\n");
  await waitUntil("the changes", () => events().length === 4);
  const changes = events().slice(1);
  assert.deepEqual(
    changes.map(({ attributes }) => [attributes["consent.change"], attributes["consent.entries"]]),
    [
      ["changed", ["granted ../2026-06-01T00:00:00.000Z"]],
      ["granted", ["granted ../.."]],
      ["withdrawn", []],
    ],
  );
  const subjects = changes.map(({ attributes }) => String(attributes["consent.subject"]));
  assert.equal(new Set(subjects).size, 3);
  for (const subject of subjects) assert.match(subject, /^<subject:hmacsha256:[0-9a-f]{64}>$/);
  next.batches.length = 0;
  await processor.consumeLogs({ records: [about("anna"), about("cleo")] });
  assert.deepEqual(
    records().map(({ attributes }) => attributes["user.id"]),
    ["cleo"],
  );
  assert.doesNotMatch(JSON.stringify([changes, settings.logged]), /anna|ben|cleo/);
  assert.deepEqual(await metrics.read("vouchsafe_consent_changes", ["processor"]), {
    "change=changed": 1,
    "change=granted": 1,
    "change=withdrawn": 1,
  });
});

test("what changed while the agent was down is recorded after the next start, once", async (t) => {
  const first = await bench(t, "anna,ads,,,\n");
  await first.processor.start();
  const state = join(first.settings.root, "consent", "own", "recorded.json");
  await waitUntil("the stored state", () =>
    readFile(state).then(
      () => true,
      () => false,
    ),
  );
  await first.processor.shutdown(AbortSignal.timeout(1000));
  assert.doesNotMatch(await readFile(state, "utf8"), /anna/);
  const again = { root: first.settings.root, directory: first.directory };
  const second = await bench(t, "anna,ads,false,,\n", {}, again);
  await second.processor.start();
  await waitUntil("the change", () => second.events().length === 1);
  assert.equal(second.events()[0]!.attributes["consent.change"], "withdrawn");
  await second.processor.shutdown(AbortSignal.timeout(1000));
  const third = await bench(t, "anna,ads,false,,\n", {}, again);
  await third.processor.start();
  await third.processor.shutdown(AbortSignal.timeout(1000));
  assert.deepEqual(third.events(), []);
  const fourth = await bench(t, "anna,ads,false,,\n", { purposes: ["other"] }, again);
  await fourth.processor.start();
  await waitUntil("a new baseline", () => fourth.events().length === 1);
  assert.equal(fourth.events()[0]!.eventName, "consent.registry_loaded");
});

test("a change that was not delivered is offered again, and none is told twice", async (t) => {
  const { processor, next, events, reload, clock, settings } = await bench(t, "anna,ads,,,\n");
  await processor.start();
  await waitUntil("the baseline", () => events().length === 1);
  next.batches.length = 0;
  next.gate = async () => {
    throw new Error("no room");
  };
  await reload("");
  await waitUntil("a refusal", () => settings.logged.some(({ level }) => level === "error"));
  next.batches.length = 0;
  next.gate = async () => {};
  clock.advance(60_000);
  await waitUntil("the change", () => events().length === 1);
  clock.advance(600_000);
  await processor.shutdown(AbortSignal.timeout(1000));
  assert.equal(events().length, 1);
});

test("an unreadable registry stops all records, loses none and heals by itself", async (t) => {
  const { processor, path, clock, records, reload, settings, metrics } = await bench(
    t,
    "u1,ads,,,\n",
    { record_changes: false },
  );
  await processor.start();
  const batch = { records: [about("u1")] };
  for (const spoil of [
    () => rm(path),
    () => writeFile(path, "subject,purpose\nu1"),
    () => writeFile(path, Buffer.from([0xff])),
  ]) {
    const before = settings.statuses.length;
    await spoil();
    clock.advance(10_000);
    await waitUntil("it is noticed", () => settings.statuses.length > before);
    assert.equal(settings.statuses.at(-1)!.status, "degraded");
    await assert.rejects(processor.consumeLogs(batch), {
      code: "consent.registry_unreadable",
      permanent: false,
    });
    assert.deepEqual(await metrics.read("vouchsafe_consent_registry_entries", ["processor"]), {
      "": 0,
    });
    await reload("u1,ads,,,\n");
    await waitUntil("it is read again", () => settings.statuses.at(-1)!.status === "ok");
    await processor.consumeLogs(batch);
  }
  assert.equal(records().length, 3);
});

test("does not start without a registry, or with a key that others can read", async (t) => {
  const missing = await bench(t, "");
  await rm(missing.path);
  await assert.rejects(missing.processor.start(), { code: "consent.registry_unreadable" });
  const keyFile = join(missing.directory, "key");
  await writeFile(keyFile, Buffer.alloc(32), { mode: 0o600 });
  await chmod(keyFile, 0o644);
  const open = await bench(t, "", { hash_key_file: keyFile });
  await assert.rejects(open.processor.start(), { code: "storage.insecure" });
  await chmod(keyFile, 0o600);
  await writeFile(keyFile, Buffer.alloc(31));
  const short = await bench(t, "", { hash_key_file: keyFile });
  await assert.rejects(short.processor.start(), { code: "consent.hash_key_unusable" });
  const damaged = await bench(t, "");
  const state = await damaged.settings.stateDirectory();
  await writeFile(join(state, "recorded.json"), "{");
  await assert.rejects(damaged.processor.start(), { code: "storage.corrupt" });
});

test("refuses a configuration that could not mean what it says", () => {
  const registry = { path: "a.csv" };
  const faults: [object, RegExp][] = [
    [BASE, /either consent_attribute or registry/],
    [{ ...BASE, registry, consent_attribute: "c" }, /either consent_attribute or registry/],
    [{ ...BASE, registry, unlinkable: { body: true } }, /nothing is stripped/],
    [
      { ...BASE, registry, no_consent: "strip", unlinkable: { attributes: ["user.*"] } },
      /keep the subject_attribute/,
    ],
    [{ ...BASE, consent_attribute: "c", hash_key_file: "k" }, /no records of changes/],
    [{ ...BASE, registry: { path: "consents" } }, /cannot tell/],
  ];
  for (const [config, message] of faults) {
    const { success, error } = factory.configSchema.safeParse(config);
    assert.equal(success, false);
    assert.match(error!.issues.map((issue) => issue.message).join("\n"), message);
  }
});

test("stands before what vouches for records or counts them", () => {
  const config = factory.configSchema.parse({ ...BASE, registry: { path: "a.csv" } });
  const error = (before: string[], after: string[], used = config) =>
    factory.checkPosition!(used, { pipeline: "logs", before, after, exporters: [] });
  assert.equal(error(["filter"], ["pii_detect", "tokenize", "hmac_chain"]), undefined);
  assert.match(error(["hmac_chain"], [])!, /holes/);
  assert.match(error(["dp_window"], [])!, /numbers/);
  assert.match(error(["pii_detect"], ["tokenize"])!, /findings/);
  assert.match(error([], ["dp_window"])!, /record_changes/);
  assert.equal(error([], ["dp_window"], { ...config, record_changes: false }), undefined);
});
