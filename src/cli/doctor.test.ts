import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { stringify } from "yaml";
import { builtinFactories } from "../../config/builtin.ts";
import { loadConfig } from "../../config/load.ts";
import { startAgent } from "../agent.ts";
import { temporaryDirectory } from "../testing/test_settings.ts";
import type { Finding } from "./doctor/finding.ts";
import { doctorCommand } from "./doctor.ts";

interface Options {
  readonly include?: string;
  readonly exporter?: object;
  readonly listenPort?: number;
}

async function configure(directory: string, options: Options = {}): Promise<string> {
  const path = join(directory, "vouchsafe.yaml");
  const endpoint = `127.0.0.1:${options.listenPort ?? 0}`;
  const config = {
    receivers: {
      file_log: { include: [options.include ?? join(directory, "logs/*.log")] },
      otlp: { protocols: { http: { endpoint } } },
    },
    exporters: { otlp_http: { endpoint: "http://127.0.0.1:1", ...options.exporter } },
    extensions: { health_check: { endpoint: "127.0.0.1:0" } },
    service: {
      extensions: ["health_check"],
      state_directory: join(directory, "state"),
      telemetry: { metrics: { level: "none" } },
      pipelines: { logs: { receivers: ["file_log", "otlp"], exporters: ["otlp_http"] } },
    },
  };
  await writeFile(path, stringify(config));
  await mkdir(join(directory, "logs"), { recursive: true });
  return path;
}

async function examine(path: string): Promise<{ code: number; findings: Finding[] }> {
  const stdout = new PassThrough();
  const io = { stdout, stderr: new PassThrough(), signal: new AbortController().signal };
  const line = { values: { config: [path], json: true }, positionals: [] };
  const code = await doctorCommand.run(line, io);
  return { code, findings: JSON.parse(String(stdout.read())).findings };
}

const troublesOf = (findings: readonly Finding[], check: string): string[] =>
  findings.filter((one) => one.check === check && one.status !== "ok").map((one) => one.message);

async function listen(t: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("a host where all is well has no problem, and nothing is left behind", async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, "state"), { mode: 0o700 });
  const endpoint = `http://127.0.0.1:${await listen(t)}`;
  const path = await configure(directory, { exporter: { endpoint } });
  await writeFile(join(directory, "logs/a.log"), "line\n");
  const { code, findings } = await examine(path);
  assert.equal(code, 0);
  const checks = ["configuration", "secrets", "files", "ports", "backends", "clock", "limits"];
  for (const check of checks) assert.deepEqual(troublesOf(findings, check), [], check);
  assert.deepEqual(await readdir(join(directory, "state")), []);
});

test("a wrong configuration ends with 78 and its place", async (t) => {
  const path = join(await temporaryDirectory(t), "vouchsafe.yaml");
  await writeFile(path, "service: { pipelines: {} }\nexporters: { otlp_htp: {} }\n");
  const { code, findings } = await examine(path);
  assert.equal(code, 78);
  assert.match(troublesOf(findings, "configuration").join("\n"), /vouchsafe\.yaml:2:14 .*otlp_htp/);
});

test("a key that everybody can read is a problem, and the agent does not start", async (t) => {
  const directory = await temporaryDirectory(t);
  const [cert_file, key_file] = [join(directory, "a.crt"), join(directory, "a.key")];
  await writeFile(cert_file, "x");
  await writeFile(key_file, "x", { mode: 0o600 });
  await chmod(key_file, 0o644);
  const endpoint = "https://127.0.0.1:1";
  const path = await configure(directory, {
    exporter: { endpoint, tls: { cert_file, key_file } },
  });
  const { code, findings } = await examine(path);
  assert.equal(code, 1);
  assert.match(troublesOf(findings, "secrets").join(), /otlp_http\.tls\.key_file: .*mode 644/);
  const { config } = await loadConfig([path], { env: {}, factories: builtinFactories });
  const insecure = { code: "storage.insecure", message: /tls\.key_file/ };
  await assert.rejects(startAgent(config!, new PassThrough().resume()), insecure);
});

test("a state directory that others can look into, and a folder that is a file", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = await configure(directory);
  await mkdir(join(directory, "state"));
  await chmod(join(directory, "state"), 0o755);
  const open = await examine(path);
  assert.equal(open.code, 1);
  assert.match(troublesOf(open.findings, "folders").join(), /mode 755, others may look/);
  await rm(join(directory, "state"), { recursive: true });
  await writeFile(join(directory, "state"), "");
  const file = await examine(path);
  assert.equal(file.code, 1);
  assert.match(troublesOf(file.findings, "folders").join(), /state is no folder/);
});

test("a port in use and a backend that is down", async (t) => {
  const directory = await temporaryDirectory(t);
  const listenPort = await listen(t);
  const { code, findings } = await examine(await configure(directory, { listenPort }));
  assert.equal(code, 1);
  assert.match(troublesOf(findings, "ports").join(), new RegExp(`:${listenPort} is in use`));
  assert.match(troublesOf(findings, "backends").join(), /127\.0\.0\.1:1 .*ECONNREFUSED/);
});

test("a link or .. by which the agent would read its own files is seen through", async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, "state"), { mode: 0o700 });
  await writeFile(join(directory, "state/own.log"), "");
  const path = await configure(directory);
  await symlink(join(directory, "state/own.log"), join(directory, "logs/innocent.log"));
  const linked = await examine(path);
  assert.match(troublesOf(linked.findings, "files").join(), /own files: .*innocent\.log/);
  await configure(directory, { include: join(directory, "logs/../state/*.log") });
  const dotted = await examine(path);
  assert.match(troublesOf(dotted.findings, "files").join(), /own files: .*state\/own\.log/);
  assert.equal(dotted.code, 1);
});

test("links that run in circles, dangling ones and folders are no files", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = await configure(directory, { include: join(directory, "logs/**") });
  await symlink(join(directory, "logs"), join(directory, "logs/circle"));
  await symlink("loop.log", join(directory, "logs/loop.log"));
  await symlink("nothing", join(directory, "logs/dangling.log"));
  const { findings } = await examine(path);
  const text = troublesOf(findings, "files").join("\n");
  assert.match(text, /1 cannot be read: .*loop\.log/);
  assert.match(text, /1 are no regular files: .*circle/);
});

test("an id that would leave its folder is refused", async (t) => {
  const path = join(await temporaryDirectory(t), "vouchsafe.yaml");
  for (const id of ["debug/../../etc", "debug/.", "debug//x", "debug/a\\b", "debug/a b"]) {
    await writeFile(path, stringify({ exporters: { [id]: {} } }));
    const { findings } = await examine(path);
    assert.match(troublesOf(findings, "configuration").join(), /not a component id/, id);
  }
});
