/**
 * The operations on an archive that `verify` must detect, under each of the things that a verifier
 * may have beside it, each with the place that it must name. Numbers are those of
 * `docs/security/tampering.md`, whose table this writes.
 */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { Finding } from "../../exporters/sealed_archive/reader/finding.ts";
import { formatFinding } from "../../exporters/sealed_archive/reader/finding.ts";
import { verifyArchive } from "../../exporters/sealed_archive/reader/verify_archive.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { fileTamperings } from "../support/tampering.ts";
import type { Mode, Scene } from "../support/tampering_scene.ts";
import { buildScene, MODES, RECORDS } from "../support/tampering_scene.ts";

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

test("a whole archive of another host passes only when its own key is trusted", async () => {
  assert.notDeepEqual((await verify(scene.stranger, "--vkey")).findings, []);
  const { findings } = await verifyArchive({ archive: scene.stranger, clock: systemClock });
  assert.deepEqual(findings, []);
});
