import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Authenticator } from "../../component/authenticator.ts";
import { skipWithoutOpenssl as skip } from "../../testing/certificates.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { temporaryDirectory, testSettings } from "../../testing/test_settings.ts";
import type { AuthenticatorConfig } from "./config.ts";
import { basicAuthSchema, bearerTokenSchema } from "./config.ts";
import { parseHtpasswd, verifyPassword } from "./htpasswd.ts";
import { authenticatorOpener } from "./open.ts";

/** From the paper on SHA-crypt (its list of tests) and from the documentation of Apache. */
const VECTORS: readonly (readonly [password: string, stored: string])[] = [
  ["Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"],
  ["Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"],
  [
    "Hello world!",
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
  ],
  ["myPassword", "$apr1$qHDFfhPC$nITSVHgYbDAK1Y0acGRnY0"],
  ["myPassword", "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE="],
  ["plain", "plain"],
];

test("passwords are verified in every form of htpasswd", () => {
  for (const [password, stored] of VECTORS) {
    assert.equal(verifyPassword(stored, password), true, stored);
    assert.equal(verifyPassword(stored, `${password} `), false, stored);
    assert.equal(verifyPassword(stored, ""), false, stored);
  }
});

test("what openssl hashes is verified, whatever the password", { skip }, () => {
  const password = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 70 });
  const kind = fc.constantFrom("-1", "-apr1", "-5", "-6");
  fc.assert(
    fc.property(password, kind, (text, form) => {
      const args = ["passwd", form, "-salt", "01234567", "-stdin"];
      const stored = execFileSync("openssl", args, { input: `${text}\n`, encoding: "utf8" });
      assert.equal(verifyPassword(stored.trim(), text), true);
    }),
    { numRuns: 12 },
  );
});

test("lines of htpasswd that cannot be used are refused, by their number alone", () => {
  const refused = (text: string, message: RegExp): void => {
    assert.throws(() => parseHtpasswd(text), { code: "auth.unusable", message });
  };
  refused("anna:x\nbert", /^line 2 of the htpasswd is not `user:hash`$/);
  refused("anna:$2y$05$abcdefghijklmnopqrstuv", /^line 1 .* bcrypt/);
  refused("anna:$6$rounds=999999999$salt$hash", /^line 1 .* rounds/);
  assert.deepEqual([...parseHtpasswd("# users\n\nanna:x:y\n")], [["anna", "x:y"]]);
});

type Headers = Readonly<Record<string, string>>;
const letsIn = (authenticator: Authenticator, headers: Headers): Promise<boolean> =>
  authenticator.authenticate((name) => headers[name]);
const basic = (user: string, password: string): Headers => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

async function open(context: Parameters<typeof testSettings>[0], found: AuthenticatorConfig) {
  const clock = new FakeClock();
  const settings = await testSettings(context, { clock });
  const authenticator = await authenticatorOpener(new Map([["a", found]]), settings)("a");
  return { authenticator, clock, settings };
}

test("a bearer token lets in, in its header and behind its scheme", async (context) => {
  const config = bearerTokenSchema.parse({ tokens: ["first", "second"] });
  const { authenticator } = await open(context, { type: "bearertokenauth", config });
  for (const authorization of ["Bearer first", "bearer second"]) {
    assert.equal(await letsIn(authenticator, { authorization }), true);
  }
  for (const authorization of ["", "first", "Bearer", "Bearer  first", "Bearer third"]) {
    assert.equal(await letsIn(authenticator, { authorization }), false);
  }
  assert.equal(await letsIn(authenticator, {}), false);

  const own = bearerTokenSchema.parse({ header: "X-Key", scheme: "", token: "t" });
  const other = await open(context, { type: "bearertokenauth", config: own });
  assert.equal(await letsIn(other.authenticator, { "x-key": "t" }), true);
  assert.equal(await letsIn(other.authenticator, { authorization: "t" }), false);
});

test("a changed file of tokens is read again, unless others can read it", async (context) => {
  const filename = join(await temporaryDirectory(context), "tokens");
  const put = async (text: string, mode: number): Promise<void> => {
    await writeFile(`${filename}.new`, text);
    await chmod(`${filename}.new`, mode);
    await rename(`${filename}.new`, filename);
  };
  const config = bearerTokenSchema.parse({ filename });
  const found = { type: "bearertokenauth", config } as const;
  await assert.rejects(open(context, found), { code: "auth.unusable" });
  await put("old\n\nolder\n", 0o644);
  await assert.rejects(open(context, found), { code: "storage.insecure" });
  await chmod(filename, 0o600);
  const { authenticator, clock, settings } = await open(context, found);
  const shows = (token: string) => letsIn(authenticator, { authorization: `Bearer ${token}` });
  assert.equal(await shows("older"), true);
  await put("new\n", 0o600);
  assert.equal(await shows("new"), false);
  clock.advance(1_000);
  assert.equal(await shows("new"), true);
  assert.equal(await shows("old"), false);
  await put("open to all\n", 0o644);
  clock.advance(1_000);
  assert.equal(await shows("open to all"), false);
  assert.equal(await shows("new"), true);
  assert.match(settings.logged.at(-1)!.message, /cannot be used; the old ones stay/);
});

test("user and password let in", async (context) => {
  const inline = `anna:${VECTORS[0]![1]}\nbert:plain`;
  const config = basicAuthSchema.parse({ htpasswd: { inline } });
  const { authenticator } = await open(context, { type: "basicauth", config });
  for (let round = 0; round < 2; round++) {
    assert.equal(await letsIn(authenticator, basic("anna", "Hello world!")), true);
    assert.equal(await letsIn(authenticator, basic("anna", "Hello world")), false);
    assert.equal(await letsIn(authenticator, basic("bert", "plain")), true);
    assert.equal(await letsIn(authenticator, basic("carl", "plain")), false);
  }
  for (const authorization of ["Basic", "Basic !", "Basic YQ==", "Bearer plain", ""]) {
    assert.equal(await letsIn(authenticator, { authorization }), false);
  }
});
