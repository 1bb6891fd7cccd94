/** An archive and real witnesses: anchors appear, a silent one harms nothing, a rollback shows. */
import assert from "node:assert/strict";
import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../../src/testing/test_settings.ts";
import { waitUntil } from "../../../src/testing/wait_until.ts";
import { COSIGNING_KEY, parseCosigningKey } from "../format/cosignature.ts";
import { encodeSigningKey } from "../format/note.ts";
import { judgeNote, parsePolicy } from "../format/policy.ts";
import { checkProof } from "../proof/check_proof.ts";
import { proveRecord } from "../proof/prove_record.ts";
import { LogFiles } from "../reader/log_files.ts";
import { verifyArchive } from "../reader/verify_archive.ts";
import { close, numbered, openTestArchive, testConfig } from "../testing.ts";
import { anchorSizes } from "./anchor_files.ts";
import { Witness } from "./witness.ts";
import { WitnessClient } from "./witness_client.ts";
import { serveWitness } from "./witness_server.ts";

const HOST = "127.0.0.1";
const key = (name: string, seed: number) =>
  parseCosigningKey(encodeSigningKey(name, Buffer.alloc(32, seed), COSIGNING_KEY));
const [A, B] = [key("a.example", 1), key("b.example", 2)];

test("witnesses cosign what is published, and contradict what was put back", async (t) => {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const first = await openTestArchive(t, testConfig(archive), settings);
  await first.consumeLogs(numbered(0, 10));
  await close(first);
  const log = await new LogFiles(archive).readVerifier();
  const options = { signer: A, logs: [log], clock: systemClock };
  const witness = new Witness({ ...options, directory: await temporaryDirectory(t) });
  const server = await serveWitness(witness, { host: HOST, port: 0 }, assert.ifError);
  t.after(() => server.close());
  const silent = await serveWitness(witness, { host: HOST, port: 0 }, assert.ifError);
  await silent.close();
  const witnesses = [
    { url: `http://${HOST}:${server.port}/`, vkey: A.verifier.vkey },
    { url: `http://${HOST}:${silent.port}`, vkey: B.verifier.vkey },
  ];

  const config = testConfig(archive, { witnesses, witness_interval: "20ms" });
  const second = await openTestArchive(t, config, settings);
  await waitUntil("an anchor", async () => (await anchorSizes(archive)).length > 0);
  const older = join(root, "older");
  await cp(archive, older, { recursive: true });
  const [before] = await anchorSizes(archive);
  await second.consumeLogs(numbered(10, 40));
  await waitUntil(
    "a newer anchor",
    async () => ((await anchorSizes(archive)).at(-1) ?? 0) > before! + 2,
  );
  await close(second);

  const policy = parsePolicy(`witness a ${A.verifier.vkey}\nquorum a\n`);
  const rule = { policy, ageMaxMs: 60_000 };
  const result = await verifyArchive({ archive, witnesses: rule, clock: systemClock });
  assert.deepEqual(result.findings, []);
  assert.deepEqual(result.witnessed?.witnesses, ["a"]);
  assert.equal((await readdir(join(archive, "anchors"))).length <= 2, true, "one for each hour");

  const proof = await proveRecord({ archive, zone: "default", sequence: 3, disclose: false });
  const proven = checkProof(proof, log);
  assert.ok(!("problem" in proven));
  assert.deepEqual(judgeNote(policy, proven.note).witnesses, ["a"]);

  // The older archive is whole, also with its anchor; the witness knows better.
  await rm(archive, { recursive: true });
  const client = new WitnessClient({
    files: new LogFiles(older),
    log,
    witnesses: [{ url: `http://${HOST}:${server.port}`, verifier: A.verifier }],
    timeoutMs: 5000,
    clock: systemClock,
  });
  const outcome = (await client.round()).get("a.example");
  assert.equal(outcome?.status, "contradicted");
  assert.match(outcome.reason, /it has seen \d+ entries of this log, which has \d+/);
});
