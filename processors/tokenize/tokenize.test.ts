import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import type { Finding } from "../../src/data/finding.ts";
import type { LogRecordFields } from "../../src/data/log_record.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { factory } from "./factory.ts";
import { positionError } from "./position.ts";
import { generateTokenKey, listTokenKeys } from "./token_keys.ts";

const MADE_MS = Date.UTC(2026, 10, 21);

async function tokenizer(t: TestContext, config: object = {}, keys: object = {}) {
  const directory = await temporaryDirectory(t);
  await generateTokenKey(directory, { random: systemRandom, nowMs: MADE_MS });
  const parsed = factory.configSchema.parse({
    domain: "test",
    keys: { directory, ...keys },
    ...config,
  });
  const clock = new FakeClock(MADE_MS);
  const settings = await testSettings(t, { type: "tokenize", clock });
  const next = new CollectingConsumer();
  const processor = factory.create(parsed, settings, next);
  await processor.start();
  const treat = async (fields: LogRecordFields): Promise<LogRecord | undefined> => {
    next.batches.length = 0;
    await processor.consumeLogs({ records: [new LogRecord(fields)] });
    return next.records[0];
  };
  t.after(() => processor.shutdown(AbortSignal.abort()));
  /** Lets the time pass that a look at the keys takes, and waits for its end. */
  const passUntil = (what: string, condition: () => boolean): Promise<void> =>
    waitUntil(what, () => {
      if (!condition()) clock.advance(10_000);
      return condition();
    });
  return { processor, next, settings, treat, directory, clock, passUntil };
}

const at = (root: Finding["root"], path: Finding["path"], start: number, end: number): Finding => ({
  root,
  path,
  entity: "email",
  start,
  end,
});
const TOKEN = /<[a-z0-9_]+:k20261121a:[a-z2-7]{20}>/g;
const shape = (value: AnyValue): AnyValue =>
  JSON.parse(JSON.stringify(value ?? null).replaceAll(TOKEN, "T"));

test("replaces every finding and clears the list", async (t) => {
  const { treat } = await tokenizer(t);
  const record = await treat({
    body: "a@b.io wrote to c@d.io",
    attributes: { to: "c@d.io", deep: ["x", { y: "to c@d.io" }], same: 1 },
    findings: [
      at("body", [], 16, 22),
      at("attributes", ["deep", 1, "y"], 3, 9),
      at("body", [], 0, 6),
      at("attributes", ["to"], 0, 6),
    ],
  });
  assert.equal(record?.findings, undefined);
  assert.deepEqual(shape(record?.body), "T wrote to T");
  assert.deepEqual(shape(record?.attributes), { to: "T", deep: ["x", { y: "to T" }], same: 1 });
  const token = record?.attributes.to as string;
  assert.ok(String(record?.body).endsWith(token));
});

test("does not change the record that it was given", async (t) => {
  const { treat } = await tokenizer(t);
  const attributes: Attributes = { deep: [{ y: "c@d.io" }] };
  const before = structuredClone(attributes);
  await treat({ attributes, findings: [at("attributes", ["deep", 0, "y"], 0, 6)] });
  assert.deepEqual(attributes, before);
});

test("passes on the same batch when there is nothing to do", async (t) => {
  const { processor, next } = await tokenizer(t, { attributes: ["user.id"] });
  const batch = { records: [new LogRecord({ body: "a@b.io", attributes: { "user.id": "-" } })] };
  await processor.consumeLogs(batch);
  assert.equal(next.batches[0], batch);
});

test("withholds a record whose findings do not fit, and says so without content", async (t) => {
  const { treat, settings } = await tokenizer(t);
  const wrong: Finding[][] = [
    [at("body", [], 0, 99)],
    [at("body", [], 3, 3)],
    [at("body", [], 0, 4), at("body", [], 2, 6)],
    [at("body", ["a"], 0, 1)],
    [at("attributes", ["none"], 0, 1)],
    [at("attributes", ["list", 7], 0, 1)],
    [at("attributes", ["number"], 0, 1)],
  ];
  for (const findings of wrong) {
    const attributes = { list: ["a"], number: 7 };
    assert.equal(await treat({ body: "a@b.io", attributes, findings }), undefined);
  }
  assert.equal(settings.logged.filter(({ level }) => level === "warn").length, 1);
});

test("makes tokens of whole attributes that are named", async (t) => {
  const { treat } = await tokenizer(t, { attributes: ["user.id", "emails", "map"] });
  const record = await treat({ attributes: { "user.id": 42, emails: ["a", "", "b"], other: "a" } });
  assert.match(String(record?.attributes["user.id"]), /^<user_id:k20261121a:[a-z2-7]{20}>$/);
  assert.deepEqual(shape(record!.attributes), {
    "user.id": "T",
    emails: ["T", "", "T"],
    other: "a",
  });
  const again = await treat({ attributes: record!.attributes });
  assert.deepEqual(again?.attributes, record?.attributes);
  const asText = await treat({ attributes: { "user.id": "42" } });
  assert.equal(asText?.attributes["user.id"], record?.attributes["user.id"]);
  assert.equal(await treat({ attributes: { map: { a: "x" } } }), undefined);
});

test("an address that is a whole attribute has the token that it has elsewhere", async (t) => {
  const { treat } = await tokenizer(t, { attributes: ["user.id"] });
  const body = "a@b.io";
  const record = await treat({
    body,
    attributes: { "user.id": body },
    findings: [at("body", [], 0, 6), at("attributes", ["user.id"], 0, 6)],
  });
  assert.equal(record?.attributes["user.id"], record?.body);
  const inPart = await treat({
    attributes: { "user.id": `${body} x` },
    findings: [at("attributes", ["user.id"], 0, 6)],
  });
  assert.match(String(inPart?.attributes["user.id"]), /^<user_id:[^ ]*>$/);
});

test("asks for something to do", () => {
  const config = factory.configSchema.parse({ domain: "d", keys: { directory: "k" } });
  const position = { pipeline: "logs", before: [], after: [], exporters: [] };
  assert.match(positionError(config, position)!, /pii_detect/);
  assert.equal(positionError(config, { ...position, before: ["pii_detect"] }), undefined);
  assert.equal(positionError({ ...config, attributes: ["a"] }, position), undefined);
});

test("refuses a domain in which the key derivation could be led astray", () => {
  for (const domain of ["", "a|b", "A", "a b", "-a"]) {
    const result = factory.configSchema.safeParse({ domain, keys: { directory: "k" } });
    assert.equal(result.success, false, domain);
  }
});

test("a new key in the folder makes the tokens from then on", async (t) => {
  const { treat, directory, settings, passUntil } = await tokenizer(t);
  const findings = [at("body", [], 0, 6)];
  const before = (await treat({ body: "a@b.io", findings }))!.body;
  await generateTokenKey(directory, { random: systemRandom, nowMs: MADE_MS });
  const loaded = () => settings.logged.filter(({ message }) => message.includes("are loaded"));
  await passUntil("the new key is seen", () => loaded().length === 2);
  const after = (await treat({ body: "a@b.io", findings }))!.body;
  assert.match(String(before), /^<email:k20261121a:/);
  assert.match(String(after), /^<email:k20261121b:/);
});

test("makes a key by itself when the active one is too old", async (t) => {
  const { treat, directory, clock, settings, passUntil } = await tokenizer(
    t,
    {},
    { rotate_every: "48h" },
  );
  clock.advance(47 * 3_600_000);
  await treat({ body: "a@b.io", findings: [at("body", [], 0, 6)] });
  assert.equal((await listTokenKeys(directory)).length, 1);
  clock.advance(3_600_000);
  const loaded = () => settings.logged.filter(({ message }) => message.includes("are loaded"));
  await passUntil("a key is made", () => loaded().length === 2);
  const [old, made] = await listTokenKeys(directory);
  assert.equal(old!.state, "retired");
  assert.match(made!.kid, /^k20261123a$/);
});

test("keys that vanish while it runs change nothing but the health", async (t) => {
  const { treat, directory, settings, passUntil } = await tokenizer(t);
  await rm(directory, { recursive: true });
  await passUntil("it is told", () => settings.statuses.some((each) => each.status === "degraded"));
  const record = await treat({ body: "a@b.io", findings: [at("body", [], 0, 6)] });
  assert.match(String(record!.body), /^<email:k20261121a:/);
  await generateTokenKey(directory, { random: systemRandom, nowMs: MADE_MS });
  await passUntil("it is over", () => settings.statuses.at(-1)?.status === "ok");
  const warnings = settings.logged.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 1);
});
