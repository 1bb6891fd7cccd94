import assert from "node:assert/strict";
import { test } from "node:test";
import { problemOf } from "./bucket.ts";
import { copyConfig } from "./copy_config.ts";
import { inParallel } from "./in_parallel.ts";

const UNTIL_MS = Date.parse("2030-01-01T00:00:00Z");
const CONTENT = {
  key: "k",
  sizeBytes: 5,
  sha256: Buffer.alloc(32, 7),
  open: () => Buffer.alloc(5),
};
const LOCK = {
  mode: "COMPLIANCE",
  untilMs: UNTIL_MS,
  enoughMs: UNTIL_MS,
  legalHold: true,
} as const;
const FOUND = {
  ContentLength: 5,
  ChecksumSHA256: CONTENT.sha256.toString("base64"),
  ObjectLockMode: "COMPLIANCE",
  ObjectLockRetainUntilDate: new Date(UNTIL_MS),
  ObjectLockLegalHoldStatus: "ON",
} as const;

test("an object counts as copied only with its hash and its lock", () => {
  assert.equal(problemOf(FOUND, CONTENT, LOCK), undefined);
  const wrong: [object, RegExp][] = [
    [{ ChecksumSHA256: undefined }, /gives no SHA-256/],
    [{ ChecksumSHA256: Buffer.alloc(32).toString("base64") }, /not what was sent/],
    [{ ContentLength: 4 }, /not what was sent/],
    [{ ObjectLockMode: undefined }, /has no lock/],
    [{ ObjectLockRetainUntilDate: undefined }, /has no lock/],
    [{ ObjectLockMode: "GOVERNANCE" }, /another mode/],
    [{ ObjectLockRetainUntilDate: new Date(UNTIL_MS - 2000) }, /ends too early/],
    [{ ObjectLockLegalHoldStatus: "OFF" }, /no legal hold/],
  ];
  for (const [change, words] of wrong) {
    assert.match(problemOf({ ...FOUND, ...change }, CONTENT, LOCK) ?? "", words);
  }
  const bare = { ContentLength: 5, ChecksumSHA256: FOUND.ChecksumSHA256 };
  assert.equal(problemOf(bare, CONTENT, undefined), undefined);
});

test("a prefix cannot lead elsewhere, and a lock needs its length", () => {
  assert.ok(copyConfig.safeParse({ bucket: "arc", prefix: "a/b" }).success);
  for (const prefix of ["/a", "a/", "a//b", "../a", "a/..", ""]) {
    assert.ok(!copyConfig.safeParse({ bucket: "arc", prefix }).success, prefix);
  }
  assert.ok(!copyConfig.safeParse({ bucket: "arc", lock: {} }).success);
  assert.ok(!copyConfig.safeParse({ bucket: "arc", endpoint: "ftp://host" }).success);
});

test("the first failure ends parallel work and is thrown", async () => {
  let begun = 0;
  let most = 0;
  let running = 0;
  const work = async (item: number): Promise<void> => {
    begun++;
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    if (item === 3) throw new Error("three");
  };
  const items = Array.from({ length: 100 }, (_, index) => index);
  await assert.rejects(inParallel(items, 4, work), /three/);
  assert.ok(begun < 12 && most === 4);
  begun = 0;
  await inParallel(items.slice(10), 4, work);
  assert.equal(begun, 90);
});
