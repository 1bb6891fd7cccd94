import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { JournaldReceiver } from "./journald.ts";

const RECORDED = join(import.meta.dirname, "testdata/recorded.export");
const FAKE = join(import.meta.dirname, "testing/fake_journalctl.ts");
const ENTRIES = readFileSync(RECORDED, "latin1").split(/(?=^__CURSOR=)/m);

/** A journal, the program that reads it, and a state directory that several receivers share. */
async function makeJournal(context: TestContext) {
  const directory = await temporaryDirectory(context);
  const recording = join(directory, "journal");
  const calls = join(directory, "calls");
  const program = join(directory, "journalctl");
  const environment = `JOURNAL_RECORDING='${recording}' JOURNAL_CALLS='${calls}'`;
  const call = `${environment} exec '${process.execPath}' '${FAKE}' "$@"`;
  writeFileSync(program, `#!/bin/sh\n${call}\n`);
  chmodSync(program, 0o755);
  writeFileSync(recording, "");
  const start = async (config: object = {}) => {
    const metrics = new CollectedMetrics();
    const base = { kind: "receiver", type: "journald", root: directory } as const;
    const settings = await testSettings(context, base);
    const sink = new CollectingConsumer();
    const parsed = configSchema.parse({ journalctl_path: program, ...config });
    const receiver = new JournaldReceiver(parsed, { ...settings, meter: metrics.meter }, sink);
    await receiver.start();
    context.after(() => receiver.shutdown(AbortSignal.abort()));
    const messages = (): unknown[] =>
      sink.records.map(({ body }) => (body as Record<string, unknown>).SYSLOG_IDENTIFIER);
    return { receiver, sink, metrics, settings, messages };
  };
  const words = (): string[][] =>
    readFileSync(calls, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as string[]);
  const append = (index: number): void => appendFileSync(recording, ENTRIES[index]!, "latin1");
  return { directory, recording, start, words, append };
}

test("entries from the beginning become records, and new ones follow", async (context) => {
  const { start, append } = await makeJournal(context);
  append(0);
  const { sink, messages } = await start({ start_at: "beginning" });
  await waitUntil("the first entry", () => messages().length === 1);
  append(1);
  append(2);
  await waitUntil("all entries", () => messages().length === 3);
  assert.deepEqual(messages(), ["sshd", "app", "raw"]);
  const sources = sink.batches.map(({ source }) => source!);
  assert.match(sources[0]!.id, /^journald::[0-9a-f]{32}$/);
  assert.deepEqual(
    sources.flatMap(({ positions }) => positions),
    [0x10, 0x11, 0x13],
  );
});

test("by default only entries that come later are read, also after a restart", async (context) => {
  const { start, append } = await makeJournal(context);
  append(0);
  const first = await start();
  await first.receiver.shutdown(AbortSignal.timeout(20_000));
  append(1);
  const second = await start();
  await waitUntil("the entry between", () => second.messages().length === 1);
  assert.deepEqual([...first.messages(), ...second.messages()], ["app"]);
});

test("a journal that is empty at the first start is read whole later", async (context) => {
  const { start, append } = await makeJournal(context);
  await (await start()).receiver.shutdown(AbortSignal.timeout(20_000));
  append(0);
  const { messages } = await start();
  await waitUntil("the entry", () => messages().length === 1);
});

test("what was not acknowledged is read again, with the same places", async (context) => {
  const { start, append, directory } = await makeJournal(context);
  for (const index of [0, 1, 2]) append(index);
  const first = await start({ start_at: "beginning" });
  first.sink.gate = () => Promise.withResolvers<void>().promise;
  await waitUntil("the entries", () => first.messages().length === 3);
  await first.receiver.shutdown(AbortSignal.abort());
  const second = await start();
  await waitUntil("the entries again", () => second.messages().length === 3);
  const places = ({ sink }: typeof first) => sink.batches.map(({ source }) => source);
  assert.deepEqual(places(second), places(first));
  await second.receiver.shutdown(AbortSignal.timeout(20_000));
  const stored = readFileSync(join(directory, "journald/own/cursor"), "latin1");
  assert.match(stored, /^s=[0-9a-f]{32};i=13;.*\n$/);
});

test("journalctl that ends is started again behind what was read", async (context) => {
  const { start, append, recording, words } = await makeJournal(context);
  append(0);
  writeFileSync(`${recording}.end`, "");
  const { messages, settings } = await start({ start_at: "beginning" });
  await waitUntil("the degraded status", () => settings.statuses.at(-1)!.status === "degraded");
  assert.equal(settings.statuses.at(-1)!.reason, "journalctl ended");
  rmSync(`${recording}.end`);
  append(1);
  await waitUntil("the next entry", () => messages().length === 2);
  assert.deepEqual(messages(), ["sshd", "app"]);
  assert.equal(settings.statuses.at(-1)!.status, "ok");
  const [, first, again] = words();
  assert.ok(!first!.includes("--after-cursor"));
  assert.match(again![again!.indexOf("--after-cursor") + 1]!, /;i=10;/);
});

test("journalctl that cannot run is an error at the start", async (context) => {
  const { start, recording } = await makeJournal(context);
  writeFileSync(`${recording}.fail`, "");
  const code = "journald.failed";
  const failed = /^journalctl ended with 1: Failed to open the journal$/;
  await assert.rejects(start(), { code, message: failed });
  const missing = { journalctl_path: "/nowhere/journalctl" };
  await assert.rejects(start(missing), { code, message: /ENOENT/ });
});

test("a state that holds no cursor is not guessed at", async (context) => {
  const { start, directory } = await makeJournal(context);
  await (await start()).receiver.shutdown(AbortSignal.timeout(20_000));
  copyFileSync(RECORDED, join(directory, "journald/own/cursor"));
  await assert.rejects(start(), { code: "storage.corrupt" });
});

test("journalctl is asked for what the configuration says", async (context) => {
  const { start, words } = await makeJournal(context);
  await start({
    ...{ directory: "/var/log/journal", units: ["ssh", "nginx"], identifiers: ["app"] },
    ...{ priority: "err..warning", grep: "fail", dmesg: true, namespace: "web", merge: true },
    matches: [{ _UID: "0", _COMM: "x" }, { _TRANSPORT: "audit" }],
  });
  await waitUntil("the call", () => words().length === 2);
  const place = ["--namespace", "web", "--directory", "/var/log/journal", "--merge"];
  assert.deepEqual(words()[0]!.slice(-place.length), place);
  assert.deepEqual(words()[1], [
    ...["--output=export", "--follow", "--no-tail", "--no-pager", "--quiet", ...place],
    ...["--unit", "ssh", "--unit", "nginx", "--identifier", "app", "--priority", "err..warning"],
    ...["--grep", "fail", "--dmesg", "_UID=0", "_COMM=x", "+", "_TRANSPORT=audit"],
  ]);
});

test("configurations that journalctl would not understand are refused", () => {
  const refused = (config: object): boolean => !configSchema.safeParse(config).success;
  assert.ok(refused({ priority: "urgent" }));
  assert.ok(refused({ matches: [{ "a b": "c" }] }));
  assert.ok(refused({ directory: "/a", files: ["/b"] }));
  assert.ok(!refused({ priority: "3", files: ["/b"] }));
});
