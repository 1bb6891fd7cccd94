import assert from "node:assert/strict";
import { test } from "node:test";
import { createDetector } from "./lent_detector.ts";

test("the lent detector looks under encodings, but not into tokens", () => {
  const detector = createDetector({
    entities: ["default"],
    minScore: 0.5,
    allowedValues: [],
    allowedNetworks: [],
  });
  assert.ok(typeof detector === "object");
  const mail = `payload ${Buffer.from("to: anna@example.com").toString("base64")}`;
  assert.deepEqual(detector.detect(mail, ""), [{ entity: "email", start: 0, end: mail.length }]);
  const address = "q=%31%39%32.0.2.7";
  assert.deepEqual(detector.detect(address, ""), [
    { entity: "ipv4", start: 0, end: address.length },
  ]);
  const plain = "to anna@example.com";
  assert.deepEqual(detector.detect(plain, ""), [{ entity: "email", start: 3, end: 19 }]);
  const inside = Buffer.from("to: anna@example.com").toString("base64url");
  assert.deepEqual(detector.detect(`a%20b <email:age:${inside}>`, ""), []);
});
