import assert from "node:assert/strict";
import test from "node:test";
import { z } from "zod";
import { byteSize, durationMs, parseByteSize, parseDurationMs } from "./values.ts";

test("durations read as in the Collector", () => {
  const cases: [string, number | undefined][] = [
    ["200ms", 200],
    ["1.5s", 1500],
    ["1h30m", 5_400_000],
    ["5m", 300_000],
    [".5s", 500],
    ["500us", 0.5],
    ["500µs", 0.5],
    ["1ns", 1e-6],
    ["0", 0],
    ["0s", 0],
    ["", undefined],
    ["5", undefined],
    ["-5s", undefined],
    ["5 s", undefined],
    ["1d", undefined],
    ["s", undefined],
    ["9999999999999999h", undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, text);
});

test("sizes read as in the Collector: kB is 1000 bytes, KiB is 1024", () => {
  const cases: [string, number | undefined][] = [
    ["1000", 1000],
    ["1kb", 1000],
    ["1KB", 1000],
    ["16KiB", 16_384],
    ["1MB", 1_000_000],
    ["20MiB", 20_971_520],
    ["1.5 GiB", 1_610_612_736],
    ["1TiB", 2 ** 40],
    ["", undefined],
    ["-1", undefined],
    ["1b", undefined],
    ["1KiBs", undefined],
    ["99999PiB", undefined],
  ];
  for (const [text, bytes] of cases) assert.equal(parseByteSize(text), bytes, text);
});

test("a number without a unit is no duration, and a fraction no number of bytes", () => {
  const schema = z.strictObject({ wait: durationMs, size: byteSize });
  const result = schema.safeParse({ wait: 5, size: 1.5 });
  assert.deepEqual(
    result.error?.issues.map(({ path, message }) => [path.join("."), message.slice(0, 32)]),
    [
      ["wait", "a duration needs its unit: expec"],
      ["size", "expected a number of bytes or a "],
    ],
  );
  assert.deepEqual(schema.parse({ wait: 0, size: 7 }), { wait: 0, size: 7 });
});

test("a prefault parses, and JSON Schema shows it as text", () => {
  const schema = z.strictObject({
    wait: durationMs.prefault("200ms"),
    size: byteSize.prefault("1MiB"),
  });
  assert.deepEqual(schema.parse({}), { wait: 200, size: 1_048_576 });
  const { properties } = z.toJSONSchema(schema, { io: "input" });
  const defaults = Object.values(properties ?? {}).map((field) => Object(field).default);
  assert.deepEqual(defaults, ["200ms", "1MiB"]);
});
