import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { Double } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { ProtobufWriter } from "../../src/otlp/protobuf_writer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { OtlpGrpcExporter } from "./otlp_grpc.ts";

const asIs = (bytes: Buffer): Buffer => bytes;
const CONTENT = "jane.doe@example.com";

interface Answer {
  readonly code?: number;
  readonly details?: Uint8Array;
  readonly body?: Uint8Array;
}

/** A real gRPC server; `script` says what the next calls get. */
class Backend {
  readonly script: (Answer | "hang")[] = [];
  readonly calls: { records: readonly LogRecord[]; metadata: Metadata }[] = [];
  readonly server = new Server({ "grpc.max_receive_message_length": 100_000 });
  port = 0;

  static async start(t: TestContext, port = 0): Promise<Backend> {
    const backend = new Backend();
    const path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    const streams = { requestStream: false, responseStream: false };
    const codecs = { requestSerialize: asIs, requestDeserialize: asIs };
    const answers = { responseSerialize: asIs, responseDeserialize: asIs };
    backend.server.addService(
      { Export: { path, ...streams, ...codecs, ...answers } },
      { Export: (call: Call, done: sendUnaryData<Buffer>) => backend.#take(call, done) },
    );
    const bound = Promise.withResolvers<number>();
    const credentials = ServerCredentials.createInsecure();
    backend.server.bindAsync(`127.0.0.1:${port}`, credentials, (error, free) =>
      error === null ? bound.resolve(free) : bound.reject(error),
    );
    backend.port = await bound.promise;
    t.after(() => backend.server.forceShutdown());
    return backend;
  }

  get bodies(): unknown[] {
    return this.calls.flatMap(({ records }) => records.map(({ body }) => body));
  }

  #take(call: Call, done: sendUnaryData<Buffer>): void {
    this.calls.push({ records: decodeLogs(call.request).records, metadata: call.metadata });
    const answer = this.script.shift() ?? {};
    if (answer === "hang") return;
    if (answer.code === undefined) {
      done(null, Buffer.from(answer.body ?? []));
      return;
    }
    const metadata = new Metadata();
    if (answer.details) metadata.set("grpc-status-details-bin", Buffer.from(answer.details));
    done({ code: answer.code, details: `quoted ${CONTENT}`, metadata });
  }
}

type Call = ServerUnaryCall<Buffer, Buffer>;

async function exporterTo(t: TestContext, endpoint: string, more: object = {}) {
  const settings = await testSettings(t, { kind: "exporter", type: "otlp_grpc" });
  const config = configSchema.parse({
    endpoint,
    tls: { insecure: true },
    retry_on_failure: { initial_interval: "10ms", max_interval: "20ms" },
    ...more,
  });
  const exporter = new OtlpGrpcExporter(config, settings);
  await exporter.start();
  t.after(() => exporter.shutdown(AbortSignal.abort()));
  return { exporter, settings };
}

const batchOf = (...bodies: string[]) => ({
  records: bodies.map((body) => new LogRecord({ body })),
});

/** `google.rpc.Status` with a `RetryInfo` of so many nanoseconds. */
function retryInfo(nanos: number): Uint8Array {
  const writer = new ProtobufWriter(200);
  const nested = (tag: number, fill: () => void): void => {
    writer.byte(tag);
    const start = writer.begin();
    fill();
    writer.end(start);
  };
  nested(0x1a, () => {
    writer.string(0x0a, "type.googleapis.com/google.rpc.RetryInfo");
    nested(0x12, () =>
      nested(0x0a, () => {
        writer.byte(0x10);
        writer.uint32(nanos);
      }),
    );
  });
  return writer.copy();
}

test("a batch is one call, with the configured headers, exactly as it is", async (t) => {
  const backend = await Backend.start(t);
  const { exporter } = await exporterTo(t, `127.0.0.1:${backend.port}`, {
    headers: { authorization: "Bearer hunter2" },
  });
  const record = new LogRecord({ body: { big: 2n ** 60n, whole: new Double(3) } });
  await exporter.consumeLogs({ records: [record, new LogRecord({ body: "b" })] });
  assert.equal(backend.calls.length, 1);
  assert.deepEqual(backend.bodies, [record.body, "b"]);
  const { metadata } = backend.calls[0]!;
  assert.deepEqual(metadata.get("authorization"), ["Bearer hunter2"]);
  assert.match(String(metadata.get("user-agent")), /^vouchsafe /);
});

test("statuses that the specification calls retryable are tried again", async (t) => {
  const backend = await Backend.start(t);
  const { exporter, settings } = await exporterTo(t, `127.0.0.1:${backend.port}`);
  const { UNAVAILABLE, ABORTED, DATA_LOSS, OUT_OF_RANGE, CANCELLED, DEADLINE_EXCEEDED } = status;
  const codes = [UNAVAILABLE, ABORTED, DATA_LOSS, OUT_OF_RANGE, CANCELLED, DEADLINE_EXCEEDED];
  backend.script.push(...codes.map((code) => ({ code })));
  backend.script.push({ code: status.RESOURCE_EXHAUSTED, details: retryInfo(50_000_000) });
  await exporter.consumeLogs(batchOf("a"));
  assert.equal(backend.calls.length, 8);
  assert.equal(settings.logged[0]!.attributes.reason, "status UNAVAILABLE");
  assert.doesNotMatch(JSON.stringify(settings.logged), /jane/);
});

test("other statuses are final and name the code, not the message", async (t) => {
  const backend = await Backend.start(t);
  const { exporter } = await exporterTo(t, `127.0.0.1:${backend.port}`);
  for (const code of [status.INVALID_ARGUMENT, status.UNAUTHENTICATED, status.INTERNAL]) {
    backend.script.push({ code });
    await assert.rejects(exporter.consumeLogs(batchOf("a")), {
      code: "otlp_grpc.rejected",
      permanent: true,
      message: `127.0.0.1:${backend.port} refused 1 of 1 records with status ${status[code]}`,
    });
  }
});

test("a message that is too large is halved until it is taken", async (t) => {
  const backend = await Backend.start(t);
  const { exporter } = await exporterTo(t, `127.0.0.1:${backend.port}`, { compression: "none" });
  const bodies = Array.from({ length: 9 }, (_, index) => `${index}`.repeat(30_000));
  await exporter.consumeLogs(batchOf(...bodies));
  assert.deepEqual(backend.bodies, bodies);
});

test("a partial success is sent, and the refused number is told", async (t) => {
  const backend = await Backend.start(t);
  const { exporter, settings } = await exporterTo(t, `127.0.0.1:${backend.port}`);
  backend.script.push({ body: Uint8Array.of(0x0a, 2, 0x08, 1) });
  await exporter.consumeLogs(batchOf("a", "b"));
  assert.equal(settings.logged[0]!.attributes.refused, 1);
});

test("a call without an answer is cut after the timeout and made again", async (t) => {
  const backend = await Backend.start(t);
  const { exporter } = await exporterTo(t, `127.0.0.1:${backend.port}`, { timeout: "300ms" });
  await exporter.consumeLogs(batchOf("warm"));
  backend.script.push("hang");
  await exporter.consumeLogs(batchOf("a"));
  assert.deepEqual(backend.bodies, ["warm", "a", "a"]);
});

test("of two backends the one that works gets all, and the other one again", async (t) => {
  const one = await Backend.start(t);
  const two = await Backend.start(t);
  const endpoint = `ipv4:127.0.0.1:${one.port},127.0.0.1:${two.port}`;
  const { exporter } = await exporterTo(t, endpoint);
  await waitUntil("both get calls", async () => {
    await exporter.consumeLogs(batchOf("x"));
    return one.calls.length > 0 && two.calls.length > 0;
  });
  one.server.forceShutdown();
  const before = two.calls.length;
  for (let index = 0; index < 10; index++) await exporter.consumeLogs(batchOf("y"));
  assert.equal(two.bodies.slice(before).filter((body) => body === "y").length, 10);
  const again = await Backend.start(t, one.port);
  await waitUntil("it is back in turn", async () => {
    await exporter.consumeLogs(batchOf("z"));
    return again.calls.length > 0;
  });
});

test("a batch is given back when the agent stops while the backend is away", async (t) => {
  const { exporter, settings } = await exporterTo(t, "127.0.0.1:1");
  const sent = assert.rejects(exporter.consumeLogs(batchOf("a")), {
    code: "pipeline.shutting_down",
  });
  await waitUntil("it complains", () => settings.logged.length > 0);
  await exporter.shutdown(AbortSignal.abort());
  await sent;
});

test("a certificate that cannot be used is found at the start", async (t) => {
  const tls = { ca_file: "/nonexistent.pem" };
  await assert.rejects(exporterTo(t, "127.0.0.1:1", { tls }), { code: "otlp_grpc.tls_file" });
});

test("TLS is on by default, and endpoints without a port are refused", () => {
  assert.equal(configSchema.parse({ endpoint: "b:4317" }).timeout, 5000);
  for (const endpoint of ["b", "http://b", "user@b:1", ""]) {
    assert.equal(configSchema.safeParse({ endpoint }).success, false, endpoint);
  }
});
