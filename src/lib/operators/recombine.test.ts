import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AnyValue } from "../../data/any_value.ts";
import { operatorConfigs } from "./config.ts";
import { apply, chainOf, newEntry } from "./testing/apply.ts";

/** The bodies that lines become, and at last what was held back. */
function recombine(config: object, lines: readonly string[]): AnyValue[] {
  const { chain, failures } = chainOf([{ type: "recombine", combine_field: "body", ...config }]);
  const bodies: AnyValue[] = [];
  lines.forEach((body, index) => {
    const entry = { ...newEntry(body), start: index, number: index + 1 };
    if (chain.process(entry)) bodies.push(entry.body);
  });
  bodies.push(...chain.release().map(({ body }) => body));
  assert.equal(chain.heldFrom(), undefined);
  assert.deepEqual(failures, []);
  return bodies;
}

const TRACE = [
  "Log message 1",
  "Error: java.lang.Exception: Stack trace",
  "        at java.lang.Thread.dumpStack(Thread.java:1336)",
  "        at Main.main(Main.java:3)",
  "Another log message",
];

test("a stack trace becomes one record (the Collector's example)", () => {
  const first = { is_first_entry: 'body matches "^[^\\\\s]"' };
  assert.deepEqual(recombine(first, TRACE), [TRACE[0], TRACE.slice(1, 4).join("\n"), TRACE[4]]);
});

/** The examples of the Collector's documentation of `max_unmatched_batch_size`. */
const UNMATCHED: readonly (readonly [object, string, string])[] = [
  [{ is_first_entry: "body == '1'", max_unmatched_batch_size: 0 }, "2 3 4 1 5 6 7 1", "234 1567 1"],
  [
    { is_first_entry: "body == '1'", max_unmatched_batch_size: 1 },
    "2 3 4 1 5 6 7 1",
    "2 3 4 1567 1",
  ],
  [
    { is_first_entry: "body == '1'", max_unmatched_batch_size: 3 },
    "2 3 4 5 1 6 7 1 8 1",
    "234 5 167 18 1",
  ],
  [
    { is_last_entry: "body == '1'", max_unmatched_batch_size: 3 },
    "2 3 4 5 1 6 7 1 8 1",
    "234 51 671 81",
  ],
];

test("lines before a first match are joined as far as is allowed", () => {
  for (const [config, lines, expected] of UNMATCHED) {
    const joined = recombine({ combine_with: "", ...config }, lines.split(" "));
    assert.deepEqual(joined, expected.split(" "));
  }
});

test("a record is handed on when it has enough lines or bytes", () => {
  const last = { is_last_entry: "body == 'end'", combine_with: "" };
  assert.deepEqual(recombine({ ...last, max_batch_size: 2 }, ["a", "b", "c", "end"]), [
    "ab",
    "cend",
  ]);
  const small = { ...last, max_log_size: 3 };
  assert.deepEqual(recombine(small, ["ab", "cd", "e", "end"]), ["abcd", "eend"]);
});

test("sources are kept apart, and there are not more than allowed", () => {
  const config = {
    ...{ combine_field: "body.m", source_identifier: "body.s", is_last_entry: "body.last" },
    ...{ max_sources: 2, overwrite_with: "oldest" },
  };
  const { chain } = chainOf([{ type: "recombine", ...config }]);
  const line = (s: string, m: string, last = false) => ({ s, m, last, n: m });
  const out: AnyValue[] = [];
  const lines = [
    line("x", "1"),
    line("y", "2"),
    line("x", "3", true),
    line("z", "4"),
    line("w", "5"),
  ];
  lines.forEach((body, index) => {
    const entry = { ...newEntry(body), start: index, number: index + 1 };
    if (chain.process(entry)) out.push(entry.body);
  });
  assert.deepEqual(out, [
    { s: "x", m: "1\n3", last: false, n: "1" },
    { s: "y", m: "2", last: false, n: "2" },
  ]);
  assert.deepEqual(chain.heldFrom(), { offset: 3, lines: 3 });
});

test("a line without the field is a failure, and goes on alone", () => {
  const config = { type: "recombine", combine_field: "body.m", is_last_entry: "true" };
  const { passed, failures } = apply(config, "text");
  assert.deepEqual([passed, failures], [true, ["recombine"]]);
  const both = { is_first_entry: "true", is_last_entry: "true", combine_field: "body" };
  assert.equal(operatorConfigs.safeParse([{ type: "recombine", ...both }]).success, false);
});

test("no line is lost or comes twice, and what is held is told, whatever the limits", () => {
  const limits = fc.record({
    max_batch_size: fc.integer({ min: 1, max: 4 }),
    max_unmatched_batch_size: fc.integer({ min: 0, max: 3 }),
    max_log_size: fc.integer({ min: 1, max: 9 }),
  });
  const condition = fc.constantFrom("is_first_entry", "is_last_entry");
  const lines = fc.array(fc.constantFrom("a", "!b", "cc", "!"), { maxLength: 30 });
  fc.assert(
    fc.property(limits, condition, lines, (config, name, texts) => {
      const recombined = { type: "recombine", combine_field: "body", combine_with: "|", ...config };
      const { chain } = chainOf([{ ...recombined, [name]: 'body startsWith "!"' }]);
      const out: AnyValue[] = [];
      texts.forEach((body, index) => {
        const entry = { ...newEntry(body), start: index, number: index + 1 };
        if (chain.process(entry)) out.push(entry.body);
        const given = out.flatMap((text) => String(text).split("|")).length;
        assert.equal(chain.heldFrom()?.offset ?? index + 1, given);
      });
      out.push(...chain.release().map(({ body }) => body));
      assert.deepEqual(out.join("|"), texts.join("|"));
    }),
    { numRuns: 500 },
  );
});
