/** Each kind of mistake, with its exact place and message. */
import assert from "node:assert/strict";
import test from "node:test";
import { messagesOf, VALID } from "./testing/load_text.ts";

const DURATION = "expected a duration such as 200ms, 1.5s, 5m or 1h30m (units ns, us, ms, s, m, h)";

/** Messages about a second file that is merged with a valid one; warnings are left out. */
async function mistakesOf(text: string): Promise<string[]> {
  const lines = await messagesOf([VALID, text]);
  return lines
    .filter((line) => !line.includes(": warning: "))
    .map((line) => line.replace("b.yaml:", ""));
}

const cases: Readonly<Record<string, readonly [yaml: string, ...messages: string[]]>> = {
  "an unknown section": [
    "recievers: {}",
    '1:1 recievers: unknown section; did you mean "receivers"?',
  ],
  "an unknown key, with what was meant": [
    "exporters:\n  otlp_http: { endpoint: http://a, hedaers: {} }",
    '2:36 exporters.otlp_http.hedaers: unknown key; did you mean "headers"?',
  ],
  "an unknown key like no other, with those that are known": [
    "receivers:\n  file_log:\n    include: [x]\n    multiline:\n      zebra: 1",
    "5:7 receivers.file_log.multiline.zebra: unknown key; known here: line_start_pattern",
  ],
  "a key that is missing": [
    "exporters:\n  otlp_http:\n    timeout: 1s",
    "2:3 exporters.otlp_http.endpoint: is required",
  ],
  "a required key without a value": [
    "exporters:\n  otlp_http:\n    endpoint:",
    "3:5 exporters.otlp_http.endpoint: is required",
  ],
  "a wrong kind of value": [
    "receivers: { file_log: { include: 5, attributes: { a: 1 }, operators: {} } }",
    "1:35 receivers.file_log.include: expected a list, got a number",
    "1:55 receivers.file_log.attributes.a: expected text, got a number; write it in quotes",
    "1:71 receivers.file_log.operators: expected a list, got a map",
  ],
  "a wrong option": [
    "receivers: { file_log: { include: [x], start_at: beginnig } }",
    "1:50 receivers.file_log.start_at: expected one of beginning, end; " +
      'did you mean "beginning"?',
  ],
  "a wrong variant": [
    "receivers: { file_log: { include: [x], operators: [{ type: json_praser }, { type: 5 }] } }",
    "1:60 receivers.file_log.operators[0].type: expected one of json_parser, regex_parser; " +
      'did you mean "json_parser"?',
    "1:83 receivers.file_log.operators[1].type: expected one of json_parser, regex_parser",
  ],
  "a duration and a size that are none": [
    "receivers: { file_log: { include: [x], poll_interval: 5, max_log_size: much } }",
    `1:55 receivers.file_log.poll_interval: a duration needs its unit: ${DURATION}`,
    "1:72 receivers.file_log.max_log_size: expected a number of bytes or a size such as 1MiB or " +
      "16KiB (kB is 1000 bytes, KiB is 1024)",
  ],
  "a number out of range and an empty list": [
    "exporters: { otlp_http: { endpoint: http://a, port: 70000 } }\nreceivers: { file_log: { include: [] } }",
    "1:53 exporters.otlp_http.port: must be at most 65535",
    "2:35 receivers.file_log.include: must have at least 1 entry",
  ],
  "an unknown type": [
    "receivers: { otpl/a: }\nexporters: { kafka: }",
    '1:14 receivers.otpl/a: unknown type of receiver: "otpl"; did you mean "otlp/a"?',
    '2:14 exporters.kafka: unknown type of exporter: "kafka"; there are otlp_http, otlphttp, debug',
  ],
  "a type under the wrong section": [
    "receivers: { debug: }",
    "1:14 receivers.debug: debug is a type of exporter; it belongs under exporters:",
  ],
  "something that is no id": [
    "receivers: { 'otlp/a b': , '../x': }",
    "1:14 receivers.otlp/a b: is not a component id; expected type or type/name; a name is of " +
      "letters, digits and _ . - with / between its parts",
    "1:28 receivers.../x: is not a component id; expected type or type/name; a name is of " +
      "letters, digits and _ . - with / between its parts",
  ],
  "one component under an alias and its own name": [
    "receivers: { file_log/a: { include: [x] }, filelog/a: { include: [x] } }",
    "1:44 receivers.filelog/a: is the same component as file_log/a: both names mean file_log/a",
  ],
  "a section that is no map": [
    "receivers: [otlp]",
    // The list replaced the map of the other file, so its receiver is gone.
    "a.yaml:8:25 service.pipelines.logs.receivers[0]: there is no receiver with the id otlp",
    "1:12 receivers: expected a map of component ids, got a list",
  ],
  "an id that no component has": [
    "service: { pipelines: { logs/b: { receivers: [oltp], exporters: [debug, nothing/such] } } }",
    "1:47 service.pipelines.logs/b.receivers[0]: there is no receiver with the id oltp; " +
      'did you mean "otlp"?',
    "1:73 service.pipelines.logs/b.exporters[1]: there is no exporter with the id nothing/such",
  ],
  "a component in the wrong list of a pipeline, and twice in one": [
    "service: { pipelines: { logs/b: { receivers: [debug, otlp, otlp], exporters: [debug] } } }",
    "1:47 service.pipelines.logs/b.receivers[0]: debug is an exporter and cannot stand under receivers",
    "1:60 service.pipelines.logs/b.receivers[2]: otlp stands twice in this list",
  ],
  "an empty pipeline": [
    "service: { pipelines: { logs/b: , logs/c: { receivers: [], exporters: [debug] } } }",
    "1:25 service.pipelines.logs/b.receivers: is required",
    "1:25 service.pipelines.logs/b.exporters: is required",
    "1:56 service.pipelines.logs/c.receivers: must have at least 1 entry",
  ],
  "a pipeline of another signal": [
    "service: { pipelines: { metrics: {}, traces/x: {}, lgos: {} } }",
    "1:25 service.pipelines.metrics: this agent handles logs, not metrics",
    "1:38 service.pipelines.traces/x: this agent handles logs, not traces",
    '1:52 service.pipelines.lgos: a pipeline is named logs or logs/name; did you mean "logs"?',
  ],
  "a processor that may not stand there": [
    "processors: { tokenize: { domain: x } }\nservice: { pipelines: { logs: { processors: [tokenize] } } }",
    "2:46 service.pipelines.logs.processors[0]: tokenize needs pii_detect before it",
  ],
  "extensions: unknown, undefined, twice": [
    "extensions: { health_check: , health_check/b: , zpages: }\n" +
      "service: { extensions: [health_check, health_check/b, file_storag] }",
    "1:31 extensions.health_check/b: there can be only one health_check",
    '1:49 extensions.zpages: unknown type of extension: "zpages"; there are health_check, file_storage, bearertokenauth, basicauth',
    "2:55 service.extensions[2]: there is no extension with the id file_storag",
  ],
  "an authenticator that is not there, and one that is none": [
    "extensions: { basicauth: { htpasswd: { inline: 'a:b' } }, file_storage: }\n" +
      "receivers: { otlp: { protocols: { http: { auth: { authenticator: basicaut } }, " +
      "grpc: { auth: { authenticator: file_storage } } } } }\n" +
      "service: { extensions: [basicauth, file_storage] }",
    "2:66 receivers.otlp.protocols.http.auth.authenticator: there is no authenticator extension " +
      'with this id; did you mean "basicauth"?',
    "2:111 receivers.otlp.protocols.grpc.auth.authenticator: this extension is no authenticator " +
      "that is listed in service.extensions",
  ],
  "a storage that is not there, and one that is not switched on": [
    "extensions: { file_storage/a: , file_storage/b: }\n" +
      "receivers: { file_log: { include: [x], storage: file_storage/c }, file_log/b: { include: [x], storage: file_storage/b } }\n" +
      "service: { extensions: [file_storage/a] }",
    "2:49 receivers.file_log.storage: there is no file_storage extension with this id; " +
      'did you mean "file_storage/a"?',
    "2:104 receivers.file_log/b.storage: this extension is no file_storage that is listed in " +
      "service.extensions",
  ],
  "what the Collector has in service and this agent does not use": [
    "service: { telemetry: { traces: {}, logs: { encoding: json }, metrics: { levle: none } }, stat_directory: x }",
    "1:25 service.telemetry.traces: this agent has no use for this key of the telemetry section; " +
      "remove it",
    "1:45 service.telemetry.logs.encoding: this agent has no use for this key of the telemetry " +
      "section; remove it",
    '1:74 service.telemetry.metrics.levle: unknown key; did you mean "level"?',
    '1:91 service.stat_directory: unknown key; did you mean "state_directory"?',
  ],
  "a service that is no map": [
    "service: 5",
    "1:10 service: expected a map, got a number",
    "1:10 service.pipelines: there is no pipeline; add one, such as " +
      "logs: { receivers: [...], exporters: [...] }",
  ],
  "an endpoint that is none": [
    "extensions: { health_check: { endpoint: localhost } }\nservice: { extensions: [health_check] }",
    "1:41 extensions.health_check.endpoint: expected host:port such as localhost:13133",
  ],
};

for (const [name, [yaml, ...messages]] of Object.entries(cases)) {
  test(`places ${name}`, async () => {
    assert.deepEqual(await mistakesOf(yaml), messages);
  });
}

test("a component that no pipeline uses is a warning at its key", async () => {
  assert.deepEqual(await messagesOf([VALID, "processors:\n  pii_detect:"]), [
    "b.yaml:2:3 processors.pii_detect: warning: is in no pipeline, so it is not started",
  ]);
});

test("a file without pipelines, also an empty one, says what to add", async () => {
  const message =
    "a.yaml:1:1 service.pipelines: there is no pipeline; add one, such as " +
    "logs: { receivers: [...], exporters: [...] }";
  assert.deepEqual(await messagesOf(""), [message]);
  assert.deepEqual(await messagesOf("# nothing\n"), [message]);
  assert.deepEqual(await messagesOf("service:\n  pipelines: {}\n"), [
    message.replace("1:1", "2:14"),
  ]);
});

test("no more than a hundred mistakes are listed, and the last one says so", async () => {
  const keys = Array.from({ length: 150 }, (_, index) => `key${index}: 1`).join(", ");
  const lines = await messagesOf([VALID, `exporters: { debug: { ${keys} } }`]);
  assert.equal(lines.length, 100);
  assert.match(lines.at(-1)!, /there is more, not shown/);
});
