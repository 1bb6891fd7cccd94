import assert from "node:assert/strict";
import { test } from "node:test";
import { printable, quoted } from "./printable.ts";

test("characters that drive a terminal are escaped, others stay", () => {
  assert.equal(printable("Größe 木 🙂"), "Größe 木 🙂");
  assert.equal(printable("a\u001b[2Jb\r\nc\td\u0007"), "a\\u001b[2Jb\\r\\nc\\td\\u0007");
  assert.equal(printable("\u009b31m\u202e\u2028\ufeff"), "\\u009b31m\\u202e\\u2028\\ufeff");
  assert.equal(printable("\ud800x\u{e0041}"), "\\ud800x\\udb40\\udc41");
});

test("quoted text is JSON that says the same", () => {
  const hostile = 'a"b\\c\u001b\u202e\u{e0041}\n\ud800';
  const text = quoted(hostile);
  assert.equal(JSON.parse(text), hostile);
  assert.match(text, /^[\x20-\x7e]+$/);
});
