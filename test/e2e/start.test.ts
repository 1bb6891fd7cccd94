/** What a new user does first: `npm start`, and the README's configuration. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import {
  freePorts,
  ROOT,
  runVouchsafe,
  startAgent,
  startVouchsafe,
  writeIdentity,
} from "../support/agent.ts";

test("npm start tells the whole story, ends at Ctrl-C and leaves a whole archive", async (t) => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  assert.equal(scripts.start, "node src/main.ts demo");
  const directory = join(await temporaryDirectory(t), "demo");
  const demo = startVouchsafe(t, ["demo", "-d", directory]);
  await waitUntil(
    "the story is told",
    () => demo.stdout().includes("until you press Ctrl-C"),
    90_000,
  );
  const { code, stdout, stderr } = await demo.stop("SIGINT");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /before {2}\S+ - - \[.*email=\w+\.\w+\d+%40example/);
  assert.match(stdout, /after {3}<ipv[46]:k\d+a:[a-z2-7]+> - - \[.*email=<email:k\d+a:[a-z2-7]+>/);
  assert.match(stdout, /^email +\d+$/m);
  assert.match(stdout, /requests +-?\d+ ± \d+ \(95 %\)/);
  assert.match(stdout, /: whole, \d+ records/);
  assert.match(stdout, /TAMPERED {2}blocks\/default\/00000001\.blk, entry \d+/);
  assert.match(stdout, /exit code 1/);
  assert.match(stdout, /Stopped\. Everything is still in/);

  const archive = join(directory, "archive");
  const identity = join(directory, "auditor-identity.txt");
  const verified = await runVouchsafe(t, ["verify", archive, "-i", identity]);
  assert.equal(verified.code, 0, verified.stdout);
});

test("the README's configuration runs as it stands", async (t) => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const text = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const directory = await temporaryDirectory(t);
  const identity = await writeIdentity(directory);
  const inside = (path: string): string => join(directory, path);
  const made = await runVouchsafe(t, ["keys", "generate", "token", "-d", inside("keys")]);
  assert.equal(made.code, 0, made.stderr);
  const [http, grpc, metricsPort, healthPort] = await freePorts(4);

  // Only what a user must fill in, and what two tests at once could not share.
  const config = parse(text.replaceAll("age1...", identity.recipient));
  config.receivers["file_log/nginx"].include = [inside("access.log")];
  config.receivers.otlp.protocols.http.endpoint = `localhost:${http}`;
  config.receivers.otlp.protocols.grpc.endpoint = `localhost:${grpc}`;
  config.processors.tokenize.keys.directory = inside("keys");
  config.exporters.sealed_archive.directory = inside("archive");
  config.exporters.debug = {};
  config.extensions = { health_check: { endpoint: `localhost:${healthPort}` } };
  config.service.extensions = ["health_check"];
  config.service.state_directory = inside("state");
  const prometheus = { host: "localhost", port: metricsPort };
  config.service.telemetry = {
    metrics: { readers: [{ pull: { exporter: { prometheus } } }] },
  };
  for (const pipeline of Object.values<{ exporters: string[] }>(config.service.pipelines)) {
    pipeline.exporters = pipeline.exporters.map((id) => (id === "otlp_http" ? "debug" : id));
  }
  delete config.exporters.otlp_http;
  const path = inside("vouchsafe.yaml");
  await writeFile(path, stringify(config));

  const agent = await startAgent(t, path);
  const line =
    '203.0.113.7 - - [21/Nov/2026:06:49:34 +0000] "GET /?m=a%40b.example HTTP/1.1" 200 2';
  await writeFile(inside("access.log"), `${line} "-" "curl/8"\n`);
  await waitUntil("the line is printed", () => agent.stdout().includes("records: 1"));
  const health = await fetch(`http://localhost:${healthPort}/`);
  assert.equal(health.status, 200);
  const { code, stdout, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout + stderr, /203\.0\.113\.7/);
});
