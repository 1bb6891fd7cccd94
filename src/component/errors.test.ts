import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError, describeError, isPermanent } from "./errors.ts";

test("tells the place of an unexpected error, never its message", () => {
  const hostile = new TypeError("secret\n    at secret.ts:1");
  const text = describeError(hostile);
  assert.match(text, /^TypeError at errors\.test\.ts:\d+$/);
  assert.doesNotMatch(text, /secret/);
});

test("tells the code of a system error and of our own", () => {
  const full = Object.assign(new Error("write /path"), { code: "ENOSPC" });
  assert.equal(describeError(full), "Error ENOSPC");
  const own = new AgentError("storage.locked", "state is held by process 1");
  assert.equal(describeError(own), "storage.locked: state is held by process 1");
});

test("takes an error that nobody classified as retryable", () => {
  assert.equal(isPermanent(new TypeError("x")), false);
  assert.equal(isPermanent(new AgentError("storage.corrupt", "x")), true);
});
