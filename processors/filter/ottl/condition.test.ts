import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AnyValue } from "../../../src/data/any_value.ts";
import { Double } from "../../../src/data/any_value.ts";
import type { LogRecordFields } from "../../../src/data/log_record.ts";
import { LogRecord } from "../../../src/data/log_record.ts";
import { Resource } from "../../../src/data/resource.ts";
import { compileCondition } from "./condition.ts";

const holds = (source: string, fields: LogRecordFields, context: "log" | "resource" = "log") =>
  compileCondition(source, context, 1000)(new LogRecord(fields));

const record: LogRecordFields = {
  hrTime: [1_767_225_600, 5],
  severityNumber: 9,
  severityText: "INFO",
  body: "GET /healthz 200",
  eventName: "request",
  spanContext: { traceId: "ab".repeat(16), spanId: "cd".repeat(8), traceFlags: 1 },
  attributes: {
    "http.status": 204,
    "user.id": "u1",
    big: 9_007_199_254_740_993n,
    ratio: new Double(2),
    half: 0.5,
    ok: true,
    tags: ["a", 7],
    deep: { list: [{ x: "y" }] },
    raw: new Uint8Array([1, 2]),
    nothing: null,
  },
  resource: new Resource({ "service.name": "shop", "host.name": "localhost" }),
  instrumentationScope: { name: "lib", version: "1.2", attributes: { a: 1 } },
};

test("holds for the conditions that the Collector's documents show", () => {
  for (const source of [
    'IsMatch(body, ".*healthz.*")',
    "severity_number < SEVERITY_NUMBER_WARN",
    "severity_number >= SEVERITY_NUMBER_INFO and severity_number <= SEVERITY_NUMBER_INFO4",
    "log.severity_number < SEVERITY_NUMBER_WARN",
    'log.severity_text == "INFO"',
    'attributes["user.id"] == "u1"',
    'resource.attributes["host.name"] == "localhost"',
    'instrumentation_scope.name == "lib" and scope.version != "1.3"',
    'attributes["http.status"] == 204',
    'attributes["missing"] == nil and attributes["user.id"] != nil',
    'not IsMatch(body, "^audit") and (severity_number == 9 or false)',
    'IsString(body) and HasPrefix(body, "GET ") and HasSuffix(body, " 200")',
    'ContainsValue(attributes["tags"], "a")',
    'event_name == "request"',
    'trace_id.string == "abababababababababababababababab"',
    'Len(attributes["tags"]) == 2',
    'ToLowerCase(severity_text) == "info"',
    'attributes["deep"]["list"][0]["x"] == "y"',
    "time_unix_nano == 1767225600000000005",
    'IsMatch(body, "GET /health\\\\w 2\\\\d\\\\d") == true',
  ]) {
    assert.equal(holds(source, record), true, source);
  }
});

test("compares by type: other types are never equal, and none is the less", () => {
  const cases: [string, boolean][] = [
    ['attributes["http.status"] == "204"', false],
    ['attributes["http.status"] != "204"', true],
    ['attributes["http.status"] < "3"', false],
    ['attributes["http.status"] > 203.5', true],
    ['attributes["ratio"] == 2', true],
    ['attributes["half"] == .5', true],
    ['attributes["half"] >= -1.0', true],
    ['attributes["big"] == 9007199254740993', true],
    ['attributes["big"] > 9007199254740992', true],
    ['attributes["ok"] == true', true],
    ['attributes["ok"] > false', true],
    ['attributes["missing"] < 1', false],
    ['attributes["nothing"] == nil', true],
    ['attributes["missing"] <= nil', false],
    ['attributes["deep"]["list"]["x"] == nil', true],
    ['attributes["tags"][9] == nil', true],
    ['body["a"] == nil', true],
    ['"b" > "a" and "a" < "aa"', true],
    // U+1F415 is beyond U+FF5E, but its first UTF-16 unit is below it.
    ['"\u{1f415}" > "\uff5e"', true],
    ['attributes["constructor"] == nil', true],
  ];
  for (const [source, expected] of cases) assert.equal(holds(source, record), expected, source);
});

test("functions take a value of another type for none", () => {
  const cases: [string, boolean][] = [
    ['IsMatch(attributes["missing"], ".*")', false],
    ['IsMatch(attributes["http.status"], "^2")', true],
    ['IsMatch(attributes["deep"], "list")', true],
    ['HasPrefix(attributes["http.status"], "2")', false],
    ['ContainsValue(attributes["tags"], 7)', true],
    ['ContainsValue(body, "G")', false],
    ['IsInt(attributes["http.status"]) and IsInt(attributes["big"])', true],
    ['IsInt(attributes["ratio"])', false],
    ['IsDouble(attributes["ratio"]) and IsDouble(attributes["half"])', true],
    ['IsMap(attributes["deep"]) and IsList(attributes["tags"]) and IsBool(attributes["ok"])', true],
    ["IsMap(body)", false],
    ['Int("42") == 42 and Int("4x") == nil and Int(4.9) == 4 and Double("1.5") == 1.5', true],
    ['String(attributes["http.status"]) == "204"', true],
    ['Len("é") == 2 and Len(attributes["raw"]) == 2 and Len(severity_number) == nil', true],
    ['body.string == "GET /healthz 200"', true],
  ];
  for (const [source, expected] of cases) assert.equal(holds(source, record), expected, source);
});

test("fields that a record does not have are empty, as in the Collector", () => {
  const empty = 'severity_number == 0 and severity_text == "" and trace_id.string == ""';
  assert.equal(holds(empty, {}), true);
  assert.equal(holds('body == nil and event_name == "" and flags == 0', {}), true);
  assert.equal(holds("severity_number == SEVERITY_NUMBER_UNSPECIFIED", {}), true);
});

test("in the context of a resource, attributes are those of the resource", () => {
  assert.equal(holds('attributes["service.name"] == "shop"', record, "resource"), true);
  assert.equal(holds('resource.attributes["service.name"] == "shop"', record, "resource"), true);
  assert.throws(() => holds("severity_number == 9", record, "resource"), /no path severity_number/);
});

test("and binds closer than or, and not closer than both: as JavaScript says", () => {
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("true", "false", "1 < 2", '"a" == "b"', "3 != 3", "not true"),
      fc.tuple(tie("expression"), tie("expression")).map((pair) => pair.join(" and ")),
      fc.tuple(tie("expression"), tie("expression")).map((pair) => pair.join(" or ")),
      tie("expression").map((inner) => `not (${inner})`),
      tie("expression").map((inner) => `(${inner})`),
    ),
  }));
  fc.assert(
    fc.property(expression, (source) => {
      const script = source.replaceAll("and", "&&").replaceAll("or", "||").replaceAll("not", "!");
      assert.equal(holds(source, {}), new Function(`return ${script};`)(), source);
    }),
  );
});

test("any text is compiled or refused with a SyntaxError that has a place", () => {
  const word = fc.constantFrom(
    ...["body", "attributes", '["a"]', "==", "<", "(", ")", "and", "or", "not", "IsMatch(", ","],
    ...['"x"', "5", "nil", ".", "severity_number", "true", " ", "\\", "[0]", "SEVERITY_NUMBER_X"],
  );
  const value: fc.Arbitrary<AnyValue> = fc.oneof(fc.string(), fc.integer(), fc.constant(null));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 10 }), value, (words, body) => {
      const source = words.join(" ");
      try {
        assert.equal(typeof holds(source, { body }), "boolean");
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error));
        assert.match(error.message, /^column \d+: /);
      }
    }),
    { numRuns: 2000 },
  );
});

test("names the column and what is known there", () => {
  const faults: [string, RegExp][] = [
    ["severity_numbr < 9", /^column 1: no path severity_numbr here; there are body, /],
    ["body = 1", /^column 6: not part of a condition$/],
    ['IsMatsch(body, "x")', /^column 1: no function IsMatsch here; there are IsMatch, /],
    ['IsMatch(body, "a(?=b)")', /^column 1: of \(\?/],
    ["IsMatch(body, attributes)", /^column 1: the pattern of IsMatch must be text/],
    ["IsMatch(body)", /^column 1: IsMatch takes 2 values$/],
    ['attributes["a"]', /^column 16: expected a comparison such as ==, got the end$/],
    ["Len(body)", /expected a comparison/],
    ['body == "a" body', /^column 13: expected and, or, or the end, got body$/],
    ["(true", /^column 6: expected \), got the end$/],
    ["severity_number == SEVERITY_NUMBER_LOUD", /^column 20: there is no severity/],
    ["severity_number == SEVERITY_NUMBER_9", /^column 20: there is no severity/],
    ['IsMatch(body, "\\d")', /^column 15: there is no escape \\d; .*two backslashes$/],
    ["1 + 1 == 2", /^column 3: not part of a condition$/],
    [`${"(".repeat(65)}true`, /nested deeper than 64/],
    [`"${"a".repeat(4096)}" == "a"`, /more than 4096 characters/],
  ];
  for (const [source, expected] of faults) {
    assert.throws(() => holds(source, {}), { name: "SyntaxError", message: expected }, source);
  }
});
