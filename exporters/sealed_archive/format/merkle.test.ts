import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LogTree } from "./log_tree.ts";
import { hashLeaf, hashNode, sha256, treeRoot } from "./merkle.ts";
import { levelCount, TILE_WIDTH } from "./tiles.ts";

// The well-known leaves and roots of the Certificate Transparency reference tests.
const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/** RFC 6962 2.1, word for word. */
function definition(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256("");
  if (leaves.length === 1) return leaves[0]!;
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return hashNode(definition(leaves.slice(0, split)), definition(leaves.slice(split)));
}

const leafHashes = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => hashLeaf(Buffer.from(String(index))));

test("gives the RFC 6962 roots of 0 to 8 leaves", () => {
  const hashes = LEAVES.map((leaf) => hashLeaf(Buffer.from(leaf, "hex")));
  const tree = new LogTree();
  assert.equal(tree.root().toString("hex"), ROOTS[0]);
  for (const [index, hash] of hashes.entries()) {
    tree.append(hash);
    assert.equal(treeRoot(hashes.slice(0, index + 1)).toString("hex"), ROOTS[index + 1]);
    assert.equal(tree.root().toString("hex"), ROOTS[index + 1]);
  }
});

test("gives the root of the definition for any number of leaves and any earlier size", () => {
  const hashes = leafHashes(1500);
  const tree = new LogTree();
  for (const hash of hashes) tree.append(hash);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: hashes.length }), (size) => {
      const expected = definition(hashes.slice(0, size));
      assert.ok(tree.root(size).equals(expected));
      assert.ok(treeRoot(hashes.slice(0, size)).equals(expected));
    }),
    { numRuns: 60 },
  );
});

test("goes on from its right edge after it was restored, at any size", () => {
  const hashes = leafHashes(1400);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1300 }),
      fc.integer({ min: 0, max: 100 }),
      (size, more) => {
        const whole = new LogTree();
        for (const hash of hashes.slice(0, size)) whole.append(hash);
        const tree = LogTree.restore(size, (level) => {
          const width = levelCount(size, level) % TILE_WIDTH;
          return whole.hashes(level, levelCount(size, level) - width, width);
        });
        for (const hash of hashes.slice(size, size + more)) tree.append(hash);
        assert.ok(tree.root().equals(definition(hashes.slice(0, size + more))));
      },
    ),
    { numRuns: 40 },
  );
});

test("keeps nothing but the right edge in memory", () => {
  const tree = new LogTree();
  for (const hash of leafHashes(70_000)) {
    tree.append(hash);
    if (tree.size % 100 === 0) tree.forget(tree.size);
  }
  assert.equal(tree.hashes(0, 69_888, 112).length, 112);
  assert.equal(tree.hashes(1, 256, 17).length, 17);
  assert.equal(tree.hashes(2, 0, 1).length, 1);
  assert.throws(() => tree.hashes(0, 69_887, 1), RangeError);
  assert.equal(tree.root().toString("hex"), definition(leafHashes(70_000)).toString("hex"));
});
