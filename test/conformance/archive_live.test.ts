/** An archive that is being written is never called tampered. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { LogFiles } from "../../exporters/sealed_archive/reader/log_files.ts";
import { verifyArchive } from "../../exporters/sealed_archive/reader/verify_archive.ts";
import {
  close,
  identities,
  numbered,
  openTestArchive,
  range,
  readNumbers,
  testConfig,
  verify,
} from "../../exporters/sealed_archive/testing.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";

test("verify and read work while the agent writes", async (t) => {
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const config = testConfig(directory, {
    segment: { max_bytes: 65_536 },
    block: { max_records: 100 },
  });
  const archive = await openTestArchive(t, config, settings);
  const verifier = await new LogFiles(directory).readVerifier();
  let next = 0;
  let isStopped = false;
  const writing = (async () => {
    while (!isStopped) {
      await archive.consumeLogs(numbered(next, next + 170));
      next += 170;
    }
  })();
  await waitUntil("something is signed", async () => {
    return new LogFiles(directory).readCheckpoint(verifier).then(
      () => true,
      () => false,
    );
  });
  let kept = (await new LogFiles(directory).readCheckpoint(verifier)).checkpoint;
  let newerRuns = 0;
  for (let run = 0; run < 4; run++) {
    const result = await verifyArchive({
      archive: directory,
      verifier,
      identities: identities(),
      kept,
      clock: systemClock,
    });
    assert.deepEqual(result.findings, []);
    assert.ok(result.size >= kept.size);
    if (result.newerBytes > 0) newerRuns++;
    const numbers = await readNumbers(directory);
    assert.deepEqual(numbers, range(0, numbers.length));
    kept = { ...kept, size: result.size, root: Buffer.from(result.root, "base64") };
  }
  isStopped = true;
  await writing;
  await close(archive);
  assert.ok(newerRuns > 0, "at least one run met bytes beyond its checkpoint");
  assert.deepEqual((await verify(directory)).findings, []);
  assert.deepEqual(await readNumbers(directory), range(0, next));
});
