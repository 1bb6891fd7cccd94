/** What an archive must contain because others have seen it: kept and cosigned checkpoints. */
import assert from "node:assert/strict";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemClock } from "../../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../../src/testing/test_settings.ts";
import { COSIGNING_KEY, cosign, parseCosigningKey } from "../format/cosignature.ts";
import { encodeSigningKey, splitNote } from "../format/note.ts";
import { parsePolicy } from "../format/policy.ts";
import { close, numbered, openTestArchive, testConfig } from "../testing.ts";
import { verifyArchive } from "./verify_archive.ts";

const WITNESS = parseCosigningKey(
  encodeSigningKey("witness.example", Buffer.alloc(32, 3), COSIGNING_KEY),
);
const POLICY = parsePolicy(`witness w ${WITNESS.verifier.vkey}\nquorum w\n`);

/** An archive that was copied after ten records, when a witness cosigned it, and grew. */
async function makeArchives(t: TestContext) {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const older = join(root, "older");
  const settings = await testSettings(t, { type: "sealed_archive" });
  for (const from of [0, 10]) {
    const exporter = await openTestArchive(t, testConfig(archive), settings);
    await exporter.consumeLogs(numbered(from, from + 10));
    await close(exporter);
    if (from === 0) await cp(archive, older, { recursive: true });
  }
  return { archive, older };
}

async function cosignNewest(archive: string, timeS: number, into = archive): Promise<number> {
  const note = await readFile(join(archive, "log/checkpoint"), "utf8");
  const size = Number(note.split("\n")[1]);
  await mkdir(join(into, "anchors"), { recursive: true });
  const line = cosign(splitNote(note)!.text, WITNESS, timeS);
  await writeFile(join(into, `anchors/${size}.cp`), note + line);
  return size;
}

const nowS = (): number => Math.floor(systemClock.nowMs() / 1000);

function verify(archive: string, ageMaxMs?: number, policy = POLICY) {
  return verifyArchive({ archive, witnesses: { policy, ageMaxMs }, clock: systemClock });
}

test("a quorum vouches for the entries that it has cosigned, at its time", async (t) => {
  const { archive, older } = await makeArchives(t);
  const none = await verify(archive);
  assert.deepEqual(
    none.findings.map(({ kind }) => kind),
    ["witness"],
  );
  assert.equal(none.witnessed, undefined);
  const early = await cosignNewest(older, 1_700_000_000, archive);
  const result = await verify(archive);
  assert.deepEqual(result.findings, []);
  assert.deepEqual(result.witnessed, { size: early, witnesses: ["w"], atMs: 1_700_000_000_000 });
  assert.ok(early < result.size);
  const { findings } = await verify(archive, 3_600_000);
  assert.match(findings[0]?.reason ?? "", /cosigned is \d+ s old/);
  const size = await cosignNewest(archive, nowS());
  const fresh = await verify(archive, 3_600_000);
  assert.deepEqual(fresh.findings, []);
  assert.equal(fresh.witnessed?.size, size);
  const other = encodeSigningKey("witness.example", Buffer.alloc(32, 4), COSIGNING_KEY);
  const stranger = parseCosigningKey(other).verifier.vkey;
  const strange = await verify(archive, undefined, parsePolicy(`witness s ${stranger}\nquorum s`));
  assert.equal(strange.findings[0]?.kind, "witness");
});

test("an archive put back is shown by its newer anchors, or by their age", async (t) => {
  const { archive, older } = await makeArchives(t);
  await cosignNewest(older, nowS() - 7200);
  const size = await cosignNewest(archive, nowS(), older);
  const { findings } = await verify(older);
  assert.match(findings[0]?.reason ?? "", new RegExp(`^the anchor has ${size} entries, the arch`));
  await rm(join(older, `anchors/${size}.cp`));
  assert.deepEqual((await verify(older)).findings, [], "without a bound for their age it is whole");
  assert.equal((await verify(older, 3_600_000)).findings[0]?.kind, "witness");
});

test("an anchor that is broken or misnamed is named", async (t) => {
  const { archive } = await makeArchives(t);
  const size = await cosignNewest(archive, nowS());
  const path = join(archive, `anchors/${size}.cp`);
  const note = await readFile(path, "utf8");
  const place = { kind: "anchor", file: `anchors/${size}.cp` };
  for (const [content, reason] of [
    [note.replace(`\n${size}\n`, `\n${size}0\n`), /no checkpoint of the size/],
    ["nothing", /no checkpoint of the size/],
    [note.replace(/\n(.)(.*=)\n\n/, "\nA$2\n\n"), /signature does not fit/],
  ] as const) {
    await writeFile(path, content);
    const { findings } = await verify(archive);
    assert.deepEqual({ kind: findings[0]?.kind, file: findings[0]?.file }, place);
    assert.match(findings[0]?.reason ?? "", reason);
  }
});
