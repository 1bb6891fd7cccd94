/** `vouchsafe preview` as a user calls it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { temporaryDirectory } from "../testing/test_settings.ts";

const MAIN = resolve(import.meta.dirname, "../main.ts");
const LINE =
  '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /?mail=anna%40example.com HTTP/1.1" 200 5 "-" "x"';

const PROTECTED = `
  logs/protected:
    receivers: [file_log]
    processors: [filter, pii_detect, tokenize]
    exporters: [otlp_http]
  logs/numbers: { receivers: [file_log], processors: [dp_window], exporters: [otlp_http] }
`;

async function site(t: TestContext, pipelines = PROTECTED) {
  const root = await temporaryDirectory(t);
  await writeFile(
    join(root, "vouchsafe.yaml"),
    `receivers:
  file_log:
    include: [${join(root, "access.log")}]
    operators: [{ type: access_log_parser }]
  otlp: { protocols: { http: { endpoint: "127.0.0.1:1" } } }
processors:
  filter: { logs: { exclude: { match_type: regexp, bodies: [healthz] } } }
  pii_detect:
    treatments: { ipv4: { action: generalize, to: network } }
  pii_detect/unguarded: { max_value_size: 20 }
  tokenize: { domain: d, keys: { provider: file, directory: ${join(root, "keys")} } }
  dp_window:
    dataset: visits
    unit: { attribute: client.address }
    budget: { epsilon: "2", delta: "1e-9" }
exporters: { otlp_http: { endpoint: "http://127.0.0.1:1" } }
service:
  state_directory: ${join(root, "state")}
  pipelines:${pipelines.replaceAll("\n", "\n  ")}
`,
  );
  const preview = (input: string, ...words: string[]) =>
    spawnSync(
      process.execPath,
      [MAIN, "preview", "-c", join(root, "vouchsafe.yaml"), "-", ...words],
      { encoding: "utf8", input, env: { ...process.env, TMPDIR: root } },
    );
  return { root, preview };
}

test("a preview shows what becomes of each field, and why", async (t) => {
  const { preview } = await site(t);
  const { status, stdout, stderr } = preview(`${LINE}\n`, "--throwaway-keys");
  assert.doesNotMatch(stderr, /error/);
  assert.equal(status, 0);
  assert.match(stdout, /read as file_log\n/);
  assert.match(
    stdout,
    /- client\.address +203\.0\.113\.7\n {2}\+ client\.address +203\.0\.113\.0\/24/,
  );
  assert.match(stdout, /- url\.query +mail=anna%40example\.com\n {2}\+ url\.query +mail=<email:k/);
  assert.match(stdout, /found email: tokenize\n {6}body, characters 57 to 75: its shape proves it/);
  assert.match(stdout, /\n {4}http\.response\.status_code +200\n/);
  assert.match(stdout, /Nothing was sent or stored\.\n$/);
});

test("a preview leaves nothing behind", async (t) => {
  const { root, preview } = await site(t);
  assert.equal(preview(`${LINE}\n`, "--throwaway-keys").status, 0);
  assert.deepEqual(await readdir(root), ["vouchsafe.yaml"]);
});

test("a missing key is an error that names the way out", async (t) => {
  const { root, preview } = await site(t);
  const { status, stderr } = preview(`${LINE}\n`);
  assert.equal(status, 1);
  assert.match(stderr, /tokenize\.no_key: .* --throwaway-keys/);
  assert.deepEqual(await readdir(root), ["vouchsafe.yaml"]);
});

test("the step that stops a record is named", async (t) => {
  const { preview } = await site(t);
  const lines = `${LINE.replace("/?mail", "/healthz?mail")}\n${LINE}\n`;
  const { stdout } = preview(lines, "--throwaway-keys");
  assert.match(stdout, /stopped by filter\n/);
  assert.match(stdout, /2 records, 0 without a finding\n {7}1 {2}stopped by filter\n/);
});

test("numbers with noise are not shown before their window is over", async (t) => {
  const { preview } = await site(t);
  const { stdout } = preview(`${LINE}\n`, "--pipeline", "logs/numbers");
  assert.match(stdout, /counted by dp_window: only numbers with noise leave/);
});

test("a record that cannot be looked at is stopped, not shown as harmless", async (t) => {
  const pipeline = `
  logs/a: { receivers: [otlp], processors: [pii_detect/unguarded], exporters: [otlp_http] }
`;
  const { preview } = await site(t, pipeline);
  const { status, stdout } = preview("short\na line of more than twenty characters\n");
  assert.equal(status, 0);
  assert.match(stdout, /read as plain lines\n/);
  assert.match(stdout, /1 {2}stopped by pii_detect\/unguarded\n/);
});

test("OTLP JSON is read as such, one message or one a line", async (t) => {
  const { preview } = await site(t);
  const message = (body: string) =>
    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"${body}"}}]}]}]}`;
  const words = ["--throwaway-keys", "--format", "json"];
  const two = preview(`${message("anna@example.com")}\n${message("ok")}\n`, ...words);
  const [first, second] = two.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.match(first.after[0].body, /^<email:/);
  assert.deepEqual(
    first.found.map(({ entity, count }: { entity: string; count: number }) => [entity, count]),
    [["email", 1]],
  );
  assert.equal(second.after[0].body, "ok");
  const bad = preview(`${message("a")}\n{"resourceLogs": 7}\n`, ...words);
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /otlp\.malformed: line 2 of the sample: /);
});

test("escape sequences of a sample do not reach the terminal", async (t) => {
  const { preview } = await site(t);
  const { stdout } = preview("\u001b[2J\u202eevil\n", "--throwaway-keys");
  assert.match(stdout, /\\u001b\[2J\\u202eevil/);
});

test("no more records are shown than asked for, and all are counted", async (t) => {
  const { preview } = await site(t);
  const { stdout } = preview(`${LINE}\n`.repeat(5), "--throwaway-keys", "--records", "2");
  assert.equal(stdout.match(/^record \d/gm)?.length, 2);
  assert.match(stdout, /and 3 more .*\n\n5 records/);
});
