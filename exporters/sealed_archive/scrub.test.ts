/** Coarser copies for long keeping: what they have, and that each is there once. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import type { ReadRecord } from "./reader/read_archive.ts";
import { readArchive } from "./reader/read_archive.ts";
import {
  AUDIT_RECIPIENT,
  allIdentities,
  close,
  numbered,
  ORIGIN,
  openTestArchive,
  RECIPIENT,
  range,
  readZones,
  testConfig,
  verify,
} from "./testing.ts";

const LONG = {
  recipients: [AUDIT_RECIPIENT],
  scrub: {
    from: ["default"],
    drop: ["trace"],
    drop_attributes: ["enduser.id", "host.name"],
    time_resolution: "1h",
  },
};
const CHANGES = { zones: { long: LONG }, retention: "30d", segment: { rotate: "1h" } };

const marked = (batch: LogBatch): LogBatch =>
  mapRecords(batch, (record) => {
    const chain = { "audit.integrity.chain": "ab".repeat(16), "audit.integrity.sequence": 5 };
    return record.with(record.body, { "enduser.id": "ada", "http.route": "/", ...chain });
  });

async function read(archive: string, zone: string): Promise<LogRecord[]> {
  const records: ReadRecord[] = [];
  for await (const some of readArchive({ archive, zone, identities: allIdentities() })) {
    records.push(...some);
  }
  return records.map(({ record }) => record);
}

test("a copy has what its treatment leaves, and the original has everything", async (t) => {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const archive = await openTestArchive(t, testConfig(directory, CHANGES), settings);
  const record = new LogRecord({
    hrTime: [1_700_000_123, 456],
    hrTimeObserved: [1_700_003_600, 1],
    body: "GET /",
    attributes: { "enduser.id": "ada", "http.route": "/", "audit.integrity.sequence": 5 },
    spanContext: { traceId: "ab".repeat(16), spanId: "cd".repeat(8), traceFlags: 1 },
    resource: new Resource({ "host.name": "h1", "service.name": "shop" }),
  });
  await archive.consumeLogs({ records: [record] });
  await close(archive);
  const [original] = await read(directory, "default");
  assert.deepEqual(original?.attributes, record.attributes);
  const [copy, ...others] = await read(directory, "long");
  assert.deepEqual(others, []);
  assert.deepEqual(copy?.hrTime, [1_699_999_200, 0]);
  assert.deepEqual(copy?.hrTimeObserved, [1_700_002_800, 0]);
  assert.equal(copy?.body, "GET /");
  assert.deepEqual(copy?.attributes, { "http.route": "/" });
  assert.deepEqual(copy?.resource.attributes, { "service.name": "shop" });
  assert.equal(copy?.spanContext, undefined);
  const { findings, statements } = await verify(directory);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    statements.map(({ entry }) => entry.type === "scrub" && entry.from),
    [["default"]],
  );
});

test("each copy is there once, whichever of both was on disk when it crashed", async (t) => {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const slow = { ...LONG, block: { max_records: 1000, max_delay: "60s" } };
  const config = testConfig(directory, { ...CHANGES, zones: { long: slow } });
  const archive = await openTestArchive(t, config, settings);
  const lost = assert.rejects(archive.consumeLogs(marked(numbered(0, 20))));
  await waitUntil("the originals are sealed", async () => {
    return (await readdir(join(directory, "blocks/default"))).length > 0;
  });
  await archive.shutdown(AbortSignal.abort());
  await lost;
  const again = await openTestArchive(t, testConfig(directory, CHANGES), settings);
  await again.consumeLogs(marked(numbered(0, 30)));
  await again.consumeLogs(marked(numbered(10, 30)));
  await close(again);
  const zones = await readZones(directory);
  assert.deepEqual(zones.get("default"), range(0, 30));
  assert.deepEqual(zones.get("long"), range(0, 30));
});

test("when the originals' time is over the copies stay", async (t) => {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  let offsetMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + offsetMs };
  const config = testConfig(directory, {
    ...CHANGES,
    zones: { long: { ...LONG, retention: "400d" } },
  });
  const archive = await openTestArchive(t, config, { ...settings, clock });
  await archive.consumeLogs(numbered(0, 20));
  offsetMs = 31 * 86_400_000;
  await waitUntil("the originals are gone", async () => {
    const names = await readdir(join(directory, "blocks/default"));
    return !names.includes("00000001.blk");
  });
  await close(archive);
  assert.deepEqual([...(await readZones(directory))], [["long", range(0, 20)]]);
  assert.deepEqual((await verify(directory)).findings, []);
});

test("names what is wrong with copies", () => {
  const problems = (zones: object, routes: object[] = []): string =>
    configSchema
      .safeParse({ directory: "a", origin: ORIGIN, recipients: [RECIPIENT], zones, routes })
      .error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`)
      .join("; ") ?? "";
  assert.equal(problems({ long: LONG }), "");
  const ofCopies = { long: LONG, more: { ...LONG, scrub: { ...LONG.scrub, from: ["long"] } } };
  assert.match(problems(ofCopies), /^zones.more.scrub there is no zone 'long' of originals/);
  const route = { zone: "long", min_severity: 9 };
  assert.match(problems({ long: LONG }, [route]), /routes.0.zone there is no zone 'long'/);
  const scrub = {
    ...LONG.scrub,
    drop_attributes: range(0, 200).map((index) => `attribute.${index}`),
  };
  assert.match(problems({ long: { ...LONG, scrub } }), /too long for one entry/);
});
