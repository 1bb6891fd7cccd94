/** `prove` and `verify-proof` as a user calls them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import {
  COSIGNING_KEY,
  parseCosigningKey,
} from "../../exporters/sealed_archive/format/cosignature.ts";
import { encodeSigningKey } from "../../exporters/sealed_archive/format/note.ts";
import {
  close,
  IDENTITY,
  numbered,
  openTestArchive,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { temporaryDirectory, testSettings } from "../testing/test_settings.ts";

const MAIN = resolve(import.meta.dirname, "../main.ts");

function vouchsafe(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

test("a record is proven to who has the key alone, disclosed or not", async (t) => {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const identity = join(root, "identity.txt");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const exporter = await openTestArchive(t, testConfig(archive), settings);
  await exporter.consumeLogs(numbered(0, 50));
  await close(exporter);
  await writeFile(identity, `${IDENTITY}\n`);
  const vkey = (await readFile(join(archive, "log.vkey"), "utf8")).trim();
  const output = join(root, "7.tlog-proof");
  const prove = (...words: string[]) => vouchsafe("prove", archive, "--record", ...words);

  const made = prove("default/7", "-i", identity, "--disclose", "-o", output);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stderr, /this reading is not recorded/);
  assert.equal((await stat(output)).mode & 0o777, 0o600);
  assert.equal(prove("7", "-o", output).status, 1, "a proof is never overwritten");

  const hidden = join(root, "hidden.tlog-proof");
  await writeFile(hidden, prove("7", "-i", identity).stdout);
  const block = join(root, "block.tlog-proof");
  await writeFile(block, prove("7").stdout);
  await rm(archive, { recursive: true });

  const checked = vouchsafe("verify-proof", output, "--vkey", vkey);
  assert.equal(checked.status, 0, checked.stderr);
  assert.match(
    checked.stdout,
    /^PROVEN {2}record 7 of zone default is in the log example.com\/test/,
  );
  assert.match(checked.stdout, /"body":"line 7","zone":"default","seq":7\}\n$/);
  const json = JSON.parse(vouchsafe("verify-proof", output, "--vkey", vkey, "--json").stdout);
  assert.equal(json.status, "proven");
  assert.equal(json.record.content.body, "line 7");
  const undisclosed = vouchsafe("verify-proof", hidden, "--vkey", vkey);
  assert.match(undisclosed.stdout, /^PROVEN {2}record 7 of .*\n.*\n.*not disclosed/);
  const blockOnly = vouchsafe("verify-proof", block, "--vkey", vkey);
  assert.match(blockOnly.stdout, /^PROVEN {2}the block with the records 0 to 9 of zone default/);

  const policy = join(root, "policy.txt");
  const witness = encodeSigningKey("witness.example", Buffer.alloc(32, 1), COSIGNING_KEY);
  await writeFile(policy, `witness w ${parseCosigningKey(witness).verifier.vkey}\nquorum w\n`);
  const alone = vouchsafe("verify-proof", output, "--vkey", vkey, "--policy", policy);
  assert.equal(alone.status, 1, "nobody cosigned it");

  await writeFile(hidden, (await readFile(hidden, "utf8")).replace("index 1", "index 2"));
  const refused = vouchsafe("verify-proof", hidden, "--vkey", vkey);
  assert.equal(refused.status, 1);
  assert.match(refused.stdout, /^NOT PROVEN .*is not entry 2 of the log/);
  const missing = vouchsafe("verify-proof", join(root, "none"), "--vkey", vkey);
  assert.equal(missing.status, 2);
  for (const words of [["verify-proof", output], ["prove", archive], ["prove"]]) {
    assert.equal(vouchsafe(...words).status, 64);
  }
  for (const record of ["x", "a/b/1", "-1", "../1", "1.5"]) assert.equal(prove(record).status, 64);
  assert.equal(prove("7", "--disclose").status, 64);
});
