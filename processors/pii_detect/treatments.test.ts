import assert from "node:assert/strict";
import { test } from "node:test";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import fc from "fast-check";
import { formatSealedValue, parseSealedValue, tokenEndAt } from "../../src/data/token.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { compileTreatment } from "./treatments.ts";

const options = { canTokenize: false, hashKey: undefined, random: systemRandom };
const dpo = await generateX25519Identity();
const recipients = [await identityToRecipient(dpo)];
const encrypt = compileTreatment(
  ...(["email", "identifying", { action: "encrypt", recipients }, options] as const),
).replace;

async function opened(text: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(dpo);
  return decrypter.decrypt(parseSealedValue(text)!.ageFile, "text");
}

test("an encrypted value opens with the key of the role, whatever it is", async () => {
  for (const value of ["anna@example.com", "", "\u{1f415} ü", "x".repeat(70_000)]) {
    assert.equal(await opened(encrypt(value)), value);
  }
});

test("equal values are encrypted to different texts", () => {
  assert.notEqual(encrypt("anna@example.com"), encrypt("anna@example.com"));
});

test("a sealed value is one token to whoever meets it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 600 }), fc.string(), (bytes, rest) => {
      const text = formatSealedValue("email", Buffer.from(bytes));
      assert.equal(tokenEndAt(`ab${text}${rest}`, 2), 2 + text.length);
      assert.deepEqual(parseSealedValue(text), { entity: "email", ageFile: Buffer.from(bytes) });
    }),
  );
});

test("a value that cannot be made coarser is redacted", () => {
  const config = { action: "generalize", to: "band", width: 10 } as const;
  const { replace } = compileTreatment("age", "identifying", config, options);
  assert.equal(replace("thirty"), "[REDACTED:age]");
});
