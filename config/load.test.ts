import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "../src/testing/test_settings.ts";
import { formatDiagnostic } from "./diagnostics.ts";
import { loadConfig } from "./load.ts";
import { loadTexts, messagesOf, VALID } from "./testing/load_text.ts";
import { smallFactories } from "./testing/small_factories.ts";

const WHOLE = `receivers:
  filelog/nginx:                  # an alias
    include: [/var/log/nginx/access.log]
    operators: [{ type: json_parser }]
    storage: file_storage/offsets
  otlp: { protocols: { http: , grpc: { endpoint: "localhost:0" } } }
processors:
  pii_detect:
  tokenize: { domain: prod-eu }
exporters:
  otlphttp: { endpoint: "http://localhost:14318", timeout: 1.5s }
  debug: {}
extensions:
  health_check: { endpoint: "[::1]:0" }
  file_storage/offsets: { directory: /var/lib/offsets, fsync: true }
service:
  extensions: [health_check, file_storage/offsets]
  state_directory: /var/lib/agent
  telemetry:
    logs: { level: WARN }
    metrics: { readers: [{ pull: { exporter: { prometheus: { port: 0 } } } }] }
  pipelines:
    logs/protected:
      receivers: [file_log/nginx, otlp]
      processors: [pii_detect, tokenize]
      exporters: [otlp_http, debug]
    logs/plain: { receivers: [otlp], exporters: [debug] }
`;

test("a whole configuration becomes a graph with canonical ids and defaults", async () => {
  const { config, diagnostics } = await loadTexts([WHOLE]);
  assert.deepEqual(diagnostics, []);
  assert.ok(config);
  assert.deepEqual([...config.receivers.keys()], ["file_log/nginx", "otlp"]);
  assert.deepEqual(config.receivers.get("file_log/nginx")?.id, {
    kind: "receiver",
    type: "file_log",
    name: "nginx",
  });
  assert.deepEqual(config.receivers.get("file_log/nginx")?.config, {
    include: ["/var/log/nginx/access.log"],
    start_at: "end",
    poll_interval: 200,
    max_log_size: 1_048_576,
    attributes: {},
    operators: [{ type: "json_parser", parse_from: "body" }],
    storage: "file_storage/offsets",
  });
  assert.deepEqual(config.receivers.get("otlp")?.config, {
    protocols: { http: { endpoint: "localhost:4318" }, grpc: { endpoint: "localhost:0" } },
  });
  assert.equal(
    config.exporters.get("otlp_http")?.factory.type,
    "otlp_http",
    "the factory of an alias is the canonical one",
  );
  assert.deepEqual(config.pipelines, [
    {
      id: "logs/protected",
      receivers: ["file_log/nginx", "otlp"],
      processors: ["pii_detect", "tokenize"],
      exporters: ["otlp_http", "debug"],
    },
    { id: "logs/plain", receivers: ["otlp"], processors: [], exporters: ["debug"] },
  ]);
  assert.deepEqual(config.service, {
    stateDirectory: "/var/lib/agent",
    telemetry: { logs: { level: "warn" }, metrics: { host: "localhost", port: 0 } },
    roles: {},
    healthCheck: { host: "::1", port: 0 },
  });
  assert.deepEqual(
    [...config.fileStorages],
    [["file_storage/offsets", { directory: "/var/lib/offsets" }]],
  );
  assert.deepEqual(config.files, ["a.yaml"]);
});

test("without a word about it, health and metrics are served on loopback", async () => {
  const { config } = await loadTexts([VALID]);
  assert.deepEqual(config?.service, {
    stateDirectory: "./state",
    telemetry: { logs: { level: "info" }, metrics: { host: "localhost", port: 8888 } },
    roles: {},
    healthCheck: { host: "localhost", port: 13_133 },
  });
});

test("metrics.level none and a health_check that is not listed switch them off", async () => {
  const extra = `extensions: { health_check: }
service: { telemetry: { metrics: { level: none } } }`;
  const { config, diagnostics } = await loadTexts([VALID, extra]);
  assert.equal(config?.service.telemetry.metrics, undefined);
  assert.equal(config?.service.healthCheck, undefined);
  assert.deepEqual(diagnostics.map(formatDiagnostic), [
    "b.yaml:1:15 extensions.health_check: warning: is not listed in service.extensions, " +
      "so no health is served",
  ]);
});

test("several files merge: maps by key, lists and scalars by the later file", async () => {
  const later = `receivers:
  otlp: { protocols: { grpc: { endpoint: "localhost:1" } } }
  file_log: { include: [x] }
exporters: { debug: , otlp_http: { endpoint: "http://b" } }
service: { pipelines: { logs: { receivers: [file_log], exporters: [otlp_http] } } }`;
  const { config, diagnostics } = await loadTexts([VALID, later]);
  assert.deepEqual(config?.receivers.get("otlp")?.config, {
    protocols: { http: { endpoint: "localhost:4318" }, grpc: { endpoint: "localhost:1" } },
  });
  assert.deepEqual(config?.pipelines, [
    { id: "logs", receivers: ["file_log"], processors: [], exporters: ["otlp_http"] },
  ]);
  assert.deepEqual(config?.files, ["a.yaml", "b.yaml"]);
  assert.deepEqual(
    diagnostics.map(({ file, path }) => [file, path]),
    [
      ["b.yaml", "receivers.otlp"],
      ["b.yaml", "exporters.debug"],
    ],
  );
});

test("a mistake in a merged value names the file that the value came from", async () => {
  const later = "exporters: { otlp_http: { endpoint: nothing-like-it } }";
  const first = VALID.replace("debug:\n", "debug:\n  otlp_http: { timeout: 5 }\n");
  assert.deepEqual(
    (await messagesOf([first, later])).filter((line) => !line.includes("warning")),
    [
      "a.yaml:6:25 exporters.otlp_http.timeout: a duration needs its unit: expected a duration " +
        "such as 200ms, 1.5s, 5m or 1h30m (units ns, us, ms, s, m, h)",
      "b.yaml:1:37 exporters.otlp_http.endpoint: expected a URL such as https://host:4318",
    ],
  );
});

test("the fingerprint depends on everything but key order, files and secrets", async () => {
  const fingerprint = async (...texts: string[]): Promise<string> => {
    const { config } = await loadTexts(texts, { env: { TOKEN: "x", PORT: "1" } });
    assert.ok(config);
    return config.fingerprint;
  };
  const exporter = (options: string): string => `exporters: { otlp_http: { ${options} } }`;
  const one = await fingerprint(VALID, exporter(`endpoint: "http://a", port: "\${env:PORT}"`));
  assert.match(one, /^[0-9a-f]{64}$/);
  assert.equal(
    await fingerprint(VALID, exporter(`port: "\${env:PORT}", endpoint: "http://a"`)),
    one,
  );
  assert.notEqual(await fingerprint(VALID, exporter('port: 1, endpoint: "http://a"')), one);
  const secret = (value: string): Promise<string> =>
    fingerprint(VALID, exporter(`endpoint: "http://a", headers: { authorization: ${value} }`));
  assert.equal(await secret("hunter2"), await secret("hunter3"));
  assert.notEqual(await secret("hunter2"), await secret(`"\${env:TOKEN}"`));
});

test("a missing file, a folder and a file that is too large are told in words", async (t) => {
  const root = await temporaryDirectory(t);
  await mkdir(join(root, "folder"));
  await writeFile(join(root, "large.yaml"), "#".repeat(1_048_577));
  await writeFile(join(root, "valid.yaml"), VALID);
  const load = (...names: string[]) =>
    loadConfig(
      names.map((name) => join(root, name)),
      { env: {}, factories: smallFactories },
    );
  const { diagnostics } = await load("missing.yaml", "folder", "large.yaml", "valid.yaml");
  assert.deepEqual(
    diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).slice(root.length + 1)),
    [
      "missing.yaml:1:1: this file cannot be read: there is no such file",
      "folder:1:1: this file cannot be read: it is a folder",
      "large.yaml:1:1: this file is larger than the limit of 1048576 bytes",
    ],
  );
  assert.ok((await load("valid.yaml")).config);
});
