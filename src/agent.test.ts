import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { builtinFactories } from "../config/builtin.ts";
import type { CheckedConfig } from "../config/load.ts";
import { loadConfig } from "../config/load.ts";
import type { RunningAgent } from "./agent.ts";
import { startAgent } from "./agent.ts";
import { temporaryDirectory } from "./testing/test_settings.ts";
import { waitUntil } from "./testing/wait_until.ts";

interface Folders {
  readonly state: string;
  readonly storage: string;
}

async function configure(directory: string, { state, storage }: Folders): Promise<CheckedConfig> {
  const path = join(directory, "vouchsafe.yaml");
  const file = {
    receivers: {
      file_log: {
        include: [join(directory, "*.log")],
        start_at: "beginning",
        storage: "file_storage",
      },
    },
    exporters: { debug: {} },
    extensions: {
      file_storage: { directory: storage },
      health_check: { endpoint: "127.0.0.1:0" },
    },
    service: {
      extensions: ["file_storage", "health_check"],
      state_directory: state,
      telemetry: { metrics: { level: "none" } },
      pipelines: { logs: { receivers: ["file_log"], exporters: ["debug"] } },
    },
  };
  await writeFile(path, JSON.stringify(file));
  const { config, diagnostics } = await loadConfig([path], {
    env: {},
    factories: builtinFactories,
  });
  assert.deepEqual(diagnostics, []);
  return config!;
}

async function start(t: TestContext, config: CheckedConfig): Promise<RunningAgent> {
  const agent = await startAgent(config, new PassThrough().resume());
  t.after(() => agent.shutdown(AbortSignal.timeout(5000)));
  return agent;
}

test("a second agent is kept off a shared state directory or file_storage folder", async (t) => {
  const directory = await temporaryDirectory(t);
  const storage = join(directory, "storage");
  const folders = { state: join(directory, "state"), storage };
  await start(t, await configure(directory, folders));
  const locked = (folder: string) => (error: { code?: string; message: string }) =>
    error.code === "storage.locked" && error.message.includes(join(folder, "lock"));
  const sameStorage = await configure(directory, { state: join(directory, "other"), storage });
  await assert.rejects(start(t, sameStorage), locked(storage));
  const sameState = { state: folders.state, storage: join(directory, "more") };
  await assert.rejects(start(t, await configure(directory, sameState)), locked(folders.state));
});

test("one folder may serve as state directory and file_storage", async (t) => {
  const directory = await temporaryDirectory(t);
  const state = join(directory, "both");
  const agent = await start(t, await configure(directory, { state, storage: `${state}/.` }));
  await agent.shutdown(AbortSignal.timeout(5000));
  await start(t, await configure(directory, { state, storage: state }));
});

test("a state directory that cannot be used is named with its key and the reason", async (t) => {
  const directory = await temporaryDirectory(t);
  const state = join(directory, "state");
  await writeFile(state, "");
  const config = await configure(directory, { state, storage: join(directory, "storage") });
  const expected = { code: "storage.unwritable", message: /service\.state_directory .*EEXIST/ };
  await assert.rejects(startAgent(config, new PassThrough().resume()), expected);
});

test("the status page shows pipelines, components, their state and their counts", async (t) => {
  const directory = await temporaryDirectory(t);
  const folders = { state: join(directory, "state"), storage: join(directory, "storage") };
  await writeFile(join(directory, "a.log"), "");
  const agent = await start(t, await configure(directory, folders));
  await appendFile(join(directory, "a.log"), "one\ntwo\n");
  const status = async () =>
    (await fetch(`http://127.0.0.1:${agent.ports.health}/pipelines`)).json() as Promise<Status>;
  await waitUntil("both lines are counted", async () => {
    const [pipeline] = (await status()).pipelines;
    return pipeline?.exporters[0]?.sent === 2 && pipeline.receivers[0]?.accepted === 2;
  });
  const { pipelines, branches } = await status();
  const [pipeline] = pipelines;
  assert.equal(pipeline?.id, "logs");
  assert.partialDeepStrictEqual(pipeline.receivers, [{ id: "file_log", status: "ok" }]);
  assert.partialDeepStrictEqual(pipeline.exporters, [{ id: "debug", status: "ok" }]);
  assert.deepEqual(pipeline.withheld, {});
  assert.ok(branches.length > 0 && branches.every((branch) => branch.blocked_seconds === 0));
});

interface Status {
  readonly pipelines: readonly {
    readonly id: string;
    readonly withheld: object;
    readonly receivers: readonly { readonly accepted?: number }[];
    readonly exporters: readonly { readonly sent?: number }[];
  }[];
  readonly branches: readonly { readonly name: string; readonly blocked_seconds: number }[];
}
