import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFile,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { AgentError } from "../../src/component/errors.ts";
import type { Clock } from "../../src/component/settings.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { factory } from "./factory.ts";
import { run, waitForBodies } from "./testing/run.ts";

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line number ${from + index}`);
const asText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
const aborted = (): AbortSignal => AbortSignal.abort();

test("reads what is there and what comes, with CRLF and white space trimmed", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, "one\r\n  two  \n\nthr");
  const running = await run(t, { include: [path] });
  await waitForBodies(running, ["one", "two"]);
  await appendFile(path, "ee\nnul\0byte\n");
  await waitForBodies(running, ["one", "two", "three", "nul\0byte"]);
  assert.deepEqual(running.consumer.records[0]?.attributes, { "log.file.name": "a.log" });
  const positions = running.consumer.batches.flatMap(({ source }) => source?.positions ?? []);
  assert.deepEqual(positions, [5, 13, 20, 29]);
});

test("half a character at the end of a file waits for its other half", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, Buffer.from("one\ncaf\xc3", "latin1"));
  const delays: number[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, callback) => {
      delays.push(delayMs);
      return systemClock.setTimer(delayMs, callback);
    },
  };
  const options = { include: [path], force_flush_period: "30ms" };
  const running = await run(t, options, undefined, new CollectingConsumer(), clock);
  await waitForBodies(running, ["one", "caf"]);
  const polls = (): number => delays.filter((delayMs) => delayMs === 20).length;
  const before = polls();
  await waitUntil("ten more polls", () => polls() >= before + 10);
  const flushes = delays.filter((delayMs) => delayMs < 20).length;
  assert.ok(flushes <= 3, `${flushes} timers that did not wait`);
  await appendFile(path, Buffer.from("\xa9\ntwo\n", "latin1"));
  await waitForBodies(running, ["one", "caf", "é", "two"]);
});

test("start_at end leaves out what was there, but not what comes later", async (t) => {
  const directory = await temporaryDirectory(t);
  const old = join(directory, "old.log");
  await writeFile(old, "before\n");
  const running = await run(t, { include: [join(directory, "*.log")], start_at: "end" });
  const offsets = join(running.settings.root, "file_log", "own", "offsets.json");
  const isKnown = async (): Promise<boolean> =>
    (await readFile(offsets, "utf8")).includes("old.log");
  await waitUntil("the file is known", isKnown);
  await appendFile(old, "after\n");
  await waitForBodies(running, ["after"]);
  await writeFile(join(directory, "new.log"), "new file\n");
  await waitForBodies(running, ["after", "new file"]);
});

test("reads a file to its end after it was deleted", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, "one\n");
  const gate = Promise.withResolvers<void>();
  const consumer = new CollectingConsumer();
  consumer.gate = () => gate.promise;
  const running = await run(t, { include: [path], max_in_flight_bytes: 4 }, undefined, consumer);
  await waitForBodies(running, ["one"]);
  await appendFile(path, "two\n");
  await rm(path);
  gate.resolve();
  await waitForBodies(running, ["one", "two"]);
});

test("loses and doubles nothing when files are renamed while they are written", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "app.log");
  const running = await run(t, { include: [`${path}*`] });
  const lines: string[] = [];
  for (let round = 0; round < 8; round++) {
    for (let part = 0; part < 5; part++) {
      const more = numbered(lines.length, lines.length + 50);
      lines.push(...more);
      await appendFile(path, asText(more));
    }
    for (let age = round; age > 0; age--) {
      await rename(`${path}.${age}`, `${path}.${age + 1}`);
    }
    await rename(path, `${path}.1`);
    // A writer goes on with the old file until it is told to open the new one.
    const late = numbered(lines.length, lines.length + 3);
    lines.push(...late);
    await appendFile(`${path}.1`, asText(late));
  }
  await waitUntil("all lines", () => running.bodies().length >= lines.length);
  assert.deepEqual(running.bodies().toSorted(), lines.toSorted());
});

test("finishes a file that was renamed out of the pattern", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "app.log");
  await writeFile(path, "one\n");
  const running = await run(t, { include: [path] });
  await waitForBodies(running, ["one"]);
  await rename(path, join(directory, "app-20260101"));
  await appendFile(join(directory, "app-20260101"), "two\n");
  await waitForBodies(running, ["one", "two"]);
  await writeFile(path, "three\n");
  await waitForBodies(running, ["one", "two", "three"]);
});

test("loses and doubles nothing with copytruncate", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "app.log");
  const running = await run(t, { include: [`${path}*`] });
  const lines: string[] = [];
  for (let round = 0; round < 6; round++) {
    const more = numbered(lines.length, lines.length + 100);
    lines.push(...more);
    await appendFile(path, asText(more));
    for (let age = round; age > 0; age--) {
      await rename(`${path}.${age}`, `${path}.${age + 1}`);
    }
    await copyFile(path, `${path}.1`);
    await truncate(path);
  }
  await waitUntil("all lines", () => running.bodies().length >= lines.length);
  const seen = running.bodies().length;
  await appendFile(path, "the end\n");
  await waitUntil("the last line", () => running.bodies().length > seen);
  assert.deepEqual(running.bodies().toSorted(), [...lines, "the end"].toSorted());
});

test("knows short files and their copies, also after a restart", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "app.log");
  await writeFile(path, "first\n");
  const options = { include: [`${path}*`] };
  const one = await run(t, options);
  await waitForBodies(one, ["first"]);
  await appendFile(path, "late\n");
  await copyFile(path, `${path}.1`);
  await writeFile(path, "second\n");
  await waitUntil("three lines", () => one.bodies().length >= 3);
  assert.deepEqual(one.bodies().toSorted(), ["first", "late", "second"]);
  await one.stop();
  const two = await run(t, options, one.settings.root);
  await appendFile(path, "third\n");
  await waitForBodies(two, ["third"]);
  // While the agent is down, the same happens once more.
  await two.stop();
  await appendFile(path, "fourth\n");
  await rename(`${path}.1`, `${path}.2`);
  await copyFile(path, `${path}.1`);
  await writeFile(path, "fifth\n");
  const three = await run(t, options, one.settings.root);
  await waitUntil("two lines", () => three.bodies().length >= 2);
  await appendFile(path, "sixth\n");
  await waitUntil("three lines", () => three.bodies().length >= 3);
  assert.deepEqual(three.bodies().toSorted(), ["fifth", "fourth", "sixth"]);
});

for (const [mode, expected] of [
  ["ignore", ["third line"]],
  ["read_whole_file", ["head", "third line"]],
  ["read_new", ["third line"]],
] as const) {
  test(`on_truncate ${mode} decides about a file that begins the same`, async (t) => {
    const path = join(await temporaryDirectory(t), "a.log");
    await writeFile(path, `${"=".repeat(20)}head\n`);
    const options = { include: [path], fingerprint_size: 16, on_truncate: mode };
    const running = await run(t, options);
    await waitForBodies(running, [`${"=".repeat(20)}head`]);
    await appendFile(path, "more\n");
    await waitUntil("both lines", () => running.bodies().length === 2);
    await truncate(path, 25);
    const isNoticed = (): boolean =>
      running.bodies().length > 2 ||
      running.settings.logged.some(({ message }) => message.includes("became shorter")) ||
      running.settings.logged.filter(({ message }) => message === "reading a file").length > 1;
    await waitUntil("the truncation is seen", isNoticed);
    // With ignore, what lies before the old position is passed over.
    await appendFile(path, mode === "ignore" ? "12345third line\n" : "third line\n");
    await waitUntil("what follows", () => running.bodies().length >= 2 + expected.length);
    const bodies = running
      .bodies()
      .slice(2)
      .map((body) => String(body).replace(/^=+/, ""));
    assert.deepEqual(bodies, expected);
  });
}

test("replays what was not acknowledged with the same id and positions", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  const lines = numbered(0, 5000);
  await writeFile(path, asText(lines));
  const held = new CollectingConsumer();
  let taken = 0;
  held.gate = () => (taken++ < 1 ? Promise.resolve() : new Promise(() => {}));
  const first = await run(t, { include: [path] }, undefined, held);
  await waitUntil("all batches", () => held.records.length === lines.length);
  await first.stop(aborted());
  const second = await run(t, { include: [path] }, first.settings.root);
  const firstBatch = held.batches[0]!.records.length;
  await waitForBodies(second, lines.slice(firstBatch));
  const ids = new Set(
    [...held.batches, ...second.consumer.batches].map(({ source }) => source?.id),
  );
  assert.equal(ids.size, 1);
  const positionsOf = (consumer: CollectingConsumer): number[] =>
    consumer.batches.flatMap(({ source }) => [...(source?.positions ?? [])]);
  assert.deepEqual(positionsOf(second.consumer), positionsOf(held).slice(firstBatch));
});

test("goes on after a restart where a rotated file was left", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "app.log");
  await writeFile(path, "one\n");
  const first = await run(t, { include: [path] });
  await waitForBodies(first, ["one"]);
  await first.stop();
  await appendFile(path, "two\n");
  await rename(path, `${path}.1`);
  await writeFile(path, "three\n");
  const second = await run(t, { include: [path] }, first.settings.root);
  await waitUntil("both lines", () => second.bodies().length >= 2);
  assert.deepEqual(second.bodies().toSorted(), ["three", "two"]);
});

test("goes on in the compressed form of a rotated file", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "app.log");
  await writeFile(path, "one\n");
  const options = { include: [`${path}*`], compression: "auto" };
  const first = await run(t, options);
  await waitForBodies(first, ["one"]);
  await first.stop();
  await appendFile(path, "two\n");
  await writeFile(`${path}.1.gz`, gzipSync(await readFile(path)));
  await writeFile(path, "three and more\n");
  const second = await run(t, options, first.settings.root);
  await waitUntil("both lines", () => second.bodies().length >= 2);
  assert.deepEqual(second.bodies().toSorted(), ["three and more", "two"]);
  const { source } = second.consumer.batches.find(({ records }) => records[0]?.body === "two")!;
  assert.equal(source?.id, first.consumer.batches[0]?.source?.id);
  assert.deepEqual(source?.positions, [8]);
});

test("reads gzip files and what is appended to them", async (t) => {
  const path = join(await temporaryDirectory(t), "a.gz");
  await writeFile(path, gzipSync("one\ntwo\n"));
  const running = await run(t, { include: [path], compression: "gzip" });
  await waitForBodies(running, ["one", "two"]);
  await appendFile(path, gzipSync("three\n"));
  await waitForBodies(running, ["one", "two", "three"]);
});

test("ends an unfinished line by force, and ends it there again in a replay", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, "unfin");
  const stuck = new CollectingConsumer();
  stuck.gate = () => new Promise(() => {});
  const options = { include: [path], force_flush_period: "30ms" };
  const first = await run(t, options, undefined, stuck);
  await waitForBodies(first, ["unfin"]);
  await appendFile(path, "ished\nnext\n");
  await waitForBodies(first, ["unfin", "ished", "next"]);
  await first.stop(aborted());
  const second = await run(t, options, first.settings.root);
  await waitForBodies(second, ["unfin", "ished", "next"]);
});

test("offers a refused batch again, in order, and goes past one refused for good", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, asText(numbered(0, 4001)));
  const consumer = new CollectingConsumer();
  let calls = 0;
  consumer.gate = async () => {
    const call = calls++;
    if (call === 0) throw new AgentError("storage.unwritable", "no room");
    if (call === 3) throw new AgentError("storage.corrupt", "refused");
  };
  const retry = { retry_on_failure: { initial_interval: "10ms" } };
  const running = await run(t, { include: [path], ...retry }, undefined, consumer);
  await waitUntil("four calls", () => consumer.batches.length >= 4);
  await running.stop();
  assert.deepEqual(
    consumer.batches.map(({ records }) => records[0]?.body),
    ["line number 0", "line number 2000", "line number 4000", "line number 0"],
  );
  assert.ok(running.settings.logged.some(({ message }) => message.includes("refused for good")));
  const again = await run(t, { include: [path] }, running.settings.root);
  await appendFile(path, "last\n");
  await waitForBodies(again, ["last"]);
});

test("keeps the bytes in flight within their bound", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  const lines = numbered(0, 100_000);
  await writeFile(path, asText(lines));
  const consumer = new CollectingConsumer();
  const gate = Promise.withResolvers<void>();
  consumer.gate = () => gate.promise;
  const options = { include: [path], max_in_flight_bytes: "512KiB" };
  const running = await run(t, options, undefined, consumer);
  const read = (): number => consumer.batches.at(-1)?.source?.positions.at(-1) ?? 0;
  await waitUntil("the bound is reached", () => read() > 400_000);
  assert.ok(read() <= 512 * 1024);
  gate.resolve();
  await waitUntil("all lines", () => running.bodies().length === lines.length);
  assert.deepEqual(running.bodies(), lines);
});

test("reads 500 files with few open at a time", async (t) => {
  const directory = await temporaryDirectory(t);
  const paths = Array.from({ length: 500 }, (_, index) => join(directory, `${index}.log`));
  for (const path of paths) await writeFile(path, `first of ${path}\n`);
  const options = { include: [join(directory, "*.log")], max_concurrent_files: 10 };
  const running = await run(t, options);
  await waitUntil("first lines", () => running.bodies().length >= 500);
  for (const path of paths) await appendFile(path, `second of ${path}\n`);
  await waitUntil("second lines", () => running.bodies().length >= 1000);
  const expected = paths.flatMap((path) => [`first of ${path}`, `second of ${path}`]);
  assert.deepEqual(running.bodies().toSorted(), expected.toSorted());
});

test("splits and truncates lines that are too long", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  const long = "0123456789".repeat(30_000);
  await writeFile(path, `${long}\nshort\n`);
  const split = await run(t, { include: [path], max_log_size: 200_000 });
  await waitForBodies(split, [long.slice(0, 200_000), long.slice(200_000), "short"]);
  const options = { include: [path], max_log_size: 1000, max_log_size_behavior: "truncate" };
  const cut = await run(t, options);
  await waitForBodies(cut, [long.slice(0, 1000), "short"]);
});

test("adds the attributes that are asked for, and skips what is no file", async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, "folder.log"));
  const path = join(directory, "a.log");
  await writeFile(path, "one\n\ntwo\n");
  const running = await run(t, {
    include: [join(directory, "*.log")],
    include_file_path: true,
    include_file_path_resolved: true,
    include_file_record_number: true,
    include_file_record_offset: true,
    attributes: { team: "shop" },
    resource: { "service.name": "web" },
  });
  await waitForBodies(running, ["one", "two"]);
  const [first, second] = running.consumer.records;
  assert.deepEqual(second?.attributes, {
    team: "shop",
    "log.file.name": "a.log",
    "log.file.path": path,
    "log.file.path_resolved": path,
    "log.file.record_number": 3,
    "log.file.record_offset": 5,
  });
  assert.deepEqual(second?.resource.attributes, { "service.name": "web" });
  assert.equal(first?.resource, second?.resource);
  assert.deepEqual(
    running.settings.logged.filter(({ level }) => level === "warn").map(({ message }) => message),
    ["skipped: the path matches include but is a folder"],
  );
});

test("holds parts of container lines back until they are whole, also over a restart", async (t) => {
  const path = join(await temporaryDirectory(t), "0.log");
  const time = "2024-04-13T07:59:37.505201169Z";
  await writeFile(path, `${time} stdout P one \n${time} stderr F other\n`);
  const options = { include: [path], operators: [{ type: "container" }] };
  const first = await run(t, options);
  await waitForBodies(first, ["other"]);
  await first.stop();
  await appendFile(path, `${time} stdout F two\n`);
  const second = await run(t, options, first.settings.root);
  // The finished line comes again, with the position that the archive knows.
  await waitForBodies(second, ["other", "one two"]);
});

test("names a damaged offsets file, and stores no log content", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, "some secret line\n");
  const first = await run(t, { include: [path] });
  await waitForBodies(first, ["some secret line"]);
  await first.stop();
  const offsets = join(first.settings.root, "file_log", "own", "offsets.json");
  const text = await readFile(offsets, "utf8");
  assert.ok(!text.includes("secret"));
  assert.ok(text.includes(createHash("sha256").update("some secret line\n").digest("hex")));
  await writeFile(offsets, text.slice(0, 40));
  await assert.rejects(run(t, { include: [path] }, first.settings.root), {
    code: "storage.corrupt",
  });
});

test("shuts down twice and before start", async (t) => {
  const settings = await testSettings(t, { type: "file_log" });
  const config = configSchema.parse({ include: ["/nonexistent/*.log"] });
  const receiver = factory.create(config, settings, new CollectingConsumer());
  await receiver.shutdown(aborted());
  await receiver.shutdown(aborted());
  assert.deepEqual(settings.logged, []);
});
