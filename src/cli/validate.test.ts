import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import test from "node:test";
import { temporaryDirectory } from "../testing/test_settings.ts";
import type { Command } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";
import { componentsCommand } from "./components.ts";
import { validateCommand } from "./validate.ts";

const VALID = `receivers: { otlp: { protocols: { http: } } }
exporters: { debug: }
service: { pipelines: { logs/a: { receivers: [otlp], exporters: [debug] } } }
`;
const MISTAKEN = VALID.replace("[debug]", "[debgu]");
const INCOMPLETE = VALID.replace("http: }", `http: { endpoint: "\${env:VOUCHSAFE_TEST_UNSET}" } }`);

async function run(
  command: Command,
  values: Record<string, string | boolean | string[]>,
): Promise<{ code: number; output: string }> {
  let output = "";
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      output += String(chunk);
      done();
    },
  });
  const code = await command.run(
    { values: { format: "text", ...values }, positionals: [] },
    { stdout, stderr: stdout, signal: new AbortController().signal },
  );
  return { code, output };
}

async function fileWith(t: test.TestContext, text: string): Promise<string> {
  const path = join(await temporaryDirectory(t), "agent.yaml");
  await writeFile(path, text);
  return path;
}

test("a valid configuration exits 0 and its pipelines are drawn", async (t) => {
  const path = await fileWith(t, VALID);
  const { code, output } = await run(validateCommand, { config: [path] });
  assert.equal(output, `${path}: valid\n  logs/a: otlp | -> debug\n`);
  assert.equal(code, EXIT_OK);
});

test("a mistake exits 78 and is shown with its line", async (t) => {
  const path = await fileWith(t, MISTAKEN);
  const { code, output } = await run(validateCommand, { config: [path] });
  assert.equal(code, EXIT_CONFIG);
  const [message, line, caret, ...rest] = output.split("\n");
  const what = "service.pipelines.logs/a.exporters[0]: there is no exporter with the id debgu";
  assert.equal(message, `${path}:3:66 ${what}; did you mean "debug"?`);
  assert.match(line!, /^ {4}3 \| service: .*\[debgu\]/);
  assert.equal(caret!.indexOf("^"), line!.indexOf("debgu"));
  assert.deepEqual(rest.slice(-2), [`${path}: not valid (1 error)`, ""]);
});

test("json is a document, github is an annotation a mistake", async (t) => {
  const path = await fileWith(t, MISTAKEN);
  const json = await run(validateCommand, { config: [path], format: "json" });
  const document = JSON.parse(json.output);
  assert.equal(document.valid, false);
  assert.deepEqual(document.files, [path]);
  const { message: _, ...mistake } = document.diagnostics.at(-1);
  assert.deepEqual(mistake, {
    severity: "error",
    file: path,
    line: 3,
    column: 66,
    path: "service.pipelines.logs/a.exporters[0]",
    suggestion: "debug",
  });
  const github = await run(validateCommand, { config: [path], format: "github" });
  assert.equal(github.code, EXIT_CONFIG);
  assert.ok(github.output.includes(`::error file=${path},line=3,col=66::${path}:3:66 service.`));
});

test("a missing variable is a mistake, or a warning when that is allowed", async (t) => {
  const path = await fileWith(t, INCOMPLETE);
  assert.equal((await run(validateCommand, { config: [path] })).code, EXIT_CONFIG);
  const { code, output } = await run(validateCommand, {
    config: [path],
    "allow-missing-env": true,
  });
  assert.equal(code, EXIT_OK);
  assert.match(output, /warning: the environment variable VOUCHSAFE_TEST_UNSET is not set/);
  assert.match(output, /valid \(1 warning\)\n {2}logs\/a: otlp \| -> debug\n$/);
});

test("a wrong command line is a usage error", async () => {
  await assert.rejects(run(validateCommand, {}), UsageError);
  await assert.rejects(run(validateCommand, { config: ["x"], format: "xml" }), UsageError);
  await assert.rejects(run(componentsCommand, { format: "xml" }), UsageError);
});

test("components are listed by kind, with aliases and what they do", async () => {
  const { output } = await run(componentsCommand, {});
  assert.match(output, /^receivers\n(?: {2}\S.*\n)* {2}file_log \(filelog\) +\S.*\n/);
  assert.match(output, /\nextensions\n {2}health_check +\S/);
  const json = await run(componentsCommand, { format: "json" });
  const rows = JSON.parse(json.output) as { kind: string; type: string; aliases: string[] }[];
  assert.deepEqual(rows.find(({ type }) => type === "otlp_http")?.aliases, ["otlphttp"]);
});
