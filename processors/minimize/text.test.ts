import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tokenEndAt } from "../../src/data/token.ts";
import { compilePatterns } from "../../src/lib/name_pattern.ts";
import { CUT_MARK, cutEnd } from "./cut.ts";
import type { QueryRules } from "./query.ts";
import { queryEdits, textEdits, urlEdits } from "./query.ts";
import { describeShape } from "./shape.ts";
import type { Edit } from "./text_edit.ts";
import { applyEdits } from "./text_edit.ts";

const TOKEN = `<email:k20261121a:${"a".repeat(20)}>`;
const values: QueryRules = { scrub: "values", keep: new Set(["page"]) };
const all: QueryRules = { scrub: "all", keep: new Set(["page", "sort"]) };

const apply = (text: string, edits: readonly Edit[]): string => applyEdits(text, edits, []).text;

test("scrubs the values of a query, and keeps the named parameters", () => {
  for (const [query, expected] of [
    ["", ""],
    ["q=anna", "q=REDACTED"],
    ["q=a=b&page=2;x", "q=REDACTED&page=2;REDACTED"],
    ["page", "page"],
    ["pages=1", "pages=REDACTED"],
    ["12345", "REDACTED"],
    ["a=&&b=", "a=&&b="],
    [`u=${TOKEN}&v=1`, "u=REDACTED&v=REDACTED"],
  ] as const) {
    assert.equal(apply(query, queryEdits(query, values)), expected);
  }
});

test("takes whole parameters out of a query", () => {
  for (const [query, expected] of [
    ["q=anna", ""],
    ["q=anna&page=2&r=1&s=2;sort=x&t", "page=2&sort=x"],
    ["page=2", "page=2"],
    ["page=2&page=3&a", "page=2&page=3"],
  ] as const) {
    assert.equal(apply(query, queryEdits(query, all)), expected);
  }
});

test("finds the query and the parameters in the fragment of a URL", () => {
  for (const [url, expected, gone] of [
    ["/a", "/a", "/a"],
    ["/a?b=c", "/a?b=REDACTED", "/a"],
    ["https://h/a?b=c?d#part", "https://h/a?b=REDACTED#part", "https://h/a#part"],
    ["/a#t=1&page=2", "/a#t=REDACTED&page=2", "/a#page=2"],
    ["/a#/route?t=1", "/a#/route?t=REDACTED", "/a#/route"],
    ["/a#t=1?u=2", "/a#t=REDACTED", "/a"],
    ["/a?page=1#t=1", "/a?page=1#t=REDACTED", "/a?page=1"],
    ["?b c", "?REDACTED", ""],
  ] as const) {
    assert.equal(apply(url, urlEdits(url, values)), expected);
    assert.equal(apply(url, urlEdits(url, all)), gone);
  }
});

test("finds URLs in a text", () => {
  for (const [text, expected] of [
    ["is it? Yes.", "is it? Yes."],
    ["what?ever", "what?ever"],
    ["a?b=c d", "a?b=REDACTED d"],
    ["see (/a?b=f(1)&c=2) and", "see (/a?b=REDACTED&c=REDACTED) and"],
    ["url='/a?b=it's' x", "url='/a?b=REDACTED' x"],
    ["<https://h/?b=c>", "<https://h/?b=REDACTED>"],
    [`</a?b=${TOKEN}&c=d>`, "</a?b=REDACTED&c=REDACTED>"],
    [`/u/${TOKEN}?x y`, "/u/" + TOKEN + "?REDACTED y"],
    ['{"u":"/a?b=c","v":1}', '{"u":"/a?b=REDACTED","v":1}'],
    ['{"m":"\\"/a?b=c\\"","v":1}', '{"m":"\\"/a?b=REDACTED","v":1}'],
    ["/a?b=c#d=e#f /g?h", "/a?b=REDACTED#d=REDACTED /g?REDACTED"],
    ["/a?page=1 /b?c=\u{1f415}", "/a?page=1 /b?c=REDACTED"],
  ] as const) {
    assert.equal(apply(text, textEdits(text, values)), expected);
  }
});

test("no value of a parameter stays, wherever the URL stands, and twice is once", () => {
  const word = fc.stringMatching(/^[a-z0-9.%()'-]{0,8}$/);
  const secret = word.map((rest) => `S${rest}E`);
  const name = fc.constantFrom("q", "id", "user[name]", "token");
  const parameter = fc.tuple(name, secret).map(([key, value]) => `${key}=${value}`);
  const query = fc.array(parameter, { minLength: 1, maxLength: 4 }).map((list) => list.join("&"));
  const path = fc.constantFrom("/a", "https://h.io/b", "/c/d.php", `/u/${TOKEN}`);
  const around = fc.constantFrom(
    ...([
      ['"', '"'],
      ["'", "'"],
      ["(", ")"],
      ["<", ">"],
      ["url=", " "],
      ["", ""],
    ] as const),
    ...([
      ["GET ", " HTTP/1.1"],
      ["see: ", "\n"],
      ['{"u":"', '","n":1}'],
      ["[", "]"],
    ] as const),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(around, path, query), { maxLength: 3 }), (urls) => {
      const text = urls.map(([[a, b], p, q]) => `${a}${p}?${q}${b}`).join(" \u{1f415} ");
      for (const rules of [values, all]) {
        const scrubbed = apply(text, textEdits(text, rules));
        assert.doesNotMatch(scrubbed, /=S|S[^"]*E[&)'>\]\s"]/);
        assert.deepEqual(textEdits(scrubbed, rules), []);
        for (const [, p, q] of urls) {
          const url = apply(`${p}?${q}`, urlEdits(`${p}?${q}`, rules));
          assert.doesNotMatch(url, /=S/);
          assert.deepEqual(urlEdits(url, rules), []);
        }
      }
    }),
  );
});

test("edits of any text are rising, without overlaps, and end", () => {
  const unit = fc.constantFrom(..."?&=;#/<>'\"(\\ a", "page", TOKEN, "\u{1f415}", "://");
  const text = fc.string({ unit, maxLength: 40 });
  fc.assert(
    fc.property(text, (value) => {
      for (const rules of [values, all]) {
        for (const edits of [queryEdits, urlEdits, textEdits].map((find) => find(value, rules))) {
          let end = 0;
          for (const edit of edits) {
            assert.ok(edit.start >= end && edit.end > edit.start && edit.end <= value.length);
            end = edit.end;
          }
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test("hostile texts take time in proportion to their length", () => {
  for (const part of ["?", "&", "/a?b ", "?#", "'?", "<?", "a?b=<", "(/?", "?=;"]) {
    const text = part.repeat(262_144 / part.length);
    const startMs = performance.now();
    for (const find of [queryEdits, urlEdits, textEdits]) find(text, values);
    cutEnd("<".repeat(262_144), 200_000);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < 2000, `${part} took ${tookMs} ms`);
  }
});

test("a cut text is a beginning within the limit, with whole characters and tokens", () => {
  const unit = fc.constantFrom("a", "é", "€", "\u{1f415}", "<", TOKEN, "<email:");
  const text = fc.string({ unit, minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 200 }), (value, bytesMax) => {
      fc.pre(Buffer.byteLength(value) > bytesMax);
      const end = cutEnd(value, bytesMax);
      const kept = value.slice(0, end);
      assert.ok(Buffer.byteLength(kept + CUT_MARK) <= bytesMax);
      assert.ok(kept.isWellFormed());
      for (let index = 0; index < end; index++) assert.ok(tokenEndAt(value, index) <= end);
      // No more than the character or token that did not fit is missing.
      const next = Math.max(
        tokenEndAt(value, end),
        end + (value.codePointAt(end)! > 0xffff ? 2 : 1),
      );
      assert.ok(Buffer.byteLength(value.slice(0, next) + CUT_MARK) > bytesMax);
    }),
    { numRuns: 1000 },
  );
});

test("a pattern with * matches as a regular expression with .* does", () => {
  const unit = fc.constantFrom("a", "b", ".", "*");
  const pattern = fc.string({ unit, minLength: 1, maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 10 });
  fc.assert(
    fc.property(pattern, name, (text, value) => {
      const source = text.split("*").map(RegExp.escape).join("[^]*");
      assert.equal(compilePatterns([text])(value), new RegExp(`^${source}$`).test(value));
    }),
    { numRuns: 2000 },
  );
});

test("a shape tells kind, length and classes, never the value", () => {
  assert.equal(describeShape("a1-b2"), "string, 5 characters, letters digits -");
  assert.equal(describeShape("é !"), "string, 3 characters, letters spaces !");
  assert.equal(describeShape("--"), "string, 2 characters, punctuation");
  assert.equal(describeShape(""), "string, 0 characters");
  assert.equal(describeShape(-12), "integer, 2 digits");
  assert.equal(describeShape(1.5), "double");
  assert.equal(describeShape(2n ** 60n), "integer, 19 digits");
  assert.equal(describeShape(Uint8Array.of(1, 2)), "bytes, 2");
  assert.equal(describeShape([]), "empty list");
  assert.equal(describeShape("! {"), "string, 3 characters, spaces punctuation");
  fc.assert(
    fc.property(fc.string(), (text) => {
      // Another text of the same classes, in another order.
      const other = text.replaceAll(/[a-z]/gi, "x").replaceAll(/\d/g, "0");
      const reversed = Array.from(other).reverse().join("");
      assert.equal(describeShape(text), describeShape(reversed));
    }),
  );
});
