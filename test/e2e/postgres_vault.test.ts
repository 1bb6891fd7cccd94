/** The vault in a real PostgreSQL: several hosts, a database that is down, an erasure. */
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Decrypter } from "age-encryption";
import { PersonIndex } from "../../processors/tokenize/vault/person_index.ts";
import { PostgresVault } from "../../processors/tokenize/vault/postgres_vault.ts";
import { openSealed } from "../../processors/tokenize/vault/sealing.ts";
import {
  newIdentity,
  vaultTokenizer,
} from "../../processors/tokenize/vault/testing/vault_tokenizer.ts";
import { makePrivateDirectory } from "../../src/lib/durable_file.ts";
import { Secret } from "../../src/lib/secret.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { skipWithoutPostgres, TestPostgres } from "../support/postgres.ts";

const skip = await skipWithoutPostgres();
const RANDOM = { email: { mode: "random" } };
const lines = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    entity: "email",
    value: `${prefix}${index}@example.com`,
    subject: `${prefix}${index}`,
  }));

async function vaultSettings(database: TestPostgres, extra: object = {}) {
  const { identity, recipient } = await newIdentity();
  const roles = { support: { recipients: [recipient] } };
  // Tests turn the clock on, by which the time for an answer is measured, too.
  const fields = { driver: "postgres", url: database.url, timeout: "24h", roles };
  return { identity, vault: { ...fields, ...extra } };
}

/** The state directory of a second host with the first one's index key. */
async function secondHost(t: Parameters<typeof temporaryDirectory>[0], root: string) {
  const other = await temporaryDirectory(t);
  await makePrivateDirectory(join(other, "tokenize"));
  const name = join("tokenize", "vault-index.key");
  await copyFile(join(root, name), join(other, name));
  return other;
}

test("two agents that race for the same values agree on their tokens", { skip }, async (t) => {
  const database = await TestPostgres.start(t);
  const { vault } = await vaultSettings(database);
  const first = await vaultTokenizer(t, { vault, entities: RANDOM });
  const second = await vaultTokenizer(t, {
    vault,
    entities: RANDOM,
    keys: first.keys,
    root: await secondHost(t, first.root),
  });
  const values = lines("p", 300);
  const [forward, backward] = await Promise.all([
    first.treat(...values),
    second.treat(...values.toReversed()),
  ]);
  assert.deepEqual(forward, backward.toReversed());
  assert.equal(new Set(forward).size, values.length);
  const [row] = await database.query("SELECT count(*) AS count FROM vouchsafe_entries");
  assert.equal(Number(row!.count), values.length);
});

test("a host with another index key is refused", { skip }, async (t) => {
  const database = await TestPostgres.start(t);
  const { vault } = await vaultSettings(database);
  await vaultTokenizer(t, { vault });
  const stranger = await vaultTokenizer(t, { vault, isStarted: false });
  await assert.rejects(stranger.processor.start(), { code: "vault.foreign" });
});

test("records wait while the database is down, and none is lost", { skip }, async (t) => {
  const database = await TestPostgres.start(t);
  const { vault } = await vaultSettings(database);
  const { consume, next, clock, settings } = await vaultTokenizer(t, { vault, entities: RANDOM });
  await consume(lines("a", 10));
  await database.down();
  const waiting = Promise.all([consume(lines("b", 10)), consume(lines("c", 10))]);
  await waitUntil("the database is missed", () => settings.statuses.at(-1)?.status === "degraded");
  assert.equal(next.records.length, 10);
  await database.up();
  await waitUntil("the records leave", () => {
    clock.advance(1000);
    return next.records.length === 30;
  });
  await waiting;
  for (const { body } of next.records) assert.match(String(body), /^<email:random:[a-z2-7]{26}>$/);
  const [row] = await database.query("SELECT count(*) AS count FROM vouchsafe_entries");
  assert.equal(Number(row!.count), 30);
});

test("an erasure is for all hosts, and later rows are found again", { skip }, async (t) => {
  const database = await TestPostgres.start(t);
  const { vault, identity } = await vaultSettings(database);
  const entities = { email: { mode: "encrypt" } };
  const first = await vaultTokenizer(t, { vault, entities });
  const [anna, bert] = lines("p", 2);
  await first.treat(anna!, bert!);
  const index = await PersonIndex.open(join(first.root, "tokenize", "vault-index.key"), () => {});
  const store = new PostgresVault(new Secret(database.url), 30_000, systemClock);
  t.after(() => store.close());
  const owner = index.subject("test", anna!.subject);
  assert.deepEqual(await store.count([owner]), { value: 0, key: 1 });
  assert.deepEqual(await store.erase([owner]), { value: 0, key: 1 });
  assert.deepEqual(await store.count([owner]), { value: 0, key: 0 });
  await waitUntil("a new key is made", async () => {
    first.clock.advance(10_000);
    await first.treat(anna!);
    return (await store.count([owner])).key === 1;
  });
  const rows = await database.query("SELECT token FROM vouchsafe_entries");
  assert.equal(rows.length, 2);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  for (const { token } of rows) {
    const [row] = await store.find(String(token), 0);
    const key = await openSealed(row!, row!.sealed, (file) => decrypter.decrypt(file));
    assert.equal(key?.length, 32);
  }
});

test("rows are removed when their time is over", { skip }, async (t) => {
  const database = await TestPostgres.start(t);
  const { vault } = await vaultSettings(database, { ttl: "1h" });
  const { treat, clock } = await vaultTokenizer(t, { vault });
  await treat(...lines("p", 3));
  clock.advance(3_600_001);
  await waitUntil("the rows are removed", async () => {
    clock.advance(10_000);
    return (await database.query("SELECT 1 FROM vouchsafe_entries")).length === 0;
  });
});
