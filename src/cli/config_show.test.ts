import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { parse } from "yaml";
import { temporaryDirectory } from "../testing/test_settings.ts";
import { configCommand } from "./config_show.ts";

test("shows the merged files, references as written, and no secret", async (t) => {
  const directory = await temporaryDirectory(t);
  const [first, second] = [join(directory, "a.yaml"), join(directory, "b.yaml")];
  await writeFile(
    first,
    `receivers: { file_log: { include: ["/var/log/*.log"] } }
exporters:
  otlp_http:
    endpoint: http://\${env:NOWHERE:-localhost}:4318
    headers: { authorization: hunter2, x-a: "\${env:NOWHERE:-hunter2}" }
service: { pipelines: { logs: { receivers: [file_log], exporters: [otlp_http] } } }
`,
  );
  await writeFile(second, "exporters: { otlp_http: { timeout: 7s } }\n");
  const stdout = new PassThrough();
  const io = { stdout, stderr: new PassThrough(), signal: new AbortController().signal };
  const line = { values: { config: [first, second] }, positionals: ["show"] };
  assert.equal(await configCommand.run(line, io), 0);
  const text = String(stdout.read());
  assert.doesNotMatch(text, /hunter2/);
  assert.deepEqual(parse(text).exporters.otlp_http, {
    endpoint: ["http://$", "{env:NOWHERE:-localhost}:4318"].join(""),
    headers: { authorization: "(secret)", "x-a": "(secret)" },
    timeout: "7s",
  });
});
