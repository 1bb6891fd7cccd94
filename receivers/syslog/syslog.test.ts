import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { readFileSync, renameSync } from "node:fs";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { AgentError } from "../../src/component/errors.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { certificates, skipWithoutOpenssl } from "../../src/testing/certificates.ts";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { TestSettingsOptions } from "../../src/testing/test_settings.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { SyslogReceiver } from "./syslog.ts";

const HELLO = "<86>1 2015-08-05T21:58:59.693Z host app 7 ID1 - hello";

interface Running {
  readonly receiver: SyslogReceiver;
  readonly sink: CollectingConsumer;
  readonly metrics: CollectedMetrics;
  readonly warnings: () => string[];
  readonly tcp: () => Promise<Socket>;
  readonly udp: (datagram: string | Buffer) => Promise<void>;
}

async function run(
  context: TestContext,
  config: object,
  options: TestSettingsOptions = {},
): Promise<Running> {
  const metrics = new CollectedMetrics();
  const settings = await testSettings(context, { kind: "receiver", type: "syslog", ...options });
  const sink = new CollectingConsumer();
  const parsed = configSchema.parse({ protocol: "rfc5424", ...config });
  const receiver = new SyslogReceiver(parsed, { ...settings, meter: metrics.meter }, sink);
  await receiver.start();
  context.after(() => receiver.shutdown(AbortSignal.abort()));
  const tcp = async (): Promise<Socket> => {
    const socket = connect(receiver.ports.tcp!, "127.0.0.1");
    context.after(() => socket.destroy());
    socket.on("error", () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("connect", resolve);
    await promise;
    return socket;
  };
  const udp = async (datagram: string | Buffer): Promise<void> => {
    const socket = createSocket("udp4");
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.send(datagram, receiver.ports.udp!, "127.0.0.1", () => resolve());
    await promise;
    socket.close();
  };
  const warnings = (): string[] =>
    settings.logged.filter(({ level }) => level === "warn").map(({ message }) => message);
  return { receiver, sink, metrics, warnings, tcp, udp };
}

const LOCAL_TCP = { tcp: { listen_address: "localhost:0" } };
const LOCAL_UDP = { udp: { listen_address: "localhost:0" } };
const messages = (records: readonly LogRecord[]): unknown[] =>
  records.map(({ attributes }) => attributes.message);
const received = (sink: CollectingConsumer, count: number): Promise<void> =>
  waitUntil(`${count} records`, () => sink.records.length >= count);

test("messages over TCP become records with time, severity and attributes", async (context) => {
  const { sink, tcp } = await run(context, {
    tcp: { listen_address: "localhost:0", add_attributes: true },
    attributes: { source: "net" },
    resource: { "service.name": "firewall" },
    operators: [{ type: "move", from: "attributes.hostname", to: "resource.host" }],
  });
  const socket = await tcp();
  socket.write(`${HELLO}\n${HELLO}`);
  await received(sink, 1);
  assert.equal(sink.records.length, 1);
  socket.end();
  await received(sink, 2);
  const [record] = sink.records;
  assert.equal(record!.body, HELLO);
  assert.deepEqual(record!.hrTime, [Date.UTC(2015, 7, 5, 21, 58, 59) / 1000, 693_000_000]);
  assert.equal(record!.severityText, "info");
  assert.deepEqual(record!.resource.attributes, { "service.name": "firewall", host: "host" });
  const { "net.peer.port": _, "net.host.port": __, ...attributes } = record!.attributes;
  assert.deepEqual(attributes, {
    ...{ source: "net", "net.transport": "IP.TCP" },
    ...{ "net.peer.ip": "127.0.0.1", "net.host.ip": "127.0.0.1" },
    ...{ appname: "app", priority: 86, facility: 10, facility_text: "authpriv", version: 1 },
    ...{ message: "hello", msg_id: "ID1", proc_id: "7" },
  });
});

test("both framings of RFC 6587 are understood on one connection", async (context) => {
  const { sink, tcp } = await run(context, { ...LOCAL_TCP, enable_octet_counting: true });
  const withFeed = HELLO.replace("hello", "two\nlines");
  const socket = await tcp();
  socket.end(`${withFeed.length} ${withFeed}${HELLO}\n${HELLO.length} ${HELLO}`);
  await received(sink, 3);
  assert.deepEqual(messages(sink.records), ["two\nlines", "hello", "hello"]);
  assert.equal(sink.records[2]!.body, HELLO);
});

test("a datagram is a message, and its trailing line feed is none of it", async (context) => {
  const { sink, udp } = await run(context, { ...LOCAL_UDP, protocol: "rfc3164" });
  await udp("<34>Oct 11 22:14:15 mymachine su: failed\nfor lonvick\r\n\0");
  await received(sink, 1);
  assert.equal(sink.records[0]!.attributes.message, "failed\nfor lonvick");
  assert.equal(sink.records[0]!.severityText, "crit");
});

test("rubbish is counted and handed on as it came, or dropped", async (context) => {
  const first = await run(context, LOCAL_TCP);
  (await first.tcp()).end(`rubbish\n${HELLO}\n`);
  await received(first.sink, 2);
  assert.deepEqual(
    first.sink.records.map(({ body }) => body),
    ["rubbish", HELLO],
  );
  assert.deepEqual(await first.metrics.read("vouchsafe_syslog_operator_errors"), {
    "operator=syslog": 1,
  });
  assert.deepEqual(first.warnings(), ["lines that an operator cannot treat"]);

  const second = await run(context, { ...LOCAL_TCP, on_error: "drop" });
  (await second.tcp()).end(`rubbish\n${HELLO}\n`);
  await received(second.sink, 1);
  assert.equal(second.sink.records[0]!.body, HELLO);
});

test("a slow backend makes TCP senders wait, and nothing is lost", async (context) => {
  const { sink, tcp, metrics } = await run(context, { ...LOCAL_TCP, max_in_flight_bytes: "64KiB" });
  const gate = Promise.withResolvers<void>();
  sink.gate = () => gate.promise;
  const socket = await tcp();
  const count = 20_000;
  const filler = "x".repeat(1000);
  for (let index = 0; index < count; index++) {
    socket.write(`<1>1 - - ${index} - - - ${filler}\n`);
  }
  await received(sink, 1);
  await waitUntil("a full receiver", async () => {
    const held = await metrics.read("vouchsafe_syslog_in_flight_bytes");
    return held[""]! > 0 && socket.writableLength > 0;
  });
  const { "": held } = await metrics.read("vouchsafe_syslog_in_flight_bytes");
  assert.ok(held! <= 64 * 1024, `${held} bytes are held`);
  gate.resolve();
  socket.end();
  await received(sink, count);
  const numbers = Array.from({ length: count }, (_, index) => String(index));
  assert.deepEqual(
    sink.records.map(({ attributes }) => attributes.appname),
    numbers,
  );
});

test("datagrams for which there is no room are counted", async (context) => {
  const { sink, udp, metrics } = await run(context, { ...LOCAL_UDP, max_in_flight_bytes: 80 });
  const gate = Promise.withResolvers<void>();
  sink.gate = () => gate.promise;
  await udp(HELLO);
  await received(sink, 1);
  await udp(HELLO);
  await waitUntil("a dropped datagram", async () => {
    const dropped = await metrics.read("vouchsafe_syslog_dropped_datagrams");
    return dropped["reason=overloaded"] === 1;
  });
  gate.resolve();
});

test("a refused batch is offered again under the same id", async (context) => {
  const { sink, tcp } = await run(context, {
    ...LOCAL_TCP,
    retry_on_failure: { initial_interval: "1ms" },
  });
  let refusals = 2;
  sink.gate = async () => {
    if (refusals-- > 0) throw new AgentError("memory_limiter.refused", "later");
  };
  (await tcp()).end(`${HELLO}\n`);
  await received(sink, 3);
  assert.equal(new Set(sink.batches.map(({ source }) => source!.id)).size, 1);
});

test("a message that does not end in time is handed on and its connection closed", async (test) => {
  const clock = new FakeClock();
  const { sink, tcp, metrics } = await run(test, LOCAL_TCP, { clock });
  const socket = await tcp();
  const closed = Promise.withResolvers<void>();
  socket.once("close", () => closed.resolve());
  socket.write("<1>1 - - - - - - unfini");
  await waitUntil("the piece", async () => {
    const held = await metrics.read("vouchsafe_syslog_in_flight_bytes");
    return held[""] === 23;
  });
  clock.advance(29_000);
  assert.equal(socket.destroyed, false);
  clock.advance(1_000);
  await closed.promise;
  await waitUntil("the message", () => {
    clock.advance(100);
    return sink.records.length > 0;
  });
  assert.deepEqual(messages(sink.records), ["unfini"]);
  const reasons = await metrics.read("vouchsafe_syslog_closed_connections");
  assert.deepEqual(reasons, { "reason=read_timeout": 1 });
});

test("messages that operators join are handed on when no more come", async (context) => {
  const clock = new FakeClock();
  const first = { combine_field: "attributes.message", is_first_entry: "body contains 'first'" };
  const { sink, tcp } = await run(
    context,
    { ...LOCAL_TCP, operators: [{ type: "recombine", ...first }] },
    { clock },
  );
  const socket = await tcp();
  socket.write(["first", "more", "first"].map((text) => `<1>1 - - - - - - ${text}\n`).join(""));
  await waitUntil("both records", () => {
    clock.advance(500);
    return sink.records.length === 2;
  });
  assert.deepEqual(messages(sink.records), ["first\nmore", "first"]);
  assert.equal(socket.destroyed, false);
});

test("messages that are too long are cut and counted", async (context) => {
  const { sink, tcp, metrics } = await run(context, {
    tcp: { listen_address: "localhost:0", max_log_size: 64 },
  });
  (await tcp()).end(`${HELLO}${"!".repeat(1000)}\n${HELLO}\n`);
  await received(sink, 2);
  assert.equal(sink.records[0]!.attributes.message, "hello!!!!!!!!!!!");
  assert.deepEqual(await metrics.read("vouchsafe_syslog_oversized_messages"), { "": 1 });
});

test("what was sent before the agent stops is handed on", async (context) => {
  const { receiver, sink, tcp } = await run(context, LOCAL_TCP);
  const socket = await tcp();
  socket.write(`${HELLO}\n`.repeat(500));
  await received(sink, 1);
  socket.write(`${HELLO}\nlast`);
  await receiver.shutdown(AbortSignal.timeout(20_000));
  assert.equal(sink.records.length, 502);
  assert.equal(sink.records[501]!.body, "last");
});

test("TLS with client certificates, and new certificates without a restart", {
  skip: skipWithoutOpenssl,
}, async (context) => {
  const files = await certificates(context);
  const other = await certificates(context);
  const clock = new FakeClock();
  const tls = {
    ...{ cert_file: files("server.pem"), key_file: files("server.key") },
    ...{ client_ca_file: files("ca.pem"), reload_interval: "1m" },
  };
  const { receiver, sink, metrics } = await run(
    context,
    { tcp: { listen_address: "localhost:0", tls } },
    { clock },
  );
  const send = async (from: typeof files, certificate: boolean): Promise<string> => {
    const own = { cert: readFileSync(from("client.pem")), key: readFileSync(from("client.key")) };
    const socket = connectTls({
      ...{ port: receiver.ports.tcp!, host: "localhost", ca: readFileSync(from("ca.pem")) },
      ...(certificate && own),
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    socket.once("error", ({ message }) => resolve(message));
    socket.once("close", () => resolve("closed"));
    socket.end(`${HELLO}\n`);
    return promise;
  };
  const received = async (count: number): Promise<void> => {
    await waitUntil(`${count} records`, () => {
      clock.advance(100);
      return sink.records.length === count;
    });
  };
  assert.equal(await send(files, true), "closed");
  await received(1);
  assert.match(await send(files, false), /certificate required|closed|ECONNRESET|EPIPE/);
  await waitUntil("a refused handshake", async () => {
    const closed = await metrics.read("vouchsafe_syslog_closed_connections");
    return (closed["reason=tls"] ?? 0) + (closed["reason=broken"] ?? 0) > 0;
  });
  assert.equal(sink.records.length, 1);

  for (const name of ["server.key", "server.pem", "ca.pem"]) renameSync(other(name), files(name));
  for (const name of ["client.key", "client.pem"]) renameSync(other(name), files(name));
  clock.advance(60_000);
  await waitUntil("the new certificate", async () => (await send(files, true)) === "closed");
  await received(2);
});

test("no bytes whatever make the receiver fail", async (context) => {
  const framing = { ...LOCAL_TCP, ...LOCAL_UDP, enable_octet_counting: true };
  const { sink, tcp, udp } = await run(context, framing);
  const bytes = fc.uint8Array({ maxLength: 400 });
  const like = fc
    .array(fc.constantFrom("<1>", "1 ", "[a", ' b="', '"]', "\n", "\0", "12 ", "999999999 ", "é"))
    .map((parts) => Buffer.from(parts.join("")));
  for (const sample of fc.sample(fc.oneof(bytes, like), { numRuns: 300, seed: 7 })) {
    (await tcp()).end(sample);
    if (sample.length > 0) await udp(Buffer.from(sample));
  }
  (await tcp()).end(`${HELLO}\n`);
  await waitUntil("the last message", () => messages(sink.records).includes("hello"));
});

test("configurations that cannot work are refused", () => {
  const refused = (config: object): string => {
    const result = configSchema.safeParse({ protocol: "rfc5424", ...config });
    return result.error?.issues.map(({ message }) => message).join("; ") ?? "accepted";
  };
  assert.match(refused({}), /tcp.*udp.*or both/);
  assert.match(refused({ ...LOCAL_UDP, enable_octet_counting: true }), /framing is for tcp/);
  assert.match(refused({ tcp: { listen_address: "514" } }), /expected host:port/);
  assert.match(refused({ ...LOCAL_TCP, protocol: "rfc1" }), /rfc3164/);
  assert.equal(refused({ ...LOCAL_TCP, ...LOCAL_UDP }), "accepted");
});
