import assert from "node:assert/strict";
import { test } from "node:test";
import { configSchema } from "./config.ts";
import { positionError } from "./position.ts";

function errorsOf(config: object): string[] {
  const result = configSchema.safeParse(config);
  return result.error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`) ?? [];
}

test("accepts an empty configuration and the short form", () => {
  assert.deepEqual(errorsOf({}), []);
  assert.deepEqual(errorsOf({ entities: ["default", "-ipv4"] }), []);
});

test("refuses what it does not know, at its place", () => {
  assert.match(
    errorsOf({ entities: ["default", "-ip4"] }).join(),
    /^entities\.1: no entity '-?ip4'/,
  );
  assert.match(
    errorsOf({ treatments: { mail: { action: "keep" } } }).join(),
    /^treatments\.mail: no/,
  );
  assert.match(errorsOf({ treatments: { email: { action: "hash" } } }).join(), /hash_key_file/);
  assert.match(
    errorsOf({ treatments: { email: { action: "redact", text: "a b" } } }).join(),
    /text/,
  );
  assert.match(
    errorsOf({ allow: { cidrs: ["10.0.0.0"] } }).join(),
    /^allow\.cidrs\.0: .*10\.0\.0\.0\/8/,
  );
  assert.equal(errorsOf({ entitys: [] }).length, 1);
});

test("refuses rules that do not compile or would need backtracking", () => {
  for (const pattern of ["(", "(a)\\1", "a(?=b)", "[a-z]{1,5000}"]) {
    const errors = errorsOf({ rules: [{ entity: "x", pattern }] });
    assert.match(errors.join(), /^rules\.0\.pattern: not a regular expression that runs in linear/);
  }
});

test("asks for a tokenize behind a treatment that needs one", () => {
  const config = configSchema.parse({ treatments: { email: { action: "tokenize" } } });
  const position = { pipeline: "logs", before: [], after: ["tokenize"], exporters: [] };
  assert.equal(positionError(config, position), undefined);
  assert.match(positionError(config, { ...position, after: [] })!, /email is tokenize/);
  assert.match(positionError(config, { ...position, before: ["pii_detect"] })!, /stands before/);
  const between = { ...position, before: ["pii_detect", "tokenize"] };
  assert.equal(positionError(config, between), undefined);
  assert.equal(positionError(configSchema.parse({}), { ...position, after: [] }), undefined);
});
