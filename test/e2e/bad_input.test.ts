/** Whatever is wrong from outside gives a clear error; nothing is lost, nothing falls. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, runVouchsafe, startAgent } from "../support/agent.ts";
import type { Site } from "../support/site.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";
import { mountSmallDisk, skipWithoutMount } from "../support/small_disk.ts";
import { skipWithout } from "../support/tools.ts";

async function runConfig(t: TestContext, text: string) {
  const path = join(await temporaryDirectory(t), "config.yaml");
  await writeFile(path, text);
  return runVouchsafe(t, ["run", "-c", path]);
}

test("malformed YAML ends with 78 and names the line", async (t) => {
  const { code, stderr } = await runConfig(t, "receivers:\n  otlp: {\n");
  assert.equal(code, 78);
  assert.match(stderr, /config\.yaml:\d+:\d+/);
});

test("every unknown key is named at once, with a suggestion", async (t) => {
  const { code, stderr } = await runConfig(
    t,
    `receivers:
  file_log: { inclde: [/tmp/x.log], start_at: begining }
exporters:
  debug: {}
service:
  pipelines:
    logs: { receivers: [file_lgo], exporters: [debug] }
`,
  );
  assert.equal(code, 78);
  assert.match(stderr, /config\.yaml:2:\d+ .*inclde.*did you mean "include"/);
  assert.match(stderr, /config\.yaml:2:\d+ .*start_at/);
  assert.match(stderr, /config\.yaml:7:\d+ .*file_lgo.*did you mean "file_log"/);
});

test("a configuration file that is not there", async (t) => {
  const { code, stderr } = await runVouchsafe(t, ["run", "-c", "/nonexistent/vouchsafe.yaml"]);
  assert.equal(code, 78);
  assert.match(stderr, /\/nonexistent\/vouchsafe\.yaml/);
});

test("a missing token key names the command that makes one", async (t) => {
  const site = await makeSite(t, (directory) => ({
    receivers: { file_log: { include: [join(directory, "app.log")] } },
    processors: {
      tokenize: { domain: "test", keys: { provider: "file", directory: join(directory, "none") } },
    },
  }));
  const { code, stderr } = await runVouchsafe(t, ["run", "-c", site.configPath]);
  assert.notEqual(code, 0);
  assert.match(stderr, /vouchsafe keys generate token/);
});

test("a port in use is named", async (t) => {
  const server = createServer();
  const [port] = (await freePorts(1)) as [number];
  const listening = Promise.withResolvers<void>();
  server.listen(port, "127.0.0.1", listening.resolve);
  await listening.promise;
  t.after(() => server.close());
  const site = await makeSite(t, () => ({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
  }));
  const { code, stderr } = await runVouchsafe(t, ["run", "-c", site.configPath]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
});

test("garbage, oversized bodies and bombs are refused, then work goes on", async (t) => {
  const [port] = (await freePorts(1)) as [number];
  const site = await makeSite(t, () => ({
    receivers: {
      otlp: {
        protocols: { http: { endpoint: `127.0.0.1:${port}`, max_request_body_size: "1MiB" } },
      },
    },
  }));
  const agent = await startAgent(t, site.configPath);
  const post = async (body: Uint8Array | string, headers: Record<string, string>) =>
    (await fetch(`http://127.0.0.1:${port}/v1/logs`, { method: "POST", body, headers })).status;
  const json = { "content-type": "application/json" };
  const proto = { "content-type": "application/x-protobuf" };
  const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));

  assert.equal(await post("{ not json", json), 400);
  assert.equal(await post(new Uint8Array([0x0a, 0xff, 0xff, 0xff]), proto), 400);
  assert.equal(await post("x", { "content-type": "text/plain" }), 415);
  assert.equal(await post(new Uint8Array(2 * 1024 * 1024), proto), 413);
  assert.equal(await post(bomb, { ...proto, "content-encoding": "gzip" }), 413);
  assert.equal(await post("{}", { ...json, "content-encoding": "br" }), 415);
  assert.equal(await post(otlpJson("still here"), json), 200);

  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);
  const bodies = (await readArchive(t, site)).map(({ body }) => body);
  assert.deepEqual(bodies, ["still here"]);
});

test("an unreadable file is named, and read once it can be", {
  skip: isRoot() ? skipWithout("setpriv") : false,
}, async (t) => {
  const site = await makeSite(t, (directory) => ({
    receivers: { file_log: { include: [join(directory, "*.log")], start_at: "beginning" } },
  }));
  const path = join(site.directory, "secret.log");
  await writeFile(path, "line one\n", { mode: 0o000 });
  // Root may read every file, unless it starts the agent without that capability.
  const launcher = isRoot() ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] : [];
  const agent = await startAgent(t, site.configPath, { launcher });
  await waitUntil("the file is named", () => agent.stderr().includes("secret.log"));
  execFileSync("chmod", ["600", path]);
  await waitUntil("the line is sealed", async () => (await countSealed(t, site)) === 1);
  assert.equal((await agent.stop()).code, 0);
});

test("a full disk stops the acknowledgements, and room lets everything through", {
  skip: skipWithoutMount,
}, async (t) => {
  const small = await mountSmallDisk(t);
  const site: Site = await makeSite(t, (directory, recipient) => ({
    receivers: { file_log: { include: [join(directory, "app.log")], start_at: "beginning" } },
    exporters: {
      sealed_archive: {
        directory: join(small.path, "archive"),
        origin: "example.com/test",
        recipients: [recipient],
      },
    },
  }));
  const full = { ...site, archive: join(small.path, "archive") };
  const agent = await startAgent(t, site.configPath);
  const log = join(site.directory, "app.log");
  await writeFile(log, "before the disk was full\n");
  await waitUntil("the first line is sealed", async () => (await countSealed(t, full)) === 1);

  small.fill();
  const lines = Array.from({ length: 20_000 }, (_, number) => `while it was full ${number}\n`);
  await appendFile(log, lines.join(""));
  await waitUntil("the agent says so", () => /no space|full|ENOSPC/i.test(agent.stderr()));
  await small.free();
  const wanted = lines.length + 1;
  await waitUntil("all is sealed", async () => (await countSealed(t, full)) === wanted, 60_000);

  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);
  await verifyArchive(t, full);
  const bodies = (await readArchive(t, full)).map(({ body }) => `${String(body)}\n`);
  assert.deepEqual(bodies.slice(1), lines);
});

test("no error ever quotes what was logged", async (t) => {
  const canary = "canary-7f3a9c";
  const [port] = (await freePorts(1)) as [number];
  const site = await makeSite(t, (directory) => ({
    receivers: {
      file_log: {
        include: [join(directory, "app.log")],
        start_at: "beginning",
        operators: [{ type: "json_parser" }],
      },
      otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } },
    },
  }));
  await writeFile(join(site.directory, "app.log"), `{"broken": "${canary}\n[1, "${canary}"\n`);
  const agent = await startAgent(t, site.configPath);
  const response = await fetch(`http://127.0.0.1:${port}/v1/logs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"resourceLogs": "${canary}`,
  });
  assert.doesNotMatch(await response.text(), new RegExp(canary));
  await waitUntil("both lines are sealed", async () => (await countSealed(t, site)) === 2);
  const { stdout, stderr } = await agent.stop();
  assert.doesNotMatch(stdout + stderr, new RegExp(canary));
});

function otlpJson(body: string): string {
  return JSON.stringify({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }] }],
  });
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
