import assert from "node:assert/strict";
import { chmod, cp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { AgentError } from "../../src/component/errors.ts";
import type { Finding } from "../../src/data/finding.ts";
import {
  INTEGRITY_CHAIN,
  INTEGRITY_EPOCH,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
  INTEGRITY_VALUE,
} from "../../src/data/integrity.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { TestSettings } from "../../src/testing/test_settings.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { formatChainKey, parseChainKey } from "./chain_key.ts";
import { readChainState } from "./chain_state.ts";
import { configSchema } from "./config.ts";
import { factory } from "./factory.ts";
import { HmacChain } from "./hmac_chain.ts";
import { firstRunKey, KeyCursor, nextRunKey } from "./key_schedule.ts";
import { REFRESH_INTERVAL_MS, RESERVATION_STEP, UNACKNOWLEDGED_MAX } from "./reservation.ts";
import { accessLogRecords, knownKey, named, startChain, stop, verifyRecords } from "./testing.ts";

const sequences = (records: readonly LogRecord[]) =>
  records.map((record) => Number(record.attributes[INTEGRITY_SEQUENCE]));
const withCode = (code: string) => (error: unknown) =>
  error instanceof AgentError && error.code === code;
const refusal = new AgentError("storage.corrupt", "refused");

/** A copy of the state directory as a crash at this moment would leave it. */
async function crash(t: TestContext, settings: TestSettings): Promise<TestSettings> {
  const root = await temporaryDirectory(t);
  await cp(settings.root, root, { recursive: true });
  return testSettings(t, { root, clock: settings.clock });
}

test("numbers and hands on in the order of the calls, within the call", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const gate = Promise.withResolvers<void>();
  const sink = new CollectingConsumer();
  sink.gate = () => gate.promise;
  const chain = await startChain(config, settings, sink);
  const records = accessLogRecords(30);
  // The first batch waits for the first reservation; those behind it wait for it.
  const first = chain.consumeLogs({ records: records.slice(0, 10) });
  const second = chain.consumeLogs({ records: records.slice(10, 20) });
  await waitUntil("both were handed on", () => sink.batches.length === 2);
  const third = chain.consumeLogs({ records: records.slice(20) });
  assert.equal(sink.batches.length, 3);
  gate.resolve();
  await Promise.all([first, second, third]);
  assert.deepEqual(sequences(sink.records), [...new Array(30).keys()]);
  assert.deepEqual(
    sink.records.map(({ body }) => body),
    records.map(({ body }) => body),
  );
  await stop(chain);
  await stop(chain);
  assert.deepEqual(named(verifyRecords(key, sink.records, { ordered: true })), []);
  await assert.rejects(chain.consumeLogs({ records }), withCode("pipeline.shutting_down"));
});

test("what the last gate withholds gets no number, and is handed on all the same", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const chain = await startChain(config, settings, sink);
  const canary = { kind: "email", arrived: () => {} };
  const finding = { path: [], start: 0, end: 1, entity: "email", text: "x" } as unknown as Finding;
  const records = accessLogRecords(30).map((record, index) => {
    if (index % 10 === 3) return new LogRecord({ ...record, canary });
    return index % 10 === 7 ? new LogRecord({ ...record, findings: [finding] }) : record;
  });
  await chain.consumeLogs({ records: records.slice(0, 20) });
  await chain.consumeLogs({ records: records.slice(20) });
  await chain.consumeLogs({ records: records.filter(({ canary: mark }) => mark !== undefined) });
  await stop(chain);
  const withheld = sink.records.filter((record) => record.canary ?? record.findings);
  assert.equal(withheld.length, 9);
  assert.ok(withheld.every(({ attributes }) => attributes[INTEGRITY_SEQUENCE] === undefined));
  const passed = sink.records.filter((record) => !(record.canary ?? record.findings));
  assert.deepEqual(sequences(passed), [...new Array(24).keys()]);
  assert.deepEqual(named(verifyRecords(key, passed)), []);
});

test("keeps the source positions, and splits what is larger than a reservation", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const chain = await startChain(config, settings, sink);
  const record = new LogRecord({ body: "same" });
  const records = new Array<LogRecord>(RESERVATION_STEP + 5).fill(record);
  const positions = records.map((_, index) => index + 1);
  await chain.consumeLogs({ records, source: { id: "file", positions } });
  assert.deepEqual(
    sink.batches.flatMap((batch) => batch.source?.positions ?? []),
    positions,
  );
  assert.deepEqual(named(verifyRecords(key, sink.records)), []);
  await stop(chain);
});

test("replaces integrity attributes that a record brings along", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const chain = await startChain(config, settings, sink);
  const attributes = { [INTEGRITY_RESTART]: "forged", [INTEGRITY_VALUE]: "forged", kept: 1 };
  await chain.consumeLogs({ records: [new LogRecord({ attributes })] });
  assert.equal(sink.records[0]?.attributes[INTEGRITY_RESTART], undefined);
  assert.equal(sink.records[0]?.attributes.kept, 1);
  assert.equal(attributes[INTEGRITY_VALUE], "forged");
  assert.deepEqual(named(verifyRecords(key, sink.records)), []);
  await stop(chain);
});

test("an orderly restart leaves no hole", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  for (let run = 0; run < 4; run++) {
    const chain = await startChain(config, settings, sink);
    // A run without records must not disturb the next one.
    if (run !== 1) await chain.consumeLogs({ records: accessLogRecords(5) });
    await stop(chain);
  }
  assert.deepEqual(sequences(sink.records), [...new Array(15).keys()]);
  assert.equal(
    sink.records[5]?.attributes[INTEGRITY_RESTART],
    '{"run":1,"acknowledged":4,"reserved_until":5}',
  );
  const report = verifyRecords(key, sink.records);
  assert.deepEqual([named(report), report.restarts, report.explained], [[], 2, 0]);
});

test("a crash at any moment leaves holes that the next run explains", async (t) => {
  const settings = await testSettings(t, { clock: new FakeClock() });
  const clock = settings.clock as FakeClock;
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const chain = await startChain(config, settings, sink);
  const crashed: { settings: TestSettings; delivered: number }[] = [];
  const source = accessLogRecords(60);
  for (let start = 0; start < 60; start += 10) {
    crashed.push({ settings: await crash(t, settings), delivered: start });
    await chain.consumeLogs({ records: source.slice(start, start + 10) });
    crashed.push({ settings: await crash(t, settings), delivered: start + 10 });
    if (start === 30) {
      clock.advance(REFRESH_INTERVAL_MS);
      await waitUntil("the delivered sequence is durable", async () => {
        const stored = await readChainState(await settings.stateDirectory());
        return stored?.state.acknowledged.sequence === 39;
      });
    }
  }
  for (const { settings: copy, delivered } of crashed) {
    const after = new CollectingConsumer();
    const next = await startChain(config, copy, after);
    await next.consumeLogs({ records: accessLogRecords(3) });
    const seen = [...sink.records.slice(0, delivered), ...after.records];
    const report = verifyRecords(key, seen);
    assert.deepEqual(named(report), [], `after ${delivered}`);
    assert.equal(report.genuine, delivered + 3);
    const [first] = sequences(after.records);
    assert.ok(first! >= delivered && first! % RESERVATION_STEP < 20, `begins at ${first}`);
    // What is missing before the statement's hole is not explained by it.
    if (delivered === 60) {
      const cut = verifyRecords(key, seen.toSpliced(10, 10));
      assert.deepEqual(named(cut), ["hole 10-19"]);
    }
    await stop(next);
  }
  await stop(chain);
});

test("explains sequences that an exporter refused, in a record that arrived", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const arrived: LogRecord[] = [];
  let refusing = false;
  const chain = await startChain(config, settings, {
    consumeLogs: async (batch) => {
      await sink.consumeLogs(batch);
      if (refusing) throw refusal;
      arrived.push(...batch.records);
    },
  });
  for (const refuse of [false, true, true, false, true, false, false]) {
    refusing = refuse;
    const consumed = chain.consumeLogs({ records: accessLogRecords(10) });
    if (refuse) await assert.rejects(consumed, withCode("storage.corrupt"));
    else await consumed;
  }
  const stated = arrived.map(({ attributes }) => attributes[INTEGRITY_UNDELIVERED]);
  assert.deepEqual(
    stated.filter((text) => text !== undefined),
    ["10-29", "40-49"],
  );
  const report = verifyRecords(key, arrived);
  assert.deepEqual([named(report), report.explained], [[], 30]);
  assert.deepEqual(named(verifyRecords(key, arrived.slice(0, 10))), []);
  await stop(chain);
});

test("states again what a refused or crashed record stated", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const arrived: LogRecord[] = [];
  const answers = [true, false, true];
  const consumeLogs = async (batch: { records: readonly LogRecord[] }) => {
    if (answers.shift() === false) throw refusal;
    arrived.push(...batch.records);
  };
  for (let run = 0; run < 3; run++) {
    const chain = await startChain(config, settings, { consumeLogs });
    await chain.consumeLogs({ records: accessLogRecords(10) }).catch(() => {});
    await stop(chain);
  }
  // The second run's only batch, with the restart statement, was refused.
  assert.deepEqual(
    sequences(arrived).filter((sequence) => sequence % 10 === 0),
    [0, 20],
  );
  assert.equal(arrived[10]?.attributes[INTEGRITY_UNDELIVERED], "10-19");
  assert.deepEqual(named(verifyRecords(key, arrived)), []);
});

test("an edited first record behind a stated hole cannot hide", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const arrived: LogRecord[] = [];
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  const chain = await startChain(config, settings, {
    consumeLogs: async (batch) => {
      if (++calls === 1) {
        await gate.promise;
        throw refusal;
      }
      arrived.push(...batch.records);
    },
  });
  const refused = assert.rejects(chain.consumeLogs({ records: accessLogRecords(10) }));
  await chain.consumeLogs({ records: accessLogRecords(10) });
  gate.resolve();
  await refused;
  await chain.consumeLogs({ records: accessLogRecords(10) });
  assert.deepEqual(named(verifyRecords(key, arrived)), []);
  const { "audit.integrity.previous": _, ...attributes } = arrived[0]!.attributes;
  const forged = arrived.with(0, arrived[0]!.with("edited", attributes));
  assert.deepEqual(named(verifyRecords(key, forged)), ["edit 10-10"]);
  await stop(chain);
});

test("waits when too much is under way, and goes on when it was delivered", async (t) => {
  const settings = await testSettings(t);
  const { config } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const gate = Promise.withResolvers<void>();
  sink.gate = () => gate.promise;
  const chain = await startChain(config, settings, sink);
  const records = new Array<LogRecord>(RESERVATION_STEP / 4).fill(new LogRecord({ body: "same" }));
  const calls = Array.from({ length: 18 }, () => chain.consumeLogs({ records }));
  await waitUntil("the limit is reached", () => sink.batches.length === 16);
  const stored = await readChainState(await settings.stateDirectory());
  assert.equal(stored?.state.reserved_until, UNACKNOWLEDGED_MAX);
  assert.equal(sink.batches.length, 16);
  gate.resolve();
  await Promise.all(calls);
  assert.equal(sequences(sink.batches[17]!.records).at(-1), 18 * records.length - 1);
  await stop(chain);
});

test("issues nothing beyond the reservation while the state cannot be written", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const chain = await startChain(config, settings, sink);
  const directory = await settings.stateDirectory();
  await chain.consumeLogs({ records: accessLogRecords(10) });
  await rm(directory, { recursive: true });
  const records = new Array<LogRecord>(RESERVATION_STEP).fill(new LogRecord({ body: "same" }));
  await chain.consumeLogs({ records });
  await assert.rejects(chain.consumeLogs({ records }), withCode("hmac_chain.state_unwritable"));
  assert.equal(settings.statuses.at(-1)?.status, "degraded");
  assert.equal(sink.records.length, 10 + RESERVATION_STEP);
  await settings.stateDirectory();
  await chain.consumeLogs({ records: accessLogRecords(10) });
  assert.equal(settings.statuses.at(-1)?.status, "ok");
  assert.deepEqual(named(verifyRecords(key, sink.records)), []);
  await stop(chain);
});

test("the state never holds a key that made a tag", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const sink = new CollectingConsumer();
  for (let run = 0; run < 3; run++) {
    const chain = await startChain(config, settings, sink);
    await chain.consumeLogs({ records: accessLogRecords(2) });
    const directory = await settings.stateDirectory();
    const stored = await readChainState(directory);
    await stop(chain);
    const id = String(sink.records[0]?.attributes[INTEGRITY_CHAIN]);
    let runKey = firstRunKey(key, id);
    for (let next = 0; next <= run; next++) {
      const used = KeyCursor.atStart(key, id).advanceTo(next, 0, { left: 1000 });
      const file = await readFile(join(directory, "chain.state"));
      for (const secret of [key, runKey, used!.key]) {
        assert.equal(file.indexOf(Buffer.from(secret)), -1);
        assert.equal(file.indexOf(Buffer.from(secret).toString("base64")), -1);
      }
      runKey = nextRunKey(runKey);
    }
    assert.deepEqual(Buffer.from(stored!.nextRunKey), Buffer.from(runKey));
    assert.equal(sink.records.at(-1)?.attributes[INTEGRITY_EPOCH], `${run}.0`);
  }
});

test("seals the first key to the auditors and keeps nothing that opens it", async (t) => {
  const settings = await testSettings(t);
  const identity = await generateX25519Identity();
  const recipients = [await identityToRecipient(identity)];
  const sink = new CollectingConsumer();
  const config = configSchema.parse({ recipients });
  const chain = await startChain(config, settings, sink);
  await chain.consumeLogs({ records: accessLogRecords(3) });
  await stop(chain);
  const directory = await settings.stateDirectory();
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const sealed = await readFile(join(directory, "genesis.age"));
  const opened = parseChainKey(await decrypter.decrypt(sealed, "text"), "genesis.age");
  assert.equal(opened.chain, sink.records[0]?.attributes[INTEGRITY_CHAIN]);
  assert.deepEqual(named(verifyRecords(opened.key.reveal(), sink.records)), []);
  await assert.rejects(stat(join(directory, "auditor-identity.txt")));
  assert.deepEqual(
    settings.logged.filter(({ level }) => level === "warn"),
    [],
  );
});

test("without an auditor makes an identity, and says at each start where it lies", async (t) => {
  const settings = await testSettings(t);
  const config = configSchema.parse({});
  const path = join(await settings.stateDirectory(), "auditor-identity.txt");
  await stop(await startChain(config, settings, new CollectingConsumer()));
  await stop(await startChain(config, settings, new CollectingConsumer()));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.match(
    await readFile(path, "utf8"),
    /^# created: .*\n# public key: age1\w+\nAGE-SECRET-KEY-1/,
  );
  const warned = () => settings.logged.filter(({ level }) => level === "warn");
  assert.deepEqual(
    warned().map(({ attributes }) => attributes.path),
    [path, path],
  );
  await rm(path);
  await stop(await startChain(config, settings, new CollectingConsumer()));
  assert.equal(warned().length, 2);
});

test("refuses a second agent, lost state, damaged state and another chain's key", async (t) => {
  const settings = await testSettings(t);
  const config = configSchema.parse({});
  const sink = new CollectingConsumer();
  const directory = await settings.stateDirectory();
  const state = join(directory, "chain.state");
  const chain = await startChain(config, settings, sink);
  const start = () => new HmacChain(config, settings, sink).start();
  await assert.rejects(start(), withCode("storage.locked"));
  await stop(chain);
  const content = await readFile(state);
  await writeFile(state, content.subarray(0, -1));
  await assert.rejects(start(), withCode("storage.corrupt"));
  await rm(state);
  await assert.rejects(start(), withCode("hmac_chain.state_missing"));
  await rm(join(directory, "genesis.age"));
  const again = await startChain(config, settings, sink);
  await stop(again);
});

test("refuses a key file that others can read, or that another chain uses", async (t) => {
  const settings = await testSettings(t);
  const { config, key } = await knownKey(settings);
  const path = config.key_file!;
  const start = () => new HmacChain(config, settings, new CollectingConsumer()).start();
  await chmod(path, 0o640);
  await assert.rejects(start(), withCode("storage.insecure"));
  await chmod(path, 0o600);
  await writeFile(path, formatChainKey(key, "ab".repeat(16)));
  await assert.rejects(start(), withCode("hmac_chain.key_file"));
  await rm(path);
  await assert.rejects(start(), withCode("hmac_chain.key_file"));
});

test("a crash during the genesis begins anew, and one after it goes on", async (t) => {
  const settings = await testSettings(t);
  const config = configSchema.parse({});
  const directory = await settings.stateDirectory();
  const sealed = join(directory, "genesis.age");
  const unfinished = join(directory, "genesis-unfinished.age");
  await writeFile(unfinished, "sealed by a start that wrote no state");
  await stop(await startChain(config, settings, new CollectingConsumer()));
  const first = await readFile(sealed);
  await assert.rejects(stat(unfinished));
  await rm(sealed);
  await writeFile(unfinished, first);
  await stop(await startChain(config, settings, new CollectingConsumer()));
  assert.deepEqual(await readFile(sealed), first);
});

test("refuses to stand before processors that change records", () => {
  const position = { pipeline: "logs/protected", before: [], exporters: ["debug"] };
  const config = configSchema.parse({});
  const check = (after: string[]) => factory.checkPosition?.(config, { ...position, after });
  assert.match(check(["batch", "tokenize"]) ?? "", /move hmac_chain behind tokenize/);
  assert.match(check(["pii_detect"]) ?? "", /pii_detect/);
  assert.match(check(["hmac_chain"]) ?? "", /remove one/);
  assert.equal(check(["batch"]), undefined);
});
