import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Framer } from "./framer.ts";

const LINE_FEED = 0x0a;
const counted = { countsOctets: true, trailer: LINE_FEED, sizeMax: 64 };
const delimited = { countsOctets: false, trailer: LINE_FEED, sizeMax: 64 };

function framesOf(framing: typeof counted, pieces: readonly (string | Buffer)[]): string[] {
  const framer = new Framer(framing);
  const frames = pieces.flatMap((piece) =>
    // A frame may share the memory of its piece, so it is read at once.
    framer.push(Buffer.from(piece)).map(({ bytes, isCut }) => text(bytes, isCut)),
  );
  const last = framer.end();
  if (last !== undefined) frames.push(text(last.bytes, last.isCut));
  assert.equal(framer.isInside, false);
  return frames;
}

const text = (bytes: Buffer, isCut: boolean): string =>
  bytes.toString("latin1") + (isCut ? "~" : "");

test("messages with a length are taken by it, whatever they hold", () => {
  assert.deepEqual(framesOf(counted, ["5 a\nb c3 def"]), ["a\nb c", "def"]);
  assert.deepEqual(framesOf(counted, ["1", "0 01234", "56789", "2 ab"]), ["0123456789", "ab"]);
});

test("with octet counting a message without a length ends with its trailer", () => {
  assert.deepEqual(framesOf(counted, ["3 abc<1>x y\n2 ab\n2 cd\n"]), ["abc", "<1>x y", "ab", "cd"]);
  assert.deepEqual(framesOf(counted, ["12x\n0 zero\n1234567890 a\n"]), [
    ...["12x", "0 zero", "1234567890 a"],
  ]);
});

test("messages without a length end with their trailer, empty ones are none", () => {
  assert.deepEqual(framesOf(delimited, ["a\n\n\r\n5 bc\n\nd"]), ["a", "5 bc", "d"]);
  assert.deepEqual(framesOf({ ...delimited, trailer: 0 }, ["a\nb\0c\0"]), ["a\nb", "c"]);
});

test("a message that is too long is cut, and the next one is whole", () => {
  const long = "x".repeat(100);
  const cut = `${"x".repeat(64)}~`;
  assert.deepEqual(framesOf(delimited, [`${long}\nnext\n`]), [cut, "next"]);
  assert.deepEqual(framesOf(counted, [`100 ${long}4 next`]), [cut, "next"]);
  assert.deepEqual(framesOf(counted, [`999999999 ${long}`]), [cut]);
});

test("a stream gives the same messages however the network cuts it", () => {
  const message = fc.string({ unit: fc.constantFrom("a", "1", " ", "é"), maxLength: 90 });
  const stream = fc.array(
    fc.oneof(
      message.map((body) => `${Buffer.byteLength(body)} ${body}`),
      message.map((body) => `<${body}\n`),
      fc.constantFrom("\n", "0", "99999 ", "\0"),
    ),
    { maxLength: 8 },
  );
  const cuts = fc.array(fc.nat(400), { maxLength: 12 });
  fc.assert(
    fc.property(stream, cuts, fc.constantFrom(counted, delimited), (parts, places, framing) => {
      const bytes = Buffer.from(parts.join(""));
      const ends = [...places.filter((place) => place < bytes.length), bytes.length];
      ends.sort((a, b) => a - b);
      const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      assert.deepEqual(framesOf(framing, pieces), framesOf(framing, [bytes]));
    }),
    { numRuns: 1000 },
  );
});
