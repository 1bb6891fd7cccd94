/** Copies of the archive in a real S3 server with versions and Object Lock. */
import assert from "node:assert/strict";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { WantedLock } from "../../exporters/sealed_archive/copies/bucket.ts";
import { Bucket } from "../../exporters/sealed_archive/copies/bucket.ts";
import { copyNew } from "../../exporters/sealed_archive/copies/copier.ts";
import {
  encodeSigningKey,
  parseSigningKey,
  signNote,
} from "../../exporters/sealed_archive/format/note.ts";
import { formatOrder } from "../../exporters/sealed_archive/format/redaction_order.ts";
import { redact } from "../../exporters/sealed_archive/redact.ts";
import {
  close,
  IDENTITY,
  identities,
  numbered,
  ORIGIN,
  openTestArchive,
  readNumbers,
  TWO_ZONES,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { AgentError } from "../../src/component/errors.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { runVouchsafe } from "../support/agent.ts";
import { skipWithout } from "../support/tools.ts";
import { CREDENTIALS, startVersitygw } from "../support/versitygw.ts";

const options = { skip: skipWithout("versitygw") };
const BUCKET = "archives";
const HOUR_MS = 3_600_000;

process.env.AWS_ACCESS_KEY_ID = CREDENTIALS.accessKeyId;
process.env.AWS_SECRET_ACCESS_KEY = CREDENTIALS.secretAccessKey;
process.env.AWS_REGION = "us-east-1";

async function place(t: TestContext, hasLocks = true) {
  const server = await startVersitygw(t);
  const create = { Bucket: BUCKET, ObjectLockEnabledForBucket: hasLocks };
  await server.client.send(new CreateBucketCommand(create));
  const root = await temporaryDirectory(t);
  const directory = join(root, "archive");
  const settings = await testSettings(t, { kind: "exporter", type: "sealed_archive" });
  const copy = { bucket: BUCKET, endpoint: server.endpoint, interval: "1s" };
  const bucket = await Bucket.open({
    ...{ bucket: BUCKET, prefix: ORIGIN, endpoint: server.endpoint },
  });
  t.after(() => bucket.close());
  const stateDirectory = await settings.stateDirectory();
  return { server, root, directory, settings, stateDirectory, copy, bucket };
}

/** Enough that several segments of 64 KiB are closed. */
function manyRecords(from: number, to: number) {
  const noise = Buffer.alloc(1500);
  return {
    records: numbered(from, to).records.map((record, at) => {
      for (let index = 0; index < noise.length; index++) noise[index] = (index * 7919 * at) >> 3;
      return new LogRecord({
        ...record,
        body: record.body,
        attributes: { noise: noise.toString("hex") },
      });
    }),
  };
}

const SMALL = { segment: { max_bytes: "64KiB" }, block: { max_records: 20 } };

/** An archive at rest with closed segments. */
async function sealed(t: TestContext, at: Awaited<ReturnType<typeof place>>, records = 400) {
  const config = testConfig(at.directory, { ...SMALL, ...TWO_ZONES });
  const archive = await openTestArchive(t, config, at.settings);
  await archive.consumeLogs(manyRecords(0, records));
  await close(archive);
}

function wantedLock(): WantedLock {
  const untilMs = Date.now() + HOUR_MS;
  return { mode: "COMPLIANCE", untilMs, enoughMs: untilMs - HOUR_MS / 10, legalHold: false };
}

async function copyOnce(at: Awaited<ReturnType<typeof place>>, signal?: AbortSignal) {
  return copyNew({
    archive: at.directory,
    stateDirectory: at.stateDirectory,
    bucket: at.bucket,
    lock: wantedLock(),
    signal: signal ?? new AbortController().signal,
  });
}

function verifyCopy(t: TestContext, endpoint: string, ...more: string[]) {
  const words = ["verify", `s3://${BUCKET}/${ORIGIN}`, "--endpoint", endpoint, ...more];
  return runVouchsafe(t, words);
}

test("the agent copies, locks and checks; the bucket alone verifies", options, async (t) => {
  const at = await place(t);
  const lock = { mode: "compliance", retain: "1h", legal_hold: true };
  const more = { epoch_interval: "300ms", copy: { ...at.copy, lock } };
  const config = testConfig(at.directory, { ...SMALL, ...more });
  const archive = await openTestArchive(t, config, at.settings);
  await archive.consumeLogs(manyRecords(0, 400));
  const segments = join(at.directory, "blocks/default");
  const copied = async (): Promise<boolean> =>
    (await readFile(join(at.stateDirectory, "copied"), "utf8").catch(() => "")) !== "";
  await waitUntil("a copy", copied);
  const closedSegments =
    (await readdir(segments)).filter((name) => name.endsWith(".blk")).length - 1;
  assert.ok(closedSegments >= 2);
  const head = await at.server.client.send(
    new HeadObjectCommand({ Bucket: BUCKET, Key: `${ORIGIN}/blocks/default/00000001.blk` }),
  );
  assert.equal(head.ObjectLockMode, "COMPLIANCE");
  assert.equal(head.ObjectLockLegalHoldStatus, "ON");
  assert.ok(head.ObjectLockRetainUntilDate!.getTime() > Date.now() + HOUR_MS - 60_000);
  await close(archive);
  assert.equal(at.settings.statuses.at(-1)?.status, "stopped");
  assert.ok(at.settings.statuses.every(({ status }) => status !== "degraded"));

  const identity = join(at.root, "identity.txt");
  await writeFile(identity, `${IDENTITY}\n`, { mode: 0o600 });
  const into = join(at.root, "fetched");
  const vkey = join(at.directory, "log.vkey");
  const verified = await verifyCopy(
    t,
    at.server.endpoint,
    "--vkey",
    vkey,
    "-i",
    identity,
    "--into",
    into,
  );
  assert.equal(verified.code, 0, verified.stderr + verified.stdout);
  assert.match(verified.stdout, /^example\.com\/test: whole, .*\nCopy s3:\/\/archives\/example/m);
  assert.match(verified.stdout, /all locked, the first until \d{4}-/);
  assert.deepEqual(await readdir(into), ["blocks", "epochs", "log", "log.vkey"]);
  const evidence = join(at.root, "evidence");
  const from = [`s3://${BUCKET}/${ORIGIN}`, "--endpoint", at.server.endpoint];
  const report = await runVouchsafe(t, ["report", ...from, "-o", evidence]);
  assert.equal(report.code, 0, report.stderr);
  const { integrity } = JSON.parse(await readFile(join(evidence, "report.json"), "utf8"));
  assert.deepEqual([integrity.status, integrity.copy.unlocked], ["whole", 0]);
  const statement = await runVouchsafe(t, ["verify", at.directory, "--json"]);
  assert.equal(JSON.parse(statement.stdout).entries.copy >= 1, true);
});

test("what somebody did to the bucket is found, and what is locked is read", options, async (t) => {
  const at = await place(t);
  await sealed(t, at);
  const before = await readFile(join(at.directory, "log/checkpoint"));
  assert.ok(((await copyOnce(at))?.segments ?? 0) >= 2);
  const archive = await openTestArchive(t, testConfig(at.directory, SMALL), at.settings);
  await archive.consumeLogs(manyRecords(400, 500));
  await close(archive);
  assert.ok(((await copyOnce(at))?.segments ?? 0) >= 1);
  const clean = await verifyCopy(t, at.server.endpoint);
  assert.equal(clean.code, 0, clean.stdout);

  const { client } = at.server;
  const object = (key: string) => ({ Bucket: BUCKET, Key: `${ORIGIN}/${key}` });
  const segment = object("blocks/default/00000001.blk");
  const { VersionId: version } = await client.send(new HeadObjectCommand(segment));
  await assert.rejects(client.send(new DeleteObjectCommand({ ...segment, VersionId: version })), {
    name: "AccessDenied",
  });
  await client.send(new DeleteObjectCommand(segment));
  await client.send(new PutObjectCommand({ ...object("log/checkpoint"), Body: before }));
  await client.send(new PutObjectCommand({ ...object("log.vkey"), Body: "forged" }));
  await client.send(new PutObjectCommand({ ...object("checkpoints/999999"), Body: "forged" }));
  const { code, stdout } = await verifyCopy(t, at.server.endpoint, "--json");
  assert.equal(code, 1);
  const { findings } = JSON.parse(stdout) as { findings: { kind: string; file: string }[] };
  const places = findings.map(({ kind, file }) => `${kind} ${file}`).sort();
  const touched = ["blocks/default/00000001.blk", "log.vkey", "log/checkpoint"];
  assert.deepEqual(
    places,
    touched.map((file) => `copy ${file}`),
  );
});

test("an interrupted copy goes on, and sends nothing twice", options, async (t) => {
  const at = await place(t);
  await sealed(t, at);
  const stopping = new AbortController();
  const put = at.bucket.put.bind(at.bucket);
  let sent = 0;
  at.bucket.put = async (content, lock, signal) => {
    if (++sent === 6) stopping.abort();
    return put(content, lock, signal);
  };
  await assert.rejects(copyOnce(at, stopping.signal), AgentError);
  at.bucket.put = put;
  assert.ok((await copyOnce(at)) !== undefined);
  assert.equal(await copyOnce(at), undefined);
  const versions = await at.server.client.send(
    new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: ORIGIN }),
  );
  const keys = (versions.Versions ?? []).map(({ Key }) => Key);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal((await verifyCopy(t, at.server.endpoint)).code, 0);
});

test("sealing goes on while the bucket is away, and the copy follows", options, async (t) => {
  const at = await place(t);
  await at.server.stop();
  const config = testConfig(at.directory, { ...SMALL, copy: at.copy });
  const archive = await openTestArchive(t, config, at.settings);
  await archive.consumeLogs(numbered(0, 30));
  await waitUntil("the status says so", () => at.settings.statuses.at(-1)?.status === "degraded");
  assert.match(at.settings.statuses.at(-1)?.reason ?? "", /^copy failed: archive\.copy_failed/);
  await archive.consumeLogs(numbered(30, 60));
  await at.server.start();
  await waitUntil("the copy works again", () => at.settings.statuses.at(-1)?.status === "ok");
  await close(archive);
  assert.equal((await readNumbers(at.directory)).length, 60);
});

test("a segment with erased records is copied again, and the copy verifies", options, async (t) => {
  const at = await place(t);
  const authority = parseSigningKey(encodeSigningKey("privacy-office", Buffer.alloc(32, 1)));
  const redaction_authorities = [authority.verifier.vkey];
  const config = testConfig(at.directory, { ...SMALL, redaction_authorities });
  const archive = await openTestArchive(t, config, at.settings);
  await archive.consumeLogs(manyRecords(0, 400));
  await close(archive);
  await copyOnce(at);
  const text = { origin: ORIGIN, zone: "default", records: [[3, 5]] as [number, number][] };
  const order = signNote(formatOrder({ ...text, reason: "court order 12" }), authority);
  const { stateDirectory } = at;
  const own = { config, stateDirectory, order, identities: identities(), random: systemRandom };
  assert.equal((await redact(own)).length, 1);
  await copyOnce(at);
  const { code, stdout } = await verifyCopy(t, at.server.endpoint, "--json");
  assert.equal(code, 0, stdout);
  assert.deepEqual(JSON.parse(stdout).redacted, { blocks: 1, records: 3, unfinished: 0 });
});

test("a bucket without locks, or with something else in it, is refused", options, async (t) => {
  const at = await place(t, false);
  await sealed(t, at);
  await assert.rejects(copyOnce(at), { code: "archive.copy_failed" });
  const locked = await place(t);
  await cp(at.directory, locked.directory, { recursive: true });
  const foreign = { Bucket: BUCKET, Key: `${ORIGIN}/log.vkey`, Body: "another log's key" };
  await locked.server.client.send(new PutObjectCommand(foreign));
  await assert.rejects(copyOnce(locked), { code: "archive.copy_conflict" });
  const kept = await locked.server.client.send(new GetObjectCommand(foreign));
  assert.equal(await kept.Body?.transformToString(), "another log's key");
});
