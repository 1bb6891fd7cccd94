/** OTLP over HTTP as a client sees it: real requests over real sockets. */
import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { Meter } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { AgentError } from "../../src/component/errors.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { toOtlpJson } from "../../src/otlp/encode_json.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { lookup } from "../../src/otlp/testdata/oracle.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { OtlpReceiver } from "./otlp.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const bodyOf = (...bodies: string[]): Buffer =>
  Buffer.from(encodeLogsData(bodies.map((body) => new LogRecord({ body }))));

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function start(test: TestContext, http: object = {}, rest: object = {}, meter?: Meter) {
  const next = new CollectingConsumer();
  const clock = new FakeClock();
  const base = await testSettings(test, { kind: "receiver", type: "otlp", clock });
  const settings = { ...base, meter: meter ?? base.meter };
  const config = configSchema.parse({
    protocols: { http: { endpoint: "127.0.0.1:0", ...http } },
    ...rest,
  });
  const receiver = new OtlpReceiver(config, settings, next);
  await receiver.start();
  test.after(() => receiver.shutdown(AbortSignal.abort()));
  const port = receiver.ports.http!;
  const post = (body: Buffer | string, headers: object = PROTOBUF, path = "/v1/logs") =>
    send(port, { method: "POST", path, headers: { ...headers } }, Buffer.from(body));
  return { receiver, next, clock, settings, port, post };
}

function send(port: number, options: object, body?: Buffer): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = httpRequest({ port, host: "127.0.0.1", ...options }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const { statusCode, headers } = response;
      resolve({ status: statusCode!, headers, body: Buffer.concat(chunks) });
    });
    response.on("error", reject);
  });
  request.on("error", reject);
  request.end(body);
  return promise;
}

/** The `google.rpc.Status` of a protobuf answer. */
function statusOf(answer: Answer) {
  const Status = lookup("Status");
  return Status.toObject(Status.decode(answer.body)) as {
    code: number;
    message: string;
    details?: { type_url?: string; typeUrl?: string }[];
  };
}

test("takes protobuf and JSON, plain and in every compression", async (t) => {
  const { next, post } = await start(t);
  const encodings: [object, (body: Buffer) => Buffer][] = [
    [{}, (body) => body],
    [{ "content-encoding": "identity" }, (body) => body],
    [{ "content-encoding": "GZIP" }, gzipSync],
    [{ "content-encoding": "deflate" }, deflateSync],
    [{ "content-encoding": "zstd" }, zstdCompressSync],
  ];
  for (const [index, [headers, compress]] of encodings.entries()) {
    const record = new LogRecord({ body: `record ${index}`, attributes: { index } });
    const protobuf = compress(Buffer.from(encodeLogsData([record])));
    const answer = await post(protobuf, { ...PROTOBUF, ...headers });
    assert.deepEqual([answer.status, answer.body.length], [200, 0]);
    assert.equal(answer.headers["content-type"], "application/x-protobuf");
    const json = compress(Buffer.from(toOtlpJson([record])));
    const jsonAnswer = await post(json, { ...JSON_TYPE, ...headers });
    assert.deepEqual([jsonAnswer.status, String(jsonAnswer.body)], [200, "{}"]);
    assert.equal(jsonAnswer.headers["content-type"], "application/json");
    assert.deepEqual(next.records.slice(-2), [record, record]);
  }
});

test("answers only when the records are taken", async (t) => {
  const { next, post } = await start(t);
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  let answered = false;
  const answer = post(bodyOf("a")).then((result) => {
    answered = true;
    return result;
  });
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  assert.equal(answered, false);
  gate.resolve();
  assert.equal((await answer).status, 200);
});

test("an empty request is a success without a batch", async (t) => {
  const { next, post } = await start(t);
  assert.equal((await post("")).status, 200);
  assert.equal((await post("{}", JSON_TYPE)).status, 200);
  assert.equal(next.batches.length, 0);
});

test("refuses what is malformed with 400 in the encoding of the request", async (t) => {
  const { next, post } = await start(t);
  const protobuf = await post(Buffer.from([0x0a, 0xff]));
  assert.equal(protobuf.status, 400);
  assert.equal(statusOf(protobuf).code, 3);
  assert.match(statusOf(protobuf).message, /otlp\.malformed: OTLP protobuf at byte \d/);
  const json = await post('{"resourceLogs":[hunter2', JSON_TYPE);
  assert.equal(json.status, 400);
  assert.equal(json.headers["content-type"], "application/json");
  assert.match(JSON.parse(String(json.body)).message, /otlp\.malformed/);
  assert.doesNotMatch(String(json.body), /hunter2/);
  for (const encoding of ["gzip", "deflate", "zstd"]) {
    const answer = await post(bodyOf("a"), { ...PROTOBUF, "content-encoding": encoding });
    assert.equal(answer.status, 400);
  }
  for (const [encoding, whole] of [
    ["gzip", gzipSync(bodyOf("some text"))],
    ["deflate", deflateSync(bodyOf("some text"))],
    ["zstd", zstdCompressSync(bodyOf("some text"))],
  ] as const) {
    const cut = whole.subarray(0, whole.length - 3);
    const answer = await post(cut, { ...PROTOBUF, "content-encoding": encoding });
    assert.equal(answer.status, 400, `${encoding}, cut off`);
  }
  assert.equal(next.batches.length, 0);
});

test("refuses other methods, paths, types and compressions in words", async (t) => {
  const { port, post } = await start(t);
  const get = await send(port, { method: "GET", path: "/v1/logs" });
  assert.deepEqual([get.status, get.headers.allow], [405, "POST"]);
  const type = await post("a=b", { "content-type": "application/x-www-form-urlencoded" });
  assert.equal(type.status, 415);
  assert.equal(type.headers.accept, "application/x-protobuf, application/json");
  const compression = await post(bodyOf("a"), { ...PROTOBUF, "content-encoding": "br" });
  assert.equal(compression.status, 415);
  assert.equal(compression.headers["accept-encoding"], "identity, gzip, zstd, zlib, deflate");
  const traces = await post("{}", JSON_TYPE, "/v1/traces");
  assert.equal(traces.status, 404);
  assert.match(JSON.parse(String(traces.body)).message, /takes logs, not traces/);
  const metrics = await post("", PROTOBUF, "/v1/metrics");
  assert.match(statusOf(metrics).message, /takes logs, not metrics/);
  assert.equal((await post("", PROTOBUF, "/")).status, 404);
});

test("logs_url_path is another path", async (t) => {
  const { post } = await start(t, { logs_url_path: "/otlp/logs" });
  assert.equal((await post(bodyOf("a"), PROTOBUF, "/otlp/logs?x=1")).status, 200);
  assert.equal((await post(bodyOf("a"))).status, 404);
});

test("a request over the limit is refused with 413, with and without a length", async (t) => {
  const { next, port, post } = await start(t, { max_request_body_size: "10KiB" });
  const large = bodyOf("x".repeat(20_000));
  const answer = await post(large);
  assert.equal(answer.status, 413);
  assert.match(statusOf(answer).message, /otlp\.too_large: a request may have 10240 bytes/);
  const headers = { ...PROTOBUF, "transfer-encoding": "chunked" };
  const chunked = await send(port, { method: "POST", path: "/v1/logs", headers }, large);
  assert.equal(chunked.status, 413);
  assert.equal(next.batches.length, 0);
});

test("a decompression bomb is refused with 413", async (t) => {
  const { next, post } = await start(t, { max_request_body_size: "1MiB" });
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  for (const [encoding, bomb] of [
    ["gzip", gzipSync(zeros)],
    ["deflate", deflateSync(zeros)],
    ["zstd", zstdCompressSync(zeros)],
  ] as const) {
    const answer = await post(bomb, { ...PROTOBUF, "content-encoding": encoding });
    assert.equal(answer.status, 413, encoding);
  }
  const empty = gzipSync(Buffer.alloc(0));
  const members = Buffer.concat(new Array(100_000).fill(empty));
  const answer = await post(members, { ...PROTOBUF, "content-encoding": "gzip" });
  assert.equal(answer.status, 413, "many empty members");
  assert.equal(next.batches.length, 0);
});

test("beyond the bytes in flight a client is asked to come back", async (t) => {
  const limits = { max_in_flight_bytes: 12_000 };
  const { next, post } = await start(t, { max_request_body_size: 10_000 }, limits);
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const first = post(bodyOf("a".repeat(9_000)));
  await waitUntil("the first is in flight", () => next.batches.length === 1);
  for (const headers of [{}, { "content-encoding": "gzip" }]) {
    const second = bodyOf("b".repeat(9_000));
    const body = "content-encoding" in headers ? gzipSync(second) : second;
    const refused = await post(body, { ...PROTOBUF, ...headers });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers["retry-after"], "2");
    assert.equal(statusOf(refused).details?.length, 1);
  }
  gate.resolve();
  assert.equal((await first).status, 200);
  assert.equal((await post(bodyOf("b".repeat(9_000)))).status, 200);
});

test("errors of the pipeline become the status that fits", async (t) => {
  const { next, post } = await start(t);
  const refuseWith = (error: unknown) => {
    next.gate = () => Promise.reject(error);
  };
  refuseWith(new AgentError("storage.unwritable", "/secret/place", { retryAfterMs: 4_200 }));
  const retryable = await post(bodyOf("a"));
  assert.deepEqual([retryable.status, retryable.headers["retry-after"]], [503, "5"]);
  assert.match(statusOf(retryable).message, /^storage\.unwritable: /);
  assert.doesNotMatch(statusOf(retryable).message, /secret/);
  refuseWith(new AgentError("storage.corrupt", "/secret/place"));
  const permanent = await post(bodyOf("a"));
  assert.deepEqual([permanent.status, permanent.headers["retry-after"]], [400, undefined]);
  refuseWith(new TypeError("user@example.com is not a function"));
  const unknown = await post(bodyOf("a"));
  assert.equal(unknown.status, 503);
  assert.doesNotMatch(String(unknown.body), /example/);
});

test("records beyond a limit are rejected alone: partial success", async (t) => {
  const { next, post } = await start(t, {}, { max_values_per_record: 2, max_records: 3 });
  const many = new LogRecord({ attributes: { a: 1, b: 2, c: 3 } });
  const records = [new LogRecord({ body: "1" }), many, new LogRecord({ body: "2" })];
  const protobuf = await post(Buffer.from(encodeLogsData(records)));
  const Response = lookup("ExportLogsServiceResponse");
  const message = Response.toObject(Response.decode(protobuf.body), { longs: Number });
  assert.equal(protobuf.status, 200);
  assert.deepEqual(message, {
    partialSuccess: { rejectedLogRecords: 1, errorMessage: "a record has more than 2 values" },
  });
  assert.equal(next.records.length, 2);
  const json = await post(toOtlpJson(new Array(5).fill(new LogRecord({ body: "x" }))), JSON_TYPE);
  assert.deepEqual(JSON.parse(String(json.body)).partialSuccess, {
    rejectedLogRecords: "2",
    errorMessage: "a request has more than 3 records",
  });
  assert.equal((await post(Buffer.from(encodeLogsData([many])))).status, 200);
  assert.equal(next.batches.length, 2);
});

test("without acknowledgement in time: 503, and the retry gets the late success", async (t) => {
  const { next, clock, post } = await start(t, {}, { acknowledge_timeout: "5s" });
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const first = post(bodyOf("a"));
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  clock.advance(5_000);
  const late = await first;
  assert.equal(late.status, 503);
  assert.ok(late.headers["retry-after"]);
  const joined = post(bodyOf("a"));
  await waitUntil("the retry waits", () => clock.pendingTimers === 1);
  gate.resolve();
  assert.equal((await joined).status, 200);
  assert.equal(next.batches.length, 1);
});

test("a client that dies in the middle of its request leaves nothing behind", async (t) => {
  const { next, port, post } = await start(t, { max_request_body_size: 100_000 });
  for (const encoding of ["identity", "gzip"]) {
    const socket = connect(port, "127.0.0.1");
    socket.write(
      "POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\n" +
        `content-encoding: ${encoding}\r\ncontent-length: 90000\r\n\r\n` +
        "x".repeat(1_000),
      () => socket.resetAndDestroy(),
    );
    socket.on("error", () => {});
    await waitUntil("the connection is gone", () => socket.destroyed);
  }
  assert.equal((await post(bodyOf("a"))).status, 200);
  assert.deepEqual(
    next.records.map((record) => record.body),
    ["a"],
  );
});

test("a client that is gone when the records are taken may send them again", async (t) => {
  const { next, clock, port, post } = await start(t);
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const options = { port, host: "127.0.0.1", method: "POST", path: "/v1/logs", headers: PROTOBUF };
  const client = httpRequest(options).on("error", () => {});
  client.end(bodyOf("a"));
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  client.destroy();
  const retry = post(bodyOf("a"));
  await waitUntil("the retry has joined", () => clock.pendingTimers === 2);
  gate.resolve();
  assert.equal((await retry).status, 200);

  const lost = Promise.withResolvers<void>();
  next.gate = () => lost.promise;
  const second = httpRequest(options).on("error", () => {});
  second.end(bodyOf("a"));
  await waitUntil("the next batch arrives", () => next.batches.length === 2);
  second.destroy();
  // Another request is read after the loss of this one is known.
  const other = post(bodyOf("b"));
  await waitUntil("the other arrives", () => next.batches.length === 3);
  lost.resolve();
  await other;
  assert.equal((await post(bodyOf("a"))).status, 200);
  const sources = next.batches.map((batch) => batch.source!.id.slice(-2));
  assert.deepEqual(sources, [":0", ":1", ":0"]);
});

test("a body that comes too slowly is cut off", async (t) => {
  const { port } = await start(t, { read_timeout: "200ms", read_header_timeout: "100ms" });
  const heads = [
    "",
    "POST /v1/logs HTTP/1.1\r\n",
    "POST /v1/logs HTTP/1.1\r\nhost: a\r\n" +
      "content-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\nabc",
  ];
  for (const head of heads) {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    socket.write(head);
    await waitUntil("the server closes the connection", () => socket.closed);
    assert.match(answer, /^HTTP\/1\.1 408 /);
  }
});

test("garbage instead of HTTP is refused, and others are served", async (t) => {
  const { port, post } = await start(t);
  const socket = connect(port, "127.0.0.1");
  socket.resume().on("error", () => {});
  socket.write(Buffer.from([0x16, 3, 1, 0, 0xff, 0, 0, 1, 2]));
  await waitUntil("the server closes the connection", () => socket.closed);
  assert.equal((await post(bodyOf("a"))).status, 200);
});

test("connections beyond their number are closed", async (t) => {
  const { port, post } = await start(t, { max_connections: 1 });
  const first = connect(port, "127.0.0.1");
  await waitUntil("the first is connected", () => !first.connecting);
  await assert.rejects(post(bodyOf("a")));
  first.destroy();
  await waitUntil("the place is free", async () => {
    return await post(bodyOf("a")).then(
      ({ status }) => status === 200,
      () => false,
    );
  });
});

test("a hundred clients at once: each record once", async (t) => {
  const { next, post } = await start(t);
  const bodies = Array.from({ length: 100 }, (_, index) => [`${index} a`, `${index} b`]);
  const answers = await Promise.all(bodies.map((pair) => post(bodyOf(...pair))));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.deepEqual(next.records.map(({ body }) => body).sort(), bodies.flat().sort());
});

test("refusals are counted by reason", async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const meters = new MeterProvider({ readers: [reader] });
  t.after(() => meters.shutdown());
  const { post } = await start(t, {}, {}, meters.getMeter("test"));
  await post(Buffer.from([0x0a, 0xff]));
  await post(Buffer.from([0x0a, 0xff]));
  await post("", PROTOBUF, "/other");
  await reader.forceFlush();
  const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics[0]!.metrics);
  const metric = all.find(({ descriptor }) => {
    return descriptor.name === "vouchsafe_otlp_refused_requests";
  })!;
  const counts = metric.dataPoints.map(({ attributes, value }) => [attributes.reason, value]);
  assert.deepEqual(counts, [
    ["otlp.malformed", 2],
    ["not_found", 1],
  ]);
});

test("pages of allowed origins may send, others are told nothing", async (t) => {
  const { port, post } = await start(t, {
    cors: {
      allowed_origins: ["https://*.example.com"],
      allowed_headers: ["X-Tenant"],
      exposed_headers: ["X-Trace"],
      max_age: 600,
    },
  });
  const ask = async (origin: string, more: object = {}) => {
    const headers = { origin, "access-control-request-method": "POST", ...more };
    const answer = await send(port, { method: "OPTIONS", path: "/v1/logs", headers });
    assert.equal(answer.status, 204);
    return answer.headers;
  };
  const wanted = { "access-control-request-headers": "content-type, x-tenant" };
  const allowed = await ask("https://shop.example.com", wanted);
  assert.equal(allowed["access-control-allow-origin"], "https://shop.example.com");
  assert.equal(allowed["access-control-allow-methods"], "POST");
  assert.equal(allowed["access-control-allow-headers"], "content-type, x-tenant");
  assert.equal(allowed["access-control-max-age"], "600");
  for (const headers of [
    await ask("https://example.com.evil.test"),
    await ask("https://shop.example.com", { "access-control-request-headers": "x-other" }),
    await ask("https://shop.example.com", { "access-control-request-method": "DELETE" }),
  ]) {
    assert.equal(headers["access-control-allow-origin"], undefined);
  }
  const sent = await post(bodyOf("a"), { ...PROTOBUF, origin: "https://shop.example.com" });
  assert.equal(sent.status, 200);
  assert.equal(sent.headers["access-control-expose-headers"], "X-Trace");
  assert.equal(sent.headers["access-control-allow-credentials"], "true");
});

test("without cors no page is let in, with * every page but no credentials", async (t) => {
  const headers = { origin: "https://a.test", "access-control-request-method": "POST" };
  const question = { method: "OPTIONS", path: "/v1/logs", headers };
  const none = await start(t);
  assert.equal((await send(none.port, question)).status, 405);
  const all = await start(t, { cors: { allowed_origins: ["*"] } });
  const answer = await send(all.port, question);
  assert.equal(answer.headers["access-control-allow-origin"], "*");
  assert.equal(answer.headers["access-control-allow-credentials"], undefined);
});

test("compressions, headers of answers and kept connections are as configured", async (t) => {
  const { post } = await start(t, {
    compression_algorithms: ["gzip"],
    response_headers: { "x-agent": "vouchsafe" },
    keep_alives_enabled: false,
  });
  const plain = await post(bodyOf("a"));
  assert.equal(plain.status, 415);
  assert.equal(plain.headers["accept-encoding"], "gzip");
  const gzip = await post(gzipSync(bodyOf("a")), { ...PROTOBUF, "content-encoding": "gzip" });
  assert.equal(gzip.status, 200);
  assert.equal(gzip.headers["x-agent"], "vouchsafe");
  assert.equal(gzip.headers.connection, "close");
});
