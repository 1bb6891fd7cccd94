import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecentMap } from "./recent_map.ts";

test("never holds more than its bound and never gives a wrong value", () => {
  fc.assert(
    fc.property(fc.nat(12), fc.array(fc.nat(30)), (sizeMax, keys) => {
      const map = new RecentMap<number, string>(sizeMax);
      for (const key of keys) {
        const value = map.get(key);
        assert.ok(value === undefined || value === `v${key}`);
        if (value === undefined) map.set(key, `v${key}`);
        assert.ok(map.size <= sizeMax);
      }
    }),
  );
});

test("keeps what is in use while others come and go", () => {
  const map = new RecentMap<string, number>(8);
  map.set("kept", 1);
  for (let key = 0; key < 100; key++) {
    map.set(`other ${key}`, key);
    assert.equal(map.get("kept"), 1);
  }
});
