import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { severityNumberOf } from "../../src/data/severity.ts";
import { compileLinear } from "./linear_regex.ts";

const finds = (source: string, text: string): boolean => compileLinear(source).test(text);

test("understands Go's syntax", () => {
  const cases: readonly [source: string, yes: readonly string[], no: readonly string[]][] = [
    ["(?i)Get", ["GET", "get", "xgEt"], ["ge"]],
    ["(?i)[a-f]x[^b]", ["AXc", "fxA"], ["gxc", "axB"]],
    ["(?i)\\Qa.B\\E+", ["A.bb"], ["axb"]],
    ["(?P<name>a)(?<other>b)(?:c)", ["abc"], ["ac"]],
    ["\\Aab\\z", ["ab"], ["ab\n", "xab"]],
    ["a.c", ["abc", "a\rc", "a\u2028c"], ["a\nc"]],
    ["(?s)a.c", ["a\nc"], ["ac"]],
    ["(?m)^b$", ["a\nb\nc"], ["ab"]],
    ["(?im)^b$", ["a\nB\nc"], ["ab"]],
    ["^b$", ["b"], ["a\nb", "b\n"]],
    ["[[:alpha:]_]+[[:digit:]]", ["a_1"], ["-1"]],
    ["(?i)^[[:upper:]]$", ["a", "A"], ["1"]],
    ["^[]a]$", ["]", "a"], ["b"]],
    ["^[^]a]$", ["b"], ["]", "a"]],
    ["^[a[]$", ["[", "a"], ["b"]],
    ["\\x41\\x{42}\\x{1F415}+", ["AB\u{1f415}\u{1f415}"], ["AB"]],
    ["^[\\x{41}-\\x{43}]$", ["B"], ["D"]],
    ["\\.\\*\\[\\/\\-", [".*[/-"], ["..[/-"]],
    ["a{2,3}?b|c", ["aab", "c"], ["ab"]],
    ["\\bx\\b", ["a x b"], ["axb"]],
  ];
  for (const [source, yes, no] of cases) {
    for (const text of yes) assert.ok(finds(source, text), `${source} in ${JSON.stringify(text)}`);
    for (const text of no) assert.ok(!finds(source, text), `${source} in ${JSON.stringify(text)}`);
  }
});

test("refuses what RE2 or the linear engine does not have", () => {
  const refused = [
    ...["(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(a)\\1", "\\k<a>", "(?i:a)", "(?-s).", "(?U)a"],
    ...["\\pL", "\\p{Greek}", "\\C", "\\Z", "\\G", "\\u0041", "\\y", "[[:odd:]]", "[[:^alpha:]]"],
    ...["[\u{1f415}]", "[\\x{1F415}]", "(?i)[+-a]", "(?m)\\Aa", "\\x{110000}"],
    ...["(", "[a", "a**", "a{1000}", "\\", "x".repeat(4097)],
  ];
  for (const source of refused) {
    assert.throws(() => compileLinear(source), SyntaxError, source.slice(0, 20));
  }
});

test("a literal finds exactly itself, in either case with (?i)", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  const quoted = text.filter((value) => !value.includes("\\E"));
  fc.assert(
    fc.property(quoted, fc.string(), (value, around) => {
      const plain = compileLinear(`^\\Q${value}\\E$`);
      assert.ok(plain.test(value));
      assert.equal(plain.test(value + around), around === "");
      const swapped = value.replace(/[a-z]/gi, (one) =>
        one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase(),
      );
      assert.ok(compileLinear(`(?i)^\\Q${value}\\E$`).test(swapped));
    }),
  );
});

test("any pattern is compiled or refused with a SyntaxError", () => {
  const unit = fc.constantFrom(..."ab(?:)[]^-\\{1,2}|*+.QEPxi<>$", "[:alpha:]", "\\x{", "(?i)");
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), fc.string({ maxLength: 8 }), (source, text) => {
      try {
        compileLinear(source).test(text);
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("no text makes a pattern slow", () => {
  for (const source of ["(a|a)*b", "(a*)*b", "a*a*a*b", "(?i)(x+x+)+y", "^(\\w+\\s?)*$"]) {
    const text = `${"a".repeat(32_768)}${"x".repeat(32_768)}!`;
    const startMs = performance.now();
    assert.equal(finds(source, text), false);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < 1000, `${source} took ${tookMs} ms`);
  }
});

test("knows the severities of OpenTelemetry", () => {
  const known = ["TRACE", "trace4", "Debug", "INFO", "INFO1", "WARN2", "FATAL4", "1", 24];
  const numbers = [1, 4, 5, 9, undefined, 14, 24, 1, 24];
  assert.deepEqual(known.map(severityNumberOf), numbers);
  for (const unknown of ["", "0", "25", "WARN5", "LOUD", 1.5, -1]) {
    assert.equal(severityNumberOf(unknown), undefined);
  }
});
