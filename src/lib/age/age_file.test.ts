import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { temporaryDirectory } from "../../testing/test_settings.ts";
import { systemRandom } from "../system_clock.ts";
import { encryptAgeFile, parseAgeRecipient } from "./age_file.ts";
import { decodeBech32 } from "./bech32.ts";

const SIZES = [0, 1, 1000, 65_535, 65_536, 65_537, 131_072, 200_000];
const identities = [await generateX25519Identity(), await generateX25519Identity()];
const recipients = await Promise.all(
  identities.map(async (identity) => parseAgeRecipient(await identityToRecipient(identity))!),
);

test("writes files that the age library opens, for each recipient and any size", async () => {
  for (const size of SIZES) {
    const plaintext = randomBytes(size);
    const file = encryptAgeFile(plaintext, recipients, systemRandom);
    const chunks = Math.max(1, Math.ceil(size / 65_536));
    assert.equal(file.length, 70 + 2 * 98 + 16 + 16 * chunks + size);
    for (const identity of identities) {
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      assert.deepEqual(Buffer.from(await decrypter.decrypt(file)), plaintext);
    }
  }
});

test("writes files that nobody else opens, and never the same twice", async () => {
  const file = encryptAgeFile(Buffer.from("x"), recipients.slice(0, 1), systemRandom);
  assert.notDeepEqual(file, encryptAgeFile(Buffer.from("x"), recipients.slice(0, 1), systemRandom));
  const stranger = new Decrypter();
  stranger.addIdentity(identities[1]!);
  await assert.rejects(stranger.decrypt(file), /no identity matched/);
});

test("writes files that the age command opens", async (t) => {
  if (spawnSync("age", ["--version"]).error !== undefined) {
    assert.equal(process.env.REQUIRE_TOOLS, undefined, "age is required");
    return t.skip("the age command is not installed");
  }
  const directory = await temporaryDirectory(t);
  const key = join(directory, "identity.txt");
  await writeFile(key, `${identities[1]}\n`, { mode: 0o600 });
  for (const size of SIZES) {
    const plaintext = randomBytes(size);
    const input = encryptAgeFile(plaintext, recipients, systemRandom);
    const result = spawnSync("age", ["-d", "-i", key], { input, maxBuffer: 1e7 });
    assert.equal(result.status, 0, result.stderr.toString());
    assert.ok(result.stdout.equals(plaintext));
  }
});

test("takes native X25519 recipients only, with their check sum", () => {
  const text = recipients[0]!.text;
  assert.ok(parseAgeRecipient(text.toUpperCase()));
  for (const wrong of [
    "",
    "age1",
    text.slice(0, -1),
    `${text}q`,
    text.replace(/.$/, (last) => (last === "q" ? "p" : "q")),
    text.replace("age1", "AGE1"),
    identities[0]!,
    `age1pq1${text.slice(4)}`,
  ]) {
    assert.equal(parseAgeRecipient(wrong), undefined, wrong.slice(0, 8));
  }
});

test("reads the Bech32 vectors of BIP 173", () => {
  for (const valid of [
    "A12UEL5L",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
  ]) {
    assert.ok(decodeBech32(valid), valid);
  }
  for (const wrong of ["pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A1G7SGD8"]) {
    assert.equal(decodeBech32(wrong), undefined, wrong);
  }
});
