import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { formatDiagnostics } from "./diagnostics.ts";
import { excerptOf } from "./excerpt.ts";
import { makeSource } from "./source.ts";
import { closest } from "./suggest.ts";
import { loadTexts, VALID } from "./testing/load_text.ts";

const SECRET = "hunter2hunter2";
const PLACE = "service.pipelines.logs/b.exporters[0]";

test("a caret stands under the place, and values are hidden", async () => {
  const yaml = `exporters:
  otlp_http:
    hedaers: { authorization: "Bearer ${SECRET}" }   # ${SECRET}
    endpoint: ${SECRET}
    port: ${SECRET}
service: { pipelines: { b: , logs/b: { receivers: [otlp], exporters: [debugg, otlp_http] } } }
`;
  const { diagnostics } = await loadTexts([VALID, yaml]);
  assert.equal(
    formatDiagnostics(diagnostics, { color: false }),
    `b.yaml:3:5 exporters.otlp_http.hedaers: unknown key; did you mean "headers"?
    3 |     hedaers: { authorization: … }
      |     ^
b.yaml:4:15 exporters.otlp_http.endpoint: expected a URL such as https://host:4318
    4 |     endpoint: …
      |               ^
b.yaml:5:11 exporters.otlp_http.port: expected a number, got text
    5 |     port: …
      |           ^
b.yaml:6:25 service.pipelines.b: a pipeline is named logs or logs/name
    6 | service: { pipelines: { b: , logs/b: { receivers: […], exporters: […, …] } } }
      |                         ^
b.yaml:6:71 ${PLACE}: there is no exporter with the id debugg; did you mean "debug"?
    6 | service: { pipelines: { b: , logs/b: { receivers: […], exporters: [debugg, …] } } }
      |                                                                    ^
`,
  );
});

test("color is only added when asked for", async () => {
  const { diagnostics } = await loadTexts(["x: 1"]);
  assert.ok(!formatDiagnostics(diagnostics, { color: false }).includes("\u001b["));
  assert.ok(formatDiagnostics(diagnostics, { color: true }).includes("\u001b[31m^"));
});

test("no message or excerpt shows a secret, however the file is broken around it", async () => {
  const broken = [
    `exporters: { otlp_http: { headers: { a: "${SECRET}"x } } }`,
    `password: abc: ${SECRET}`,
    `password: ${SECRET}: abc`,
    `password: '${SECRET}`,
    `password: "\\q${SECRET}"`,
    `password: @${SECRET}`,
    `password: !${SECRET} x`,
    `password: *${SECRET}`,
    `password: |\n  ${SECRET}\n ${SECRET}\nx`,
    `- ${SECRET}\nx: y`,
    `receivers:\n\tpassword: ${SECRET}`,
    `receivers: [${SECRET} ${SECRET}: ,,`,
    `service: { pipelines: { logs: { receivers: ["${SECRET} x"], exporters: [] } } }`,
    `receivers: { file_log: { start_at: ${SECRET}, poll_interval: ${SECRET} } }`,
  ];
  for (const yaml of broken) {
    const { diagnostics } = await loadTexts([VALID, yaml]);
    assert.ok(diagnostics.length > 0, yaml);
    const shown = formatDiagnostics(diagnostics, { color: false });
    assert.ok(!shown.includes(SECRET), `${yaml}\n${shown}`);
  }
});

test("a long line is cut around the place", () => {
  const source = makeSource("a", 0, `${"a: {".repeat(100)}`);
  for (const offset of [0, 200, 399]) {
    const { text, column } = excerptOf({ source, offset }, false);
    assert.ok(text.length <= 100);
    assert.equal(text[column - 1], source.text[offset]);
  }
});

test("the nearest known word is suggested, and none when nothing is near", () => {
  const known = ["file_log", "filelog", "otlp", "sealed_archive"];
  assert.equal(closest("otpl", known), "otlp");
  assert.equal(closest("file-log", known), "file_log");
  assert.equal(closest("FileLog", known), "filelog");
  assert.equal(closest("sealed_arhcive", known), "sealed_archive");
  assert.equal(closest("kafka", known), undefined);
  assert.equal(closest("x".repeat(10_000), known), undefined);
  assert.equal(closest("", known), undefined);
});

test("one edit is always near enough to be suggested", () => {
  const word = fc.stringMatching(/^[a-z_]{4,20}$/);
  fc.assert(
    fc.property(word, fc.nat(), fc.stringMatching(/^[0-9]$/), (known, at, letter) => {
      const place = at % known.length;
      const replaced = known.slice(0, place) + letter + known.slice(place + 1);
      const deleted = known.slice(0, place) + known.slice(place + 1);
      assert.equal(closest(replaced, [known]), known);
      assert.equal(closest(deleted, [known]), known);
    }),
  );
});
