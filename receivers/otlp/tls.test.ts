/** TLS, client certificates and Unix sockets of both protocols, with real clients. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import { LogRecord } from "../../src/data/log_record.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { certificates, skipWithoutOpenssl as skip } from "../../src/testing/certificates.ts";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { OtlpReceiver } from "./otlp.ts";

type Files = (name: string) => string;

async function start(context: TestContext, protocols: object) {
  const next = new CollectingConsumer();
  const clock = new FakeClock();
  const metrics = new CollectedMetrics();
  const base = await testSettings(context, { kind: "receiver", type: "otlp", clock });
  const settings = { ...base, meter: metrics.meter };
  const receiver = new OtlpReceiver(configSchema.parse({ protocols }), settings, next);
  await receiver.start();
  context.after(() => receiver.shutdown(AbortSignal.abort()));
  return { receiver, next, clock, metrics, settings };
}

function serverFiles(files: Files): Record<string, string> {
  return { cert_file: files("server.pem"), key_file: files("server.key") };
}

let count = 0;
/** Another one each time: the same body again is a retry. */
const body = (): Buffer => Buffer.from(encodeLogsData([new LogRecord({ body: `${++count}` })]));

/** The status, or the code of what went wrong. */
function post(options: object, send = httpsRequest): Promise<number | string> {
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const headers = { "content-type": "application/x-protobuf" };
  const request = send(
    { host: "localhost", method: "POST", path: "/v1/logs", headers, agent: false, ...options },
    (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode!));
      response.once("error", (error: NodeJS.ErrnoException) => resolve(error.code!));
    },
  );
  request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  request.end(body());
  return promise;
}

function call(
  context: TestContext,
  target: string,
  channel: ReturnType<typeof credentials.createSsl>,
) {
  const client = new Client(target, channel);
  context.after(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  client.makeUnaryRequest(
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    ...([asIs, asIs, body()] as const),
    { deadline: Date.now() + 20_000 },
    (error, answer) => {
      if (error === null) resolve(answer!);
      else reject(error);
    },
  );
  return promise;
}

test("HTTP and gRPC are encrypted with the configured certificate", { skip }, async (context) => {
  const files = await certificates(context);
  const tls = serverFiles(files);
  const { receiver, next, metrics } = await start(context, {
    http: { endpoint: "localhost:0", tls },
    grpc: { endpoint: "localhost:0", tls },
  });
  const ca = readFileSync(files("ca.pem"));
  const { http: port, grpc } = receiver.ports;
  assert.equal(await post({ port, ca }), 200);
  assert.equal(await post({ port }), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  assert.equal(await post({ port }, httpRequest as typeof httpsRequest), "ECONNRESET");
  await call(context, `localhost:${grpc}`, credentials.createSsl(ca));
  assert.equal(next.records.length, 2);
  const unencrypted = call(context, `localhost:${grpc}`, credentials.createInsecure());
  await assert.rejects(unencrypted);
  await waitUntil("handshakes are counted", async () => {
    const refused = await metrics.read("vouchsafe_otlp_refused_requests");
    return refused["protocol=http reason=tls"]! >= 1 && refused["protocol=grpc reason=tls"]! >= 1;
  });
});

test("read_timeout spares connections of TLS whose clients have spoken", {
  skip,
}, async (context) => {
  const files = await certificates(context);
  const { receiver, clock } = await start(context, {
    grpc: { endpoint: "localhost:0", tls: serverFiles(files), read_timeout: "5s" },
  });
  const ca = readFileSync(files("ca.pem"));
  const session = connectHttp2(`https://localhost:${receiver.ports.grpc}`, { ca });
  context.after(() => session.destroy());
  const connected = Promise.withResolvers<void>();
  session.once("connect", () => connected.resolve());
  await connected.promise;
  const ping = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    session.ping((error) => (error === null ? resolve() : reject(error)));
    return promise;
  };
  await ping();
  clock.advance(6_000);
  await ping();
  assert.equal(session.destroyed, false);
});

test("with client_ca_file a client needs a certificate", { skip }, async (context) => {
  const files = await certificates(context);
  const other = await certificates(context);
  const tls = { ...serverFiles(files), client_ca_file: files("ca.pem") };
  const { receiver, next } = await start(context, {
    http: { endpoint: "localhost:0", tls },
    grpc: { endpoint: "localhost:0", tls },
  });
  const ca = readFileSync(files("ca.pem"));
  const own = (from: Files) => ({
    cert: readFileSync(from("client.pem")),
    key: readFileSync(from("client.key")),
  });
  const { http: port, grpc } = receiver.ports;
  assert.equal(await post({ port, ca, ...own(files) }), 200);
  assert.equal(typeof (await post({ port, ca })), "string");
  assert.equal(typeof (await post({ port, ca, ...own(other) })), "string");
  const { key, cert } = own(files);
  await call(context, `localhost:${grpc}`, credentials.createSsl(ca, key, cert));
  await assert.rejects(call(context, `localhost:${grpc}`, credentials.createSsl(ca)));
  assert.equal(next.records.length, 2);
});

test("changed certificates are used without a restart, broken ones are not", {
  skip,
}, async (context) => {
  const files = await certificates(context);
  const other = await certificates(context);
  const tls = { ...serverFiles(files), reload_interval: "1m" };
  const { receiver, clock, settings } = await start(context, {
    http: { endpoint: "localhost:0", tls },
  });
  const port = receiver.ports.http!;
  const logged = (message: RegExp) => (): boolean => {
    // The timer is set again when the files were read.
    clock.advance(60_000);
    return settings.logged.some((line) => message.test(line.message));
  };
  renameSync(other("server.pem"), files("server.pem"));
  await waitUntil("the mistake is told", logged(/cannot be used; the old ones stay/));
  assert.equal(await post({ port, ca: readFileSync(files("ca.pem")) }), 200);
  renameSync(other("server.key"), files("server.key"));
  await waitUntil("the change is told", logged(/are used from now on/));
  assert.equal(await post({ port, ca: readFileSync(other("ca.pem")) }), 200);
  assert.equal(typeof (await post({ port, ca: readFileSync(files("ca.pem")) })), "string");
});

test("files that cannot be used are found at the start", { skip }, async (context) => {
  const files = await certificates(context);
  const mixed = { cert_file: files("server.pem"), key_file: files("client.key") };
  for (const tls of [mixed, { ...mixed, key_file: files("missing") }]) {
    const code = "listening.tls_file";
    await assert.rejects(start(context, { http: { endpoint: "localhost:0", tls } }), { code });
    await assert.rejects(start(context, { grpc: { endpoint: "localhost:0", tls } }), { code });
  }
});

test("Unix sockets are listened on, also where a killed agent left its own", async (context) => {
  const directory = await temporaryDirectory(context);
  const path = join(directory, "http.sock");
  const grpc = join(directory, "grpc.sock");
  const protocols = {
    http: { transport: "unix", endpoint: path },
    grpc: { transport: "unix", endpoint: grpc },
  };
  await leaveSocketBehind(path);
  assert.ok(existsSync(path));
  const { receiver, next, settings } = await start(context, protocols);
  const onSocket = { socketPath: path, host: undefined };
  assert.equal(await post(onSocket, httpRequest as typeof httpsRequest), 200);
  await call(context, `unix:${grpc}`, credentials.createInsecure());
  assert.equal(next.records.length, 2);
  assert.deepEqual(
    settings.logged.filter(({ level }) => level === "warn"),
    [],
  );
  await assert.rejects(start(context, protocols), { code: "listening.port_in_use" });
  await receiver.shutdown(AbortSignal.timeout(20_000));
  assert.equal(existsSync(path), false);
});

/** As a process does that is killed: the name stays, and nobody listens. */
async function leaveSocketBehind(path: string): Promise<void> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(`${path}.old`, () => listening.resolve());
  await listening.promise;
  renameSync(`${path}.old`, path);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  const refused = Promise.withResolvers<void>();
  connect(path).on("error", () => refused.resolve());
  await refused.promise;
}
