/** The five commands of docs/archive/auditor.md, taken from the page, find what was changed. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import {
  close,
  numbered,
  openTestArchive,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { ROOT } from "../support/agent.ts";
import { skipWithout } from "../support/tools.ts";

const skip = skipWithout("tessera-fsck", "sha256sum", "sed", "grep", "find", "xargs");

const FSCK_SECONDS = 10;

async function commandsOfPage(): Promise<string[]> {
  const page = await readFile(join(ROOT, "docs/archive/auditor.md"), "utf8");
  return [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, command]) => command!);
}

/** Two zones, closed segments and open ones, two runs. */
async function makeArchive(t: TestContext): Promise<string> {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const config = testConfig(archive, {
    block: { max_records: 3 },
    segment: { max_bytes: 65_536 },
  });
  for (const from of [0, 700]) {
    const exporter = await openTestArchive(t, config, settings);
    await exporter.consumeLogs(numbered(from, from + 700));
    await close(exporter);
  }
  return archive;
}

interface Said {
  readonly isTree: boolean;
  readonly findings: readonly string[];
}

async function runPage(t: TestContext, archive: string): Promise<Said> {
  const entries = join(await temporaryDirectory(t), "entries.jsonl");
  const [first, ...others] = await commandsOfPage();
  const run = (command: string) =>
    spawnSync("sh", ["-c", command.replaceAll("/tmp/entries.jsonl", entries)], {
      cwd: archive,
      encoding: "utf8",
    });
  // On a changed tree it never ends by itself.
  const tree = run(first!.replace("timeout 3600", `timeout ${FSCK_SECONDS}`));
  const isTree = tree.stdout.includes("Successfully fsck'd log");
  const findings = others.map((command) => {
    const { stdout, stderr } = run(command);
    return `${stdout}${stderr}`;
  });
  const { length } = (await readFile(entries, "utf8")).trimEnd().split("\n");
  const size = Number((await readFile(join(archive, "log/checkpoint"), "utf8")).split("\n")[1]);
  assert.equal(length, size, "every entry has its line");
  return { isTree, findings };
}

test("the page has five commands, and they find an untouched archive whole", {
  skip,
}, async (t) => {
  assert.equal((await commandsOfPage()).length, 5);
  const said = await runPage(t, await makeArchive(t));
  assert.deepEqual(said, { isTree: true, findings: ["", "", "", ""] });
});

test("each change is found by the command that says so", { skip }, async (t) => {
  const archive = await makeArchive(t);
  const zone = join("blocks/default");
  const segments = (await readdir(join(archive, zone))).filter((name) => name.endsWith(".blk"));
  const [closed = "", open = ""] = [segments.sort()[0], segments.sort().at(-1)];
  const changed = async (path: string): Promise<Said> => {
    const copy = join(await temporaryDirectory(t), "copy");
    await cp(archive, copy, { recursive: true });
    const bytes = await readFile(join(copy, path));
    bytes[100]! ^= 1;
    await writeFile(join(copy, path), bytes);
    return runPage(t, copy);
  };
  assert.equal((await changed("log/tile/0/000")).isTree, false);
  assert.equal((await changed("log/tile/entries/000")).isTree, false);
  const inClosed = await changed(join(zone, closed));
  assert.match(inClosed.findings[1]!, new RegExp(`${closed}: FAILED`));
  assert.match(inClosed.findings[3]!, /^block default\/00000001 at \d+ is not as it was sealed$/m);
  const inOpen = await changed(join(zone, open));
  assert.equal(inOpen.findings[1], "");
  assert.match(inOpen.findings[3]!, /is not as it was sealed/);

  const both = join(await temporaryDirectory(t), "both");
  await cp(archive, both, { recursive: true });
  const bytes = await readFile(join(both, zone, closed));
  bytes[100]! ^= 1;
  await writeFile(join(both, zone, closed), bytes);
  await rm(join(both, zone, "SHA256SUMS"));
  const names = segments.filter((name) => name !== open);
  const sums = execFileSync("sha256sum", names, { cwd: join(both, zone) });
  await writeFile(join(both, zone, "SHA256SUMS"), sums);
  assert.match((await runPage(t, both)).findings[2]!, /is not in the log/);
});
