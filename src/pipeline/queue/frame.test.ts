import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHeader, scanFrames } from "./frame.ts";

const run = new Uint8Array(16).fill(7);

/** Payloads of 0xff, so that no flipped byte of one can be a header. */
function fileOf(sizes: readonly number[]): { content: Buffer; starts: number[] } {
  const starts: number[] = [];
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [index, size] of sizes.entries()) {
    const header = encodeHeader({ index, records: 1, enqueuedMs: 5, run }, size);
    starts.push(at);
    pieces.push(header, Buffer.alloc(size, 0xff));
    at += header.length + size;
  }
  return { content: Buffer.concat(pieces), starts };
}

const indexesOf = (content: Buffer): number[] => scanFrames(content).frames.map((f) => f.index);
const sizes = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 });

test("finds every frame of a whole file", () => {
  fc.assert(
    fc.property(sizes, (lengths) => {
      const { content, starts } = fileOf(lengths);
      const scan = scanFrames(content);
      assert.deepEqual(
        scan.frames.map(({ offset }) => offset),
        starts,
      );
      assert.deepEqual([scan.skippedBytes, scan.tailBytes], [0, 0]);
    }),
  );
});

test("after a change of any byte finds all other frames", () => {
  const { content, starts } = fileOf([20, 0, 33, 7]);
  for (let at = 0; at < content.length; at++) {
    const changed = Buffer.from(content);
    changed[at] = changed[at]! ^ 0x10;
    const hit = starts.findLastIndex((start) => start <= at);
    const others = [0, 1, 2, 3].filter((index) => index !== hit);
    const found = indexesOf(changed);
    assert.deepEqual(
      others.filter((index) => !found.includes(index)),
      [],
      `byte ${at}`,
    );
  }
});

test("after bytes were removed or added anywhere finds the frames that are whole", () => {
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(40), fc.uint8Array({ maxLength: 40 }), (...input) => {
      const [lengths, place, removed, added] = input;
      const { content, starts } = fileOf(lengths);
      const at = place % content.length;
      const changed = Buffer.concat([
        content.subarray(0, at),
        added,
        content.subarray(at + removed),
      ]);
      const found = indexesOf(changed);
      for (const [index, start] of starts.entries()) {
        const end = starts[index + 1] ?? content.length;
        if (end <= at || start >= at + removed) assert.ok(found.includes(index), `frame ${index}`);
      }
    }),
  );
});

test("tells the bytes that belong to no frame", () => {
  const { content } = fileOf([10, 10]);
  const torn = scanFrames(content.subarray(0, content.length - 3));
  assert.equal(torn.frames.length, 1);
  assert.equal(torn.tailBytes, 55);
  const noise = scanFrames(Buffer.concat([Buffer.alloc(9), content]));
  assert.deepEqual([noise.frames.length, noise.skippedBytes], [2, 9]);
});
