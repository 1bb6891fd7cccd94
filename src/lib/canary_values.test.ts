import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { canaryDay, canaryValues } from "./canary_values.ts";

const keyOf = (byte: number) => createSecretKey(Buffer.alloc(32, byte));

test("canaries are the same for a key and a day, and others for another key or day", () => {
  const once = canaryValues(keyOf(1), 20_000);
  assert.deepEqual(canaryValues(keyOf(1), 20_000), once);
  for (const other of [canaryValues(keyOf(1), 20_001), canaryValues(keyOf(2), 20_000)]) {
    for (const [kind, value] of Object.entries(other)) {
      // There are a thousand phone numbers to choose from.
      if (kind !== "phone") assert.notEqual(value, once[kind as keyof typeof once]);
    }
  }
  assert.equal(canaryDay(Date.UTC(1970, 0, 2) - 1), 0);
  assert.equal(canaryDay(Date.UTC(1970, 0, 2)), 1);
});

test("canaries have the form and the check digits of what they stand for", () => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(40_000), (byte, day) => {
      const values = canaryValues(keyOf(byte), day);
      assert.match(values.email, /^[a-z]{8}\.[a-z]{8}@canary\.invalid$/);
      assert.match(values.payment_card, /^400000\d{10}$/);
      assert.match(values.iban, /^DE\d{2}00000000\d{10}$/);
      assert.match(values.phone, /^\+447700900\d{3}$/);
      assert.match(values.secret, /^[a-z0-9]{24}$/);
      assert.match(values.api_key, /^AKIA[A-Z2-7]{16}$/);
      const doubled = [...values.payment_card].map((digit, at) => Number(digit) * (2 - (at % 2)));
      const luhn = doubled.reduce((sum, value) => sum + (value > 9 ? value - 9 : value), 0);
      assert.equal(luhn % 10, 0);
      const rearranged = `${values.iban.slice(4)}1314${values.iban.slice(2, 4)}`;
      assert.equal(BigInt(rearranged) % 97n, 1n);
    }),
  );
});
