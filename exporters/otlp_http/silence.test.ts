/** The official exporters report through a global `diag` logger; the agent gives them none. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { TestBackend } from "./test_backend.ts";

test("the official exporters print nothing, whatever the environment asks for", async (context) => {
  const backend = await TestBackend.start(context);
  const body = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"quoted"}}';
  backend.script.push({ status: 503 }, { status: 400, body: "quoted" }, { status: 200, body });
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    const { factory } = await import(${url("./factory.ts")});
    const { LogRecord } = await import(${url("../../src/data/log_record.ts")});
    const { systemClock, systemRandom } = await import(${url("../../src/lib/system_clock.ts")});
    const { createNoopMeter } = await import("@opentelemetry/api");
    const nothing = () => {};
    const config = factory.configSchema.parse({
      endpoint: "${backend.url}",
      encoding: "json",
      headers: { authorization: "hunter2" },
      retry_on_failure: { initial_interval: "10ms" },
    });
    const exporter = factory.create(config, {
      clock: systemClock, random: systemRandom, meter: createNoopMeter(),
      logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      reportStatus: nothing,
    });
    await exporter.start();
    const batch = { records: [new LogRecord({ body: "content" })] };
    await exporter.consumeLogs(batch).catch(nothing);
    await exporter.consumeLogs(batch);
    await exporter.shutdown(AbortSignal.abort());
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: new URL("../..", import.meta.url),
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, OTEL_LOG_LEVEL: "ALL" },
  });
  context.after(() => child.kill("SIGKILL"));
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      printed += chunk;
    });
  }
  await once(child, "close");
  assert.equal(printed, "");
  assert.equal(child.exitCode, 0);
  assert.equal(backend.received.length, 3);
});
