import assert from "node:assert/strict";
import { chmod, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Decrypter } from "age-encryption";
import { parseFieldValue } from "../../../src/data/token.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { waitUntil } from "../../../src/testing/wait_until.ts";
import { decryptFieldValue, fieldKeyId } from "./field_key.ts";
import { PersonIndex } from "./person_index.ts";
import { openSealed } from "./sealing.ts";
import { SqliteVault } from "./sqlite_vault.ts";
import { MADE_MS, newIdentity, vaultTokenizer } from "./testing/vault_tokenizer.ts";

const RANDOM = { email: { mode: "random" } };
const ENCRYPT = { email: { mode: "encrypt" } };
const anna = { entity: "email", value: "anna@example.com", subject: "u-1" };
const bert = { entity: "email", value: "bert@example.com", subject: "u-2" };

const YEAR_MS = 365 * 86_400_000;

async function roles() {
  const support = await newIdentity();
  return { support, vault: { roles: { support: { recipients: [support.recipient] } } } };
}

function opener(identity: string) {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return (file: Uint8Array) => decrypter.decrypt(file);
}

async function vaultAt(t: { after(f: () => Promise<void>): void }, root: string) {
  const vault = new SqliteVault(join(root, "tokenize", "vault.sqlite"));
  await vault.open({ made: undefined });
  t.after(() => vault.close());
  return vault;
}

/** The values that an identity gets for a token. */
async function reveal(vault: SqliteVault, token: string, identity: string, nowMs = MADE_MS) {
  const field = parseFieldValue(token);
  const id = field === undefined ? token : fieldKeyId(field.ciphertext)!;
  const values: (string | undefined)[] = [];
  for (const row of await vault.find(id, nowMs)) {
    const content = await openSealed(row, row.sealed, opener(identity));
    if (field === undefined) values.push(content?.toString("utf8"));
    else values.push(decryptFieldValue(field.entity, field.ciphertext, content!));
  }
  return values;
}

test("a random token is the same for all spellings of a value, and for nobody else", async (t) => {
  const { vault } = await roles();
  const { treat } = await vaultTokenizer(t, { vault, entities: RANDOM });
  const tokens = await treat(anna, { ...anna, value: "ANNA@example.com" }, bert, anna);
  assert.match(tokens[0]!, /^<email:random:[a-z2-7]{26}>$/);
  assert.deepEqual(tokens, [tokens[0], tokens[0], tokens[2], tokens[0]]);
  assert.notEqual(tokens[0], tokens[2]);
  assert.deepEqual(await treat(anna), [tokens[0]]);
});

test("a random token outlives the agent", async (t) => {
  const { vault } = await roles();
  const first = await vaultTokenizer(t, { vault, entities: RANDOM });
  const [token] = await first.treat(anna);
  await first.processor.shutdown(AbortSignal.abort());
  const second = await vaultTokenizer(t, { ...first, vault, entities: RANDOM });
  assert.deepEqual(await second.treat(anna), [token]);
});

test("each kind of token opens with the identity of its role, and with no other", async (t) => {
  const { support, vault } = await roles();
  const other = await newIdentity();
  for (const entities of [RANDOM, ENCRYPT, {}, { email: { keep_domain: true } }]) {
    const { treat, root } = await vaultTokenizer(t, { vault, entities });
    const [text] = await treat(anna);
    const token = text!.replace(/>@.*/, ">");
    const opened = await vaultAt(t, root);
    assert.deepEqual(await reveal(opened, token, support.identity), [anna.value]);
    await assert.rejects(reveal(opened, token, other.identity));
  }
});

test("a role that may not see an entity opens none of its rows", async (t) => {
  const [support, officer] = [await newIdentity(), await newIdentity()];
  const vault = {
    roles: {
      support: { recipients: [support.recipient], entities: ["order_id"] },
      officer: { recipients: [officer.recipient] },
    },
  };
  const { treat, root } = await vaultTokenizer(t, { vault });
  const [email, order] = await treat(anna, { entity: "order_id", value: "A-17" });
  const opened = await vaultAt(t, root);
  assert.deepEqual(await reveal(opened, email!, officer.identity), [anna.value]);
  assert.deepEqual(await reveal(opened, order!, support.identity), ["A-17"]);
  await assert.rejects(reveal(opened, email!, support.identity));
});

test("values of a person share a field key, and two ciphertexts are never the same", async (t) => {
  const { vault } = await roles();
  const { treat } = await vaultTokenizer(t, { vault, entities: ENCRYPT });
  const second = { ...anna, value: "a2@example.com" };
  const texts = await treat(anna, anna, second, bert);
  const keys = texts.map((text) => fieldKeyId(parseFieldValue(text)!.ciphertext));
  assert.equal(new Set(texts).size, 4);
  assert.deepEqual(keys, [keys[0], keys[0], keys[0], keys[3]]);
  assert.notEqual(keys[0], keys[3]);
});

test("after an erasure tokens stay closed, and no file holds what was erased", async (t) => {
  const { support, vault } = await roles();
  const tokenizers = [
    await vaultTokenizer(t, { vault, entities: RANDOM }),
    await vaultTokenizer(t, { vault, entities: ENCRYPT }),
    await vaultTokenizer(t, { vault }),
  ];
  for (const { treat, root, clock, config } of tokenizers) {
    const [annas, berts] = await treat(anna, bert);
    const opened = await vaultAt(t, root);
    const index = await PersonIndex.open(join(root, "tokenize", "vault-index.key"), () => {});
    const owner = index.subject(config.domain, "u-1");
    const counted = await opened.count([owner]);
    const erased = await opened.erase([owner]);
    assert.deepEqual(erased, counted);
    assert.equal(erased.key + erased.value, 1);
    assert.deepEqual(await reveal(opened, annas!, support.identity), []);
    assert.deepEqual(await reveal(opened, berts!, support.identity), [bert.value]);
    for (const bytes of await filesOf(root)) {
      assert.equal(bytes.includes(anna.value), false);
      assert.equal(bytes.includes(owner), false);
    }
    // What comes later is of a new token or key, which a later erasure finds again.
    clock.advance(10_000);
    await waitUntil("the erasure is noticed", async () => {
      clock.advance(10_000);
      await treat(anna);
      const found = await opened.count([owner]);
      return found.key + found.value === 1;
    });
  }
});

async function filesOf(root: string): Promise<Buffer[]> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  assert.ok(files.some(({ name }) => name === "vault.sqlite"));
  return Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))));
}

test("records wait for a vault that is away, and go on when it is back", async (t) => {
  const { vault } = await roles();
  const { consume, next, root, clock, settings, treat } = await vaultTokenizer(t, {
    vault,
    entities: RANDOM,
  });
  const [before] = await treat(anna);
  const path = join(root, "tokenize", "vault.sqlite");
  await rename(path, `${path}.away`);
  next.batches.length = 0;
  const consumed = consume([bert]);
  await waitUntil("the vault is missed", () => settings.statuses.at(-1)?.status === "degraded");
  assert.equal(next.records.length, 0);
  await rename(`${path}.away`, path);
  await waitUntil("the record leaves", () => {
    clock.advance(1000);
    return next.records.length === 1;
  });
  await consumed;
  assert.equal(settings.statuses.at(-1)?.status, "ok");
  assert.match(String(next.records[0]!.body), /^<email:random:/);
  assert.deepEqual(await treat(anna), [before]);
});

test("batches leave in the order in which they came, whatever the vault has to do", async (t) => {
  const { vault } = await roles();
  const { consume, next } = await vaultTokenizer(t, { vault, entities: RANDOM });
  await consume([anna]);
  next.batches.length = 0;
  const phone = { entity: "phone_e164", value: "+15551234567" };
  await Promise.all([consume([bert]), consume([anna]), consume([phone])]);
  const entities = next.records.map(({ body }) => /^<(\w+:\w+)/.exec(String(body))?.[1]);
  assert.deepEqual(entities, ["email:random", "email:random", "phone_e164:k20261121a"]);
  assert.equal(next.batches.length, 3);
});

test("withhold: records that need the vault are withheld while it is away", async (t) => {
  const { vault } = await roles();
  const tokenizer = await vaultTokenizer(t, {
    vault: { ...vault, on_unavailable: "withhold" },
    entities: RANDOM,
  });
  const path = join(tokenizer.root, "tokenize", "vault.sqlite");
  assert.equal((await tokenizer.treat(anna)).length, 1);
  await rename(path, `${path}.away`);
  const passed = await tokenizer.treat(bert, anna);
  assert.equal(passed.length, 1, "what is known is treated");
  assert.match(passed[0]!, /^<email:random:/);
});

test("an agent that stops rejects what the vault has not taken", async (t) => {
  const { vault } = await roles();
  const { consume, processor, root, settings, next } = await vaultTokenizer(t, { vault });
  await rm(join(root, "tokenize", "vault.sqlite"));
  const consumed = consume([anna]);
  const rejected = assert.rejects(consumed, { code: "pipeline.shutting_down" });
  await waitUntil("the vault is missed", () => settings.statuses.at(-1)?.status === "degraded");
  assert.equal(next.records.length, 1, "a keyed token needs no vault to be handed on");
  await processor.shutdown(AbortSignal.abort());
  await rejected;
});

test("a lost vault is not begun anew", async (t) => {
  const { vault } = await roles();
  const first = await vaultTokenizer(t, { vault });
  await first.treat(anna);
  await first.processor.shutdown(AbortSignal.abort());
  await rm(join(first.root, "tokenize", "vault.sqlite"));
  const second = await vaultTokenizer(t, { ...first, vault, isStarted: false });
  await assert.rejects(second.processor.start(), { code: "vault.lost" });
});

test("another vault, and one that others can read, are refused", async (t) => {
  const { vault } = await roles();
  const first = await vaultTokenizer(t, { vault });
  const other = await vaultTokenizer(t, { vault });
  for (const { processor } of [first, other]) await processor.shutdown(AbortSignal.abort());
  const path = (root: string) => join(root, "tokenize", "vault.sqlite");
  await chmod(path(first.root), 0o644);
  const again = () => vaultTokenizer(t, { ...first, vault, isStarted: false });
  await assert.rejects((await again()).processor.start(), { code: "storage.insecure" });
  await rename(path(other.root), path(first.root));
  await assert.rejects((await again()).processor.start(), { code: "vault.foreign" });
});

test("rows whose time is over are gone, and what is still seen lives on", async (t) => {
  const { support, vault } = await roles();
  const clock = new FakeClock(MADE_MS);
  const { treat, root } = await vaultTokenizer(t, { vault, clock });
  const [annas, berts] = await treat(anna, bert);
  clock.advance(YEAR_MS / 2);
  assert.deepEqual(await treat(anna), [annas]);
  clock.advance(YEAR_MS / 2 + 1);
  const opened = await vaultAt(t, root);
  const nowMs = clock.nowMs();
  assert.deepEqual(await reveal(opened, annas!, support.identity, nowMs), [anna.value]);
  assert.deepEqual(await reveal(opened, berts!, support.identity, nowMs), []);
  await waitUntil("the row is removed", async () => {
    clock.advance(10_000);
    return (await opened.find(berts!, 0)).length === 0;
  });
  assert.equal((await opened.find(annas!, 0)).length, 1);
});

test("a vault's settings that do not fit are refused with their place", async (t) => {
  const { vault } = await roles();
  const refused = async (given: object, entities: object, place: string) => {
    await assert.rejects(vaultTokenizer(t, { vault: given, entities }), (error: Error) => {
      assert.ok(error.message.includes(place), error.message);
      return true;
    });
  };
  await refused({ driver: "postgres" }, {}, "driver is postgres");
  await refused({ url: "postgres://x/y" }, {}, "is for the driver postgres");
  await refused({ ...vault, ttl: "10m" }, {}, "at least 1h");
  await refused({}, ENCRYPT, "no role of the vault");
  await refused(vault, { email: { mode: "random", keep_last: 4 } }, "keep_last");
});
