/** A witness over HTTP: the answers of c2sp.org/tlog-witness, and one history for each log. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemClock } from "../../../src/lib/system_clock.ts";
import { temporaryDirectory } from "../../../src/testing/test_settings.ts";
import { formatCheckpoint } from "../format/checkpoint.ts";
import { COSIGNING_KEY, openCosignature, parseCosigningKey } from "../format/cosignature.ts";
import { hashLeaf, sha256, treeRoot } from "../format/merkle.ts";
import { encodeSigningKey, parseSigningKey, signNote } from "../format/note.ts";
import { consistencySpans } from "../format/tree_proof.ts";
import { Witness } from "./witness.ts";
import { serveWitness } from "./witness_server.ts";

const NAME = "witness.example";
const SIGNER = parseCosigningKey(encodeSigningKey(NAME, Buffer.alloc(32, 1), COSIGNING_KEY));
const LOG = parseSigningKey(encodeSigningKey("example.com/log", Buffer.alloc(32, 2)));
const THIEF = parseSigningKey(encodeSigningKey("example.com/log", Buffer.alloc(32, 3)));

const leaves = (count: number, of = "entry"): Buffer[] =>
  Array.from({ length: count }, (_, index) => hashLeaf(Buffer.from(`${of} ${index}`)));

function note(size: number, of = "entry", signer = LOG): string {
  const { name: origin } = signer.verifier;
  return signNote(formatCheckpoint({ origin, size, root: treeRoot(leaves(size, of)) }), signer);
}

function requestOf(oldSize: number, size: number, of = "entry"): string {
  const spans = oldSize > size ? [] : consistencySpans(oldSize, size);
  const hashes = spans.map(({ from, to }) => treeRoot(leaves(size, of).slice(from, to)));
  const lines = [`old ${oldSize}`, ...hashes.map((hash) => hash.toString("base64"))];
  return `${lines.join("\n")}\n\n${note(size, of)}`;
}

async function startWitness(t: TestContext, directory?: string) {
  const folder = directory ?? (await temporaryDirectory(t));
  const options = { directory: folder, signer: SIGNER, logs: [LOG.verifier], clock: systemClock };
  const errors: unknown[] = [];
  const address = { host: "127.0.0.1", port: 0 };
  const server = await serveWitness(new Witness(options), address, (error) => errors.push(error));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.port}`;
  const add = async (body: string) => {
    const response = await fetch(`${url}/add-checkpoint`, { method: "POST", body });
    const type = response.headers.get("content-type");
    return { status: response.status, type, text: await response.text() };
  };
  return { folder, url, add, errors };
}

test("a checkpoint that continues the log is cosigned, with the time", async (t) => {
  const { url, add } = await startWitness(t);
  const hash = sha256(Buffer.from("example.com/log")).toString("hex");
  assert.equal((await fetch(`${url}/${hash}/checkpoint`)).status, 404);
  for (const [oldSize, size] of [
    [0, 3],
    [3, 3],
    [3, 8],
    [8, 300],
  ] as const) {
    const { status, text } = await add(requestOf(oldSize, size));
    assert.equal(status, 200, text);
    const opened = openCosignature(note(size) + text, SIGNER.verifier);
    assert.ok(opened.status === "valid" && opened.timeS > 1_700_000_000);
    const latest = await (await fetch(`${url}/${hash}/checkpoint`)).text();
    assert.equal(latest, note(size) + text);
  }
});

test("every other request has the answer that the specification says", async (t) => {
  const { url, add } = await startWitness(t);
  assert.equal((await add(requestOf(0, 5))).status, 200);
  const conflict = await add(requestOf(0, 8));
  assert.deepEqual(conflict, { status: 409, type: "text/x.tlog.size", text: "5\n" });
  const wrongProof = requestOf(5, 8).replace(/\n[^\n]*\n\n/, `\n${"A".repeat(43)}=\n\n`);
  for (const [body, status] of [
    ["", 400],
    ["old 5\n", 400],
    [requestOf(5, 8).replace("old 5", "old 05"), 400],
    [requestOf(8, 5), 400],
    [requestOf(5, 8).replaceAll("example.com/log", "example.com/other"), 404],
    [`old 5\n\n${note(5, "entry", THIEF)}`, 403],
    [requestOf(5, 8).replace("\n8\n", "\n9\n"), 403],
    [wrongProof, 422],
    [requestOf(5, 8, "another entry"), 422],
    [requestOf(5, 5, "another entry"), 422],
    ["x".repeat(70_000), 413],
  ] as const) {
    assert.equal((await add(body)).status, status, body.slice(0, 80));
  }
  assert.equal((await fetch(`${url}/add-checkpoint`)).status, 405);
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
  assert.equal((await add(requestOf(5, 8))).status, 200, "nothing of this changed what it knows");
});

test("of requests at once one wins, and a restart forgets nothing", async (t) => {
  const first = await startWitness(t);
  const answers = await Promise.all([6, 7, 8, 9].map((size) => first.add(requestOf(0, size))));
  assert.deepEqual(
    answers.map(({ status }) => status).sort((one, other) => one - other),
    [200, 409, 409, 409],
  );
  const won = Number(answers.find(({ status }) => status === 409)!.text);
  const again = await startWitness(t, first.folder);
  assert.equal((await again.add(requestOf(0, 20))).text, `${won}\n`);
  assert.equal((await again.add(requestOf(won, 20))).status, 200);
});

test("a record that was changed is no fresh start", async (t) => {
  const { folder, add, errors } = await startWitness(t);
  assert.equal((await add(requestOf(0, 5))).status, 200);
  const [name] = await readdir(folder);
  await writeFile(join(folder, name!), note(3));
  for (const oldSize of [0, 3, 5]) assert.equal((await add(requestOf(oldSize, 8))).status, 500);
  assert.match(String(errors[0]), /is not what this witness wrote/);
});
