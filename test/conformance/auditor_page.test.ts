/** Runs the commands of `docs/archive/auditor.md` as they stand there, with an archive beside. */
import assert from "node:assert/strict";
import type { SpawnSyncReturns } from "node:child_process";
import { spawnSync } from "node:child_process";
import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { IDENTITY, numbered } from "../../exporters/sealed_archive/testing.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { run } from "../support/tampering_scene.ts";
import { skipWithout } from "../support/tools.ts";

const PAGE = join(import.meta.dirname, "..", "..", "docs", "archive", "auditor.md");
const skip = skipWithout("age", "zstd", "sha256sum", "sed", "find", "tessera-fsck");

test("five stock commands check an archive, and see what was changed", { skip }, async (t) => {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  await run(t, { directory: archive, root: join(root, "state"), batches: [numbered(0, 315)] });
  await cp(join(archive, "log.vkey"), join(root, "log.vkey"));
  await writeFile(join(root, "identity.txt"), `${IDENTITY}\n`, { mode: 0o600 });
  const page = await readFile(PAGE, "utf8");
  const commands = [...page.matchAll(/```sh\n(.*)\n```/g)].map(([, command]) => command!);
  assert.equal(commands.length, 5);
  const execute = (number: number): SpawnSyncReturns<string> =>
    spawnSync("sh", ["-c", commands[number - 1]!], {
      cwd: root,
      encoding: "latin1",
      timeout: 30_000,
    });
  for (const number of [1, 2, 3, 4, 5]) {
    const { status, stderr } = execute(number);
    assert.equal(status, 0, `${number}: ${stderr}`);
  }
  assert.match(execute(1).stdout, /Successfully fsck'd log with size \d+/);
  assert.match(execute(3).stdout, /^archive\/blocks\/default\/00000001.blk: OK\n$/);
  assert.match(execute(5).stdout, /line 0/);
  const tile = await readFile(join(archive, "log/tile/0/000"));
  await writeFile(join(archive, "log/tile/0/000"), tile.with(100, tile[100]! ^ 1));
  assert.notEqual(execute(1).status, 0);
  const whole = await readFile(join(archive, "blocks/default/00000001.blk"));
  const changed = Buffer.from(whole);
  changed[5000]! ^= 1;
  await writeFile(join(archive, "blocks/default/00000001.blk"), changed);
  assert.equal(execute(3).status, 1);
  assert.match(execute(4).stdout, /^default\/00000001.blk, byte \d+: changed\n$/);
  await writeFile(join(archive, "blocks/default/00000001.blk"), whole);
  await truncate(join(archive, "blocks/default/00000002.blk"), 300);
  assert.equal(execute(3).status, 0);
  assert.equal(execute(4).status, 1);
  await rm(join(archive, "blocks/default/00000001.blk"));
  assert.equal(execute(3).status, 1);
});
