import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Encoding } from "./encoded_text.ts";
import { ENCODINGS, encodedParts, withDecoded } from "./encoded_text.ts";

const shown = (text: string, encodings: readonly Encoding[] = ENCODINGS): string =>
  withDecoded(text, encodedParts(text, encodings));

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("what is under an encoding is read, and nothing else is changed", () => {
  assert.equal(
    shown("GET /a?b=1&to=anna%40example.com HTTP/1.1"),
    "GET /a?b=1&to=anna@example.com HTTP/1.1",
  );
  assert.equal(shown("100% of 50%, %zz %4"), "100% of 50%, %zz %4");
  assert.equal(shown(`got ${base64("to: anna@example.com")}!`), "got to: anna@example.com!");
  assert.equal(shown(encodeURIComponent(base64("anna@example.com\n"))), "anna@example.com\n");
  assert.equal(shown("a%40b", ["base64"]), "a%40b");
  assert.equal(shown(base64("anna@example.com"), ["percent"]), base64("anna@example.com"));
});

test("bytes that are no text keep nothing unread", () => {
  assert.equal(shown("x=%FFanna%40example.com"), "x=\ufffdanna@example.com");
  const digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  assert.equal(shown(digest), digest);
});

test("what was encoded comes back, whatever stands around it", () => {
  const around = fc.constantFrom("", " ", "&", "=", "/", '"', "é");
  fc.assert(
    fc.property(
      around,
      fc.string({ unit: "grapheme", minLength: 1 }),
      around,
      (left, text, right) => {
        assert.equal(
          shown(left + encodeURIComponent(text) + right, ["percent"]),
          left + text + right,
        );
      },
    ),
  );
  fc.assert(
    fc.property(around, fc.string({ minLength: 12 }), (left, text) => {
      const isApart = !left.startsWith("/");
      if (isApart) assert.equal(shown(`${left}${base64(text)} `, ["base64"]), `${left}${text} `);
    }),
  );
});

test("parts rise, lie in the text and do not overlap, whatever the text", () => {
  const alphabet = fc.constantFrom(..."%%%40abZ9+/=_-. é");
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 300 }), (text) => {
      let end = 0;
      for (const part of encodedParts(text, ENCODINGS)) {
        assert.ok(part.start >= end && part.end > part.start && part.end <= text.length);
        end = part.end;
      }
    }),
  );
});
