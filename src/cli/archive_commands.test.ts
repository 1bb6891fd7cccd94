/** `verify`, `read` and `keys` as a user calls them: the real program, its words and exit codes. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import {
  AUDIT_IDENTITY,
  close,
  divided,
  IDENTITY,
  numbered,
  openTestArchive,
  RECIPIENT,
  TWO_ZONES,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { LogRecord } from "../data/log_record.ts";
import { Resource } from "../data/resource.ts";
import { temporaryDirectory, testSettings } from "../testing/test_settings.ts";

const NOT_RECORDED =
  "this reading is not recorded in the archive: that takes -c FILE on its host\n";
const MAIN = resolve(import.meta.dirname, "../main.ts");

function vouchsafe(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

async function makeArchive(t: TestContext, records = 50) {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const identity = join(root, "identity.txt");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const exporter = await openTestArchive(t, testConfig(archive), settings);
  await exporter.consumeLogs(numbered(0, records));
  await exporter.consumeLogs({
    records: [
      new LogRecord({
        hrTime: [1_800_000_000, 5],
        severityText: "WARN",
        body: { user: "a", raw: Uint8Array.of(1, 2), big: 2n ** 60n },
        attributes: { "http.response.status_code": 500 },
        resource: new Resource({ "service.name": "shop" }),
      }),
    ],
  });
  await close(exporter);
  await writeFile(identity, `# created by a test\n\n${IDENTITY}\n`);
  return { root, archive, identity };
}

test("verify says whole with 0, tampered with 1 and its place, unchecked with 2", async (t) => {
  const { root, archive, identity } = await makeArchive(t);
  const whole = vouchsafe("verify", archive, "-i", identity);
  assert.equal(whole.status, 0, whole.stderr);
  assert.match(whole.stdout, /example.com\/test: whole, 51 records in 6 blocks/);
  assert.match(whole.stdout, /key was taken from the archive itself/);
  const vkey = (await readFile(join(archive, "log.vkey"), "utf8")).trim();
  const pinned = vouchsafe("verify", archive, "--vkey", vkey, "--json");
  assert.equal(pinned.status, 0);
  assert.equal(JSON.parse(pinned.stdout).key_from, "argument");
  const kept = join(root, "kept.cp");
  await cp(join(archive, "log/checkpoint"), kept);
  assert.equal(vouchsafe("verify", archive, "--checkpoint", kept).status, 0);

  const policy = join(root, "policy.txt");
  await writeFile(policy, `log ${vkey}\nquorum none\n`);
  const judged = vouchsafe("verify", archive, "--policy", policy, "--json");
  assert.equal(JSON.parse(judged.stdout).key_from, "argument", judged.stderr);
  await writeFile(policy, "quorum two\n");
  const unjudged = vouchsafe("verify", archive, "--policy", policy);
  assert.match(
    unjudged.stderr,
    /^could not check: archive.policy_invalid: line 1 of the policy: two/,
  );

  const segment = join(archive, "blocks/default/00000001.blk");
  const bytes = await readFile(segment);
  bytes[1000]! ^= 1;
  await writeFile(segment, bytes);
  const tampered = vouchsafe("verify", archive, "-i", identity);
  assert.equal(tampered.status, 1);
  assert.match(tampered.stdout, /^TAMPERED {2}blocks\/default\/00000001.blk, entry \d+, byte \d+/);
  const { status, findings } = JSON.parse(vouchsafe("verify", archive, "--json").stdout);
  assert.equal(status, "tampered");
  assert.equal(findings[0].segment, "00000001");

  for (const words of [
    [join(root, "nowhere")],
    [root],
    [archive, "--vkey", join(root, "nowhere")],
    [archive, "-i", join(root, "nowhere")],
  ]) {
    const unchecked = vouchsafe("verify", ...words);
    assert.equal(unchecked.status, 2, unchecked.stdout);
    assert.match(unchecked.stderr, /^could not check: archive\./);
  }
  assert.equal(vouchsafe("verify").status, 64);
});

test("what is no regular file is named, and is never waited for", async (t) => {
  const { archive, identity } = await makeArchive(t);
  const segment = join(archive, "blocks/default/00000001.blk");
  await rm(segment);
  for (const make of [() => spawnSync("mkfifo", [segment]), () => mkdir(segment)]) {
    await make();
    const { status, stdout } = vouchsafe("verify", archive, "-i", identity);
    assert.equal(status, 1);
    assert.match(stdout, /^TAMPERED {2}blocks\/default\/00000001.blk, entry 1: the segment is/);
    await rm(segment, { recursive: true });
  }
  const checkpoint = join(archive, "log/checkpoint");
  await rm(checkpoint);
  spawnSync("mkfifo", [checkpoint]);
  assert.equal(vouchsafe("verify", archive).status, 2);
});

test("read prints a record a line, flat or as OTLP, of the times asked for", async (t) => {
  const { archive, identity } = await makeArchive(t);
  const all = vouchsafe("read", archive, "-i", identity);
  assert.equal(all.status, 0, all.stderr);
  const lines = all.stdout.trim().split("\n");
  assert.equal(lines.length, 51);
  assert.deepEqual(JSON.parse(lines[3]!), {
    time: "2023-11-14T22:13:23.000000000Z",
    body: "line 3",
    zone: "default",
    seq: 3,
  });
  assert.deepEqual(JSON.parse(lines[50]!), {
    time: "2027-01-15T08:00:00.000000005Z",
    severity: "WARN",
    body: { user: "a", raw: "AQI=", big: "1152921504606846976" },
    attributes: { "http.response.status_code": 500 },
    resource: { "service.name": "shop" },
    zone: "default",
    seq: 50,
  });
  const since = ["--since", "2023-11-14T22:13:30Z", "--until", "2023-11-14T22:13:32+00:00"];
  const some = vouchsafe("read", archive, "-i", identity, ...since, "--format", "otlp_json");
  const bodies = some.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue);
  assert.deepEqual(bodies, ["line 10", "line 11"]);
  const noZone = vouchsafe("read", archive, "-i", identity, "--zone", "other");
  assert.deepEqual([noZone.status, noZone.stdout], [1, ""]);
  assert.match(noZone.stderr, /no zone 'other', only default/);
  assert.equal(vouchsafe("read", archive, "-i", identity, "--since", "2026-02-31").status, 64);
  assert.equal(vouchsafe("read", archive, "-i", identity, "--since", "yesterday").status, 64);
});

test("read refuses another identity and a block that was changed", async (t) => {
  const { root, archive, identity } = await makeArchive(t);
  const other = join(root, "other.txt");
  assert.equal(vouchsafe("keys", "generate", "identity", "-o", other).status, 0);
  const refused = vouchsafe("read", archive, "-i", other);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /archive.wrong_identity/);
  assert.equal(refused.stdout, "");
  const segment = join(archive, "blocks/default/00000001.blk");
  const bytes = await readFile(segment);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(segment, bytes);
  const tampered = vouchsafe("read", archive, "-i", identity);
  assert.equal(tampered.status, 1);
  assert.match(tampered.stderr, /archive.tampered: blocks\/default\/00000001.blk, entry \d+/);
  assert.equal(tampered.stdout.trim().split("\n").length, 50);
});

test("read and verify say which zones an identity does not open", async (t) => {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const identity = join(root, "identity.txt");
  await writeFile(identity, `${AUDIT_IDENTITY}\n`);
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const exporter = await openTestArchive(t, testConfig(archive, TWO_ZONES), settings);
  await exporter.consumeLogs(divided(numbered(0, 20), (number) => number < 5));
  await close(exporter);
  const read = vouchsafe("read", archive, "-i", identity);
  assert.equal(read.status, 0, read.stderr);
  const lines = read.stdout.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).zone),
    Array(5).fill("audit"),
  );
  const unread = "not read, sealed for other recipients: zone default (2 blocks)\n";
  assert.equal(read.stderr, `${NOT_RECORDED}${unread}`);
  const verified = vouchsafe("verify", archive, "-i", identity);
  assert.equal(verified.status, 0, verified.stdout);
  assert.match(verified.stdout, /Sealed for other recipients: default \(2 blocks\)/);
  const refused = vouchsafe("read", archive, "-i", identity, "--zone", "default");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /archive.wrong_identity/);
});

test("read ends quietly when its reader has seen enough", async (t) => {
  const { archive, identity } = await makeArchive(t, 20_000);
  const child = spawn("sh", [
    "-c",
    `${process.execPath} ${MAIN} read ${archive} -i ${identity} | head -n 1; echo done`,
  ]);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  await once(child, "close");
  assert.equal(errors, NOT_RECORDED);
  assert.match(output, /"line 0".*\ndone\n$/);
});

test("keys makes private files, shows their public part and never overwrites", async (t) => {
  const root = await temporaryDirectory(t);
  const [identity, log, chain] = ["identity.txt", "log.key", "chain.key"].map((name) =>
    join(root, name),
  ) as [string, string, string];
  const recipient = vouchsafe("keys", "generate", "identity", "-o", identity).stdout.trim();
  assert.match(recipient, /^age1[a-z0-9]{58}$/);
  assert.equal(vouchsafe("keys", "show", identity).stdout.trim(), recipient);
  const age = spawnSync("age-keygen", ["-y", identity], { encoding: "utf8" });
  if (age.error === undefined) assert.equal(age.stdout.trim(), recipient);
  const vkey = vouchsafe("keys", "generate", "log", "-o", log, "--origin", "a/b").stdout.trim();
  assert.match(vkey, /^a\/b\+[0-9a-f]{8}\+/);
  assert.equal(vouchsafe("keys", "show", log).stdout.trim(), vkey);
  assert.equal(vouchsafe("keys", "generate", "chain", "-o", chain).status, 0);
  assert.equal(vouchsafe("keys", "generate", "token", "-d", join(root, "keys")).status, 0);
  for (const path of [identity, log, chain]) {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const before = await readFile(path);
    const kind = path === identity ? "identity" : path === log ? "log" : "chain";
    const again = vouchsafe("keys", "generate", kind, "-o", path, "--origin", "a/b");
    assert.equal(again.status, 1);
    assert.ok((await readFile(path)).equals(before));
  }
  assert.equal(vouchsafe("keys", "generate", "log", "-o", log).status, 64);
  assert.equal(vouchsafe("keys", "generate", "nothing").status, 64);
});

test("a log key of one's own is used, when only its owner can read it", async (t) => {
  const root = await temporaryDirectory(t);
  const key = join(root, "own.key");
  const made = vouchsafe("keys", "generate", "log", "-o", key, "--origin", "example.com/test");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const config = testConfig(join(root, "archive"), { signing_key_file: key });
  const archive = await openTestArchive(t, config, settings);
  await archive.consumeLogs(numbered(0, 5));
  await close(archive);
  const pinned = vouchsafe("verify", join(root, "archive"), "--vkey", made.stdout.trim());
  assert.equal(pinned.status, 0, pinned.stdout);
  await chmod(key, 0o640);
  await assert.rejects(openTestArchive(t, config, settings), /other users may read/);
});

test("keys lists, rotates and destroys token keys, never the active one", async (t) => {
  const directory = join(await temporaryDirectory(t), "keys");
  assert.equal(vouchsafe("keys", "rotate", "-d", directory).status, 0);
  const [first] = /^k\d{8}a/.exec(vouchsafe("keys", "list", "-d", directory).stdout)!;
  const refused = vouchsafe("keys", "destroy", first, "-d", directory);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /tokenize\.key_in_use.*keys rotate/);
  vouchsafe("keys", "rotate", "-d", directory);
  assert.equal(vouchsafe("keys", "destroy", first, "-d", directory).status, 0);
  const { stdout } = vouchsafe("keys", "list", "-d", directory);
  assert.match(stdout, /^k\d{8}a +\d{4}-\d\d-\d\d +destroyed\nk\d{8}b +\S+ +active\n$/);
  assert.equal(vouchsafe("keys", "destroy", "-d", directory).status, 64);
});

test("read records who reads what and why, and verify says so", async (t) => {
  const { root, archive, identity } = await makeArchive(t);
  const config = join(root, "agent.yaml");
  const state = join(root, "state");
  await mkdir(state);
  await rename(join(root, "sealed_archive/own"), join(state, "sealed_archive"));
  const pipelines = "logs: { receivers: [otlp], exporters: [sealed_archive] }";
  const lines = [
    "receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }",
    `exporters: { sealed_archive: { directory: ${archive}, origin: example.com/test,`,
    `  recipients: [${RECIPIENT}] } }`,
    `service: { state_directory: ${state}, pipelines: { ${pipelines} } }`,
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const words = ["read", archive, "-i", identity, "-c", config, "--zone", "default"];
  assert.equal(vouchsafe(...words).status, 64, "a reason is needed");
  const read = vouchsafe(...words, "--reason", "ticket 17", "--who", "ada", "--role", "auditor");
  assert.equal(read.status, 0, read.stderr);
  assert.equal(read.stdout.trim().split("\n").length, 51);
  assert.doesNotMatch(read.stderr, /not recorded/);
  const { status, stdout } = vouchsafe("verify", archive);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /entry \d+, \S+: ada \(auditor\) reads zone default: ticket 17/);
  const [statement] = JSON.parse(vouchsafe("verify", archive, "--json").stdout).statements;
  assert.equal(statement.reason, "ticket 17");
  const offline = vouchsafe("read", archive, "-i", identity);
  assert.match(offline.stderr, /this reading is not recorded in the archive/);
  const elsewhere = vouchsafe("read", root, ...words.slice(2), "--reason", "x");
  assert.equal(elsewhere.status, 64);
  assert.match(elsewhere.stderr, /no sealed_archive of the configuration writes to/);
});

test("an archive that goes on from another is verified together with it", async (t) => {
  const { root, archive } = await makeArchive(t);
  const next = join(root, "next");
  const settings = await testSettings(t, { type: "sealed_archive", name: "2027" });
  const changes = { origin: "example.com/2027", continues: archive };
  const exporter = await openTestArchive(t, testConfig(next, changes), settings);
  await exporter.consumeLogs(numbered(0, 3));
  await close(exporter);
  const { status, stdout } = vouchsafe("verify", next, "--previous", archive);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /It goes on from example.com\/test of 7 entries/);
  assert.equal(vouchsafe("verify", archive, "--previous", next).status, 2);
  await writeFile(join(archive, "blocks/default/00000001.blk"), "x");
  const broken = vouchsafe("verify", next, "--previous", archive);
  assert.equal(broken.status, 1);
  assert.match(broken.stdout, /TAMPERED .*in \S+archive: /);
});
