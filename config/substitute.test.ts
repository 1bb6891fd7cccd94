import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { TextOptions } from "./testing/load_text.ts";
import { loadTexts, messagesOf, VALID } from "./testing/load_text.ts";

/** What an exporter's options become; `yaml` is the inside of its map. */
async function optionsOf(yaml: string, options: TextOptions): Promise<Record<string, unknown>> {
  const text = `exporters: { otlp_http: { endpoint: "http://a", ${yaml} } }`;
  const { config, diagnostics } = await loadTexts([VALID, text], options);
  assert.ok(config, JSON.stringify(diagnostics));
  return config.exporters.get("otlp_http")?.config as Record<string, unknown>;
}

async function headerOf(text: string, options: TextOptions = {}): Promise<string> {
  const { headers } = await optionsOf(`headers: { x: ${JSON.stringify(text)} }`, options);
  return (headers as { x: string }).x;
}

test("an environment variable, its default, a naked name and a dollar sign", async () => {
  const env = { NAME: "value", EMPTY: "" };
  assert.equal(await headerOf(`a \${env:NAME} b`, { env }), "a value b");
  assert.equal(await headerOf(`\${NAME}-\${env:NAME}`, { env }), "value-value");
  assert.equal(await headerOf(`\${env:NONE:-de:-fault}`, { env }), "de:-fault");
  assert.equal(await headerOf(`x\${env:NONE:-}`, { env }), "x");
  assert.equal(await headerOf(`x\${env:EMPTY:-default}`, { env }), "x", "set but empty is set");
  assert.equal(await headerOf("cost: $$5 $5 $", { env }), "cost: $5 $5 $");
  assert.equal(await headerOf(`$$\${env:NAME} $\${env:NAME}`, { env }), `$value \${env:NAME}`);
});

test("what is put in cannot bring in structure or further substitutions", async () => {
  const env = { EVIL: `"}\nservice: {\${env:OTHER}}`, OTHER: "leaked" };
  assert.equal(await headerOf(`\${env:EVIL}`, { env }), env.EVIL);
  assert.equal(await headerOf(`x\${env:EVIL}`, { env }), `x${env.EVIL}`);
});

test("a value that is wholly one variable may be a number or a boolean, or text", async () => {
  const env = { PORT: "8080", YES: "true", TOKEN: "0123", HASH: "a #b", NULL: "~", EMPTY: "" };
  const options = await optionsOf(
    `port: "\${env:PORT}", tls: { insecure: "\${env:YES}" }, headers: { a: "\${TOKEN}", ` +
      `b: "\${env:PORT}", c: "\${env:HASH}", d: "\${env:NULL}", e: "\${env:EMPTY}" }`,
    { env },
  );
  assert.equal(options.port, 8080);
  assert.deepEqual(options.tls, { insecure: true });
  assert.deepEqual(options.headers, { a: "0123", b: "8080", c: "a #b", d: "~", e: "" });
});

test("a number in the file is not taken as text", async () => {
  const yaml = "exporters: { otlp_http: { endpoint: 'http://a', headers: { a: 0123 } } }";
  const messages = await messagesOf([VALID, yaml]);
  assert.match(messages.at(-1)!, /headers\.a: expected text, got a number; write it in quotes$/);
});

test("a file's content is put in without one line break at its end, and stays text", async () => {
  const files = { "./token": "12345\n", two: "a\n\n", crlf: "a\r\n", large: "x".repeat(1_048_577) };
  assert.equal(await headerOf(`\${file:./token}`, { files }), "12345");
  assert.equal(await headerOf(`<\${file:two}>`, { files }), "<a\n>");
  assert.equal(await headerOf(`\${file:crlf}`, { files }), "a");
  const headers = `headers: { a: "\${file:large}" }`;
  const yaml = `exporters: { otlp_http: { endpoint: "\${file:none}", ${headers} } }`;
  assert.deepEqual((await messagesOf([VALID, yaml], { files })).slice(1), [
    `b.yaml:1:37 exporters.otlp_http.endpoint: the file of \${file:...} cannot be read: there is ` +
      "no such file",
    `b.yaml:1:67 exporters.otlp_http.headers.a: the file of \${file:...} is larger than the limit ` +
      "of 1048576 bytes",
  ]);
});

test("a variable that is not set is one mistake at its place, without a second", async () => {
  const yaml = `exporters: { otlp_http: { endpoint: "\${env:NONE}", port: "\${toString}" } }`;
  const [, ...lines] = await messagesOf([VALID, yaml]);
  assert.deepEqual(lines, [
    "b.yaml:1:37 exporters.otlp_http.endpoint: the environment variable NONE is not set, and " +
      "there is no default",
    "b.yaml:1:58 exporters.otlp_http.port: the environment variable toString is not set, and " +
      "there is no default",
  ]);
  const allowed = await loadTexts([VALID, yaml], { allowMissingEnv: true });
  assert.equal(allowed.config, undefined, "an incomplete configuration cannot run");
  assert.ok(allowed.diagnostics.every(({ severity }) => severity === "warning"));
  assert.equal(allowed.diagnostics.length, 3);
  assert.deepEqual(
    allowed.pipelines.map(({ id }) => id),
    ["logs"],
  );
});

test("with missing variables allowed, other mistakes are still told", async () => {
  const yaml = `exporters: { otlp_http: { endpoint: "\${env:NONE}", prot: 1 } }`;
  const lines = await messagesOf([VALID, yaml], { allowMissingEnv: true });
  assert.ok(
    lines.includes('b.yaml:1:52 exporters.otlp_http.prot: unknown key; did you mean "port"?'),
  );
});

test("a substitution that cannot be read is refused with the forms that can", async () => {
  const forms = `expected \${env:NAME}, \${env:NAME:-default} or \${file:PATH}; $$ is a plain $`;
  const cases: [string, string][] = [
    [`\${env:A B}`, forms],
    [`\${}`, forms],
    [`\${vault:x}`, forms],
    [`\${env:A`, `the } of \${...} is missing; write $$ for a plain $`],
    [`\${env:A:-\${env:B}}`, `a \${...} cannot stand inside another`],
  ];
  for (const [text, message] of cases) {
    const yaml = `exporters: { otlp_http: { endpoint: ${JSON.stringify(text)} } }`;
    const [, ...lines] = await messagesOf([VALID, yaml]);
    assert.deepEqual(lines, [`b.yaml:1:37 exporters.otlp_http.endpoint: ${message}`], text);
  }
});

test("keys are not searched for substitutions", async () => {
  const { headers } = await optionsOf(`headers: { "\${env:X}": y }`, {});
  assert.deepEqual(headers, { "${env:X}": "y" });
});

test("any text comes through unchanged when its dollar signs are doubled", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 30 }), async (text) => {
      assert.equal(await headerOf(text.replaceAll("$", "$$$$")), text);
    }),
    { numRuns: 200 },
  );
});

test("any value of a variable comes through unchanged where text is wanted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 30 }), async (value) => {
      assert.equal(await headerOf(`\${env:A}`, { env: { A: value } }), value);
    }),
    { numRuns: 300 },
  );
});
