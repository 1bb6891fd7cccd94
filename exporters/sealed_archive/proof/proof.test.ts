/** Proofs of single records: what they prove, and that nothing changed proves anything. */
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import type { AgentError } from "../../../src/component/errors.ts";
import { temporaryDirectory, testSettings } from "../../../src/testing/test_settings.ts";
import { encodeSigningKey, parseSigningKey, parseVerifier } from "../format/note.ts";
import {
  allIdentities,
  auditIdentities,
  close,
  divided,
  identities,
  numbered,
  openTestArchive,
  TWO_ZONES,
  testConfig,
} from "../testing.ts";
import type { ProvenRecord } from "./check_proof.ts";
import { checkProof } from "./check_proof.ts";
import { proveRecord } from "./prove_record.ts";

async function makeArchive(t: TestContext) {
  const archive = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const exporter = await openTestArchive(t, testConfig(archive, TWO_ZONES), settings);
  await exporter.consumeLogs(divided(numbered(0, 45), (number) => number % 3 === 0));
  await close(exporter);
  return { archive, verifier: parseVerifier(await readFile(join(archive, "log.vkey"), "utf8")) };
}

function proven(checked: ReturnType<typeof checkProof>): ProvenRecord {
  assert.ok(!("problem" in checked), "problem" in checked ? checked.problem : "");
  return checked;
}

test("a proof says the record's place, and the record when it is disclosed", async (t) => {
  const { archive, verifier } = await makeArchive(t);
  for (const [zone, sequence, body] of [
    ["default", 0, "line 1"],
    ["default", 29, "line 44"],
    ["audit", 14, "line 42"],
  ] as const) {
    const options = { archive, zone, sequence, disclose: false };
    const block = proven(checkProof(await proveRecord(options), verifier));
    assert.equal(block.entry.zone, zone);
    assert.deepEqual([block.sequence, block.record], [undefined, undefined]);
    const mine = { ...options, identities: allIdentities() };
    const hidden = proven(checkProof(await proveRecord(mine), verifier));
    assert.deepEqual([hidden.sequence, hidden.record], [sequence, undefined]);
    const disclosed = proven(checkProof(await proveRecord({ ...mine, disclose: true }), verifier));
    assert.equal(disclosed.sequence, sequence);
    assert.equal(disclosed.record?.body, body);
    assert.equal(disclosed.index, block.index);
  }
});

test("a proof with any character changed proves nothing else", async (t) => {
  const { archive, verifier } = await makeArchive(t);
  const options = { archive, zone: "default", sequence: 17, disclose: true };
  const proof = await proveRecord({ ...options, identities: identities() });
  const before = proven(checkProof(proof, verifier));
  fc.assert(
    fc.property(fc.nat(proof.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
      const changed = proof.slice(0, at) + String.fromCharCode(code) + proof.slice(at + 1);
      fc.pre(changed !== proof);
      const checked = checkProof(changed, verifier);
      if ("problem" in checked) return;
      // It stood in the signature of an epoch key, which is another's to check.
      assert.deepEqual({ ...proven(checked), note: "" }, { ...before, note: "" }, `at ${at}`);
    }),
    { numRuns: 500 },
  );
});

test("a proof of another log or by another key is refused", async (t) => {
  const { archive, verifier } = await makeArchive(t);
  const proof = await proveRecord({ archive, zone: "audit", sequence: 3, disclose: false });
  for (const name of [verifier.name, "example.com/other"]) {
    const other = parseSigningKey(encodeSigningKey(name, Buffer.alloc(32, 7))).verifier;
    const checked = checkProof(proof, other);
    assert.match("problem" in checked ? checked.problem : "", /is unsigned/);
  }
});

test("nothing is proven of a changed archive, a missing record or an unreadable one", async (t) => {
  const { archive, verifier } = await makeArchive(t);
  const options = { verifier, zone: "default", sequence: 17, disclose: false };
  const refuses = (changes: object, code: string) =>
    assert.rejects(proveRecord({ archive, ...options, ...changes }), { code });
  await refuses({ sequence: 30 }, "archive.unreadable");
  await refuses({ zone: "nowhere" }, "archive.unreadable");
  await refuses({ identities: auditIdentities() }, "archive.wrong_identity");
  await refuses({ archive: join(archive, "log") }, "archive.unreadable");
  const size = Number((await readFile(join(archive, "log/checkpoint"), "utf8")).split("\n")[1]);
  for (const [path, needsIdentity] of [
    [`log/tile/entries/000.p/${size}`, false],
    [`log/tile/0/000.p/${size}`, false],
    ["log/checkpoint", false],
    ["blocks/default/00000001.blk", true],
  ] as const) {
    const copy = `${archive}-${path.replaceAll("/", "-")}`;
    await cp(archive, copy, { recursive: true });
    const bytes = await readFile(join(copy, path));
    for (let at = 40; at < bytes.length; at += 50) bytes[at]! ^= 1;
    await writeFile(join(copy, path), bytes);
    const changes = needsIdentity ? { identities: identities() } : {};
    // A changed character of a checkpoint may be none of base64, and then it is no checkpoint.
    const codes = path === "log/checkpoint" ? ["archive.unreadable"] : [];
    await assert.rejects(
      proveRecord({ archive: copy, ...options, ...changes }),
      ({ code }: AgentError) => ["archive.tampered", ...codes].includes(code),
    );
  }
});
