/** The unit is one that systemd understands, and what it must not hold stays out of it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { ROOT } from "../support/agent.ts";
import { skipWithout } from "../support/tools.ts";

const UNIT = readFileSync(join(ROOT, "packaging/systemd/vouchsafe.service"), "utf8");
const skip = skipWithout("systemd-analyze");

test("systemd understands every line of the unit", { skip }, async (t) => {
  const path = join(await temporaryDirectory(t), "vouchsafe.service");
  // The program and the user need not be there for the check.
  writeFileSync(path, UNIT.replaceAll("/usr/bin/vouchsafe", "/bin/true"));
  const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], {
    encoding: "utf8",
  });
  assert.doesNotMatch(stderr, /Unknown|Failed to parse|Invalid|ignoring/i);
});

test("the unit lets V8 make code and lets the agent sync files", () => {
  const settings = UNIT.split("\n").filter((line) => /^\w+=/.test(line));
  assert.deepEqual(
    settings.filter((line) => /MemoryDenyWriteExecute|--permission/.test(line)),
    [],
  );
  assert.ok(settings.includes("NoNewPrivileges=yes") && settings.includes("UMask=0077"));
});
