import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { HmacSha256 } from "./hmac_sha256.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** RFC 4231, sections 4.2 to 4.8; 4.6 shows only the first half. */
const vectors = [
  {
    key: Buffer.alloc(20, 0x0b),
    data: Buffer.from("Hi There"),
    mac: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  },
  {
    key: Buffer.from("Jefe"),
    data: Buffer.from("what do ya want for nothing?"),
    mac: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  },
  {
    key: Buffer.alloc(20, 0xaa),
    data: Buffer.alloc(50, 0xdd),
    mac: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  },
  {
    key: hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
    data: Buffer.alloc(50, 0xcd),
    mac: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
  },
  {
    key: Buffer.alloc(20, 0x0c),
    data: Buffer.from("Test With Truncation"),
    mac: "a3b6167473100ee06e0c796c2955552b",
  },
  {
    key: Buffer.alloc(131, 0xaa),
    data: Buffer.from("Test Using Larger Than Block-Size Key - Hash Key First"),
    mac: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  },
  {
    key: Buffer.alloc(131, 0xaa),
    data: Buffer.from(
      "This is a test using a larger than block-size key and a larger than block-size data. " +
        "The key needs to be hashed before being used by the HMAC algorithm.",
    ),
    mac: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
  },
];

test("gives the values of RFC 4231", () => {
  for (const { key, data, mac } of vectors) {
    const hmac = new HmacSha256(data.length);
    hmac.setKey(key);
    hmac.message.set(data);
    assert.equal(hmac.digest("hex").slice(0, mac.length), mac);
  }
});

test("agrees with node:crypto for 72-byte messages while keys change", () => {
  const hmac = new HmacSha256(72);
  for (let round = 0; round < 200; round++) {
    const key = randomBytes(round % 100);
    const message = randomBytes(72);
    hmac.setKey(key);
    hmac.message.set(message);
    const expected = createHmac("sha256", key).update(message).digest("base64");
    assert.equal(hmac.digest("base64"), expected);
    assert.equal(hmac.digest("base64"), expected);
  }
});
