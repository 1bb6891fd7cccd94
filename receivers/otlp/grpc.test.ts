/** OTLP over gRPC as a client sees it: real calls over real sockets. */
import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { ServiceError } from "@grpc/grpc-js";
import { Client, credentials, status } from "@grpc/grpc-js";
import { AgentError } from "../../src/component/errors.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { lookup } from "../../src/otlp/testdata/oracle.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { OtlpReceiver } from "./otlp.ts";

const PATH = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const asIs = (bytes: Buffer): Buffer => bytes;
const bodyOf = (...bodies: string[]): Buffer =>
  Buffer.from(encodeLogsData(bodies.map((body) => new LogRecord({ body }))));

async function start(test: TestContext, grpc: object = {}, rest: object = {}) {
  const next = new CollectingConsumer();
  const clock = new FakeClock();
  const settings = await testSettings(test, { kind: "receiver", type: "otlp", clock });
  const config = configSchema.parse({
    protocols: { grpc: { endpoint: "127.0.0.1:0", ...grpc } },
    ...rest,
  });
  const receiver = new OtlpReceiver(config, settings, next);
  await receiver.start();
  const port = receiver.ports.grpc!;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.default_compression_algorithm": 0,
    "grpc.max_send_message_length": -1,
  });
  test.after(async () => {
    client.close();
    await receiver.shutdown(AbortSignal.abort());
  });
  const call = (body: Buffer, path = PATH): Promise<Buffer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    client.makeUnaryRequest(path, asIs, asIs, body, (error, answer) => {
      if (error === null) resolve(answer!);
      else reject(error);
    });
    return promise;
  };
  return { receiver, next, clock, port, call };
}

/** The `google.rpc.Status` that goes with an error. */
function detailsOf(error: ServiceError) {
  const Status = lookup("Status");
  const [bytes] = error.metadata.get("grpc-status-details-bin") as Buffer[];
  return Status.toObject(Status.decode(bytes!)) as { code: number; details?: unknown[] };
}

test("takes records and answers when they are taken", async (t) => {
  const { next, call } = await start(t);
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  let answered = false;
  const answer = call(bodyOf("a", "b")).then((bytes) => {
    answered = true;
    return bytes;
  });
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  assert.equal(answered, false);
  gate.resolve();
  assert.equal((await answer).length, 0);
  assert.deepEqual(
    next.records.map((record) => record.body),
    ["a", "b"],
  );
  assert.equal((await call(Buffer.alloc(0))).length, 0);
  assert.equal(next.batches.length, 1);
});

test("malformed: INVALID_ARGUMENT, not to be sent again", async (t) => {
  const { next, call } = await start(t);
  await assert.rejects(call(Buffer.from([0x0a, 0xff])), (error: ServiceError) => {
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.match(error.details, /otlp\.malformed/);
    assert.equal(detailsOf(error).code, status.INVALID_ARGUMENT);
    assert.equal(detailsOf(error).details, undefined);
    return true;
  });
  assert.equal(next.batches.length, 0);
});

test("not taken: UNAVAILABLE with RetryInfo, at once or after the timeout", async (t) => {
  const { next, clock, call } = await start(t, {}, { acknowledge_timeout: "3s" });
  const isUnavailable = (error: ServiceError): boolean => {
    assert.equal(error.code, status.UNAVAILABLE);
    assert.equal(detailsOf(error).details?.length, 1);
    return true;
  };
  next.gate = () => Promise.reject(new AgentError("storage.unwritable", "/secret/place"));
  await assert.rejects(call(bodyOf("a")), (error: ServiceError) => {
    assert.doesNotMatch(error.details, /secret/);
    return isUnavailable(error);
  });
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const late = assert.rejects(call(bodyOf("b")), isUnavailable);
  await waitUntil("the batch arrives", () => next.batches.length === 2);
  clock.advance(3_000);
  await late;
  gate.resolve();
  await call(bodyOf("b"));
  assert.equal(next.batches.length, 2);
});

test("beyond the bytes in flight: RESOURCE_EXHAUSTED with RetryInfo", async (t) => {
  const { next, call } = await start(
    t,
    { max_recv_msg_size_mib: 1 },
    { max_in_flight_bytes: "1MiB" },
  );
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const first = call(bodyOf("a".repeat(700_000)));
  await waitUntil("the first is in flight", () => next.batches.length === 1);
  await assert.rejects(call(bodyOf("b".repeat(700_000))), (error: ServiceError) => {
    assert.equal(error.code, status.RESOURCE_EXHAUSTED);
    assert.equal(detailsOf(error).details?.length, 1);
    return true;
  });
  gate.resolve();
  await first;
});

test("too large, also after decompression: RESOURCE_EXHAUSTED", async (t) => {
  const { next, port, call } = await start(t, { max_recv_msg_size_mib: 1 });
  await assert.rejects(call(bodyOf("x".repeat(2_000_000))), { code: status.RESOURCE_EXHAUSTED });
  const bomb = await rawCall(port, gzipSync(Buffer.alloc(64 * 1024 * 1024)), "gzip");
  assert.equal(bomb, String(status.RESOURCE_EXHAUSTED));
  assert.equal(next.batches.length, 0);
});

test("gzip is understood, garbage in it and other compressions are refused", async (t) => {
  const { next, port } = await start(t);
  assert.equal(await rawCall(port, gzipSync(bodyOf("zip")), "gzip"), String(status.OK));
  assert.deepEqual(
    next.records.map((record) => record.body),
    ["zip"],
  );
  assert.notEqual(await rawCall(port, Buffer.from("no gzip"), "gzip"), String(status.OK));
  assert.equal(await rawCall(port, bodyOf("a"), "snappy"), String(status.UNIMPLEMENTED));
  assert.equal(next.batches.length, 1);
});

test("other services are unimplemented", async (t) => {
  const { call } = await start(t);
  const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  await assert.rejects(call(Buffer.alloc(0), path), { code: status.UNIMPLEMENTED });
});

test("garbage and a client that dies leave the server at work", async (t) => {
  const { next, port, call } = await start(t);
  const garbage = connect(port, "127.0.0.1");
  garbage.resume().on("error", () => {});
  garbage.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await waitUntil("the server closes the connection", () => garbage.closed);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const stream = session.request({ ":method": "POST", ":path": PATH }, { endStream: false });
  stream.on("error", () => {});
  stream.write(Buffer.from([0, 0, 0, 1, 0, 1, 2, 3]));
  await waitUntil("the bytes are out", () => stream.writableLength === 0);
  session.destroy();
  await call(bodyOf("a"));
  assert.equal(next.batches.length, 1);
});

test("a client that is gone when the records are taken may send them again", async (t) => {
  const { next, clock, port, call } = await start(t);
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const stream = session.request(requestHeaders("identity"));
  stream.on("error", () => {});
  stream.end(framed(bodyOf("a"), 0));
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  session.destroy();
  const retry = call(bodyOf("a"));
  // Both wait for their answers, and the new connection for its first word.
  await waitUntil("the retry has joined", () => clock.pendingTimers === 3);
  gate.resolve();
  await retry;
  await call(bodyOf("a"));
  const sources = next.batches.map((batch) => batch.source!.id.slice(-2));
  assert.deepEqual(sources, [":0", ":1"]);
});

test("shutdown waits for calls under way, and not beyond its deadline", async (t) => {
  const { receiver, next, call } = await start(t);
  const gate = Promise.withResolvers<void>();
  next.gate = () => gate.promise;
  const answer = call(bodyOf("a"));
  await waitUntil("the batch arrives", () => next.batches.length === 1);
  const shutdown = receiver.shutdown(new AbortController().signal);
  gate.resolve();
  await answer;
  await shutdown;

  const other = await start(t);
  const never = Promise.withResolvers<void>();
  other.next.gate = () => never.promise;
  const lost = assert.rejects(other.call(bodyOf("a")));
  await waitUntil("the batch arrives", () => other.next.batches.length === 1);
  const deadline = new AbortController();
  const stopped = other.receiver.shutdown(deadline.signal);
  deadline.abort();
  await stopped;
  await lost;
});

function requestHeaders(compression: string) {
  return {
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-encoding": compression,
  };
}

/** A gRPC message frame: flag, length, bytes. */
function framed(body: Buffer, compressed: 0 | 1): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** One call without a gRPC library, to send what a library would not. Gives the `grpc-status`. */
async function rawCall(port: number, body: Buffer, compression: string): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const stream = session.request(requestHeaders(compression));
  const read = (headers: object): void => {
    const code = (headers as Record<string, unknown>)["grpc-status"];
    if (code !== undefined) resolve(String(code));
  };
  stream.on("response", read).on("trailers", read).on("error", reject).resume();
  stream.end(framed(body, 1));
  try {
    return await promise;
  } finally {
    session.close();
  }
}

test("a message that does not arrive ends its call, and silence a connection", async (t) => {
  const { clock, port, next } = await start(t, { read_timeout: "5s" });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const stream = session.request(requestHeaders("identity"));
  const trailers = Promise.withResolvers<number>();
  const read = (headers: { "grpc-status"?: string | undefined }): void => {
    if (headers["grpc-status"] !== undefined) trailers.resolve(Number(headers["grpc-status"]));
  };
  stream.on("trailers", read).on("response", read).resume();
  stream.write(framed(bodyOf("a"), 0).subarray(0, 7));
  const silent = connect(port, "127.0.0.1");
  const closed = Promise.withResolvers<void>();
  silent.once("close", () => closed.resolve()).resume();
  await waitUntil("both are there", () => clock.pendingTimers === 3);
  clock.advance(5_000);
  assert.equal(await trailers.promise, status.DEADLINE_EXCEEDED);
  await closed.promise;
  assert.equal(session.destroyed, false);
  assert.equal(next.records.length, 0);
});

test("connections without calls are closed in good order after max_connection_idle", async (t) => {
  const { port } = await start(t, {
    keepalive: { server_parameters: { max_connection_idle: "50ms" } },
  });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const goodbye = Promise.withResolvers<number>();
  session.on("goaway", (code: number) => goodbye.resolve(code));
  assert.equal(await goodbye.promise, 0);
});
