/** `vouchsafe hold` as a user calls it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { RECIPIENT } from "../../exporters/sealed_archive/testing.ts";
import { temporaryDirectory } from "../testing/test_settings.ts";

const MAIN = resolve(import.meta.dirname, "../main.ts");

test("a hold is on the record, is listed, and is released", async (t) => {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const config = join(root, "agent.yaml");
  await mkdir(join(root, "state/sealed_archive"), { recursive: true, mode: 0o700 });
  const lines = [
    "receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }",
    `exporters: { sealed_archive: { directory: ${archive}, origin: example.com/test,`,
    `  recipients: [${RECIPIENT}] } }`,
    `service: { state_directory: ${join(root, "state")},`,
    "  pipelines: { logs: { receivers: [otlp], exporters: [sealed_archive] } } }",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const vouchsafe = (...words: string[]) => {
    const options = { encoding: "utf8", timeout: 60_000 } as const;
    return spawnSync(process.execPath, [MAIN, ...words], options);
  };
  const hold = (...words: string[]) => vouchsafe("hold", ...words, "-c", config);
  const why = ["--reason", "court order"];
  const scope = ["--zone", "default", "--since", "2026-03-01", "--until", "2026-04-01"];
  const added = hold("add", "case 17", ...why, ...scope);
  assert.equal(added.status, 0, added.stderr);
  assert.match(added.stdout, /^\S+archive: entry 1\n$/);
  const again = hold("add", "case 17", ...why);
  assert.equal(again.status, 1);
  assert.match(
    again.stderr,
    /archive.entry_refused.*there is a hold for the case 'case 17' already/,
  );
  const range = "zone default from 2026-03-01T00:00:00.000Z before 2026-04-01T00:00:00.000Z";
  assert.equal(hold("list").stdout, `${archive}: case 17: ${range}\n`);
  assert.equal(hold("release", "case 17", ...why, "--zone", "default").status, 64);
  assert.equal(hold("release", "case 17", ...why, "--who", "ada").status, 0);
  assert.equal(hold("list").stdout, `${archive}: no holds\n`);
  const { status, stdout } = vouchsafe("verify", archive);
  assert.equal(status, 0, stdout);
  assert.match(stdout, new RegExp(`holds ${range} for the case 'case 17': court order`));
  assert.match(stdout, /ada releases the hold for the case 'case 17': court order/);
  for (const words of [["add"], ["list", "x"], ["add", "a", "b", ...why], ["drop", "a"]]) {
    assert.equal(hold(...words).status, 64, words.join(" "));
  }
  assert.equal(hold("add", "x").status, 64, "a reason is needed");
});
