import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashLeaf, treeRoot } from "./merkle.ts";
import type { Span } from "./tree_proof.ts";
import { consistencySpans, inclusionSpans, isConsistent, rootOfInclusion } from "./tree_proof.ts";

const LEAVES = Array.from({ length: 70 }, (_, index) => hashLeaf(Buffer.from(`entry ${index}`)));
const root = (size: number): Buffer => treeRoot(LEAVES.slice(0, size));
const hashes = (spans: readonly Span[]): Buffer[] =>
  spans.map(({ from, to }) => treeRoot(LEAVES.slice(from, to)));

test("the spans are those of the examples in RFC 6962, section 2.1.3", () => {
  const pairs = (spans: readonly Span[]) => spans.map(({ from, to }) => [from, to]);
  // The audit path for d0 is [b, h, l].
  assert.deepEqual(pairs(inclusionSpans(0, 7)), [
    [1, 2],
    [2, 4],
    [4, 7],
  ]);
  // The audit path for d6 is [i, k]: the pair of d4 and d5, and the first four.
  assert.deepEqual(pairs(inclusionSpans(6, 7)), [
    [4, 6],
    [0, 4],
  ]);
  // PROOF(3, D[7]) = [c, d, g, l], PROOF(4, D[7]) = [l], PROOF(6, D[7]) = [i, j, k].
  assert.deepEqual(pairs(consistencySpans(3, 7)), [
    [2, 3],
    [3, 4],
    [0, 2],
    [4, 7],
  ]);
  assert.deepEqual(pairs(consistencySpans(4, 7)), [[4, 7]]);
  assert.deepEqual(pairs(consistencySpans(6, 7)), [
    [4, 6],
    [6, 7],
    [0, 4],
  ]);
});

test("every leaf of every small log is proven, and under no other number or size", () => {
  for (let size = 1; size <= LEAVES.length; size++) {
    for (let index = 0; index < size; index++) {
      const path = hashes(inclusionSpans(index, size));
      const leaf = { index, hash: LEAVES[index]! };
      assert.ok(rootOfInclusion(leaf, size, path)?.equals(root(size)));
      const other = { index, hash: LEAVES[(index + 1) % LEAVES.length]! };
      assert.ok(!rootOfInclusion(other, size, path)?.equals(root(size)));
      assert.equal(rootOfInclusion(leaf, size, [...path, root(1)]), undefined);
      assert.equal(rootOfInclusion({ ...leaf, index: size }, size, path), undefined);
    }
  }
});

test("every pair of sizes is consistent, and with no other root", () => {
  for (let size = 0; size <= LEAVES.length; size++) {
    for (let oldSize = 0; oldSize <= size; oldSize++) {
      const path = hashes(consistencySpans(oldSize, size));
      const [older, newer] = [oldSize, size].map((n) => ({ size: n, root: root(n) })) as [
        { size: number; root: Buffer },
        { size: number; root: Buffer },
      ];
      assert.ok(isConsistent(older, newer, path), `${oldSize} and ${size}`);
      if (oldSize === 0) continue;
      const wrong = Buffer.from(older.root);
      wrong[0]! ^= 1;
      assert.ok(!isConsistent({ ...older, root: wrong }, newer, path));
      assert.ok(!isConsistent(older, { ...newer, root: wrong }, path));
      assert.ok(!isConsistent(older, newer, [...path, wrong]));
      if (size > oldSize) assert.ok(!isConsistent(newer, older, path));
    }
  }
});

test("a proof with any bit changed proves nothing", () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 69 }), fc.integer({ min: 1, max: 70 }));
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(255), ([a, b], at, bit) => {
      const [oldSize, size] = [Math.min(a, b), Math.max(a, b)];
      const path = hashes(consistencySpans(oldSize, size));
      fc.pre(path.length > 0);
      const changed = path.map((hash) => Buffer.from(hash));
      changed[at % path.length]![bit >> 3]! ^= 1 << (bit & 7);
      const older = { size: oldSize, root: root(oldSize) };
      assert.ok(!isConsistent(older, { size, root: root(size) }, changed));
    }),
  );
});

test("sizes beyond 2^32 have the spans that their bits say", () => {
  const size = 2 ** 40 + 3;
  assert.deepEqual(inclusionSpans(2 ** 40 + 2, size), [
    { from: 2 ** 40, to: 2 ** 40 + 2 },
    { from: 0, to: 2 ** 40 },
  ]);
  assert.equal(inclusionSpans(5, size).length, 41);
});
