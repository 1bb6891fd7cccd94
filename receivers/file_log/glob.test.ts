import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { Discovery } from "./discovery.ts";
import { globError, pathMatcher } from "./glob.ts";
import { warnOnce } from "./warn_once.ts";

for (const [pattern, matching, other] of [
  ["/var/log/*.log", ["/var/log/a.log", "/var/log/.log"], ["/var/log/b/a.log", "/var/log/a.txt"]],
  ["/a/**/*.log", ["/a/x.log", "/a/b/c/x.log"], ["/b/x.log", "/a/b/x.logs"]],
  ["/a/?[0-9].log", ["/a/x1.log"], ["/a/x.log", "/a/xx.log", "/a//1.log"]],
  ["/a/{b,c{1,2}}/[^x].log", ["/a/b/y.log", "/a/c2/y.log"], ["/a/c/y.log", "/a/b/x.log"]],
  ["/a/b.log", ["/a/b.log"], ["/a/bxlog"]],
  ["/a/\\*.log", ["/a/*.log"], ["/a/b.log"]],
] as const) {
  test(`${pattern} matches what it says`, () => {
    const matches = pathMatcher([pattern]);
    for (const path of matching) assert.ok(matches(path), path);
    for (const path of other) assert.ok(!matches(path), path);
  });
}

test("patterns that cannot be read are refused with the reason", () => {
  assert.match(globError("/a/[b.log") ?? "", /\[/);
  assert.match(globError("/a/{b.log") ?? "", /\{/);
  assert.equal(globError("/a/*.log"), undefined);
});

test("finds files, through links to files and folders, and what comes and goes", async (t) => {
  const root = await temporaryDirectory(t);
  await mkdir(join(root, "a/b"), { recursive: true });
  await mkdir(join(root, "else"));
  for (const name of ["a/1.log", "a/b/2.log", "a/skip.log", "else/3.log"]) {
    await writeFile(join(root, name), "x");
  }
  await symlink(join(root, "else"), join(root, "a/link"));
  await symlink(join(root, "a"), join(root, "a/b/circle"));
  const { logger } = await testSettings(t);
  const config = {
    include: [join(root, "a/**/*.log"), join(root, "a/l*/*.log")],
    exclude: [join(root, "**/skip*")],
    poll_interval: 200,
  };
  const discovery = new Discovery(config, logger, warnOnce(logger));
  const found = async (): Promise<string[]> =>
    [...(await discovery.find(Date.now())).paths].map((path) => path.slice(root.length)).sort();
  assert.deepEqual(await found(), ["/a/1.log", "/a/b/2.log", "/a/link/3.log"]);
  await writeFile(join(root, "a/b/new.log"), "x");
  assert.deepEqual(await found(), ["/a/1.log", "/a/b/2.log", "/a/b/new.log", "/a/link/3.log"]);
});
