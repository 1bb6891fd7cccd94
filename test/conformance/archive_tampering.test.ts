/**
 * The operations on an archive that `verify` must detect, under each of the things that a verifier
 * may have beside it, each with the place that it must name. Numbers are those of
 * `docs/security/tampering.md`, whose table this writes.
 */
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { Finding } from "../../exporters/sealed_archive/reader/finding.ts";
import { formatFinding } from "../../exporters/sealed_archive/reader/finding.ts";
import { verifyArchive } from "../../exporters/sealed_archive/reader/verify_archive.ts";
import { range } from "../../exporters/sealed_archive/testing.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { fileTamperings } from "../support/tampering.ts";
import { keyTamperings } from "../support/tampering_keys.ts";
import { numbersOfRows, shownElsewhere, withTables } from "../support/tampering_page.ts";
import type { Mode, Scene } from "../support/tampering_scene.ts";
import { buildScene, MODES, RECORDS } from "../support/tampering_scene.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PAGE = join(ROOT, "docs", "security", "tampering.md");

let scene: Scene;

before(async (t) => {
  scene = await buildScene(t as never);
});

async function verify(archive: string, mode: Mode) {
  return verifyArchive({ archive, ...scene.options[mode] });
}

test("an archive that nobody touched is whole, whatever one checks it with", async () => {
  for (const mode of MODES) assert.deepEqual((await verify(scene.whole, mode)).findings, []);
  const { records, blocks, decryptedBlocks, entries, epochs } = await verify(scene.whole, "-i");
  assert.deepEqual({ records, blocks }, { records: RECORDS, blocks: RECORDS });
  assert.equal(decryptedBlocks, RECORDS);
  assert.ok(entries.segment! >= 1, "a closed segment");
  assert.ok(epochs.closed >= 2, "closed epochs");
});

for (const { name, apply, expected } of fileTamperings) {
  test(`detects who ${name}`, async (t) => {
    const archive = join(await temporaryDirectory(t), "archive");
    await cp(scene.whole, archive, { recursive: true });
    await apply(archive, scene);
    const results = await Promise.all(MODES.map((mode) => verify(archive, mode)));
    const seenBy = MODES.filter((_, index) => results[index]!.findings.length > 0);
    assert.deepEqual(seenBy, [...MODES]);
    const findings = results.at(-1)!.findings;
    const isExpected = (finding: Finding): boolean =>
      Object.entries(expected).every(([key, value]) => finding[key as keyof Finding] === value);
    assert.ok(
      findings.some(isExpected),
      `${JSON.stringify(expected)} is not among\n${findings.map(formatFinding).join("\n")}`,
    );
    for (const finding of findings) assert.ok(formatFinding(finding).includes(": "));
  });
}

for (const { name, apply, seenBy, isUnreadable } of keyTamperings) {
  const verdict = isUnreadable ? "nobody accepts" : `${seenBy.join(", ") || "nobody"} detects`;
  test(`${verdict} who ${name}`, async (t) => {
    const archive = join(await temporaryDirectory(t), "archive");
    await cp(scene.whole, archive, { recursive: true });
    await apply(archive, { ...scene, test: t });
    if (isUnreadable) {
      const unreadable = { code: "archive.unreadable" };
      for (const mode of MODES) await assert.rejects(verify(archive, mode), unreadable);
      return;
    }
    const results = await Promise.all(MODES.map((mode) => verify(archive, mode)));
    const seen = MODES.filter((_, index) => results[index]!.findings.length > 0);
    const found = results.flatMap(({ findings }) => findings.map(formatFinding));
    assert.deepEqual(seen, [...seenBy], [...new Set(found)].slice(0, 10).join("\n"));
  });
}

test("the page says of each tampering who detects it, and nothing else", async () => {
  const page = await readFile(PAGE, "utf8");
  const fresh = withTables(page);
  if (process.env.UPDATE === "1") await writeFile(PAGE, fresh);
  else assert.equal(page, fresh, "run this test with UPDATE=1");
});

test("each of the 50 has its row, and every test that a row names is there", async () => {
  assert.deepEqual(numbersOfRows(), range(1, 51));
  for (const { file, title } of shownElsewhere) {
    assert.ok((await readFile(join(ROOT, file), "utf8")).includes(`"${title}"`), title);
  }
});

test("a whole archive of another host passes only when its own key is trusted", async () => {
  assert.notDeepEqual((await verify(scene.stranger, "--vkey")).findings, []);
  const { findings } = await verifyArchive({ archive: scene.stranger, clock: systemClock });
  assert.deepEqual(findings, []);
});
