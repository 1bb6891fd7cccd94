import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr } from "./allow_list.ts";
import { compileGeneralize } from "./generalize.ts";

const network = compileGeneralize({
  action: "generalize",
  to: "network",
  ipv4_prefix: 20,
  ipv6_prefix: 44,
});
const band = compileGeneralize({ action: "generalize", to: "band", width: 10 });
const to = (unit: "year" | "month" | "day" | "hour") =>
  compileGeneralize({ action: "generalize", to: unit });

test("an address becomes its network", () => {
  assert.equal(network("192.0.2.217"), "192.0.0.0/20");
  assert.equal(network("2001:db8:1234:5678::1"), "2001:db8:1230::/44");
  assert.equal(network("not an address"), undefined);
});

test("two addresses have the same network exactly when their first bits are the same", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
      const bits = (text: string) =>
        text
          .split(".")
          .map((octet) => Number(octet).toString(2).padStart(8, "0"))
          .join("")
          .slice(0, 20);
      assert.equal(network(a) === network(b), bits(a) === bits(b));
    }),
  );
});

test("every IPv6 address has a network of the length that was asked for", () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const { address: first, prefix } = parseCidr(network(address)!)!;
      assert.ok(prefix === 44 ? isIPv6(first) : prefix === 20);
      assert.equal(network(first), network(address));
    }),
  );
});

test("a number becomes its band, also below zero", () => {
  assert.deepEqual(["34", "30", "39.9", "0", "-3"].map(band), [
    ...["30-39", "30-39", "30-39", "0-9", "-10--1"],
  ]);
  assert.deepEqual(
    ["", "x", "1e5", "1234567890123456", "0x1f"].map(band),
    Array(5).fill(undefined),
  );
});

test("banding twice is banding once, and a foreign band is not shown", () => {
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (number) => {
      const once = band(String(number))!;
      assert.equal(band(once), once);
    }),
  );
  assert.equal(band("31-40"), undefined);
});

test("a date becomes its year, month, day or hour", () => {
  assert.equal(to("year")("1984-03-07"), "1984");
  assert.equal(to("month")("1984/3/7"), "1984-03");
  assert.equal(to("day")("2026-11-27T17:41:05.123Z"), "2026-11-27");
  assert.equal(to("hour")("2026-11-27 17:41:05"), "2026-11-27T17");
  assert.equal(to("month")("27.11.2026"), "2026-11");
  assert.equal(to("month")("11/27/2026"), "2026-11");
});

test("a date that can be read in two ways keeps its year alone", () => {
  assert.equal(to("month")("03/07/1984"), undefined);
  assert.equal(to("year")("03/07/1984"), "1984");
});

test("what is no date gives nothing", () => {
  for (const text of ["", "yesterday", "1984-13-01", "1984-02-32", "19840307", "7 March 1984"]) {
    assert.equal(to("month")(text), undefined);
  }
});

test("a date that was made coarser stays as it is", () => {
  const units = ["year", "month", "day", "hour"] as const;
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }),
      fc.constantFrom(...units),
      (date, unit) => {
        const once = to(unit)(date.toISOString())!;
        assert.equal(to(unit)(once), once);
      },
    ),
  );
});
