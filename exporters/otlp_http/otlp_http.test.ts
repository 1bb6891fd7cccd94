import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { AgentError } from "../../src/component/errors.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import type { TestSettings } from "../../src/testing/test_settings.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { OtlpHttpExporter } from "./otlp_http.ts";
import { TestBackend } from "./test_backend.ts";

const FAST_RETRY = { initial_interval: "10ms", max_interval: "20ms" };
const CONTENT = "jane.doe@example.com";

interface Setup {
  readonly exporter: OtlpHttpExporter;
  readonly settings: TestSettings;
}

async function setUp(test: TestContext, config: object): Promise<Setup> {
  const settings = await testSettings(test, { kind: "exporter", type: "otlp_http" });
  const parsed = configSchema.parse({ retry_on_failure: FAST_RETRY, ...config });
  const exporter = new OtlpHttpExporter(parsed, settings);
  await exporter.start();
  test.after(() => exporter.shutdown(AbortSignal.abort()));
  return { exporter, settings };
}

function batchOf(count: number, first = 0): LogBatch {
  const records = Array.from(
    { length: count },
    (_, index) => new LogRecord({ body: `${CONTENT} ${first + index}`, hrTime: [1, index] }),
  );
  return { records };
}

function bodies(backend: TestBackend): unknown[] {
  return backend.records.map(({ body }) => body);
}

/** Neither what was sent nor what the backend wrote may be in a log, a status or an error. */
function assertNoContent(settings: TestSettings, ...errors: unknown[]): void {
  const said = JSON.stringify([settings.logged, settings.statuses, errors.map(String)]);
  assert.doesNotMatch(said, /jane|quoted by the backend|hunter2/);
}

async function rejection(promise: Promise<void>): Promise<AgentError> {
  return promise.then(
    () => assert.fail("it was accepted"),
    (error) => {
      assert.ok(error instanceof AgentError, String(error));
      return error;
    },
  );
}

test("a batch is one request, in order, with the configured headers", async (context) => {
  const backend = await TestBackend.start(context);
  const { exporter, settings } = await setUp(context, {
    endpoint: `${backend.url}/base/`,
    headers: { authorization: "Bearer hunter2", "X-Scope": "a" },
  });
  await exporter.consumeLogs(batchOf(3));
  const [request] = backend.received;
  assert.equal(backend.received.length, 1);
  assert.equal(request!.path, "/base/v1/logs");
  assert.equal(request!.headers.authorization, "Bearer hunter2");
  assert.equal(request!.headers["x-scope"], "a");
  assert.equal(request!.headers["content-type"], "application/x-protobuf");
  assert.equal(request!.headers["content-encoding"], "gzip");
  assert.match(request!.headers["user-agent"]!, /^vouchsafe OTel-OTLP-Exporter-JavaScript\//);
  assert.deepEqual(bodies(backend), [`${CONTENT} 0`, `${CONTENT} 1`, `${CONTENT} 2`]);
  assert.deepEqual(settings.logged, []);
});

test("logs_endpoint is taken as it is, and compression can be off", async (context) => {
  const backend = await TestBackend.start(context);
  const { exporter } = await setUp(context, {
    logs_endpoint: `${backend.url}/insert/otlp?token=hunter2`,
    compression: "none",
    encoding: "json",
  });
  await exporter.consumeLogs(batchOf(1));
  assert.equal(backend.received[0]!.path, "/insert/otlp?token=hunter2");
  assert.equal(backend.received[0]!.headers["content-encoding"], undefined);
  assert.equal(backend.received[0]!.headers["content-type"], "application/json");
});

test("a backend that comes up late gets everything, and this is said once", async (t) => {
  const gone = await TestBackend.start(t);
  const port = gone.port;
  await gone.stop();
  const { exporter, settings } = await setUp(t, { endpoint: `http://127.0.0.1:${port}` });
  const sent = Promise.all([exporter.consumeLogs(batchOf(2)), exporter.consumeLogs(batchOf(2, 2))]);
  await waitUntil("it complains", () => settings.logged.length > 0);
  const backend = await TestBackend.start(t, port);
  await sent;
  assert.equal(backend.records.length, 4);
  const endpoint = `http://127.0.0.1:${port}/v1/logs`;
  assert.deepEqual(settings.logged, [
    {
      level: "warn",
      message: "the backend takes no records; they wait and are sent again",
      attributes: { endpoint, reason: "Error ECONNREFUSED" },
    },
    {
      level: "info",
      message: "the backend takes records again",
      attributes: { endpoint, after_s: 0 },
    },
  ]);
  assert.deepEqual(settings.statuses, [
    { status: "degraded", reason: "unreachable: Error ECONNREFUSED" },
    { status: "ok", reason: undefined },
  ]);
});

test("429, 502, 503 and 504 are tried again, and Retry-After is honoured", async (context) => {
  const backend = await TestBackend.start(context);
  const { exporter, settings } = await setUp(context, { endpoint: backend.url });
  const body = "quoted by the backend";
  backend.script.push(...[429, 502, 504].map((status) => ({ status, body })), {
    status: 503,
    headers: { "retry-after": "1" },
    body,
  });
  const startMs = performance.now();
  await exporter.consumeLogs(batchOf(2));
  assert.ok(performance.now() - startMs >= 1000);
  assert.equal(backend.received.length, 5);
  assert.equal(settings.logged[0]!.attributes.reason, "status 429");
  assert.equal(settings.logged.length, 2);
  assertNoContent(settings);
});

test("other refusals are final and name the status, not the answer", async (context) => {
  const backend = await TestBackend.start(context);
  const { exporter, settings } = await setUp(context, { endpoint: backend.url });
  for (const status of [301, 400, 401, 404, 413, 415, 500]) {
    backend.script.push({ status, body: `quoted by the backend ${CONTENT}` });
    const error = await rejection(exporter.consumeLogs(batchOf(1)));
    assert.equal(error.code, "otlp_http.rejected");
    assert.equal(error.permanent, true);
    assert.equal(
      error.message,
      `${backend.url}/v1/logs refused 1 of 1 records with status ${status}`,
    );
    assertNoContent(settings, error);
  }
  assert.equal(backend.received.length, 7);
  await exporter.consumeLogs(batchOf(1));
  assert.deepEqual(
    settings.logged.map(({ level, attributes }) => [level, attributes.status]),
    [
      ["error", 301],
      ["info", undefined],
    ],
  );
  assert.equal(settings.logged[1]!.attributes.refused_records, 7);
});

test("a request that is too large is halved, and only a record too large is refused", async (t) => {
  const backend = await TestBackend.start(t);
  const { exporter } = await setUp(t, { endpoint: backend.url });
  backend.judge = ({ records }) => ({ status: records.length > 3 ? 413 : 200 });
  await exporter.consumeLogs(batchOf(10));
  const taken = backend.received.filter(({ records }) => records.length <= 3);
  assert.deepEqual(
    taken.flatMap(({ records }) => records.map(({ hrTime }) => hrTime[1])),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );

  backend.judge = ({ records }) => ({ status: records.some((r) => r.hrTime[1] === 4) ? 413 : 200 });
  const error = await rejection(exporter.consumeLogs(batchOf(10)));
  assert.match(error.message, /refused 1 of 10 records with status 413$/);
});

test("a large batch is split, and an offer after a failure goes on where it ended", async (t) => {
  const backend = await TestBackend.start(t);
  const { exporter } = await setUp(t, {
    endpoint: backend.url,
    max_request_records: 4,
    retry_on_failure: { enabled: false },
  });
  const batch = batchOf(10);
  backend.script.push({ status: 200 }, { status: 503, headers: { "retry-after": "40" } });
  const error = await rejection(exporter.consumeLogs(batch));
  assert.equal(error.code, "otlp_http.unreachable");
  assert.equal(error.retryAfterMs, 40_000);
  backend.received.length = 0;
  await exporter.consumeLogs(batch);
  assert.deepEqual(
    backend.received.map(({ records }) => records.map(({ hrTime }) => hrTime[1])),
    [
      [4, 5, 6, 7],
      [8, 9],
    ],
  );
  backend.received.length = 0;
  await Promise.all([exporter.consumeLogs(batch), exporter.consumeLogs(batch)]);
  assert.equal(backend.records.length, 20, "a batch of two pipelines is sent for both");
});

test("after max_elapsed_time the batch is given back to the pipeline", async (context) => {
  const backend = await TestBackend.start(context);
  backend.otherwise = { status: 503 };
  const { exporter, settings } = await setUp(context, {
    endpoint: backend.url,
    retry_on_failure: { ...FAST_RETRY, max_elapsed_time: "200ms" },
  });
  const error = await rejection(exporter.consumeLogs(batchOf(1)));
  assert.equal(error.code, "otlp_http.unreachable");
  assert.equal(error.permanent, false);
  assert.equal(error.message, `${backend.url}/v1/logs takes no records (status 503)`);
  assert.ok(backend.received.length > 2);
  assert.equal(settings.logged.length, 1);
});

test("a connection that is cut or an answer that never comes is tried again", async (context) => {
  const backend = await TestBackend.start(context);
  const { exporter, settings } = await setUp(context, { endpoint: backend.url, timeout: "300ms" });
  backend.script.push("cut", "hang", "cut");
  await exporter.consumeLogs(batchOf(2));
  assert.equal(backend.received.length, 4);
  assert.equal(settings.logged[0]!.attributes.reason, "Error ECONNRESET");

  // The status line said that the request was taken; only the rest of the answer is missing.
  backend.script.push("cut_answer");
  await exporter.consumeLogs(batchOf(2));
  assert.equal(backend.received.length, 5);
});

test("an idle connection that the backend closed is no trouble", async (context) => {
  const backend = await TestBackend.start(context);
  const { exporter, settings } = await setUp(context, { endpoint: backend.url });
  await exporter.consumeLogs(batchOf(1));
  backend.script.push("cut");
  await exporter.consumeLogs(batchOf(1));
  assert.equal(backend.received.length, 3);
  assert.deepEqual(settings.logged, []);
});

test("a partial success counts as sent, and what was refused is said", async (context) => {
  const backend = await TestBackend.start(context);
  const message = Buffer.from("quoted by the backend");
  const inner = Buffer.concat([Buffer.from([0x12, message.length]), message, Buffer.from([8, 2])]);
  const answers = {
    proto: {
      headers: { "content-type": "application/x-protobuf" },
      body: Buffer.concat([Buffer.from([0x0a, inner.length]), inner]),
    },
    json: {
      headers: { "content-type": "application/json" },
      body: '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"quoted by the backend"}}',
    },
  };
  for (const encoding of ["proto", "json"] as const) {
    const { exporter, settings } = await setUp(context, { endpoint: backend.url, encoding });
    backend.script.push({ status: 200, ...answers[encoding] });
    await exporter.consumeLogs(batchOf(5));
    assert.partialDeepStrictEqual(settings.logged, [
      { level: "warn", attributes: { refused: 2, records: 5 } },
    ]);
    backend.script.push({
      status: 200,
      headers: answers[encoding].headers,
      body: "\u0080 not OTLP",
    });
    await exporter.consumeLogs(batchOf(5));
    assert.equal(settings.logged.length, 1);
    assertNoContent(settings);
  }
});

test("batches begin in the order of the calls, num_consumers at a time", async (context) => {
  const backend = await TestBackend.start(context);
  const { exporter } = await setUp(context, {
    endpoint: backend.url,
    sending_queue: { num_consumers: 3 },
  });
  const gate = Promise.withResolvers<void>();
  backend.judge = async () => {
    await gate.promise;
    return { status: 200 };
  };
  const calls = Array.from({ length: 20 }, (_, index) => exporter.consumeLogs(batchOf(1, index)));
  await waitUntil("three requests are under way", () => backend.open === 3);
  gate.resolve();
  await Promise.all(calls);
  assert.equal(backend.received.length, 20);
  assert.equal(backend.openMax, 3);
  assert.ok(backend.connections <= 3);

  const ordered = await setUp(context, {
    endpoint: backend.url,
    sending_queue: { enabled: false },
  });
  backend.received.length = 0;
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => ordered.exporter.consumeLogs(batchOf(1, index))),
  );
  assert.deepEqual(
    bodies(backend),
    Array.from({ length: 20 }, (_, index) => `${CONTENT} ${index}`),
  );
});

test("shutdown gives batches that wait for a retry back at once", async (context) => {
  const backend = await TestBackend.start(context);
  backend.otherwise = { status: 503 };
  const { exporter, settings } = await setUp(context, {
    endpoint: backend.url,
    retry_on_failure: {},
    sending_queue: { num_consumers: 1 },
  });
  const calls = [exporter.consumeLogs(batchOf(1)), exporter.consumeLogs(batchOf(1))];
  const errors = Promise.all(calls.map(rejection));
  await waitUntil("it complains", () => settings.logged.length > 0);
  const startMs = performance.now();
  await exporter.shutdown(new AbortController().signal);
  assert.ok(performance.now() - startMs < 2000);
  for (const error of await errors) {
    assert.equal(error.code, "pipeline.shutting_down");
  }
  assert.equal(
    (await rejection(exporter.consumeLogs(batchOf(1)))).message,
    `${backend.url}/v1/logs did not take the records`,
  );
});

test("shutdown waits for an answer until its deadline", async (context) => {
  const backend = await TestBackend.start(context);
  backend.script.push("hang");
  const { exporter } = await setUp(context, { endpoint: backend.url });
  const error = rejection(exporter.consumeLogs(batchOf(1)));
  await waitUntil("it is received", () => backend.received.length === 1);
  const deadline = new AbortController();
  let stopped = false;
  const shutdown = exporter.shutdown(deadline.signal).then(() => {
    stopped = true;
  });
  await new Promise(setImmediate);
  assert.equal(stopped, false);
  deadline.abort();
  await shutdown;
  assert.equal((await error).code, "pipeline.shutting_down");
  await exporter.shutdown(AbortSignal.abort());
});

test("shutdown may come before start", async (context) => {
  const settings = await testSettings(context, { kind: "exporter" });
  const config = configSchema.parse({ endpoint: "http://127.0.0.1:1" });
  await new OtlpHttpExporter(config, settings).shutdown(new AbortController().signal);
});

test("variables for instrumented applications change nothing", async (context) => {
  const backend = await TestBackend.start(context);
  const variables = {
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=other-token,x-other=1",
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: "x-logs=1",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://192.0.2.1:1",
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "1",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
  };
  context.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
  Object.assign(process.env, variables);
  for (const encoding of ["proto", "json"]) {
    const config = { endpoint: backend.url, encoding, compression: "none" };
    const { exporter } = await setUp(context, config);
    await exporter.consumeLogs(batchOf(1));
    const { headers } = backend.received.at(-1)!;
    assert.equal(headers.authorization ?? headers["x-other"] ?? headers["x-logs"], undefined);
    assert.equal(headers["content-encoding"], undefined);
  }
  assert.equal(process.env.OTEL_EXPORTER_OTLP_LOGS_HEADERS, "x-logs=1");
});
