/** A real nginx under load, a real logrotate every second: each request's line is archived once. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startAgent } from "../support/agent.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";
import { skipWithout, TOOL_PATH } from "../support/tools.ts";

const REQUESTS = 12_000;
const ROTATIONS = 6;
const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 });
const environment = { ...process.env, PATH: TOOL_PATH };

for (const mode of ["create", "copytruncate"] as const) {
  const skip = skipWithout("nginx", "logrotate");
  test(`nginx and logrotate (${mode})`, { skip }, async (t) => {
    const nginx = await startNginx(t);
    const site = await makeSite(t, () => ({
      receivers: {
        file_log: {
          include: [join(nginx.logs, "access.log*")],
          start_at: "beginning",
          operators: [{ type: "access_log_parser" }],
        },
      },
    }));
    const agent = await startAgent(t, site.configPath);
    const rotation = rotateEverySecond(nginx, mode);
    await sendRequests(nginx.port, REQUESTS);
    await rotation;
    // What copytruncate destroyed cannot be waited for; the lines on disk are checked below.
    const sealedAll = async (): Promise<boolean> => (await countSealed(t, site)) >= REQUESTS;
    await waitUntil("every request is sealed", sealedAll, 30_000).catch(() => {});
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    await verifyArchive(t, site);

    const archived = (await readArchive(t, site)).map(({ body }) => requestNumber(String(body)));
    const places = new Map(archived.map((number, index) => [number, index]));
    assert.equal(places.size, archived.length, "no line is archived twice");

    const files = await readLogs(nginx.logs);
    const onDisk = files.flat();
    // copytruncate destroys what is written between its copy and its truncation: no reader can
    // promise those lines, so the promise is about every line that some file held.
    const destroyed = [...Array(REQUESTS).keys()].filter((number) => !onDisk.includes(number));
    if (mode === "create") assert.deepEqual(destroyed, []);
    t.diagnostic(`${files.length} files; logrotate itself destroyed ${destroyed.length} lines`);
    assert.deepEqual(
      onDisk.filter((number) => !places.has(number)),
      [],
      "every line that a file held is archived",
    );
    for (const numbers of files) {
      const order = numbers.map((number) => places.get(number)!);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        "in order per file",
      );
    }
  });
}

function requestNumber(line: string): number {
  return Number(/[?&]n=(\d+)/.exec(line)?.[1]);
}

/** The request numbers in each log file that is left, in the file's order. */
async function readLogs(directory: string): Promise<number[][]> {
  const names = await readdir(directory);
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  return texts.map((text) => text.split("\n").filter(Boolean).map(requestNumber));
}

interface Nginx {
  readonly port: number;
  readonly directory: string;
  readonly logs: string;
  readonly pidFile: string;
}

async function startNginx(t: TestContext): Promise<Nginx> {
  const directory = await temporaryDirectory(t);
  const logs = join(directory, "logs");
  await mkdir(logs);
  const [port] = (await freePorts(1)) as [number];
  const pidFile = join(directory, "nginx.pid");
  const config = join(directory, "nginx.conf");
  await writeFile(
    config,
    `pid ${pidFile};
error_log ${join(directory, "error.log")};
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
events {}
http {
  client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p;
  fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  keepalive_requests 1000000;
  access_log ${join(logs, "access.log")} combined;
  server { listen 127.0.0.1:${port}; location / { return 200 "ok\\n"; } }
}
`,
  );
  const child = spawn("nginx", ["-c", config, "-g", "daemon off;"], { env: environment });
  t.after(() => child.kill("SIGTERM"));
  const answers = (): Promise<boolean> =>
    get(port, "/ready?n=none").then(
      () => true,
      () => false,
    );
  await waitUntil("nginx answers", answers);
  // The readiness requests are no part of what is counted.
  await writeFile(join(logs, "access.log"), "");
  return { port, directory, logs, pidFile };
}

async function rotateEverySecond(nginx: Nginx, mode: "create" | "copytruncate"): Promise<void> {
  const config = join(nginx.directory, "logrotate.conf");
  const reopen = `postrotate\n kill -USR1 $(cat ${nginx.pidFile})\nendscript`;
  await writeFile(
    config,
    `${join(nginx.logs, "access.log")} {
  rotate 50
  size 1
  ${mode === "create" ? `create\n${reopen}` : "copytruncate"}
}
`,
    { mode: 0o600 },
  );
  const state = join(nginx.directory, "logrotate.state");
  for (let rotation = 0; rotation < ROTATIONS; rotation++) {
    const dueMs = Date.now() + 1000;
    await waitUntil("a second has passed", () => Date.now() >= dueMs);
    execFileSync("logrotate", ["-f", "-s", state, config], { env: environment });
  }
}

/** One request after the other, spread over the time that the rotations take. */
async function sendRequests(port: number, count: number): Promise<void> {
  const startMs = Date.now();
  const spreadMs = (ROTATIONS + 1) * 1000;
  for (let number = 0; number < count; number++) {
    await get(port, `/item?n=${number}&email=person${number}@example.com`);
    const dueMs = startMs + (spreadMs * number) / count;
    if (Date.now() + 20 < dueMs) await waitUntil("the pace", () => Date.now() >= dueMs);
  }
}

function get(port: number, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const outgoing = request({ host: "127.0.0.1", port, path, agent: keepAlive }, (response) => {
    response.resume().on("end", () => resolve());
  });
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}
