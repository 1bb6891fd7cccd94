/** Go's own tlog package checks the proofs of records, at both levels. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { proveRecord } from "../../exporters/sealed_archive/proof/prove_record.ts";
import {
  close,
  identities,
  numbered,
  openTestArchive,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { buildWithStockGo, skipWithoutStockGo } from "../support/go.ts";

test("tlog.CheckRecord accepts proofs, and none changed", {
  skip: skipWithoutStockGo(),
}, async (t) => {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const settings = await testSettings(t, { type: "sealed_archive", root });
  const exporter = await openTestArchive(t, testConfig(archive), settings);
  await exporter.consumeLogs(numbered(0, 3000));
  await close(exporter);
  const program = buildWithStockGo(join(import.meta.dirname, "proof_go/main.go"), root);
  const path = join(root, "one.tlog-proof");
  const check = async (proof: string) => {
    await writeFile(path, proof);
    const { status, stdout } = spawnSync(program, [path, join(archive, "log.vkey")]);
    return status === 0 ? stdout.toString() : undefined;
  };
  const size = Number((await readFile(join(archive, "log/checkpoint"), "utf8")).split("\n")[1]);
  assert.ok(size > 256, "there are two levels of tiles");
  const prove = (sequence: number, options: object) =>
    proveRecord({ archive, zone: "default", sequence, disclose: false, ...options });

  for (const sequence of [0, 4, 1999, 2600, 2999]) {
    const entry = 1 + Math.floor(sequence / 10);
    const said = `ok example.com/test entry ${entry}`;
    assert.equal(await check(await prove(sequence, {})), `${said}\n`);
    const hidden = await prove(sequence, { identities: identities() });
    assert.equal(await check(hidden), `${said} record ${sequence}\n`);
    assert.deepEqual(Object.keys(extraOf(hidden).content.record), ["at", "leaf", "path"]);
    const disclosed = await prove(sequence, { identities: identities(), disclose: true });
    const accepted = await check(disclosed);
    assert.match(accepted ?? "", new RegExp(`^${said} record ${sequence} of \\d+ bytes\n$`));

    const { extra, content } = extraOf(disclosed);
    content.record.data = Buffer.from("another record").toString("base64");
    const forged = Buffer.from(JSON.stringify(content)).toString("base64");
    assert.equal(await check(disclosed.replace(extra, forged)), undefined);
    assert.equal(await check(disclosed.replace(`index ${entry}`, `index ${entry + 1}`)), undefined);
  }
});

function extraOf(proof: string) {
  const extra = /^extra (.*)$/m.exec(proof)![1]!;
  return { extra, content: JSON.parse(Buffer.from(extra, "base64").toString()) };
}
