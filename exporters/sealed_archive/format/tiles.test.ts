import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBundle, encodeBundle, parseTilePath, tilePath, tilesBetween } from "./tiles.ts";

test("names tiles as c2sp.org/tlog-tiles does", () => {
  assert.equal(tilePath({ level: 0, index: 1234067, width: 256 }), "tile/0/x001/x234/067");
  assert.equal(tilePath({ level: 0, index: 273, width: 112 }), "tile/0/273.p/112");
  assert.equal(tilePath({ level: "entries", index: 0, width: 1 }), "tile/entries/000.p/1");
  assert.equal(tilePath({ level: 2, index: 999, width: 256 }), "tile/2/999");
  assert.equal(tilePath({ level: 2, index: 1000, width: 256 }), "tile/2/x001/000");
});

test("takes only the one right name of a tile", () => {
  const wrong = [
    "tile/0/0",
    "tile/00/000",
    "tile/0/x000/000",
    "tile/0/001/000",
    "tile/0/000.p/0",
    "tile/0/000.p/07",
    "tile/0/000.p/256",
    "tile/0/../../checkpoint",
    "tile/data/000",
  ];
  for (const path of wrong) assert.equal(parseTilePath(path), undefined, path);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 63 }),
      fc.integer({ min: 0, max: 1e12 }),
      fc.integer({ min: 1, max: 256 }),
      (level, index, width) => {
        assert.deepEqual(parseTilePath(tilePath({ level, index, width })), { level, index, width });
      },
    ),
  );
});

test("has the tiles of the specification's example for 70,000 entries", () => {
  const tiles = [...tilesBetween(0, 70_000)];
  const widths = (level: number | "entries"): string[] => {
    const ofLevel = tiles.filter((tile) => tile.level === level);
    const partial = ofLevel.filter((tile) => tile.width < 256).map((tile) => String(tile.width));
    return [String(ofLevel.length - partial.length), ...partial];
  };
  assert.deepEqual(widths("entries"), ["273", "112"]);
  assert.deepEqual(widths(0), ["273", "112"]);
  assert.deepEqual(widths(1), ["1", "17"]);
  assert.deepEqual(widths(2), ["0", "1"]);
  assert.equal(
    tiles.some((tile) => tile.level === 3),
    false,
  );
});

test("has no empty tile and no partial tile hashed upward at 256 entries", () => {
  assert.deepEqual(
    [...tilesBetween(0, 256)],
    [
      { level: "entries", index: 0, width: 256 },
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ],
  );
});

test("reads back the entries of a bundle, up to 65,535 bytes each", () => {
  const entries = [Buffer.from("a"), Buffer.alloc(0), Buffer.alloc(65_535, 7)];
  const bytes = encodeBundle(entries);
  assert.deepEqual(decodeBundle(bytes), { entries, whole: true });
  assert.equal(decodeBundle(bytes.subarray(0, -1)).whole, false);
  assert.throws(() => encodeBundle([Buffer.alloc(65_536)]), RangeError);
});
