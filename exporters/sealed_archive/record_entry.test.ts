/** Entries of commands: through the running agent, and without one. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import type { EntryRequest } from "./format/entry.ts";
import { recordEntry } from "./record_entry.ts";
import { close, numbered, openTestArchive, readNumbers, testConfig, verify } from "./testing.ts";

const ACCESS: EntryRequest = {
  type: "access",
  who: "ada",
  role: "support",
  action: "read",
  reason: "ticket 17",
  what: { zone: "default", since: 5, until: undefined },
};
const ERASE: EntryRequest = {
  type: "erase",
  certificate: "ab".repeat(32),
  counts: { vault_rows: 3 },
};

test("an entry is recorded by the running agent, or without one, and is verified", async (t) => {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const stateDirectory = await settings.stateDirectory();
  const config = testConfig(directory);
  const archive = await openTestArchive(t, config, settings);
  await archive.consumeLogs(numbered(0, 5));
  assert.equal((await stat(join(stateDirectory, "entries.sock"))).mode & 0o777, 0o600);
  const together = await Promise.all(
    [ACCESS, ERASE, ACCESS].map((entry) => recordEntry({ config, stateDirectory, entry })),
  );
  assert.deepEqual(together.map(({ index }) => index).sort(), [2, 3, 4]);
  await close(archive);
  const alone = await recordEntry({ config, stateDirectory, entry: ERASE });
  assert.equal(alone.index, 6, "after the restart entry");
  const again = await openTestArchive(t, config, settings);
  await again.consumeLogs(numbered(5, 8));
  await close(again);
  const { findings, entries } = await verify(directory);
  assert.deepEqual(findings, []);
  assert.equal(entries.access, 2);
  assert.equal(entries.erase, 2);
  assert.deepEqual(await readNumbers(directory), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("whoever speaks through the socket can record nothing but such entries", async (t) => {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const stateDirectory = await settings.stateDirectory();
  const archive = await openTestArchive(t, testConfig(directory), settings);
  for (const line of [
    "{}",
    "no JSON",
    JSON.stringify({ type: "heartbeat" }),
    JSON.stringify({ ...ACCESS, at: 1 }),
    JSON.stringify({ ...ACCESS, reason: "two\nlines" }),
    JSON.stringify({ ...ACCESS, reason: "x".repeat(10_000) }),
    JSON.stringify({ ...ERASE, certificate: "../x" }),
  ]) {
    const socket = createConnection(join(stateDirectory, "entries.sock")).setEncoding("utf8");
    await once(socket, "connect");
    socket.write(`${line}\n`);
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^\{"error":"archive.entry_refused: /);
    socket.destroy();
  }
  await close(archive);
  const { findings, size } = await verify(directory);
  assert.deepEqual(findings, []);
  assert.equal(size, 1, "the genesis alone");
});
