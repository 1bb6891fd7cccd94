/** A configuration written for the OpenTelemetry Collector, and records from agent to agent. */
import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { TestBackend } from "../../exporters/otlp_http/test_backend.ts";
import { Double } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { toOtlpJson } from "../../src/otlp/encode_json.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startAgent, startVouchsafe } from "../support/agent.ts";

test("a Collector's configuration of these parts starts unchanged and delivers", async (t) => {
  const directory = await temporaryDirectory(t);
  const backend = await TestBackend.start(t);
  const [grpc, http, health, metrics] = (await freePorts(4)) as [number, number, number, number];
  const path = join(directory, "otelcol.yaml");
  await writeFile(
    path,
    `extensions:
  health_check:
    endpoint: 127.0.0.1:${health}
  file_storage/offsets:
    directory: ${directory}/storage
    create_directory: true
    timeout: 1s
    fsync: false
    compaction:
      on_start: true
      directory: /tmp

receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:${grpc}
        max_recv_msg_size_mib: 16
      http:
        endpoint: 127.0.0.1:${http}
  filelog/app:
    include: [ "${directory}/app/*.log", "${directory}/*.log" ]
    exclude: [ "${directory}/app/debug*.log" ]
    start_at: beginning
    include_file_path: true
    include_file_name: false
    storage: file_storage/offsets
    multiline:
      line_start_pattern: '^\\d{4}-'
    operators:
      - type: regex_parser
        regex: '^(?P<time>\\S+) (?P<sev>[A-Z]+) (?P<msg>(?s:.*))$'
        timestamp:
          parse_from: attributes.time
          layout: '%Y-%m-%dT%H:%M:%SZ'
        severity:
          parse_from: attributes.sev

processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: 2000
    spike_limit_mib: 200
  batch:
    send_batch_size: 512
    send_batch_max_size: 1024
    timeout: 200ms

exporters:
  otlphttp:
    endpoint: ${backend.url}
    compression: gzip
    headers:
      X-Scope-OrgID: "1"
    retry_on_failure:
      enabled: true
      initial_interval: 1s
      max_interval: 10s
      max_elapsed_time: 60s
    sending_queue:
      enabled: true
      num_consumers: 4
      queue_size: 1000
      storage: file_storage/offsets
  debug:
    verbosity: basic

service:
  extensions: [health_check, file_storage/offsets]
  telemetry:
    logs:
      level: info
    metrics:
      level: normal
      readers:
        - pull:
            exporter:
              prometheus:
                host: 127.0.0.1
                port: ${metrics}
  pipelines:
    logs:
      receivers: [otlp, filelog/app]
      processors: [memory_limiter, batch]
      exporters: [otlphttp, debug]
`,
  );
  await writeFile(
    join(directory, "site.yaml"),
    `service: { state_directory: "${directory}/state" }\n`,
  );
  await appendFile(
    join(directory, "a.log"),
    "2026-11-28T01:02:03Z ERROR it broke\n  at a\n  at b\n2026-11-28T01:02:04Z INFO fine\n",
  );
  // A second file only keeps this test's state out of the working directory.
  const agent = startVouchsafe(t, ["run", "-c", path, "-c", join(directory, "site.yaml")]);
  await waitUntil("the agent is ready", () => agent.stderr().includes("ready"), 30_000);
  await waitUntil("both logs arrive", () => backend.records.length >= 2);
  const [first] = backend.records;
  assert.match(String(first?.body), /it broke\n {2}at a\n {2}at b$/);
  assert.equal(first?.severityNumber, 17);
  assert.equal(first?.attributes["log.file.path"], join(directory, "a.log"));
  assert.equal((await agent.stop()).code, 0);
});

test("records go through two agents, gRPC and HTTP, and mean the same", async (t) => {
  const directory = await temporaryDirectory(t);
  const backend = await TestBackend.start(t);
  const [http, grpc] = (await freePorts(2)) as [number, number];
  const agentOn = async (name: string, receiver: object, exporters: object): Promise<void> => {
    const path = join(directory, `${name}.yaml`);
    const config = {
      receivers: { otlp: { protocols: receiver } },
      exporters,
      extensions: { health_check: { endpoint: "127.0.0.1:0" } },
      service: {
        extensions: ["health_check"],
        state_directory: join(directory, name),
        telemetry: { metrics: { level: "none" } },
        pipelines: { logs: { receivers: ["otlp"], exporters: Object.keys(exporters) } },
      },
    };
    await writeFile(path, JSON.stringify(config));
    await startAgent(t, path);
  };
  const second = { grpc: { endpoint: `127.0.0.1:${grpc}` } };
  await agentOn("second", second, { otlp_http: { endpoint: backend.url } });
  const first = { http: { endpoint: `127.0.0.1:${http}` } };
  const to = { endpoint: `http://127.0.0.1:${grpc}`, tls: { insecure: true } };
  await agentOn("first", first, { otlp_grpc: to });

  const records = everyKind();
  for (const [contentType, body] of [
    ["application/x-protobuf", encodeLogsData(records)],
    ["application/json", toOtlpJson(records)],
  ] as const) {
    const response = await fetch(`http://127.0.0.1:${http}/v1/logs`, {
      method: "POST",
      headers: { "content-type": contentType },
      body: Buffer.from(body),
    });
    assert.equal(response.status, 200);
    const arrived = backend.received.at(-1)!.records;
    assert.equal(toOtlpJson(arrived), toOtlpJson(records), contentType);
    assert.deepEqual(Buffer.from(encodeLogsData(arrived)), Buffer.from(encodeLogsData(records)));
  }
});

/** All kinds of values, the largest integers, empty values, ids, dropped counts, schema URLs. */
function everyKind(): LogRecord[] {
  const schemaUrl = "https://opentelemetry.io/schemas/1.30.0";
  const resource = new Resource({ "service.name": "shop", big: 2n ** 63n - 1n }, schemaUrl, 3);
  const spanContext = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: 1,
  };
  const scope = { name: "scope", version: "1.2", schemaUrl: "https://example.com/scope" };
  const bodies = [
    ...["", "text", "ä😀\u0000", true, false, 0, -1, 2n ** 63n - 1n, -(2n ** 63n), 2 ** 53 - 1],
    ...[new Double(1), new Double(0.1), new Double(Number.NaN), new Double(-0)],
    ...[new Uint8Array(), new Uint8Array([0, 1, 255]), [], {}, null],
    { list: [1, [null, { deep: "x" }], ""], "": { empty: [] }, bytes: new Uint8Array([7]) },
  ];
  return bodies.map(
    (body, index) =>
      new LogRecord({
        resource,
        instrumentationScope: scope,
        body,
        attributes: { index, "empty.text": "", "empty.list": [], "big.negative": -(2n ** 62n) },
        droppedAttributesCount: index,
        severityNumber: (index % 24) + 1,
        severityText: index % 2 === 0 ? "" : "WARN",
        eventName: index % 3 === 0 ? "user.login" : undefined,
        hrTime: [1_764_292_923, 999_999_999],
        hrTimeObserved: [1_764_292_924, index],
        spanContext: index % 2 === 0 ? spanContext : undefined,
      }),
  );
}
