/** Starting and stopping: ports, addresses, what is under way. */
import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request as httpRequest } from "node:http";
import { createServer } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { AgentError } from "../../src/component/errors.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { OtlpReceiver } from "./otlp.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const bodyOf = (body: string): Buffer => Buffer.from(encodeLogsData([new LogRecord({ body })]));

async function start(test: TestContext, http: object = {}) {
  const next = new CollectingConsumer();
  const settings = await testSettings(test, { kind: "receiver", type: "otlp" });
  const config = configSchema.parse({ protocols: { http: { endpoint: "127.0.0.1:0", ...http } } });
  const receiver = new OtlpReceiver(config, settings, next);
  await receiver.start();
  test.after(() => receiver.shutdown(AbortSignal.abort()));
  const port = receiver.ports.http!;
  return { receiver, next, settings, port };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

function post(port: number, body: Buffer, options: object = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const target = { port, host: "127.0.0.1", method: "POST", path: "/v1/logs", headers: PROTOBUF };
  const request = httpRequest({ ...target, ...options }, (response) => {
    response.resume().on("error", reject);
    response.on("end", () => {
      resolve({ status: response.statusCode!, headers: response.headers });
    });
  });
  request.on("error", reject);
  request.end(body);
  return promise;
}

test("shutdown waits for what is under way and closes idle connections", async (t) => {
  const { receiver, next, port } = await start(t);
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const answer = post(port, bodyOf("a"), { agent });
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  let closed = false;
  const shutdown = receiver.shutdown(new AbortController().signal).then(() => {
    closed = true;
  });
  await assert.rejects(post(port, bodyOf("b")), { code: "ECONNREFUSED" });
  assert.equal(closed, false);
  gate.resolve();
  assert.equal((await answer).headers.connection, "close");
  await shutdown;
  await receiver.shutdown(AbortSignal.abort());
});

test("shutdown does not wait beyond its deadline", async (t) => {
  const { receiver, next, port } = await start(t);
  const never = Promise.withResolvers<void>();
  next.gate = () => never.promise;
  const answer = post(port, bodyOf("a"));
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  const deadline = new AbortController();
  const shutdown = receiver.shutdown(deadline.signal);
  deadline.abort();
  await assert.rejects(answer);
  await shutdown;
});

test("a port in use is named, with the next step", async (t) => {
  const other = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  other.listen(0, "127.0.0.1", resolve);
  await promise;
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  for (const host of ["127.0.0.1", "localhost"]) {
    const config = configSchema.parse({ protocols: { http: { endpoint: `${host}:${port}` } } });
    const settings = await testSettings(t, { kind: "receiver", type: "otlp" });
    const receiver = new OtlpReceiver(config, settings, new CollectingConsumer());
    await assert.rejects(receiver.start(), (error: AgentError) => {
      assert.equal(error.code, "listening.port_in_use");
      assert.match(error.message, new RegExp(`${host}:${port}.*change endpoint`));
      return true;
    });
  }
});

test("when the second protocol cannot start, the first is closed again", async (t) => {
  const { port } = await start(t);
  const settings = await testSettings(t, { kind: "receiver", type: "otlp" });
  const grpc = { endpoint: `127.0.0.1:${port}` };
  const config = configSchema.parse({ protocols: { http: { endpoint: "127.0.0.1:0" }, grpc } });
  const receiver = new OtlpReceiver(config, settings, new CollectingConsumer());
  await assert.rejects(receiver.start(), { code: "listening.port_in_use" });
  const first = settings.logged.find(({ message }) => message === "listening")!;
  await assert.rejects(post(first.attributes.port as number, bodyOf("a")), {
    code: "ECONNREFUSED",
  });
});

test("listening beyond the host is said in the log", async (t) => {
  const loopback = await start(t);
  assert.ok(loopback.settings.logged.every(({ level }) => level === "info"));
  const open = await start(t, { endpoint: "0.0.0.0:0" });
  assert.ok(
    open.settings.logged.some(({ level, message }) => {
      return level === "warn" && message.includes("without encryption or authentication");
    }),
  );
});

test("localhost is both loopback addresses", async (t) => {
  const { port, next } = await start(t, { endpoint: "localhost:0" });
  assert.equal((await post(port, bodyOf("4"))).status, 200);
  const six = await post(port, bodyOf("6"), { host: "::1" }).catch((error) => {
    assert.match(error.code, /EADDRNOTAVAIL|EAFNOSUPPORT/);
    return undefined;
  });
  assert.equal(next.records.length, six === undefined ? 1 : 2);
});

test("shutdown before start is fine", async (t) => {
  const settings = await testSettings(t, { kind: "receiver", type: "otlp" });
  const config = configSchema.parse({ protocols: { http: {}, grpc: {} } });
  const receiver = new OtlpReceiver(config, settings, new CollectingConsumer());
  await receiver.shutdown(new AbortController().signal);
  await receiver.shutdown(AbortSignal.abort());
  assert.deepEqual(receiver.ports, {});
});
