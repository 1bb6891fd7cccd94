/** Programs that nobody here wrote read and check an archive: Go's tlog, age, zstd, sha256sum. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmod, cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { parseEntry } from "../../exporters/sealed_archive/format/entry.ts";
import { decodeBundle } from "../../exporters/sealed_archive/format/tiles.ts";
import {
  close,
  IDENTITY,
  numbered,
  openTestArchive,
  range,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { buildWithStockGo, skipWithoutStockGo } from "../support/go.ts";
import { skipWithout } from "../support/tools.ts";

const BLOCK_SECRET_BYTES = 48;

/** More than 256 entries, so that there are full tiles, in several segments and two runs. */
async function makeArchive(t: TestContext): Promise<{ root: string; archive: string }> {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const config = testConfig(archive, {
    block: { max_records: 3 },
    segment: { max_bytes: 65_536 },
  });
  for (const from of [0, 700]) {
    const exporter = await openTestArchive(t, config, settings);
    await exporter.consumeLogs(numbered(from, from + 700));
    await close(exporter);
  }
  return { root, archive };
}

test("Go's note and tlog rebuild the whole tree", { skip: skipWithoutStockGo() }, async (t) => {
  const { root, archive } = await makeArchive(t);
  const program = buildWithStockGo(join(import.meta.dirname, "archive_go/main.go"), root);
  const check = (path: string) => spawnSync(program, [path, join(archive, "log.vkey")]);
  const passed = check(archive);
  assert.equal(passed.status, 0, passed.stderr.toString());
  const size = (await readFile(join(archive, "log/checkpoint"), "utf8")).split("\n")[1];
  assert.equal(passed.stdout.toString(), `ok example.com/test ${size}\n`);
  assert.ok(Number(size) > 256);

  const copy = join(root, "copy");
  await cp(archive, copy, { recursive: true });
  const tile = await readFile(join(copy, "log/tile/0/000"));
  tile[100]! ^= 1;
  await writeFile(join(copy, "log/tile/0/000"), tile);
  assert.equal(check(copy).status, 1);
});

const needsAge = skipWithout("age", "zstd", "tail", "head", "sha256sum");

test("tail, head, age and zstd give the records of every block", { skip: needsAge }, async (t) => {
  const { root, archive } = await makeArchive(t);
  const identity = join(root, "identity.txt");
  await writeFile(identity, `# a comment\n${IDENTITY}\n`);
  await chmod(identity, 0o600);
  const size = Number((await readFile(join(archive, "log/checkpoint"), "utf8")).split("\n")[1]);
  const numbers: number[] = [];
  for (let bundle = 0; bundle * 256 < size; bundle++) {
    const width = size - bundle * 256;
    const name = `${String(bundle).padStart(3, "0")}${width < 256 ? `.p/${width}` : ""}`;
    const { entries } = decodeBundle(await readFile(join(archive, "log/tile/entries", name)));
    for (const entry of entries.map((bytes) => parseEntry(bytes))) {
      if (entry.type !== "block") continue;
      const segment = join(archive, "blocks", entry.zone, `${entry.seg}.blk`);
      const command =
        `tail -c +${entry.off + 1} ${segment} | head -c ${entry.len} | ` +
        `age -d -i ${identity} | zstd -dc`;
      const plaintext = execFileSync("sh", ["-c", command]);
      for (const record of splitRecords(plaintext)) {
        const { records } = decodeLogs(record);
        assert.equal(records.length, 1);
        numbers.push(Number(String(records[0]!.body).slice(5)));
      }
    }
  }
  assert.deepEqual(numbers, range(0, 1400));
});

function splitRecords(plaintext: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let offset = BLOCK_SECRET_BYTES;
  while (offset < plaintext.length) {
    const end = offset + 4 + plaintext.readUInt32LE(offset);
    records.push(plaintext.subarray(offset + 4, end));
    offset = end;
  }
  return records;
}

test("sha256sum accepts the closed segments", { skip: needsAge }, async (t) => {
  const { archive } = await makeArchive(t);
  const cwd = join(archive, "blocks/default");
  const sums = spawnSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd });
  assert.equal(sums.status, 0, sums.stderr.toString());
  assert.ok(sums.stdout.toString().includes("00000001.blk: OK"));
  await rm(join(cwd, "00000001.blk"));
  assert.equal(spawnSync("sha256sum", ["-c", "SHA256SUMS"], { cwd }).status, 1);
});
