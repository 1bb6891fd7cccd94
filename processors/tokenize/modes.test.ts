/** The published vectors of FF1 and ipcrypt, and what both promise. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../src/lib/ip_address.ts";
import { Ff1 } from "./ff1.ts";
import { encryptDeterministic, encryptPfx } from "./ipcrypt.ts";

const VECTORS = resolve(import.meta.dirname, "../../../shared/corpora/vectors");
const skip = existsSync(VECTORS) ? false : "needs ../shared/corpora/vectors";
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const read = (name: string) => JSON.parse(readFileSync(join(VECTORS, name), "utf8"));

test("FF1 gives the samples of NIST, and back", { skip }, () => {
  const { vectors } = read("ff1_nist.json");
  assert.equal(vectors.length, 9);
  for (const { key, radix, tweak, plaintext, ciphertext } of vectors) {
    const ff1 = new Ff1(hex(key), radix);
    assert.equal(ff1.encrypt(plaintext, hex(tweak)), ciphertext);
    assert.equal(ff1.decrypt(ciphertext, hex(tweak)), plaintext);
  }
});

test("ipcrypt gives the addresses of the draft", { skip }, () => {
  const encrypt: Readonly<Record<string, typeof encryptPfx>> = {
    "ipcrypt-deterministic": encryptDeterministic,
    "ipcrypt-pfx": encryptPfx,
  };
  let checked = 0;
  for (const { variant, key, ip, encrypted_ip: expected } of read("ipcrypt_test_vectors.json")) {
    const run = encrypt[variant];
    // The variants with a random tweak give no address.
    if (run === undefined) continue;
    assert.equal(formatAddress(run(hex(key), parseAddress(ip)!)), expected, `${variant} ${ip}`);
    checked++;
  }
  assert.ok(checked >= 20, `${checked} vectors`);
});

test("FF1 keeps length and alphabet and can be undone, for any radix and length", () => {
  const cases = fc
    .tuple(fc.integer({ min: 2, max: 36 }), fc.uint8Array({ maxLength: 20 }), fc.string())
    .chain(([radix, tweak]) => {
      const least = Math.ceil(Math.log(1e6) / Math.log(radix));
      const numeral = fc.nat({ max: radix - 1 }).map((digit) => digit.toString(36));
      const numerals = fc.array(numeral, { minLength: least + 1, maxLength: 60 });
      return fc.tuple(fc.constant(radix), fc.constant(tweak), numerals);
    });
  fc.assert(
    fc.property(cases, ([radix, tweak, numerals]) => {
      const text = numerals.join("");
      const ff1 = new Ff1(hex("2b7e151628aed2a6abf7158809cf4f3c"), radix);
      const encrypted = ff1.encrypt(text, tweak);
      assert.equal(encrypted.length, text.length);
      assert.equal(ff1.decrypt(encrypted, tweak), text);
    }),
    { numRuns: 300, seed: 20261127 },
  );
});

test("FF1 refuses a domain below a million values", () => {
  const ff1 = new Ff1(new Uint8Array(32), 10);
  assert.equal(ff1.covers(5), false);
  assert.throws(() => ff1.encrypt("12345", new Uint8Array(0)), RangeError);
  assert.equal(ff1.encrypt("123456", new Uint8Array(0)).length, 6);
});

test("ipcrypt-pfx keeps exactly the common prefix, and the family", () => {
  const key = hex("0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301");
  const address = fc.oneof(
    fc.ipV4().map((text) => parseAddress(text)!),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(
    fc.property(address, fc.nat({ max: 127 }), (one, bit) => {
      const other = new Uint8Array(one);
      other[bit >> 3]! ^= 1 << (7 - (bit & 7));
      const isV4 = formatAddress(one).includes(".");
      // A bit of the mapping itself makes another family of it, which has a tree of its own.
      if (isV4 !== formatAddress(other).includes(".") || (isV4 && bit < 96)) return;
      const [a, b] = [encryptPfx(key, one), encryptPfx(key, other)];
      assert.equal(formatAddress(a).includes("."), isV4);
      assert.equal(commonBits(a, b), bit);
    }),
    { numRuns: 300, seed: 20261127 },
  );
});

test("addresses are read in every spelling and written in one", () => {
  for (const [text, canonical] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::", "::"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ] as const) {
    assert.equal(formatAddress(parseAddress(text)!), canonical);
  }
  assert.equal(parseAddress("300.1.1.1"), undefined);
  assert.equal(parseAddress("example.com"), undefined);
});

function commonBits(a: Uint8Array, b: Uint8Array): number {
  for (let bit = 0; bit < 128; bit++) {
    const mask = 1 << (7 - (bit & 7));
    if (((a[bit >> 3]! ^ b[bit >> 3]!) & mask) !== 0) return bit;
  }
  return 128;
}
