import assert from "node:assert/strict";
import { test } from "node:test";
import { metrics } from "@opentelemetry/api";
import fc from "fast-check";
import type { AnyValue, AnyValueMap } from "../../src/data/any_value.ts";
import { isAnyValueMap } from "../../src/data/any_value.ts";
import type { Finding } from "../../src/data/finding.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { configSchema } from "./config.ts";
import { FieldReport } from "./field_report.ts";
import { RecordMinimizer } from "./record_minimizer.ts";
import { Tally } from "./tally.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function minimizer(config: object): RecordMinimizer {
  return new RecordMinimizer(configSchema.parse(config), {
    hashKey: undefined,
    report: new FieldReport(silent, 10, "dropped"),
    tally: new Tally(metrics.getMeter("test"), {}),
  });
}

type Place = readonly (string | number)[];

/** Every text, number or the like of a value with the path to it. */
function leavesOf(value: AnyValue, path: Place = []): { path: Place; value: AnyValue }[] {
  if (Array.isArray(value)) return value.flatMap((inner, at) => leavesOf(inner, [...path, at]));
  if (!isAnyValueMap(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

const nameOf = (path: Place): string => path.filter((key) => typeof key === "string").join(".");

const key = fc.constantFrom("a", "b", "a.b", "secret");
const leaf = fc.oneof(fc.constantFrom("x", 1, true, "a longer text é\u{1f415}"), fc.string());
const tree = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf as fc.Arbitrary<AnyValue>,
    fc.array(tie("value"), { minLength: 1, maxLength: 3 }),
    fc.dictionary(key, tie("value"), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  ),
})).value;
const map = fc.dictionary(key, tree, { maxKeys: 4, noNullPrototype: true });
const lists = fc.record({
  allow: fc.subarray(["a", "b", "a.b", "*.a", "b.*"]),
  deny: fc.subarray(["secret", "*.secret", "a.b", "b.a"]),
});

/** An own, naive judgement: some beginning of the path is allowed, and none is denied. */
function mayStay(path: Place, { allow, deny }: { allow: string[]; deny: string[] }): boolean {
  const names = path.map((_, index) => nameOf(path.slice(0, index + 1)));
  const matches = (patterns: string[], name: string): boolean =>
    patterns.some((one) => new RegExp(`^${RegExp.escape(one).replace("\\*", ".*")}$`).test(name));
  return names.some((name) => matches(allow, name)) && !names.some((name) => matches(deny, name));
}

test("exactly the fields that may stay do, and twice is once", () => {
  fc.assert(
    fc.property(map, lists, (attributes, rules) => {
      const subject = minimizer({ attributes: rules });
      const before = structuredClone(attributes);
      const once = subject.minimize(new LogRecord({ attributes }));
      assert.deepEqual(attributes, before);
      const wanted = leavesOf(attributes).filter(({ path }) => mayStay(path, rules));
      const kept = leavesOf(once.attributes).filter(({ path, value }) => {
        // A map that came in empty cannot come out; an empty value holds a place in a list.
        return value !== null && path.length > 0;
      });
      assert.deepEqual(kept, wanted);
      const lost = Object.keys(attributes).length - Object.keys(once.attributes).length;
      assert.equal(once.droppedAttributesCount, lost);
      assert.equal(subject.minimize(once), once);
    }),
    { numRuns: 500 },
  );
});

test("a cut body is a beginning of the body within the limit, and twice is once", () => {
  const sizeOf = (body: AnyValue): number => {
    if (Array.isArray(body)) return body.reduce<number>((sum, one) => sum + sizeOf(one), 0);
    if (typeof body === "string") return Buffer.byteLength(body);
    if (!isAnyValueMap(body)) return 8;
    return Object.entries(body).reduce((sum, [k, v]) => sum + k.length + sizeOf(v), 0);
  };
  fc.assert(
    fc.property(tree, fc.integer({ min: 16, max: 80 }), (body, max_bytes) => {
      const subject = minimizer({ body: { max_bytes } });
      const once = subject.minimize(new LogRecord({ body }));
      if (sizeOf(body) <= max_bytes) assert.equal(once.body, body);
      else {
        assert.ok(sizeOf(once.body) <= max_bytes);
        const after = leavesOf(once.body);
        const before = leavesOf(body);
        for (const { path, value } of after) {
          const same = before.find((one) => JSON.stringify(one.path) === JSON.stringify(path));
          if (same === undefined || Object.is(same.value, value)) continue;
          const text = String(value);
          assert.ok(text.endsWith("…") && String(same.value).startsWith(text.slice(0, -1)));
        }
      }
      assert.equal(subject.minimize(once), once);
    }),
    { numRuns: 500 },
  );
});

/** `Ω` stands in findings alone, so what is left of them can be counted. */
const piece = fc.oneof(
  fc.constantFrom("a", "/p?q=", "&", "=", " ", "é", "\u{1f415}", "#", '"', "x".repeat(20)),
  fc.integer({ min: 1, max: 9 }).map((length) => "Ω".repeat(length)),
);
const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(""));

function findingsIn(root: Finding["root"], value: AnyValue): Finding[] {
  return leavesOf(value).flatMap(({ path, value: found }) => {
    if (typeof found !== "string") return [];
    return Array.from(found.matchAll(/(?:Ω[&=]?)+/g), (match) => ({
      root,
      path,
      entity: "email",
      start: match.index,
      end: match.index + match[0].length,
    }));
  });
}

function coveredBy(finding: Finding, record: LogRecord): string {
  let value: AnyValue = finding.root === "body" ? record.body : record.attributes;
  for (const step of finding.path) value = (value as AnyValueMap)[step];
  assert.equal(typeof value, "string");
  return (value as string).slice(finding.start, finding.end);
}

test("what remains of a finding covers what it covered, and nothing found stays uncovered", () => {
  const body = fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.dictionary(key, text));
  const attributes = fc.record({
    "url.query": text,
    "url.full": fc.array(text, { maxLength: 2 }),
    note: fc.dictionary(key, text, { noNullPrototype: true }),
    secret: text,
  });
  const config = fc.record({
    max_bytes: fc.integer({ min: 16, max: 60 }),
    scrub: fc.constantFrom("values", "all"),
    deny: fc.subarray(["secret", "note.a", "*.b"]),
  });
  fc.assert(
    fc.property(body, attributes, config, (bodyValue, map, { max_bytes, scrub, deny }) => {
      const subject = minimizer({
        attributes: { deny },
        body: { max_bytes, deny },
        query_parameters: { scrub, keep: ["p"] },
      });
      const findings = [...findingsIn("body", bodyValue), ...findingsIn("attributes", map)];
      const record = new LogRecord({ body: bodyValue, attributes: map, findings });
      const covered = new Set(findings.map((finding) => coveredBy(finding, record)));
      const after = subject.minimize(record);
      let left = 0;
      for (const finding of after.findings ?? []) {
        const found = coveredBy(finding, after);
        assert.ok(covered.has(found));
        left += found.replaceAll(/[^Ω]/g, "").length;
      }
      const shown = JSON.stringify([after.body, after.attributes]);
      assert.equal(shown.replaceAll(/[^Ω]/g, "").length, left);
      // A cut may leave half a parameter, and a finding may have held what parts parameters.
      const isWhole = !shown.includes("…") && !/[&=]/.test([...covered].join(""));
      if (isWhole) assert.equal(subject.minimize(after), after);
    }),
    { numRuns: 1000 },
  );
});
