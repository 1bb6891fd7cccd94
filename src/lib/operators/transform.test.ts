import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AnyValue, AnyValueMap } from "../../data/any_value.ts";
import { operatorConfigs } from "./config.ts";
import { apply, chainOf, newEntry } from "./testing/apply.ts";

/** The body after one operator; the failures where it could not treat the text. */
function bodyAfter(config: object, body: AnyValue): AnyValue {
  const { entry, failures } = apply(config, body);
  return failures.length > 0 ? `failed: ${failures}` : entry.body;
}
const FAILED = (type: string): string => `failed: ${type}`;
const errorsOf = (configs: object[]): string[] =>
  (operatorConfigs.safeParse(configs).error?.issues ?? []).map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );

test("csv_parser takes rows as RFC 4180 has them", () => {
  const csv = { type: "csv_parser", header: "a,b,c", parse_to: "body" };
  const row = (text: string, more: object = {}): AnyValue => bodyAfter({ ...csv, ...more }, text);
  assert.deepEqual(row("1,two words,"), { a: "1", b: "two words", c: "" });
  assert.deepEqual(row('"x, y","say ""hi""","two\nlines"'), {
    ...{ a: "x, y", b: 'say "hi"', c: "two\nlines" },
  });
  for (const text of ["1,2", "1,2,3,4", '"1,2,3', 'a"b,2,3', '"a"b,2,3', "1,2\n3,4,5"]) {
    assert.equal(row(text), FAILED("csv_parser"), text);
  }
  assert.deepEqual(row('a"b,"c"d",3', { lazy_quotes: true }), { a: 'a"b', b: 'c"d', c: "3" });
  assert.deepEqual(row('"1,2",3', { ignore_quotes: true }), { a: '"1', b: '2"', c: "3" });
  const tabs = { delimiter: "\t", header_delimiter: "," };
  assert.deepEqual(row("1\t2\t3", tabs), { a: "1", b: "2", c: "3" });
  const { chain } = chainOf([{ type: "csv_parser", header_attribute: "names" }]);
  const entry = { ...newEntry("1,2"), attributes: { names: "x,y" } };
  assert.ok(chain.process(entry));
  assert.deepEqual(entry.attributes, { names: "x,y", x: "1", y: "2" } as AnyValueMap);
});

test("csv_parser reads back what is written by its rules", () => {
  const value = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", " ", "é"), maxLength: 6 });
  fc.assert(
    fc.property(value, value, (a, b) => {
      const text = [a, b].map((item) => `"${item.replaceAll('"', '""')}"`).join(",");
      const csv = { type: "csv_parser", header: "a,b", parse_to: "body" };
      assert.deepEqual(bodyAfter(csv, text), { a, b });
    }),
  );
});

test("key_value_parser takes pairs, also in quotation marks", () => {
  const pairs = { type: "key_value_parser", parse_to: "body" };
  assert.deepEqual(bodyAfter(pairs, `level=info msg="a = b" name='x y' empty="" n=1`), {
    ...{ level: "info", msg: "a = b", name: "x y", empty: "", n: "1" },
  });
  const other = { ...pairs, delimiter: ": ", pair_delimiter: ";" };
  assert.deepEqual(bodyAfter(other, "a: 1; b: 2"), { a: "1", b: "2" });
  for (const text of ["", "word", "a=1 word", 'a="1', "=1"]) {
    assert.equal(bodyAfter(pairs, text), FAILED("key_value_parser"), text);
  }
});

test("uri_parser gives the parts, and no password", () => {
  const uri = { type: "uri_parser", parse_to: "body" };
  assert.deepEqual(
    bodyAfter(uri, "HTTPS://anna:secret@[2001:db8::1]:8443/a%20b?x=1&x=2&y=a+b%26"),
    {
      ...{ scheme: "https", user: "anna", host: "2001:db8::1", port: "8443", path: "/a%20b" },
      query: { x: ["1", "2"], y: ["a b&"] },
    },
  );
  assert.deepEqual(bodyAfter(uri, "/app?key=%zz&ok=1"), { path: "/app", query: { ok: ["1"] } });
  assert.deepEqual(bodyAfter(uri, "?q=1"), { query: { q: ["1"] } });
  for (const text of ["", "relative/path", "http://a b/", "http://host:port/", "/bad%zz"]) {
    assert.equal(bodyAfter(uri, text), FAILED("uri_parser"), text);
  }
});

test("json_array_parser takes lists alone", () => {
  const list = { type: "json_array_parser" };
  assert.deepEqual(bodyAfter(list, '[1,"a",[true]]'), [1, "a", [true]]);
  assert.equal(bodyAfter(list, '{"a":1}'), FAILED("json_array_parser"));
});

test("trace, scope and body are taken from what was parsed", () => {
  const traceId = "4BF92F3577B34DA6A3CE929D0E0E4736";
  const json = {
    type: "json_parser",
    parse_to: "body",
    trace: { trace_id: { parse_from: "body.t" }, span_id: { parse_from: "body.s" } },
    scope_name: { parse_from: "body.logger" },
    body: "body.msg",
  };
  const text = JSON.stringify({ t: traceId, s: "00f067aa0ba902b7", logger: "app", msg: "hi" });
  const { entry, failures } = apply(json, text);
  assert.deepEqual(failures, []);
  assert.equal(entry.body, "hi");
  assert.equal(entry.scopeName, "app");
  assert.deepEqual(entry.spanContext, {
    ...{ traceId: traceId.toLowerCase(), spanId: "00f067aa0ba902b7", traceFlags: 0 },
  });
  assert.deepEqual(apply(json, '{"t":"nonsense"}').failures, ["json_parser"]);
  const parser = { type: "trace_parser", trace_flags: { parse_from: "body" } };
  assert.equal(apply(parser, "01").entry.spanContext?.traceFlags, 1);
  assert.equal(apply({ type: "scope_name_parser" }, "scope").entry.scopeName, "scope");
});

test("add sets values, and those of expressions", () => {
  const added = (value: unknown, body: AnyValue = { a: 2 }): AnyValue =>
    apply({ type: "add", field: "attributes.x", value }, body).entry.attributes.x;
  assert.equal(added("text"), "text");
  assert.deepEqual(added({ b: [1, true] }), { b: [1, true] });
  assert.equal(added("EXPR(body.a * (3 + 1))"), 8);
  assert.equal(added("a-EXPR(body.a)-EXPR(body.missing ?? 'none')"), "a-2-none");
  assert.equal(added("EXPR(body.missing)"), undefined);
  assert.match(errorsOf([{ type: "add", field: "body", value: "EXPR(1 +)" }])[0]!, /^0\.value/);
});

test("retain keeps what is named, and roots of which nothing is", () => {
  const { chain } = chainOf([{ type: "retain", fields: ["body.a.b", "attributes.x"] }]);
  const entry = { ...newEntry({ a: { b: 1, c: 2 }, d: 3 }), resource: { r: 1 } as AnyValueMap };
  entry.attributes = { x: 1, y: 2 };
  chain.process(entry);
  assert.deepEqual(
    [entry.body, entry.attributes, entry.resource],
    [...[{ a: { b: 1 } }, { x: 1 }, { r: 1 }]],
  );
});

test("operators that change a value fail on one that is of another kind", () => {
  const body = (type: string, value: AnyValue, more: object = {}): AnyValue =>
    bodyAfter({ type, ...more }, value);
  assert.deepEqual(body("flatten", { a: { x: 1, y: 2 }, z: 3 }, { field: "body.a" }), {
    ...{ z: 3, x: 1, y: 2 },
  });
  assert.equal(body("flatten", { a: 1 }, { field: "body.a" }), FAILED("flatten"));
  assert.deepEqual(body("assign_keys", [1, "b"], { keys: ["x", "y"] }), { x: 1, y: "b" });
  assert.equal(body("assign_keys", [1], { keys: ["x", "y"] }), FAILED("assign_keys"));
  assert.equal(body("sanitize_utf8", new Uint8Array([0x61, 0xff])), "a\uFFFD");
  assert.equal(body("noop", "same"), "same");
});

test("unquote reads the literals of Go", () => {
  const unquoted = (text: string): AnyValue => bodyAfter({ type: "unquote" }, text);
  assert.equal(unquoted('"a\\tb\\x41\\u00e9\\101\\""'), 'a\tbAéA"');
  assert.equal(unquoted("`raw \\n`"), "raw \\n");
  assert.equal(unquoted("'x'"), "x");
  for (const text of ["", '"', "bare", '"open', "'xy'", '"a"b"', '"\\q"', '"\\ud800"', "`a`b`"]) {
    assert.equal(unquoted(text), FAILED("unquote"), text);
  }
});

test("regex_replace replaces all matches, with their groups", () => {
  const replace = { type: "regex_replace", regex: "(?P<k>\\w+)=(\\d+)", replace_with: "$k:<$2>" };
  assert.equal(bodyAfter(replace, "a=1 b=22 c"), "a:<1> b:<22> c");
  const colours = { type: "regex_replace", regex_name: "ansi_control_sequences" };
  assert.equal(bodyAfter(colours, "\x1b[31mred\x1b[0m \x1b]0;title\x07x\x9b1m\x1b(B!"), "red x!");
  const both = { ...replace, regex_name: "ansi_control_sequences" };
  assert.equal(errorsOf([both]).length, 1);
});

test("filter drops a share of the lines, the same ones each time", () => {
  const dropped = (): number[] => {
    const { chain } = chainOf([{ type: "filter", expr: "true", drop_ratio: 0.25 }]);
    const places = Array.from({ length: 2000 }, (_, index) => index * 37);
    return places.filter((start) => !chain.process({ ...newEntry("x"), start }));
  };
  assert.deepEqual(dropped(), dropped());
  assert.ok(dropped().length > 400 && dropped().length < 600, `${dropped().length}`);
});

test("a router sends lines on their ways, and output joins them again", () => {
  const { chain } = chainOf([
    {
      type: "router",
      routes: [
        { expr: 'body startsWith "{"', output: "json", attributes: { form: "EXPR('j' + 'son')" } },
        { expr: 'body contains "="', output: ["pairs"] },
      ],
      default: "plain",
    },
    { type: "json_parser", id: "json", output: "end" },
    { type: "key_value_parser", id: "pairs", output: "end" },
    { type: "add", id: "plain", field: "attributes.plain", value: true },
    { type: "add", id: "end", field: "attributes.end", value: true },
  ]);
  const attributes = (body: string): AnyValueMap => {
    const entry = newEntry(body);
    assert.ok(chain.process(entry));
    return entry.attributes;
  };
  assert.deepEqual(attributes('{"a":1}'), { form: "json", a: 1, end: true });
  assert.deepEqual(attributes("a=1"), { a: "1", end: true });
  assert.deepEqual(attributes("text"), { plain: true, end: true });
  const { chain: without } = chainOf([
    { type: "router", routes: [{ expr: "body == 'a'", output: "noop" }] },
    { type: "noop" },
  ]);
  assert.equal(without.process(newEntry("a")), true);
  assert.equal(without.process(newEntry("b")), false);
});

test("outputs that lead nowhere or back are refused", () => {
  const noop = { type: "noop" };
  assert.deepEqual(errorsOf([{ ...noop, output: "noop1" }, noop]), []);
  assert.deepEqual(errorsOf([{ ...noop, output: "missing" }]), [
    "0.output: no operator has this id",
  ]);
  assert.deepEqual(errorsOf([noop, { ...noop, output: "noop" }]), [
    "1.output: lines only go to an operator that is further down the list",
  ]);
  assert.deepEqual(errorsOf([noop, { type: "add", id: "noop", field: "body", value: 1 }]), [
    "1.id: another operator has this id",
  ]);
});
