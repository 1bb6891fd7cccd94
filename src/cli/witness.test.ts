/** `witness` as a user calls it. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parseCosigner } from "../../exporters/sealed_archive/format/cosignature.ts";
import { encodeSigningKey, parseSigningKey } from "../../exporters/sealed_archive/format/note.ts";
import { temporaryDirectory } from "../testing/test_settings.ts";

const MAIN = resolve(import.meta.dirname, "../main.ts");

test("a witness makes its key once, says it, answers, and ends at SIGTERM", async (t) => {
  const directory = join(await temporaryDirectory(t), "witness");
  const log = parseSigningKey(encodeSigningKey("example.com/log", Buffer.alloc(32, 1))).verifier;
  const own = ["witness", "-d", directory, "--log", log.vkey, "--listen", "127.0.0.1:0"];
  const keys: string[] = [];
  for (let start = 0; start < 2; start++) {
    const child = spawn(process.execPath, [MAIN, ...own, "--name", "witness.example/w1"]);
    t.after(() => child.kill("SIGKILL"));
    const [said] = await once(child.stderr, "data");
    const port = /listens on 127.0.0.1:(\d+) for 1 logs?/.exec(String(said))![1];
    const [vkey] = await once(child.stdout, "data");
    keys.push(parseCosigner(String(vkey)).vkey);
    const response = await fetch(`http://127.0.0.1:${port}/add-checkpoint`, { method: "POST" });
    assert.equal(response.status, 400);
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
  }
  assert.equal(keys[0], keys[1]);
  assert.equal((await stat(join(directory, "witness.key"))).mode & 0o777, 0o600);
  const renamed = spawnSync(process.execPath, [MAIN, ...own, "--name", "other.example"]);
  assert.equal(renamed.status, 64);
  assert.match(String(renamed.stderr), /its name stays for ever/);
  const nothing = spawnSync(process.execPath, [MAIN, "witness", "-d", directory]);
  assert.equal(nothing.status, 64);
});
