/** Whatever comes over the network is refused with the right code, counted, and survived. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { LogRecord } from "../../src/data/log_record.ts";
import { toOtlpJson } from "../../src/otlp/encode_json.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startAgent } from "../support/agent.ts";
import { makeSite } from "../support/site.ts";
import { fuzzDecoders, hostileBodies } from "./otlp_fuzz.ts";

const BODIES = 20_000;
const POSTS = 1000;
const RESIDENT_KIB_MAX = 700 * 1024;
const JSON_TYPE = { "content-type": "application/json" };
const PROTO_TYPE = { "content-type": "application/x-protobuf" };

test(`${BODIES} hostile bodies give records or are refused by the decoders`, () => {
  const counts = fuzzDecoders("otlp", BODIES);
  assert.equal(counts.decoded + counts.refused, BODIES);
  assert.ok(counts.decoded > 1000 && counts.refused > 1000, JSON.stringify(counts));
});

test("a real agent refuses hostile requests with the right code and stays small", async (t) => {
  const [http, grpc] = (await freePorts(2)) as [number, number];
  const site = await makeSite(t, () => ({
    receivers: {
      otlp: {
        protocols: {
          http: { endpoint: `127.0.0.1:${http}`, read_header_timeout: "1s", read_timeout: "2s" },
          grpc: { endpoint: `127.0.0.1:${grpc}` },
        },
      },
    },
    exporters: { debug: { verbosity: "basic" } },
    pipelines: { logs: { receivers: ["otlp"], exporters: ["debug"] } },
  }));
  const agent = await startAgent(t, site.configPath);
  const post = async (body: Uint8Array | string, headers: Record<string, string>) => {
    const url = `http://127.0.0.1:${http}/v1/logs`;
    const response = await fetch(url, { method: "POST", body: Buffer.from(body), headers });
    await response.arrayBuffer();
    return response.status;
  };

  const seen = new Map<number, number>();
  let sent = 0;
  for (const { json, body } of hostileBodies("http")) {
    if (sent++ === POSTS) break;
    const status = await post(body, json ? JSON_TYPE : PROTO_TYPE);
    seen.set(status, (seen.get(status) ?? 0) + 1);
  }
  assert.deepEqual([...seen.keys()].sort(), [200, 400]);

  const gzip = { "content-encoding": "gzip" };
  const bomb = gzipSync(new Uint8Array(256 * 1024 * 1024));
  assert.equal(await post(bomb, { ...PROTO_TYPE, ...gzip }), 413);
  assert.equal(await post(bomb.subarray(0, 1000), { ...PROTO_TYPE, ...gzip }), 400);
  assert.equal(await post(`{"resourceLogs":${"[".repeat(1e6)}`, JSON_TYPE), 400);
  const line = toOtlpJson([new LogRecord({ body: "x".repeat(10 * 1024 * 1024) })]);
  assert.equal(await post(line, JSON_TYPE), 200);

  const smuggled = [
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: +2\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
  ];
  for (const rest of smuggled) {
    const head = "POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    const answer = await raw(http, head + rest);
    assert.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(rest));
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, "one answer, then the end");
  }
  // Half a header, and then silence: cut off, with or without a word.
  assert.match(await raw(http, "POST /v1/logs HTTP/1.1\r\nHost: a\r\nX-"), /^(HTTP\/1\.1 408 |$)/);
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  await raw(grpc, `${preface}\xff\xff\xff\x00\x00\x00\x00\x00\x00`);
  await raw(grpc, "GET / HTTP/1.1\r\n\r\n");

  const metrics = await (await fetch(`http://127.0.0.1:${site.metricsPort}/metrics`)).text();
  assert.match(metrics, /^vouchsafe_otlp_refused_requests\{[^}]*malformed[^}]*\} \d+/m);
  const status = await readFile(`/proc/${agent.child.pid}/status`, "utf8").catch(() => "");
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
  assert.ok(peak < RESIDENT_KIB_MAX, `${peak} KiB`);
  t.diagnostic(`answers ${JSON.stringify([...seen])}, peak ${Math.round(peak / 1024)} MiB`);
  assert.equal(await post("{}", JSON_TYPE), 200);
  assert.equal((await agent.stop()).code, 0);
});

/** Sends the bytes and gives all that comes back until the other side closes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  let isClosed = false;
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  await once(socket, "connect");
  socket.write(bytes, "latin1");
  await waitUntil("the connection is closed", () => isClosed, 30_000);
  return answer;
}
