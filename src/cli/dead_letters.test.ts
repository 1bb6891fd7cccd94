import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { stringify } from "yaml";
import { builtinFactories } from "../../config/builtin.ts";
import { loadConfig } from "../../config/load.ts";
import { TestBackend } from "../../exporters/otlp_http/test_backend.ts";
import { startAgent } from "../agent.ts";
import { temporaryDirectory } from "../testing/test_settings.ts";
import { waitUntil } from "../testing/wait_until.ts";
import { deadLettersCommand } from "./dead_letters.ts";

test("what was refused for good is listed, exported, sent again and dropped", async (t) => {
  const directory = await temporaryDirectory(t);
  const backend = await TestBackend.start(t);
  const path = join(directory, "vouchsafe.yaml");
  const log = join(directory, "a.log");
  const config = {
    receivers: { file_log: { include: [log], start_at: "beginning" } },
    exporters: {
      otlp_http: { endpoint: backend.url, sending_queue: { storage: "file_storage" } },
    },
    extensions: {
      file_storage: { directory: join(directory, "storage") },
      health_check: { endpoint: "127.0.0.1:0" },
    },
    service: {
      extensions: ["file_storage", "health_check"],
      state_directory: join(directory, "state"),
      telemetry: { metrics: { level: "none" } },
      pipelines: { logs: { receivers: ["file_log"], exporters: ["otlp_http"] } },
    },
  };
  await mkdir(directory, { recursive: true });
  await writeFile(path, stringify(config));
  await writeFile(log, "one\ntwo\n");
  const start = async () => {
    const loaded = await loadConfig([path], { env: {}, factories: builtinFactories });
    const agent = await startAgent(loaded.config!, new PassThrough().resume());
    t.after(() => agent.shutdown(AbortSignal.timeout(5000)));
    return agent;
  };
  const run = async (action: string): Promise<{ stdout: string; stderr: string }> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const io = { stdout, stderr, signal: new AbortController().signal };
    const line = { values: { config: [path] }, positionals: [action, "otlp_http"] };
    assert.equal(await deadLettersCommand.run(line, io), 0);
    return { stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
  };
  assert.match((await run("list")).stderr, /no dead letters/);

  backend.otherwise = { status: 400 };
  let agent = await start();
  await waitUntil("the backend refuses", () => backend.records.length === 2);
  await assert.rejects(run("list"), { code: "storage.locked" });
  await agent.shutdown(AbortSignal.timeout(5000));

  assert.match((await run("list")).stdout, /^\d{4}-\S+Z {2}2 records {2}\d+ bytes\n$/);
  assert.match((await run("export")).stdout, /"stringValue":"one".*"stringValue":"two"/);
  assert.match((await run("resend")).stderr, /^1 batches wait/);
  assert.match((await run("list")).stderr, /^0 batches/);

  agent = await start();
  await waitUntil("it is refused again", () => backend.records.length === 4);
  await agent.shutdown(AbortSignal.timeout(5000));
  await run("resend");
  backend.otherwise = { status: 200 };
  agent = await start();
  await waitUntil("it is taken", () => backend.records.length === 6);
  await agent.shutdown(AbortSignal.timeout(5000));
  assert.match((await run("list")).stderr, /^0 batches/);
  assert.deepEqual(
    backend.records.slice(4).map(({ body }) => body),
    ["one", "two"],
  );

  await writeFile(log, "three\n");
  backend.otherwise = { status: 400 };
  agent = await start();
  await waitUntil("the backend refuses", () => backend.records.length === 7);
  await agent.shutdown(AbortSignal.timeout(5000));
  assert.match((await run("drop")).stderr, /^1 batches dropped/);
  assert.match((await run("list")).stderr, /^0 batches/);
});
