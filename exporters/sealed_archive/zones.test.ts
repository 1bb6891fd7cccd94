/** Several zones: who reads what, and each record once, whatever zone it goes to. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Decrypter } from "age-encryption";
import { AgentError } from "../../src/component/errors.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { LogRecordFields } from "../../src/data/log_record.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { readEntries } from "./forger.ts";
import { parseEntry } from "./format/entry.ts";
import { formatFinding } from "./reader/finding.ts";
import { readArchive } from "./reader/read_archive.ts";
import { verifyArchive } from "./reader/verify_archive.ts";
import {
  AUDIT_RECIPIENT,
  allIdentities,
  auditIdentities,
  close,
  divided,
  identities,
  numbered,
  ORIGIN,
  openTestArchive,
  RECIPIENT,
  range,
  readNumbers,
  readZones,
  TWO_ZONES,
  testConfig,
} from "./testing.ts";
import { zoneRule } from "./writer/zone_rule.ts";

async function place(t: TestContext) {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { kind: "exporter", type: "sealed_archive" });
  return { directory, settings };
}

const isAudit = (number: number): boolean => number % 3 === 0;
const ofAudit = (numbers: number[]): number[] => numbers.filter(isAudit);
const ofDefault = (numbers: number[]): number[] => numbers.filter((number) => !isAudit(number));
const batch = (from: number, to: number): LogBatch => divided(numbered(from, to), isAudit);

async function findingsOf(archive: string, keys: Decrypter = allIdentities()): Promise<string[]> {
  const options = { archive, identities: keys, clock: systemClock };
  return (await verifyArchive(options)).findings.map(formatFinding);
}

test("each identity reads its own zone and is told of the other", async (t) => {
  const { directory, settings } = await place(t);
  const archive = await openTestArchive(t, testConfig(directory, TWO_ZONES), settings);
  await archive.consumeLogs(batch(0, 100));
  await archive.consumeLogs({ records: numbered(100, 101).records });
  await close(archive);
  const read = async (keys: Decrypter, zone?: string) => {
    const unopened: string[] = [];
    const numbers: number[] = [];
    const onUnopenedZone = (name: string): number => unopened.push(name);
    const options = { archive: directory, identities: keys, zone, onUnopenedZone };
    for await (const records of readArchive(options)) {
      for (const { record } of records) numbers.push(Number(String(record.body).slice(5)));
    }
    return { numbers, unopened };
  };
  const [audit, rest] = [ofAudit(range(0, 100)), [...ofDefault(range(0, 100)), 100]];
  assert.deepEqual(await read(identities()), { numbers: rest, unopened: ["audit"] });
  assert.deepEqual(await read(auditIdentities()), { numbers: audit, unopened: ["default"] });
  assert.deepEqual(await read(allIdentities(), "audit"), { numbers: audit, unopened: [] });
  await assert.rejects(read(identities(), "audit"), (error: AgentError) => {
    return error instanceof AgentError && error.code === "archive.wrong_identity";
  });
  const { unopenedZones, decryptedBlocks, blocks, findings } = await verifyArchive({
    archive: directory,
    identities: identities(),
    clock: systemClock,
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(unopenedZones, { audit: blocks - decryptedBlocks });
});

test("each zone has its own segments, record numbers and check sums in one log", async (t) => {
  const { directory, settings } = await place(t);
  let offsetMs = 0;
  const clock = { ...settings.clock, nowMs: () => settings.clock.nowMs() + offsetMs };
  const config = testConfig(directory, { ...TWO_ZONES, segment: { rotate: "1h" } });
  const archive = await openTestArchive(t, config, { ...settings, clock });
  await archive.consumeLogs(batch(0, 60));
  offsetMs = 3_600_000;
  const sumsOf = (zone: string): string => join(directory, "blocks", zone, "SHA256SUMS");
  await waitUntil("both segments are closed", async () => {
    const folders = ["default", "audit"].map((zone) => readdir(join(directory, "blocks", zone)));
    return (await Promise.all(folders)).every((names) => names.includes("SHA256SUMS"));
  });
  await archive.consumeLogs(batch(60, 120));
  await close(archive);
  for (const zone of ["default", "audit"]) {
    const cwd = join(directory, "blocks", zone);
    assert.equal((await readFile(sumsOf(zone), "utf8")).trim().split("\n").length, 1);
    const check = spawnSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd });
    assert.equal(check.status, 0, check.stderr.toString());
  }
  const zones = await readZones(directory);
  assert.deepEqual(zones.get("audit"), ofAudit(range(0, 120)));
  assert.deepEqual(zones.get("default"), ofDefault(range(0, 120)));
  assert.deepEqual(await findingsOf(directory), []);
});

test("a call resolves when the blocks of all its zones are on disk", async (t) => {
  const { directory, settings } = await place(t);
  const changes = { ...TWO_ZONES, block: { max_records: 4, max_delay: "60s" } };
  const archive = await openTestArchive(t, testConfig(directory, changes), settings);
  // Four records fill a block of `audit`; the one for `default` waits in its open block.
  let isSettled = false;
  const first = archive.consumeLogs(divided(numbered(0, 5), (number) => number !== 2));
  void first.then(() => (isSettled = true));
  const path = join(directory, "blocks", "audit", "00000001.blk");
  await waitUntil("the block of audit is published", async () => {
    const names = await readdir(join(directory, "blocks", "audit"));
    return names.length > 0 && (await readFile(path)).length > 0;
  });
  await archive.consumeLogs(divided(numbered(10, 14, "another"), () => true));
  assert.equal(isSettled, false);
  await archive.consumeLogs(divided(numbered(20, 23, "a third"), () => false));
  await first;
  await close(archive);
});

test("what one zone sealed never swallows what another had not sealed yet", async (t) => {
  const { directory, settings } = await place(t);
  const changes = { ...TWO_ZONES, block: { max_records: 4, max_delay: "60s" } };
  const delivery = divided(numbered(0, 5), (number) => number !== 2);
  const archive = await openTestArchive(t, testConfig(directory, changes), settings);
  const lost = assert.rejects(archive.consumeLogs(delivery));
  await archive.consumeLogs(divided(numbered(10, 14, "another"), () => true));
  await archive.shutdown(AbortSignal.abort());
  await lost;
  // Whatever zone the records are for now, by another configuration of what comes before.
  const again = await openTestArchive(t, testConfig(directory, changes), settings);
  await Promise.all([
    again.consumeLogs(divided(numbered(0, 5), () => true)),
    again.consumeLogs(divided(numbered(5, 8), () => true)),
  ]);
  await close(again);
  assert.deepEqual((await readNumbers(directory)).sort(byNumber), [
    ...range(0, 8),
    ...range(10, 14),
  ]);
  assert.deepEqual(await findingsOf(directory), []);
});

const byNumber = (a: number, b: number): number => a - b;

test("zones come and go with the configuration, and the archive stays one", async (t) => {
  const { directory, settings } = await place(t);
  const widened = { zones: { audit: { recipients: [AUDIT_RECIPIENT, RECIPIENT] } } };
  for (const [index, changes] of [{}, TWO_ZONES, {}, widened].entries()) {
    const archive = await openTestArchive(t, testConfig(directory, changes), settings);
    // Half of it is a replay of the run before.
    await archive.consumeLogs(batch(Math.max(0, index * 20 - 10), index * 20 + 20));
    await close(archive);
    assert.deepEqual(await findingsOf(directory), []);
  }
  assert.deepEqual((await readNumbers(directory)).sort(byNumber), range(0, 80));
  const audit = [...ofAudit(range(20, 40)), ...ofAudit(range(60, 80))];
  assert.deepEqual((await readZones(directory)).get("audit"), audit);
  const { statements } = await verifyArchive({ archive: directory, clock: systemClock });
  assert.deepEqual(
    statements.map(({ entry }) => entry.type === "recipients" && [entry.added, entry.removed]),
    [
      [[AUDIT_RECIPIENT], []],
      [[], [AUDIT_RECIPIENT]],
      [[AUDIT_RECIPIENT, RECIPIENT], []],
    ],
  );
});

test("verify names the zone in which a segment was changed", async (t) => {
  const { directory, settings } = await place(t);
  const archive = await openTestArchive(t, testConfig(directory, TWO_ZONES), settings);
  await archive.consumeLogs(batch(0, 100));
  await close(archive);
  const path = join(directory, "blocks", "audit", "00000001.blk");
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  const { findings } = await verifyArchive({ archive: directory, clock: systemClock });
  assert.equal(findings.length, 1);
  assert.equal(findings[0]!.zone, "audit");
  assert.match(formatFinding(findings[0]!), /^blocks\/audit\/00000001.blk, entry \d+, byte \d+/);
});

test("names what is wrong with zones", () => {
  const problems = (input: object): string =>
    configSchema
      .safeParse({ directory: "a", origin: ORIGIN, ...input })
      .error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`)
      .join("; ") ?? "";
  const zone = { recipients: [AUDIT_RECIPIENT] };
  assert.equal(problems({ zones: { default: zone, "7_a-b": zone } }), "");
  assert.match(problems({}), /^recipients is required, or a zone named 'default'/);
  assert.match(problems({ zones: { audit: zone } }), /^recipients is required/);
  assert.match(problems({ recipients: [RECIPIENT], zones: { default: zone } }), /one of both/);
  for (const name of ["..", "a/b", "A", "_a", "", "a".repeat(33), "a.b"]) {
    assert.match(problems({ recipients: [RECIPIENT], zones: { [name]: zone } }), /zones/, name);
  }
  assert.match(problems({ recipients: [RECIPIENT], zones: { a: { recipients: [] } } }), />=1/);
  const many = Object.fromEntries(range(0, 12).map((number) => [`z${number}`, zone]));
  assert.match(problems({ recipients: [RECIPIENT], zones: many }), /at most 12 zones/);
});

test("a record goes where the first route says that fits", () => {
  const config = testConfig("a", {
    ...TWO_ZONES,
    zones: { ...TWO_ZONES.zones, pay: { recipients: [RECIPIENT] } },
    routes: [
      { zone: "pay", attributes: { "service.name": ["checkout", "billing"] } },
      { zone: "audit", min_severity: "error", pipelines: ["logs/shop"] },
    ],
  });
  const zoneOf = zoneRule(config);
  const record = (fields: LogRecordFields = {}): LogRecord => new LogRecord(fields);
  const checkout = new Resource({ "service.name": "checkout" });
  assert.equal(zoneOf(record(), undefined), "default");
  assert.equal(zoneOf(record({ resource: checkout, severityNumber: 17 }), "logs/shop"), "pay");
  assert.equal(zoneOf(record({ attributes: { "service.name": "billing" } }), undefined), "pay");
  assert.equal(zoneOf(record({ attributes: { "service.name": "x" } }), undefined), "default");
  assert.equal(zoneOf(record({ severityNumber: 17 }), "logs/shop"), "audit");
  assert.equal(zoneOf(record({ severityNumber: 16 }), "logs/shop"), "default");
  assert.equal(zoneOf(record({ severityNumber: 17 }), "logs/other"), "default");
  const named = { "audit.zone": "audit" };
  assert.equal(zoneOf(record({ attributes: named }), undefined), "audit");
  assert.equal(zoneOf(record({ attributes: named, resource: checkout }), undefined), "pay");
});

test("a zone with limits of its own closes its blocks and segments by them", async (t) => {
  const { directory, settings } = await place(t);
  const audit = {
    recipients: [AUDIT_RECIPIENT],
    block: { max_records: 1, max_delay: "1ms" },
    segment: { max_bytes: "64KiB" },
  };
  const changes = { zones: { audit }, block: { max_records: 1000, max_delay: "50ms" } };
  const archive = await openTestArchive(t, testConfig(directory, changes), settings);
  await archive.consumeLogs(batch(0, 900));
  await close(archive);
  assert.deepEqual(await findingsOf(directory), []);
  const entries = (await readEntries(directory)).map((bytes) => parseEntry(bytes));
  const blocks = entries.filter((entry) => entry.type === "block");
  assert.equal(blocks.filter(({ zone }) => zone === "audit").length, 300);
  assert.equal(blocks.filter(({ zone }) => zone === "default").length, 1);
  assert.ok(entries.some((entry) => entry.type === "segment" && entry.zone === "audit"));
  assert.ok(!entries.some((entry) => entry.type === "segment" && entry.zone === "default"));
});

test("names what is wrong with routes", () => {
  const problems = (...routes: object[]): string =>
    configSchema
      .safeParse({ directory: "a", origin: ORIGIN, recipients: [RECIPIENT], ...TWO_ZONES, routes })
      .error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`)
      .join("; ") ?? "";
  assert.equal(problems({ zone: "audit", min_severity: 17 }), "");
  assert.match(problems({ zone: "audti", min_severity: 17 }), /^routes.0.zone there is no zone/);
  assert.match(problems({ zone: "audit" }), /^routes.0 needs at least one of pipelines/);
  assert.match(problems({ zone: "audit", min_severity: "loud" }), /expected a severity/);
});
