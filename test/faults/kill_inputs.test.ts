/**
 * `kill -9` at any moment, while records come over a file, OTLP/HTTP, OTLP/gRPC and syslog at once.
 * Clients send a request again until it is acknowledged. The oracle knows every record that was
 * sent: each must be in the archive, once, although clients and the agent repeat what a kill cut
 * off. Syslog acknowledges nothing and senders repeat nothing: of its messages none may be there
 * twice.
 *
 * `npm run test:kills` makes 100 kills; docs/reliability.md tells the counts.
 */
import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { ServiceError } from "@grpc/grpc-js";
import { Client, credentials } from "@grpc/grpc-js";
import { LogRecord } from "../../src/data/log_record.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startVouchsafe } from "../support/agent.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";

const KILLS = Number(process.env.KILLS ?? 10);
const SEED = process.env.SEED ?? "20261128";
const CLIENTS = 3;
const RECORDS_PER_REQUEST = 20;
const LINES_PER_WRITE = 200;
const PAUSE_MS = 20;
const EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const asIs = (bytes: Buffer): Buffer => bytes;

type Send = (body: Buffer) => Promise<boolean>;

test(`${KILLS} kills while a file, HTTP, gRPC and syslog bring records`, async (t) => {
  const [http, grpc, syslog] = (await freePorts(3)) as [number, number, number];
  const site = await makeSite(t, (directory) => ({
    receivers: {
      file_log: { include: [join(directory, "app.log")], start_at: "beginning" },
      otlp: {
        protocols: {
          http: { endpoint: `127.0.0.1:${http}` },
          grpc: { endpoint: `127.0.0.1:${grpc}` },
        },
      },
      syslog: { tcp: { listen_address: `127.0.0.1:${syslog}` }, protocol: "rfc5424" },
    },
    pipelines: {
      logs: { receivers: ["file_log", "otlp", "syslog"], exporters: ["sealed_archive"] },
    },
  }));
  const log = join(site.directory, "app.log");
  await writeFile(log, "");
  const sealedTexts = async (): Promise<string[]> =>
    (await readArchive(t, site)).map(({ body }) => String(body).replace(/^.*(?=syslog \d+$)/, ""));
  let isOver = false;
  const written: string[] = [];
  const acknowledged: string[] = [];

  const writeLines = async (): Promise<void> => {
    for (let next = 0; !isOver; next += LINES_PER_WRITE) {
      const lines = Array.from({ length: LINES_PER_WRITE }, (_, at) => `file ${next + at}`);
      await appendFile(log, `${lines.join("\n")}\n`);
      written.push(...lines);
      await pause();
    }
  };
  const send = async (name: string, attempt: Send): Promise<void> => {
    for (let next = 0; !isOver; next += RECORDS_PER_REQUEST) {
      const bodies = Array.from({ length: RECORDS_PER_REQUEST }, (_, at) => `${name} ${next + at}`);
      const body = Buffer.from(encodeLogsData(bodies.map((text) => new LogRecord({ body: text }))));
      while (!(await attempt(body))) await pause();
      acknowledged.push(...bodies);
    }
  };
  const logged: string[] = [];
  const sendSyslog = async (): Promise<void> => {
    for (let next = 0; !isOver; ) {
      const socket = connect(syslog, "127.0.0.1");
      const isClosed = new Promise((closed) => socket.on("close", closed));
      socket.on("error", () => {});
      while (!isOver && !socket.destroyed) {
        const text = `syslog ${next++}`;
        socket.write(`<134>1 2026-11-28T00:00:00Z host app - - - ${text}\n`);
        logged.push(text);
        await pause();
      }
      socket.end();
      await isClosed;
    }
  };
  const names = (kind: string) => Array.from({ length: CLIENTS }, (_, index) => `${kind}-${index}`);
  const channel = new Client(`127.0.0.1:${grpc}`, credentials.createInsecure(), {
    "grpc.max_reconnect_backoff_ms": 200,
    "grpc.initial_reconnect_backoff_ms": 50,
  });
  t.after(() => channel.close());
  const senders = [
    writeLines(),
    sendSyslog(),
    ...names("http").map((name) => send(name, overHttp(http))),
    ...names("grpc").map((name) => send(name, overGrpc(channel))),
  ];

  const random = seededRandom(SEED);
  t.diagnostic(`seed ${SEED}`);
  for (let kill = 0; kill < KILLS; kill++) {
    const agent = startVouchsafe(t, ["run", "-c", site.configPath]);
    // From the first instructions of the process to well into its work.
    const endMs = Date.now() + 100 + unit(random) * 2000;
    await waitUntil("the moment to kill has come", () => Date.now() >= endMs);
    const { signal, stderr } = await agent.stop("SIGKILL");
    assert.equal(signal, "SIGKILL", `the agent ended by itself:\n${stderr}`);
  }
  const agent = startVouchsafe(t, ["run", "-c", site.configPath]);
  await waitUntil("syslog is heard", () => hearsSyslog(site.metricsPort), 60_000);
  isOver = true;
  await Promise.all(senders);
  const total = written.length + acknowledged.length;
  const expected = [...written, ...acknowledged];
  const isThere = async (): Promise<boolean> => {
    if ((await countSealed(t, site)) < total) return false;
    const there = new Set(await sealedTexts());
    return expected.every((text) => there.has(text));
  };
  await waitUntil("every record is sealed", isThere, 300_000);
  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);

  await verifyArchive(t, site);
  const sealed = await sealedTexts();
  const distinct = new Set(sealed);
  const lost = expected.filter((text) => !distinct.has(text));
  const arrived = logged.filter((text) => distinct.has(text)).length;
  const twice = sealed.length - distinct.size;
  t.diagnostic(
    `kills ${KILLS}, lines ${written.length}, acknowledged over OTLP ${acknowledged.length}, ` +
      `lost ${lost.length}, twice ${twice}; of ${logged.length} over syslog ${arrived} arrived`,
  );
  assert.deepEqual(lost, []);
  assert.equal(twice, 0);
  assert.ok(arrived > 0);
  assert.equal(distinct.size, total + arrived);
});

function overHttp(port: number): Send {
  const headers = { "content-type": "application/x-protobuf" };
  return async (body) => {
    try {
      const url = `http://127.0.0.1:${port}/v1/logs`;
      const signal = AbortSignal.timeout(15_000);
      const response = await fetch(url, { method: "POST", headers, body, signal });
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      return false;
    }
  };
}

function overGrpc(channel: Client): Send {
  return (body) =>
    new Promise((settled) => {
      const options = { deadline: Date.now() + 15_000 };
      const done = (error: ServiceError | null): void => settled(error === null);
      channel.makeUnaryRequest(EXPORT, asIs, asIs, body, options, done);
    });
}

async function hearsSyslog(metricsPort: number): Promise<boolean> {
  try {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const accepted = /^otelcol_receiver_accepted_log_records(?:_total)?\{[^}]*receiver="syslog"/m;
    return accepted.test(text);
  } catch {
    return false;
  }
}

async function pause(): Promise<void> {
  const endMs = Date.now() + PAUSE_MS;
  await waitUntil("a moment has passed", () => Date.now() >= endMs);
}

/** Uniform in [0, 1). */
function unit(random: ReturnType<typeof seededRandom>): number {
  const bytes = Buffer.alloc(4);
  random(bytes);
  return bytes.readUInt32LE() / 2 ** 32;
}
