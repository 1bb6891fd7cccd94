import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { AgentError } from "../../src/component/errors.ts";
import type { AnyValue } from "../../src/data/any_value.ts";
import {
  INTEGRITY_CHAIN,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
} from "../../src/data/integrity.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import type { ParsedEntry } from "./format/entry.ts";
import { verifyArchive } from "./reader/verify_archive.ts";
import { SealedArchive } from "./sealed_archive.ts";
import {
  close,
  numbered,
  ORIGIN,
  openTestArchive,
  RECIPIENT,
  range,
  readNumbers,
  testConfig,
  verify,
} from "./testing.ts";

const CHAIN = "0123456789abcdef".repeat(2);

async function place(t: TestContext) {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { kind: "exporter", type: "sealed_archive" });
  return { directory, settings, state: await settings.stateDirectory() };
}

const hasCode = (code: string) => (error: unknown) =>
  error instanceof AgentError && error.code === code;

async function assertWhole(directory: string): Promise<Record<string, number>> {
  const { findings, entries } = await verify(directory);
  assert.deepEqual(findings, []);
  return entries;
}

test("has every acknowledged record once, in the order of the calls", async (t) => {
  const { directory, settings } = await place(t);
  const archive = await openTestArchive(t, testConfig(directory), settings);
  const calls = [];
  for (let from = 0; from < 500; from += 7)
    calls.push(archive.consumeLogs(numbered(from, from + 7)));
  await Promise.all(calls);
  await close(archive);
  assert.deepEqual(await readNumbers(directory), range(0, 504));
  await assertWhole(directory);
});

test("drops what a source delivers again, in one run and after a restart", async (t) => {
  const { directory, settings } = await place(t);
  const first = await openTestArchive(t, testConfig(directory), settings);
  const calls = [first.consumeLogs(numbered(0, 25)), first.consumeLogs(numbered(0, 25))];
  await Promise.all(calls);
  await first.consumeLogs(numbered(10, 30));
  await close(first);
  const second = await openTestArchive(t, testConfig(directory), settings);
  await second.consumeLogs(numbered(0, 40));
  await second.consumeLogs(numbered(5, 12));
  await second.consumeLogs(numbered(40, 43, "another file"));
  await second.consumeLogs({ records: numbered(43, 44).records });
  await close(second);
  assert.deepEqual(await readNumbers(directory), range(0, 44));
  const entries = await assertWhole(directory);
  assert.equal(entries.genesis, 1);
  assert.equal(entries.restart, 1);
});

test("seals with which configuration each run of the agent works", async (t) => {
  const { directory, settings } = await place(t);
  for (const configFingerprint of ["a".repeat(64), "b".repeat(64), undefined]) {
    const options = { ...settings, configFingerprint };
    await close(await openTestArchive(t, testConfig(directory), options));
  }
  const stated: (string | undefined)[] = [];
  const onEntry = (entry: ParsedEntry) => {
    if (entry.type === "genesis" || entry.type === "restart") stated.push(entry.config);
  };
  await verifyArchive({ archive: directory, onEntry, clock: systemClock });
  assert.deepEqual(stated, ["a".repeat(64), "b".repeat(64), undefined]);
});

test("resolves a replay only when the records before it are on disk", async (t) => {
  const { directory, settings } = await place(t);
  const slow = testConfig(directory, { block: { max_records: 100, max_delay: "50ms" } });
  const archive = await openTestArchive(t, slow, settings);
  const order: string[] = [];
  const first = archive.consumeLogs(numbered(0, 5)).then(() => order.push("first"));
  const replay = archive.consumeLogs(numbered(0, 5)).then(() => order.push("replay"));
  await Promise.all([first, replay]);
  assert.deepEqual(order, ["first", "replay"]);
  await archive.consumeLogs(numbered(0, 5));
});

test("says which records of a chain it dropped, also when nothing else comes", async (t) => {
  const { directory, settings } = await place(t);
  const chained = (sequence: number, batch: LogBatch): LogBatch => ({
    ...batch,
    records: batch.records.map((record, index) => {
      const attributes = { [INTEGRITY_CHAIN]: CHAIN, [INTEGRITY_SEQUENCE]: sequence + index };
      return record.with(record.body, attributes);
    }),
  });
  const archive = await openTestArchive(t, testConfig(directory), settings);
  await archive.consumeLogs(chained(0, numbered(0, 5)));
  await archive.consumeLogs(chained(5, numbered(0, 5)));
  await archive.consumeLogs(chained(10, numbered(5, 6)));
  await archive.consumeLogs(chained(11, numbered(0, 6)));
  await close(archive);
  const { dropped } = await verify(directory);
  assert.deepEqual(dropped, [
    [CHAIN, 5, 9],
    [CHAIN, 11, 16],
  ]);
});

test("says what a dropped record would have explained, and only numbers", async (t) => {
  const { directory, settings } = await place(t);
  const archive = await openTestArchive(t, testConfig(directory), settings);
  await archive.consumeLogs(numbered(0, 5));
  const replay = (chain: string, sequence: number, more: object): LogBatch => {
    const batch = numbered(0, 1);
    const attributes = { [INTEGRITY_CHAIN]: chain, [INTEGRITY_SEQUENCE]: sequence, ...more };
    return { ...batch, records: batch.records.map((record) => record.with("x", attributes)) };
  };
  const restart = '{"run":3,"acknowledged":40,"reserved_until":100}';
  await archive.consumeLogs(replay(CHAIN, 100, { [INTEGRITY_RESTART]: restart }));
  await archive.consumeLogs(replay(CHAIN, 200, { [INTEGRITY_UNDELIVERED]: "150-160,170-300,x" }));
  await archive.consumeLogs(replay("somebody@example.com", 300, {}));
  await archive.shutdown(AbortSignal.abort());
  const restarted = await openTestArchive(t, testConfig(directory), settings);
  await close(restarted);
  assert.deepEqual((await verify(directory)).dropped, [
    [CHAIN, 41, 100],
    [CHAIN, 150, 160],
    [CHAIN, 170, 200],
  ]);
});

test("closes segments by size, with check sums that sha256sum accepts", async (t) => {
  const { directory, settings } = await place(t);
  const config = testConfig(directory, { segment: { max_bytes: 65_536 } });
  const archive = await openTestArchive(t, config, settings);
  for (let from = 0; from < 6000; from += 300)
    await archive.consumeLogs(numbered(from, from + 300));
  await close(archive);
  const blocks = join(directory, "blocks", "default");
  const names = (await readdir(blocks)).filter((name) => name.endsWith(".blk"));
  assert.ok(names.length >= 3, names.join());
  for (const name of names) assert.ok((await stat(join(blocks, name))).size <= 65_536);
  const sums = await readFile(join(blocks, "SHA256SUMS"), "utf8");
  assert.equal(sums.trim().split("\n").length, names.length - 1);
  const check = spawnSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd: blocks });
  assert.equal(check.status, 0, check.stderr.toString());
  const again = await openTestArchive(t, config, settings);
  await again.consumeLogs(numbered(6000, 6010));
  await close(again);
  assert.deepEqual(await readNumbers(directory), range(0, 6010));
  await assertWhole(directory);
});

test("says of records that OTLP cannot express that they are not there", async (t) => {
  const { directory, settings } = await place(t);
  const archive = await openTestArchive(t, testConfig(directory), settings);
  let deep: AnyValue = "x";
  for (let level = 0; level < 500; level++) deep = [deep];
  const records = range(0, 4).map(
    (sequence) =>
      new LogRecord({
        body: sequence % 2 === 1 ? deep : `line ${sequence}`,
        attributes: { [INTEGRITY_CHAIN]: CHAIN, [INTEGRITY_SEQUENCE]: sequence },
      }),
  );
  await archive.consumeLogs({ records });
  await archive.consumeLogs({ records: records.slice(1, 2) });
  await close(archive);
  const { findings, dropped, withheld } = await verify(directory);
  assert.deepEqual(findings, []);
  assert.equal(withheld, 3);
  assert.deepEqual(dropped, [
    [CHAIN, 1, 1],
    [CHAIN, 3, 3],
    [CHAIN, 1, 1],
  ]);
});

test("closes a segment when its interval is over, and gives signs of life", async (t) => {
  const { directory, settings } = await place(t);
  let offsetMs = 0;
  const clock = { ...settings.clock, nowMs: () => settings.clock.nowMs() + offsetMs };
  const config = testConfig(directory, { heartbeat_interval: "40ms", segment: { rotate: "1h" } });
  const archive = await openTestArchive(t, config, { ...settings, clock });
  await archive.consumeLogs(numbered(0, 3));
  offsetMs = 3_600_000;
  await waitUntil("the segment is closed", async () => {
    return (await readdir(join(directory, "blocks", "default"))).includes("SHA256SUMS");
  });
  await archive.consumeLogs(numbered(3, 5));
  await waitUntil("two heartbeats are there", async () => {
    const checkpoint = join(directory, "log", "checkpoint");
    const note = await readFile(checkpoint, "utf8").catch(() => "");
    return Number(note.split("\n")[1]) >= 7;
  });
  await close(archive);
  const entries = await assertWhole(directory);
  assert.equal(entries.segment, 1);
  assert.ok(entries.heartbeat! >= 2);
});

test("lets the write-ahead log go when a checkpoint and a snapshot cover it", async (t) => {
  const { directory, settings, state } = await place(t);
  const config = testConfig(directory, { block: { max_records: 500, max_delay: "20ms" } });
  const archive = await openTestArchive(t, config, settings);
  const longId = (index: number): string => `${index} `.padEnd(4000, "x");
  for (let round = 0; round < 5; round++) {
    const indexes = range(round * 1000, round * 1000 + 1000);
    await Promise.all(
      indexes.map((index) => archive.consumeLogs(numbered(index, index + 1, longId(index)))),
    );
  }
  await waitUntil("the first file is gone", async () => {
    return !(await readdir(state)).includes("wal-0000000000000000");
  });
  await close(archive);
  const again = await openTestArchive(t, config, settings);
  for (const index of [0, 1, 2500, 4999]) {
    await again.consumeLogs(numbered(index, index + 1, longId(index)));
  }
  await close(again);
  assert.deepEqual(await readNumbers(directory), range(0, 5000));
  await assertWhole(directory);
});

test("makes callers wait when too much is pending, and keeps their order", async (t) => {
  const { directory, settings } = await place(t);
  const config = testConfig(directory, {
    max_pending_bytes: "1MiB",
    block: { max_bytes: "256KiB" },
  });
  const archive = await openTestArchive(t, config, settings);
  const big = (number: number): LogBatch => ({
    records: [new LogRecord({ body: `line ${number} `.padEnd(300_000, ".") })],
  });
  await Promise.all(range(0, 20).map((number) => archive.consumeLogs(big(number))));
  await close(archive);
  assert.equal((await assertWhole(directory)).block, 20);
  assert.deepEqual(await readNumbers(directory), range(0, 20));
});

test("may be shut down twice and before its start, and takes nothing afterwards", async (t) => {
  const { directory, settings } = await place(t);
  const archive = new SealedArchive(testConfig(directory), settings);
  await close(archive);
  await archive.start();
  await archive.consumeLogs({ records: [] });
  await close(archive);
  await close(archive);
  await assert.rejects(archive.consumeLogs(numbered(0, 1)), hasCode("pipeline.shutting_down"));
});

test("seals what is open when it is shut down", async (t) => {
  const { directory, settings } = await place(t);
  const slow = testConfig(directory, { block: { max_records: 100, max_delay: "60s" } });
  const archive = await openTestArchive(t, slow, settings);
  const call = archive.consumeLogs(numbered(0, 5));
  await close(archive);
  await call;
  assert.deepEqual(await readNumbers(directory), range(0, 5));
});

test("refuses an archive that is not its own, and says why", async (t) => {
  const { directory, settings, state } = await place(t);
  const config = testConfig(directory);
  const archive = await openTestArchive(t, config, settings);
  await archive.consumeLogs(numbered(0, 5));
  await assert.rejects(new SealedArchive(config, settings).start(), hasCode("storage.locked"));
  await close(archive);

  const start = (changes: object, used = settings): Promise<void> =>
    new SealedArchive(testConfig(directory, changes), used).start();
  const stranger = await testSettings(t, { type: "sealed_archive" });
  await assert.rejects(start({}, stranger), hasCode("archive.state_missing"));
  await assert.rejects(start({ origin: "example.com/other" }), hasCode("archive.foreign"));
  await chmod(join(state, "log.key"), 0o644);
  await assert.rejects(start({}), hasCode("storage.insecure"));
  await chmod(join(state, "log.key"), 0o600);
  await rm(join(state, "log.key"));
  await assert.rejects(start({}), hasCode("archive.state_missing"));
});

test("never signs a second root for a size after its state or archive was put back", async (t) => {
  const { directory, settings, state } = await place(t);
  const root = await temporaryDirectory(t);
  const first = await openTestArchive(t, testConfig(directory), settings);
  await first.consumeLogs(numbered(0, 25));
  await close(first);
  await cp(state, join(root, "state"), { recursive: true });
  await cp(directory, join(root, "archive"), { recursive: true });
  const second = await openTestArchive(t, testConfig(directory), settings);
  await second.consumeLogs(numbered(25, 30));
  await close(second);

  const start = (path: string): Promise<void> =>
    new SealedArchive(testConfig(path), settings).start();
  await assert.rejects(start(join(root, "archive")), hasCode("archive.damaged"));
  await assert.rejects(start(join(root, "nothing")), hasCode("archive.damaged"));
  await rm(state, { recursive: true });
  await cp(join(root, "state"), state, { recursive: true });
  await assert.rejects(start(directory), hasCode("archive.forked"));
});

test("refuses to write behind a block that was changed before it was signed", async (t) => {
  const { directory, settings } = await place(t);
  const never = testConfig(directory, { publish_interval: "1m" });
  const archive = await openTestArchive(t, never, settings);
  await archive.consumeLogs(numbered(0, 25));
  await archive.shutdown(AbortSignal.abort());
  const path = join(directory, "blocks", "default", "00000001.blk");
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  await assert.rejects(new SealedArchive(never, settings).start(), hasCode("archive.damaged"));
});

test("names what is wrong with a configuration", () => {
  const problems = (input: object): string =>
    configSchema
      .safeParse(input)
      .error?.issues.map((issue) => issue.message)
      .join("; ") ?? "";
  const good = { directory: "a", origin: ORIGIN, recipients: [RECIPIENT] };
  assert.equal(problems(good), "");
  assert.match(problems({ ...good, recipients: [] }), />=1/);
  assert.match(problems({ ...good, recipients: ["age1nonsense"] }), /no age recipient/);
  assert.match(problems({ ...good, origin: "https://example.com" }), /without its scheme/);
  assert.match(problems({ ...good, origin: "a b" }), /no spaces/);
  assert.match(problems({ ...good, recipient: "x" }), /recipient/);
});

test("never logs the content of a record", async (t) => {
  const { directory, settings } = await place(t);
  const archive = await openTestArchive(t, testConfig(directory), settings);
  await archive.consumeLogs(numbered(0, 5));
  await close(archive);
  assert.equal(JSON.stringify([settings.logged, settings.statuses]).includes("line "), false);
});
