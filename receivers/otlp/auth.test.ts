/** Credentials of clients, over both protocols. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { LogRecord } from "../../src/data/log_record.ts";
import { bearerTokenSchema } from "../../src/lib/auth/config.ts";
import { authenticatorOpener } from "../../src/lib/auth/open.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { OtlpReceiver } from "./otlp.ts";

async function start(context: TestContext, endpoint = "localhost:0") {
  const next = new CollectingConsumer();
  const base = await testSettings(context, { kind: "receiver", type: "otlp" });
  const config = bearerTokenSchema.parse({ token: "s3cret" });
  const known = new Map([["bearertokenauth", { type: "bearertokenauth", config } as const]]);
  const settings = { ...base, openAuthenticator: authenticatorOpener(known, base) };
  const protocol = { endpoint, auth: { authenticator: "bearertokenauth" } };
  const protocols = { http: protocol, grpc: protocol };
  const receiver = new OtlpReceiver(configSchema.parse({ protocols }), settings, next);
  await receiver.start();
  context.after(() => receiver.shutdown(AbortSignal.abort()));
  return { receiver, next, settings };
}

const body = (text: string): Buffer => Buffer.from(encodeLogsData([new LogRecord({ body: text })]));

test("over HTTP a client without the token gets 401 and a challenge", async (context) => {
  const { receiver, next } = await start(context);
  const post = (headers: Record<string, string>, content = body("x")): Promise<Response> =>
    fetch(`http://localhost:${receiver.ports.http}/v1/logs`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf", ...headers },
      body: new Uint8Array(content),
    });
  for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: "s3cret" }]) {
    const answer = await post(headers);
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    assert.equal(answer.headers.get("retry-after"), null);
    await answer.arrayBuffer();
  }
  assert.equal(next.records.length, 0);
  assert.equal((await post({ authorization: "Bearer s3cret" })).status, 200);
  assert.equal(next.records.length, 1);
});

test("over gRPC a client without the token is UNAUTHENTICATED", async (context) => {
  const { receiver, next } = await start(context);
  const client = new Client(`localhost:${receiver.ports.grpc}`, credentials.createInsecure());
  context.after(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const call = (authorization?: string): Promise<number> => {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set("authorization", authorization);
    const { promise, resolve } = Promise.withResolvers<number>();
    client.makeUnaryRequest(
      "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
      ...([asIs, asIs, body("x"), metadata] as const),
      (error) => resolve(error?.code ?? status.OK),
    );
    return promise;
  };
  assert.equal(await call(), status.UNAUTHENTICATED);
  assert.equal(await call("Bearer wrong"), status.UNAUTHENTICATED);
  assert.equal(next.records.length, 0);
  assert.equal(await call("Bearer s3cret"), status.OK);
  assert.equal(next.records.length, 1);
});

test("credentials without encryption are warned of beyond this host", async (context) => {
  const { settings } = await start(context, "0.0.0.0:0");
  const warnings = settings.logged.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!.message, /^listening beyond this host without encryption: /);
});
