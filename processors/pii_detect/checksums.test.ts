import assert from "node:assert/strict";
import { test } from "node:test";
import { isLuhn, isMod97 } from "./checksums.ts";

test("Luhn accepts the example of ISO/IEC 7812-1 and no neighbour of it", () => {
  assert.ok(isLuhn("79927398713"));
  for (const digit of "012456789") assert.ok(!isLuhn(`7992739871${digit}`));
  assert.ok(!isLuhn("0") && !isLuhn("12a4"));
});

test("MOD 97-10 accepts the registry's examples, moved as ISO 13616 says, and no slip", () => {
  for (const iban of [
    "GB29NWBK60161331926819",
    "de89370400440532013000",
    "MT84MALT011000012345MTLCAST001S",
  ]) {
    const moved = iban.slice(4) + iban.slice(0, 4);
    assert.ok(isMod97(moved));
    const swapped = moved[1]! + moved[0]! + moved.slice(2);
    assert.equal(isMod97(swapped), swapped === moved);
  }
});
