/** Rubbish over syslog, the journal and HTTP/2 is read as far as it goes, and survived. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import { configSchema } from "../../receivers/otlp/config.ts";
import { OtlpReceiver } from "../../receivers/otlp/otlp.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { fuzzSources } from "./sources_fuzz.ts";

const ROUNDS = 20_000;
const CONNECTIONS = 300;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from("000000040000000000", "hex");

test(`${ROUNDS} hostile pieces of syslog and of journals are read within their bounds`, () => {
  const counts = fuzzSources("sources", ROUNDS);
  assert.ok(counts.messages > ROUNDS / 2 && counts.understood > 1000, JSON.stringify(counts));
  assert.ok(counts.entries > 1000 && counts.malformed > 1000, JSON.stringify(counts));
});

test(`${CONNECTIONS} connections with broken HTTP/2 frames leave the gRPC server working`, {
  timeout: 120_000,
}, async (t) => {
  const settings = await testSettings(t, { kind: "receiver", type: "otlp" });
  const sink = new CollectingConsumer();
  const grpc = { endpoint: "127.0.0.1:0", read_timeout: "2s" };
  const receiver = new OtlpReceiver(configSchema.parse({ protocols: { grpc } }), settings, sink);
  await receiver.start();
  t.after(() => receiver.shutdown(AbortSignal.abort()));
  const port = receiver.ports.grpc!;
  const random = seededRandom("frames");
  let open = 0;
  for (let index = 0; index < CONNECTIONS; index++) {
    const socket = connect(port, "127.0.0.1");
    open++;
    socket.on("error", () => {}).on("close", () => open--);
    socket.resume();
    socket.end(Buffer.concat([PREFACE, SETTINGS, ...frames(random, 20)]));
    if (index % 50 === 49) await waitUntil("the connections end", () => open === 0, 30_000);
  }
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const answered = Promise.withResolvers<void>();
  client.makeUnaryRequest(
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    asIs,
    asIs,
    Buffer.from(encodeLogsData([new LogRecord({ body: "still here" })])),
    (error) => (error === null ? answered.resolve() : answered.reject(error)),
  );
  await answered.promise;
  assert.equal(sink.records.at(-1)!.body, "still here");
});

/** Frames of known types with random flags, streams and bytes; some lie about their length. */
function frames(random: (bytes: Uint8Array) => void, count: number): Buffer[] {
  return Array.from({ length: count }, () => {
    const bytes = Buffer.alloc(64);
    random(bytes);
    const length = bytes[0]! % 50;
    const payload = bytes.subarray(9, 9 + length);
    const header = Buffer.from(bytes.subarray(0, 9));
    header.writeUIntBE(bytes[1]! % 8 === 0 ? bytes.readUIntBE(2, 3) : length, 0, 3);
    header[3] = bytes[5]! % 11;
    header.writeUInt32BE(bytes[6]! % 4 === 0 ? 0 : (bytes[6]! % 16) * 2 + 1, 5);
    return Buffer.concat([header, payload]);
  });
}
