/** What `encrypt` leaves in a record is opened by the command in pii_detect's README. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { compileTreatment } from "../../processors/pii_detect/treatments.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { skipWithout } from "../support/tools.ts";

const README = join(import.meta.dirname, "../../processors/pii_detect/README.md");
const skip = skipWithout("age", "basenc", "cut", "tr");

test("stock tools open a sealed value", { skip }, async (t) => {
  const cwd = await temporaryDirectory(t);
  const identity = await generateX25519Identity();
  await writeFile(join(cwd, "identity.txt"), `${identity}\n`);
  const recipients = [await identityToRecipient(identity)];
  const { replace } = compileTreatment(
    ...([
      "email",
      "identifying",
      { action: "encrypt", recipients },
      { canTokenize: false, hashKey: undefined, random: systemRandom },
    ] as const),
  );
  const command = / {4}(printf %s '<email:age:….*)/.exec(await readFile(README, "utf8"))![1]!;
  for (const value of ["anna@example.com", "ü@example.com", "a".repeat(200)]) {
    const script = command.replace("<email:age:…>", replace(value));
    assert.equal(execFileSync("sh", ["-c", script], { cwd, encoding: "utf8" }), value);
  }
});
