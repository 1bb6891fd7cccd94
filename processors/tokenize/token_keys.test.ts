import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import {
  createdMs,
  destroyTokenKey,
  generateTokenKey,
  listTokenKeys,
  nextKid,
  readTokenKeys,
} from "./token_keys.ts";

const nowMs = Date.UTC(2026, 10, 21);
const options = { random: systemRandom, nowMs };

test("a generated key is private, is read back, and the newest is the active one", async (t) => {
  const directory = join(await temporaryDirectory(t), "keys");
  const first = await generateTokenKey(directory, options);
  const second = await generateTokenKey(directory, options);
  assert.equal(first.path, join(directory, "token-k20261121a.key"));
  assert.equal(second.kid, "k20261121b");
  assert.equal((await stat(first.path)).mode & 0o777, 0o600);
  assert.match(
    await readFile(first.path, "latin1"),
    /^VOUCHSAFE-TOKEN-KEY-1 k20261121a [^ ]{44}\n$/,
  );
  await writeFile(join(directory, "identity.txt"), "something else");
  const { active, retired } = await readTokenKeys(directory);
  assert.equal(active.kid, "k20261121b");
  assert.deepEqual(retired, ["k20261121a"]);
  assert.equal(active.root.reveal().length, 32);
  const shown = inspect(active) + JSON.stringify(active);
  assert.ok(!shown.includes(Buffer.from(active.root.reveal()).toString("base64")));
});

test("a new key id sorts after all before it, whatever the clock says", () => {
  assert.equal(nextKid(undefined, nowMs), "k20261121a");
  assert.equal(nextKid("k20261120c", nowMs), "k20261121a");
  assert.equal(nextKid("k20261121z", nowMs), "k20261121za");
  assert.equal(nextKid("k20271231a", nowMs), "k20271231b");
  let kid = nextKid(undefined, nowMs);
  for (let count = 0; count < 100; count++) {
    const next = nextKid(kid, nowMs);
    assert.ok(next > kid && /^[a-z0-9]{1,24}$/.test(next));
    kid = next;
  }
});

test("says which folder has no key and how to make one", async (t) => {
  const directory = await temporaryDirectory(t);
  const expected = {
    code: "tokenize.no_key",
    message:
      `no token key in ${directory}; ` + `make one: vouchsafe keys generate token -d ${directory}`,
  };
  await assert.rejects(readTokenKeys(directory), expected);
  await assert.rejects(readTokenKeys(join(directory, "none")), { code: "tokenize.no_key" });
  const file = join(directory, "file");
  await writeFile(file, "");
  const unreadable = { code: "tokenize.key_malformed", message: /cannot be read .*ENOTDIR/ };
  await assert.rejects(readTokenKeys(file), unreadable);
});

test("refuses keys and folders that are open to others", async (t) => {
  const directory = join(await temporaryDirectory(t), "keys");
  const { path } = await generateTokenKey(directory, options);
  await chmod(path, 0o640);
  await assert.rejects(readTokenKeys(directory), { code: "storage.insecure" });
  await chmod(path, 0o600);
  await chmod(directory, 0o777);
  await assert.rejects(readTokenKeys(directory), { code: "storage.insecure" });
});

test("refuses a file that is no key, without showing what is in it", async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(directory, { recursive: true });
  const path = join(directory, "token-k1.key");
  const base64 = Buffer.alloc(32, 7).toString("base64");
  for (const text of [
    "",
    "x",
    `VOUCHSAFE-TOKEN-KEY-1 k2 ${base64}\n`,
    `VOUCHSAFE-TOKEN-KEY-1 k1 ${base64}x`,
  ]) {
    await writeFile(path, text, { mode: 0o600 });
    await assert.rejects(readTokenKeys(directory), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, "tokenize.key_malformed");
      return !error.message.includes(base64);
    });
  }
});

test("a destroyed key is gone, keeps its id, and the active one cannot be destroyed", async (t) => {
  const directory = join(await temporaryDirectory(t), "keys");
  const first = await generateTokenKey(directory, options);
  const second = await generateTokenKey(directory, options);
  await assert.rejects(destroyTokenKey(directory, second.kid, options.random), {
    code: "tokenize.key_in_use",
  });
  await destroyTokenKey(directory, first.kid, options.random);
  assert.equal(existsSync(first.path), false);
  assert.deepEqual(await listTokenKeys(directory), [
    { kid: first.kid, state: "destroyed" },
    { kid: second.kid, state: "active" },
  ]);
  // Again, as after a crash between the tombstone and the end: the file goes, whatever it holds.
  await writeFile(first.path, "left by a crash", { mode: 0o600 });
  assert.deepEqual((await readTokenKeys(directory)).retired, []);
  await destroyTokenKey(directory, first.kid, options.random);
  assert.equal(existsSync(first.path), false);
  await assert.rejects(destroyTokenKey(directory, "k1", options.random), {
    code: "tokenize.no_key",
  });
});

test("an id is never given twice, also when the newest key is destroyed", async (t) => {
  const directory = join(await temporaryDirectory(t), "keys");
  const late = { ...options, nowMs: nowMs + 86_400_000 };
  const first = await generateTokenKey(directory, options);
  const second = await generateTokenKey(directory, late);
  const third = await generateTokenKey(directory, late);
  await destroyTokenKey(directory, second.kid, options.random);
  const fourth = await generateTokenKey(directory, options);
  assert.equal(new Set([first, second, third, fourth].map(({ kid }) => kid)).size, 4);
  assert.ok(fourth.kid > third.kid);
});

test("tells the day of a key from its id, and of no other id", () => {
  assert.equal(createdMs("k20261121a"), Date.UTC(2026, 10, 21));
  assert.equal(createdMs("k20269921a"), undefined);
  assert.equal(createdMs("mykey"), undefined);
});
