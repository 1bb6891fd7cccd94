/** `vouchsafe redact` as a user calls it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import {
  close,
  IDENTITY,
  numbered,
  openTestArchive,
  RECIPIENT,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { systemClock } from "../lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../testing/test_settings.ts";
import { waitUntil } from "../testing/wait_until.ts";

const MAIN = resolve(import.meta.dirname, "../main.ts");

test("an authority orders it, a reader of the zone carries it out", async (t) => {
  const root = await temporaryDirectory(t);
  const [archive, key, order] = ["archive", "authority.key", "order.note"].map((name) =>
    join(root, name),
  ) as [string, string, string];
  const vouchsafe = (...words: string[]) =>
    spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8", timeout: 60_000 });
  const vkey = vouchsafe("keys", "generate", "log", "-o", key, "--origin", "privacy-office").stdout;

  const settings = await testSettings(t, { type: "sealed_archive", root });
  let offsetMs = -3_600_000;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + offsetMs };
  const changes = { segment: { rotate: "1h" }, redaction_authorities: [vkey.trim()] };
  const exporter = await openTestArchive(t, testConfig(archive, changes), { ...settings, clock });
  await exporter.consumeLogs(numbered(0, 20));
  offsetMs = 0;
  await waitUntil("the segment is closed", async () => {
    return (await readdir(join(archive, "blocks/default"))).includes("SHA256SUMS");
  });
  await close(exporter);

  const state = join(root, "state");
  await mkdir(state);
  await rename(join(root, "sealed_archive/own"), join(state, "sealed_archive"));
  const config = join(root, "agent.yaml");
  const lines = [
    "receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }",
    `exporters: { sealed_archive: { directory: ${archive}, origin: example.com/test,`,
    `  recipients: [${RECIPIENT}], redaction_authorities: ["${vkey.trim()}"] } }`,
    `service: { state_directory: ${state},`,
    "  pipelines: { logs: { receivers: [otlp], exporters: [sealed_archive] } } }",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  await writeFile(join(root, "identity.txt"), `${IDENTITY}\n`);

  const of = ["--origin", "example.com/test", "--zone", "default", "--reason", "court order 12"];
  const words = ["redact", "order", ...of, "--key", key];
  const ordered = vouchsafe(...words, "--records", "3,7-8");
  assert.equal(ordered.status, 0, ordered.stderr);
  await writeFile(order, ordered.stdout);
  assert.equal(vouchsafe(...words, "--records", "8,3").status, 64);
  assert.equal(vouchsafe(...words).status, 64);
  const apply = ["redact", "apply", order, "-c", config, "-i", join(root, "identity.txt")];
  const done = vouchsafe(...apply);
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^erased 3 records: entry \d+\n$/);
  assert.equal(vouchsafe(...apply).stdout, "nothing to erase: the records are gone already\n");
  const { status, stdout } = vouchsafe("verify", archive, "-i", join(root, "identity.txt"));
  assert.equal(status, 0, stdout);
  assert.match(stdout, /Erased by orders, as the log says: 3 records in 1 block\./);
  assert.match(stdout, /records 3,7-8 of zone default are erased: court order 12/);
  const segments = vouchsafe("segments", archive, "--zone", "default");
  assert.equal(segments.status, 0, segments.stderr);
  const time = "\\d{4}-\\S+Z";
  const size = "records 0-19, \\d blocks, \\d+ bytes";
  const times = `opened ${time}, closed ${time}, redacted ${time}`;
  assert.match(segments.stdout, new RegExp(`^default/00000001, ${size}, ${times}\n$`));
  const { records, deleted } = JSON.parse(vouchsafe("segments", archive, "--json").stdout);
  assert.deepEqual([records, deleted], [[0, 19], undefined]);
  assert.equal(vouchsafe("segments", archive, "--zone", "other").stdout, "");

  await writeFile(order, (await readFile(order, "utf8")).replace("3,7-8", "3,7-9"));
  const forged = vouchsafe(...apply);
  assert.equal(forged.status, 1);
  assert.match(forged.stderr, /archive.entry_refused.*no authority/);
});
