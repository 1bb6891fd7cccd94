import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { tokenEndAt } from "../../src/data/token.ts";
import { Secret } from "../../src/lib/secret.ts";
import { deriveKey } from "./entity_tokens.ts";
import { base32, OneShotHmac } from "./one_shot_hmac.ts";
import type { TokenKey } from "./token_keys.ts";
import { Tokenizer } from "./tokenizer.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const root: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => index);
const key = (kid = "k1", bytes = root): TokenKey => ({ kid, root: new Secret(bytes) });

test("HMAC gives the digests of RFC 4231, test cases 1, 2, 3 and 4", () => {
  const cases = [
    [
      "0b".repeat(20),
      "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      "4a656665",
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
  ];
  for (const [secret, text, digest] of cases) {
    const mac = new OneShotHmac(hex(secret!), new Uint8Array(0)).digest(text!);
    assert.equal(Buffer.from(mac, "latin1").toString("hex"), digest);
  }
  // Cases 3 and 4 are bytes and no text: they go through the prefix.
  const third = new OneShotHmac(hex("aa".repeat(20)), hex("dd".repeat(50))).digest("");
  assert.equal(
    Buffer.from(third, "latin1").toString("hex"),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  );
  const fourth = new OneShotHmac(
    hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
    hex("cd".repeat(50)),
  ).digest("");
  assert.equal(
    Buffer.from(fourth, "latin1").toString("hex"),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
  );
});

test("HMAC agrees with node:crypto for any key, prefix and text", () => {
  const bytes = fc.uint8Array({ maxLength: 64 });
  fc.assert(
    fc.property(
      bytes,
      bytes,
      fc.string({ unit: "grapheme", maxLength: 2000 }),
      (secret, prefix, text) => {
        const mac = new OneShotHmac(secret, prefix).digest(text);
        const expected = createHmac("sha256", secret).update(prefix).update(text).digest("latin1");
        assert.equal(mac, expected);
      },
    ),
  );
});

test("HKDF gives the keys of RFC 5869, test cases 1 and 3", () => {
  const first = hkdf(
    sha256,
    hex("0b".repeat(22)),
    hex("000102030405060708090a0b0c"),
    hex("f0f1f2f3f4f5f6f7f8f9"),
    42,
  );
  assert.equal(
    Buffer.from(first).toString("hex"),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
  const third = hkdf(sha256, hex("0b".repeat(22)), new Uint8Array(0), new Uint8Array(0), 42);
  assert.equal(
    Buffer.from(third).toString("hex"),
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  );
});

test("base32 gives the vectors of RFC 4648 in lower case", () => {
  for (const [text, encoded] of [
    ["f", "my"],
    ["fo", "mzxq"],
    ["foo", "mzxw6"],
    ["foobar", "mzxw6ytboi"],
  ]) {
    assert.equal(base32(text!, text!.length), encoded);
  }
});

test("a token is what the documentation computes, from node:crypto alone", () => {
  const derived = createHmac("sha256", createHmac("sha256", Buffer.alloc(32)).update(root).digest())
    .update("pii/v1|prod-eu|email\x01")
    .digest();
  assert.deepEqual(Buffer.from(deriveKey(root, "prod-eu", "email")), derived);
  const mac = createHmac("sha256", derived)
    .update("\x01\x05emailanna@example.com")
    .digest("latin1");
  const token = new Tokenizer(key(), { domain: "prod-eu", cacheSize: 16 }).token(
    "email",
    "anna@example.com",
  );
  assert.equal(token, `<email:k1:${base32(mac, 12)}>`);
  // The same on every machine, for ever: a change of the format shows here.
  assert.equal(token, "<email:k1:nbscvufqxlavxesoipzq>");
});

test("one root key gives one token; another key, domain, entity or value does not", () => {
  const token = (kid: string, bytes: Uint8Array, domain: string, entity: string, value: string) =>
    new Tokenizer(key(kid, bytes), { domain: domain, cacheSize: 16 })
      .token(entity, value)
      .split(":")[2];
  const one = token("k1", root, "a", "email", "x@y.io");
  assert.equal(token("k1", root, "a", "email", "x@y.io"), one);
  const others = [
    token("k1", Uint8Array.from(root).fill(9, 0, 1), "a", "email", "x@y.io"),
    token("k1", root, "b", "email", "x@y.io"),
    token("k1", root, "a", "secret", "x@y.io"),
    token("k1", root, "a", "email", "z@y.io"),
  ];
  assert.equal(new Set([one, ...others]).size, 5);
});

test("one spelling or another, the token is the same", () => {
  const tokenizer = new Tokenizer(key(), { domain: "d", cacheSize: 0 });
  const same: [string, ...string[]][] = [
    ["email", "Anna@Example.COM", "anna%40example.com", "anna@example.com"],
    ["email", "a@müller.de", "a@xn--mller-kva.de"],
    ["ipv6", "2001:DB8:0:0::1", "2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"],
    ["payment_card", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111%201111%201111%201111"],
    ["iban", "de89 3704 0044 0532 0130 00", "DE89370400440532013000"],
    ["us_ssn", "219-45-6789", "219456789"],
    ["phone_e164", "+44 (0)20 7946 0958", "+442079460958", "%2B44-20-7946-0958"],
    ["mac_address", "00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e", "001a.2b3c.4d5e"],
  ];
  for (const [entity, ...values] of same) {
    const tokens = new Set(values.map((value) => tokenizer.token(entity, value)));
    assert.equal(tokens.size, 1, `${entity} ${values.join(" ")}`);
  }
});

test("takes any value, and what it makes is a token", () => {
  const tokenizer = new Tokenizer(key("k20261121a"), { domain: "d", cacheSize: 8 });
  const entity = fc.constantFrom("email", "ipv6", "phone_e164", "user_id");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), entity, (value, name) => {
      if (name === "ipv6") return;
      const token = tokenizer.token(name, value);
      assert.equal(tokenEndAt(token, 0), token.length);
      assert.equal(tokenizer.token(name, value), token);
    }),
  );
});
