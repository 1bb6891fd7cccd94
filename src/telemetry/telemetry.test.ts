import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ComponentId } from "../component/settings.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import type { Telemetry, TelemetryOptions } from "./telemetry.ts";
import { createTelemetry } from "./telemetry.ts";

const exporterId: ComponentId = { kind: "exporter", type: "otlp_http", name: "" };
const receiverId: ComponentId = { kind: "receiver", type: "file_log", name: "nginx" };
const processorId: ComponentId = { kind: "processor", type: "tokenize", name: "" };

interface Setup {
  readonly telemetry: Telemetry;
  readonly clock: FakeClock;
  readonly written: () => string;
}

function setUp(test: TestContext, options: Partial<TelemetryOptions> = {}): Setup {
  const stderr = new PassThrough();
  let text = "";
  stderr.on("data", (chunk) => {
    text += chunk;
  });
  const clock = new FakeClock();
  const telemetry = createTelemetry({
    version: "1.2.3",
    level: "info",
    encoding: "console",
    sampling: undefined,
    metrics: undefined,
    health: undefined,
    stderr,
    clock,
    ...options,
  });
  test.after(() => telemetry.shutdown());
  return { telemetry, clock, written: () => text + (stderr.read() ?? "") };
}

async function get(port: number | undefined, path: string): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return [response.status, await response.text()];
}

async function freshServer(test: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  test.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("an event is one line with time, level, component and attributes", (context) => {
  const { telemetry, written } = setUp(context);
  telemetry.loggerFor(exporterId).warn("trying again", { endpoint: "http://b", reason: "a b" });
  telemetry.loggerFor(processorId, "logs/protected").info("ready", { keys: 3 });
  telemetry.logger.debug("not shown at this level");
  assert.deepEqual(written().split("\n"), [
    '2026-01-01T00:00:00.000Z  warn   otlp_http       trying again  endpoint=http://b reason="a b"',
    "2026-01-01T00:00:00.000Z  info   tokenize        ready  pipeline=logs/protected keys=3",
    "",
  ]);
});

test("hostile strings never break a line, in either encoding", (context) => {
  const hostile = `a\nb\r\u001b[2J\u0000\u202e\u2028${"x".repeat(5000)}`;
  for (const encoding of ["console", "json"] as const) {
    const { telemetry, written } = setUp(context, { encoding });
    telemetry.loggerFor({ ...receiverId, name: hostile }).error(hostile, { [hostile]: hostile });
    const text = written();
    assert.match(text, /^[\x20-\x7e]+\n$/, encoding);
    if (encoding === "json") {
      const line = JSON.parse(text);
      assert.equal(line.component, `file_log/${hostile}`);
      assert.equal(line.kind, "receiver");
      assert.equal(line.message, `${hostile.slice(0, 1000)}...`);
      assert.deepEqual(line.attributes, { [hostile]: `${hostile.slice(0, 1000)}...` });
    }
  }
});

test("a storm of equal messages is thinned out and counted", (context) => {
  const { telemetry, clock, written } = setUp(context, {
    sampling: { tickMs: 10_000, initial: 2, thereafter: 100 },
  });
  const logger = telemetry.loggerFor(receiverId);
  for (let index = 0; index < 150; index++) logger.warn("storm", { index });
  logger.warn("another message");
  clock.advance(10_000);
  logger.warn("storm", { index: 150 });
  const lines = written().trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.slice(line.indexOf("nginx") + 7)),
    [
      "storm  index=0",
      "storm  index=1",
      "storm  index=101 held_back=99",
      "another message",
      "storm  index=150 held_back=48",
    ],
  );
});

test("a reader of the log that stalls or goes away costs lines, not memory or the agent", (t) => {
  const stalled = new PassThrough({ highWaterMark: 1 });
  const { telemetry } = setUp(t, { stderr: stalled });
  for (let index = 0; index < 20_000; index++) telemetry.logger.info("x".repeat(500), { index });
  assert.ok(stalled.writableLength + stalled.readableLength < 1.1 * 1024 * 1024);
  let text = "";
  for (let chunk = stalled.read(); chunk !== null; chunk = stalled.read()) text += chunk;
  telemetry.logger.info("read again");
  for (let chunk = stalled.read(); chunk !== null; chunk = stalled.read()) text += chunk;
  const shown = text.split("\n").length - 2;
  assert.match(text, new RegExp(`read again  lines_dropped=${20_000 - shown}\n$`));

  stalled.destroy(new Error("EPIPE"));
  telemetry.logger.error("nobody reads this");
});

test("a scrape has the Collector's names and labels", async (context) => {
  const { telemetry, clock } = setUp(context, { metrics: { host: "localhost", port: 0 } });
  await telemetry.start();
  const { instruments } = telemetry;
  instruments.receiverAccepted(receiverId, 10);
  instruments.receiverAccepted(receiverId, 5);
  instruments.receiverRefused(receiverId, 1);
  instruments.processorIncoming(processorId, "logs/protected", 15);
  instruments.processorOutgoing(processorId, "logs/protected", 14);
  instruments.exporterSent(exporterId, 13);
  instruments.exporterFailed(exporterId, 2);
  instruments.withheld("logs/protected", "untreated_finding", 1);
  instruments.observeBranches([{ name: "logs/protected -> otlp_http", pendingMs: 2500 }]);
  clock.advance(1500);

  const [status, text] = await get(telemetry.ports.metrics, "/metrics");
  assert.equal(status, 200);
  const lines = new Set(text.split("\n"));
  const processor = `processor="tokenize",otel_signal="logs",pipeline="logs/protected"`;
  for (const line of [
    `otelcol_receiver_accepted_log_records{receiver="file_log/nginx"} 15`,
    `otelcol_receiver_refused_log_records{receiver="file_log/nginx"} 1`,
    "# TYPE otelcol_receiver_refused_log_records counter",
    `otelcol_processor_incoming_items{${processor}} 15`,
    `otelcol_processor_outgoing_items{${processor}} 14`,
    `otelcol_exporter_sent_log_records{exporter="otlp_http"} 13`,
    `otelcol_exporter_send_failed_log_records{exporter="otlp_http"} 2`,
    `vouchsafe_withheld_log_records{pipeline="logs/protected",reason="untreated_finding"} 1`,
    `vouchsafe_branch_blocked_seconds{branch="logs/protected -> otlp_http"} 2.5`,
    "otelcol_process_uptime 1.5",
    `target_info{service_name="vouchsafe",service_version="1.2.3"} 1`,
  ]) {
    assert.ok(lines.has(line), `${line}\nis not in\n${text}`);
  }
  assert.match(text, /^otelcol_process_cpu_seconds [\d.]+$/m);
  assert.match(text, /^otelcol_process_memory_rss \d+$/m);
  assert.match(text, /^otelcol_process_runtime_heap_alloc_bytes \d+$/m);
  assert.doesNotMatch(text, /_total|otel_scope|# UNIT/);
});

test("a component's own metrics carry its label and keep a suffix of their own", async (t) => {
  const { telemetry } = setUp(t, { metrics: { host: "127.0.0.1", port: 0 } });
  await telemetry.start();
  for (const name of ["a", "b"]) {
    const meter = telemetry.meterFor({ ...receiverId, name });
    meter.createCounter("lines_total").add(name === "a" ? 1 : 2, { path: '/x"\n' });
  }
  for (let scrape = 0; scrape < 2; scrape++) {
    const [, text] = await get(telemetry.ports.metrics, "/metrics");
    assert.match(text, /^lines_total\{receiver="file_log\/a",path="\/x\\"\\n"\} 1$/m);
    assert.match(text, /^lines_total\{receiver="file_log\/b",path="\/x\\"\\n"\} 2$/m);
  }
});

test("without metrics the instruments are there and do nothing", async (context) => {
  const { telemetry } = setUp(context);
  await telemetry.start();
  telemetry.instruments.exporterSent(exporterId, 1);
  telemetry.meterFor(exporterId).createCounter("x").add(1);
  assert.deepEqual(telemetry.ports, { metrics: undefined, health: undefined });
});

test("health is that of the worst component", async (context) => {
  const { telemetry, clock } = setUp(context, { health: { host: "localhost", port: 0 } });
  await telemetry.start();
  const health = async (): Promise<[number, string]> => {
    const [status, text] = await get(telemetry.ports.health, "/status");
    return [status, JSON.parse(text).status];
  };
  assert.deepEqual(await health(), [503, "starting"]);
  telemetry.status.report(receiverId, undefined, "ok");
  telemetry.status.report(exporterId, undefined, "starting");
  assert.deepEqual(await health(), [503, "starting"]);
  telemetry.status.report(exporterId, undefined, "ok");
  assert.deepEqual(await health(), [200, "ok"]);
  clock.advance(61_000);
  telemetry.status.report(exporterId, undefined, "degraded", "the backend answers 503");
  telemetry.status.report(processorId, "logs/protected", "ok");
  assert.deepEqual(await health(), [200, "degraded"]);
  const [, text] = await get(telemetry.ports.health, "/");
  assert.deepEqual(JSON.parse(text), {
    status: "degraded",
    start_time: "2026-01-01T00:00:00.000Z",
    uptime: "61s",
    components: {
      "receiver:file_log/nginx": { status: "ok", since: "2026-01-01T00:00:00.000Z" },
      "exporter:otlp_http": {
        status: "degraded",
        reason: "the backend answers 503",
        since: "2026-01-01T00:01:01.000Z",
      },
      "processor:tokenize@logs/protected": { status: "ok", since: "2026-01-01T00:01:01.000Z" },
    },
  });
  telemetry.status.report(processorId, "logs/protected", "failed", "key missing");
  assert.deepEqual(await health(), [503, "failed"]);
});

test("the pages answer GET and nothing else", async (context) => {
  const { telemetry } = setUp(context, { health: { host: "127.0.0.1", port: 0 } });
  await telemetry.start();
  const url = `http://127.0.0.1:${telemetry.ports.health}`;
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
  assert.equal((await fetch(url, { method: "POST", body: "x" })).status, 405);
  assert.equal(await (await fetch(url, { method: "HEAD" })).text(), "");
});

test("a port in use is an error that names it and the key", async (context) => {
  const port = await freshServer(context);
  for (const [part, key] of [
    ["metrics", "service.telemetry.metrics"],
    ["health", "extensions.health_check"],
  ] as const) {
    const { telemetry } = setUp(context, { [part]: { host: "127.0.0.1", port } });
    await assert.rejects(telemetry.start(), {
      code: "telemetry.port_in_use",
      permanent: true,
      message: `127.0.0.1:${port} is in use; set another ${key}, or stop what uses it`,
    });
  }
});

test("an address that is not this host's is an error that says so", async (context) => {
  const { telemetry } = setUp(context, { health: { host: "192.0.2.1", port: 0 } });
  await assert.rejects(telemetry.start(), {
    code: "telemetry.cannot_listen",
    message: /^cannot listen on 192\.0\.2\.1:0 \(Error EADDRNOTAVAIL\)/,
  });
});

test("shutdown comes before start, twice, and frees the ports", async (context) => {
  const { telemetry } = setUp(context, { health: { host: "127.0.0.1", port: 0 } });
  await telemetry.shutdown();
  const second = setUp(context, { health: { host: "127.0.0.1", port: 0 } }).telemetry;
  await second.start();
  const port = second.ports.health!;
  await second.shutdown();
  await second.shutdown();
  const third = setUp(context, { health: { host: "127.0.0.1", port } }).telemetry;
  await third.start();
});
