import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { configSchema } from "./config.ts";
import { Splitter } from "./splitter.ts";

const KEEP = { preserve_leading_whitespaces: true, preserve_trailing_whitespaces: true };

function splitterOf(options: Record<string, unknown> = {}): Splitter {
  return new Splitter(configSchema.parse({ include: ["/a"], ...options }));
}

interface Log {
  readonly body: unknown;
  readonly start: number;
  readonly end: number;
  readonly number: number;
}

/** Reads all bytes in windows of the given sizes, as a tail does that finds the file growing. */
function readAll(splitter: Splitter, bytes: Buffer, windowSizes: readonly number[]): Log[] {
  const logs: Log[] = [];
  let position = 0;
  let passed = 0;
  let available = 0;
  let skipping = false;
  for (let turn = 0; ; turn++) {
    available = Math.min(bytes.length, available + windowSizes[turn % windowSizes.length]!);
    const isLast = available === bytes.length;
    for (;;) {
      const window = bytes.subarray(position, available);
      const split = splitter.split(window, position === 0, isLast, skipping);
      split.bodies.forEach((body, index) => {
        const [start, end] = [position + split.starts[index]!, position + split.ends[index]!];
        logs.push({ body, start, end, number: passed + split.before[index]! });
      });
      position += split.consumed;
      passed += split.logs;
      skipping = split.skippingFrom !== undefined;
      if (split.consumed === 0 || position === available) break;
    }
    if (isLast) return logs;
  }
}

const windows = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
const piece = fc.oneof(
  fc.constantFrom("\n", "\r\n", "\r", " ", "ä", "漢", "😀", "\0", "", "a", "START"),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const content = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
/** Long enough that logs of several lines exceed their size. */
const longPiece = fc.oneof(piece, fc.constantFrom("\n", "START", "ä".repeat(150), "x".repeat(301)));
const longContent = fc.array(longPiece, { maxLength: 60 }).map((pieces) => pieces.join(""));
const longWindows = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 9 });

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  const rest = lines.pop()!;
  const whole = lines.map((line) => line.replace(/\r$/, ""));
  return [...whole, rest.replace(/\r$/, "")].filter((line) => line !== "");
}

test("gives the lines of the text, however it is cut into writes", () => {
  const splitter = splitterOf(KEEP);
  fc.assert(
    fc.property(content, windows, (text, sizes) => {
      fc.pre(!text.startsWith("\ufeff"));
      const bytes = Buffer.from(text.toWellFormed());
      const logs = readAll(splitter, bytes, sizes);
      assert.deepEqual(
        logs.map(({ body }) => body),
        linesOf(text.toWellFormed()),
      );
      for (const { body, start, end } of logs) {
        const own = bytes
          .subarray(start, end)
          .toString()
          .replace(/\r?\n$|\r$/, "");
        assert.equal(own, body);
      }
    }),
  );
});

for (const encoding of ["utf-16le", "utf-16be"] as const) {
  test(`does so in ${encoding}`, () => {
    const splitter = splitterOf({ encoding, ...KEEP });
    fc.assert(
      fc.property(content, windows, (text, sizes) => {
        fc.pre(!text.startsWith("\ufeff"));
        const wellFormed = text.toWellFormed();
        const bytes = Buffer.from(wellFormed, "utf16le");
        if (encoding === "utf-16be") bytes.swap16();
        const bodies = readAll(splitter, bytes, sizes).map(({ body }) => body);
        assert.deepEqual(bodies, linesOf(wellFormed));
      }),
    );
  });
}

for (const [what, options] of [
  ["split", { max_log_size: 10 }],
  ["truncated", { max_log_size: 10, max_log_size_behavior: "truncate" }],
  ["multiline", { multiline: { line_start_pattern: "^START" } }],
  ["multiline by its end", { multiline: { line_end_pattern: "a\\n" } }],
  ["multiline and split", { max_log_size: 124, multiline: { line_start_pattern: "^START" } }],
  ["byte-true", { encoding: "utf-8-raw" }],
  ["without lines", { encoding: "nop", max_log_size: 10 }],
] as const) {
  test(`gives the same ${what} logs for any bytes, however they are cut`, () => {
    const splitter = splitterOf({ ...KEEP, ...options });
    const bytes = fc.oneof(
      content.map((text) => Buffer.from(text)),
      longContent.map((text) => Buffer.from(text)),
      fc
        .array(fc.constantFrom(0x0a, 0x41, 0xc3, 0xa4, 0xe2, 0x82, 0xf0, 0x9f, 0xff, 0x53))
        .map((list) => Buffer.from(list)),
    );
    fc.assert(
      fc.property(bytes, fc.oneof(windows, longWindows), (input, sizes) => {
        const logs = readAll(splitter, input, sizes);
        assert.deepEqual(logs, readAll(splitter, input, [input.length + 1]));
        let end = 0;
        for (const log of logs) {
          assert.ok(log.start >= end && log.end > log.start && log.end <= input.length);
          end = log.end;
        }
      }),
      { numRuns: 500 },
    );
  });
}

test("keeps offsets true to the bytes where they are no valid text", () => {
  const bytes = Buffer.from([0x61, 0xff, 0x0a, 0xe2, 0x82, 0x0a, 0xf0, 0x9f, 0x98, 0x80, 0x0a]);
  const logs = readAll(splitterOf(), bytes, [100]);
  assert.deepEqual(
    logs.map(({ body, end }) => [body, end]),
    [
      ["a\ufffd", 3],
      ["\ufffd", 6],
      ["😀", 11],
    ],
  );
  const multiline = splitterOf({ multiline: { line_end_pattern: "\\n" } });
  assert.deepEqual(
    readAll(multiline, bytes, [100]).map(({ end }) => end),
    [3, 6, 11],
  );
  const raw = readAll(splitterOf({ encoding: "utf-8-raw" }), bytes, [100]);
  assert.deepEqual(raw[0]?.body, Uint8Array.of(0x61, 0xff));
  assert.equal(raw[2]?.body, "😀");
});

test("latin1 bytes are their characters, and a byte order mark is left out", () => {
  const latin1 = readAll(splitterOf({ encoding: "latin1" }), Buffer.from([0xe4, 0x0a]), [9]);
  assert.deepEqual(latin1[0]?.body, "ä");
  const marked = readAll(splitterOf(), Buffer.from("\ufeff{}\nnext\n"), [9]);
  assert.deepEqual(
    marked.map(({ body }) => body),
    ["{}", "next"],
  );
});

test("joins lines that belong together", () => {
  const input = Buffer.from("lost\n2026 a\n  at b\n2026 c\n2026 d\n");
  const byStart = splitterOf({ multiline: { line_start_pattern: "^\\d{4} ", omit_pattern: true } });
  assert.deepEqual(
    readAll(byStart, input, [7]).map(({ body, start }) => [body, start]),
    [
      ["lost", 0],
      ["a\n  at b", 5],
      ["c", 19],
      ["d", 26],
    ],
  );
  const byEnd = splitterOf({ multiline: { line_end_pattern: "END\\n", omit_pattern: true } });
  assert.deepEqual(
    readAll(byEnd, Buffer.from("a\nb END\nc END\nrest"), [3]).map(({ body }) => body),
    ["a\nb", "c", "rest"],
  );
});

test("numbers logs with those that are empty, and counts too long ones", () => {
  const splitter = splitterOf({ max_log_size: 4, max_log_size_behavior: "truncate" });
  const split = splitter.split(Buffer.from("a\n\n0123456789\nb\n"), true, false, false);
  assert.deepEqual(split.bodies, ["a", "0123", "b"]);
  assert.deepEqual(split.before, [0, 2, 3]);
  assert.equal(split.oversized, 1);
  // The rest of a long line is awaited from the line's beginning.
  const open = splitter.split(Buffer.from("a\n0123456789"), true, false, false);
  assert.equal(open.skippingFrom, 2);
});
