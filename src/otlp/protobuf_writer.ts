/**
 * Writes the protobuf wire format into one growing buffer.
 *
 * Invariant: the bytes depend only on what is written. Lengths are shortest varints: room for one
 * is left by a guess, and when the guess was wrong what follows is moved.
 *
 * A caller may put bytes of its own between messages: {@link ProtobufWriter.skip} leaves room, and
 * `buffer` is there to fill it. `buffer` changes when it grows, so ask for it after each write.
 */
import type { HrTime } from "../data/time.ts";
import { writeFixed64 } from "./fixed64.ts";

const TWO_32 = 4_294_967_296;
const VARINT_LENGTH_MAX = 10;
/** From this length on a native call is faster than a loop over the characters. */
const SHORT_STRING_MAX = 22;
const NOT_HEX = 0xff;
const hexDigits = new Uint8Array(128).fill(NOT_HEX);
for (const [value, digit] of [..."0123456789abcdef"].entries()) {
  hexDigits[digit.charCodeAt(0)] = value;
  hexDigits[digit.toUpperCase().charCodeAt(0)] = value;
}

export class ProtobufWriter {
  buffer: Buffer;
  /** Number of bytes written; what is beyond it in `buffer` has no meaning. */
  length = 0;
  #view: DataView;

  constructor(initialCapacity = 4096) {
    this.buffer = Buffer.allocUnsafeSlow(initialCapacity);
    this.#view = new DataView(this.buffer.buffer);
  }

  /** Makes sure that `size` more bytes fit. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Forgets everything from `length` on. */
  truncate(length = 0): void {
    this.length = length;
  }

  /** Leaves room for `size` bytes that the caller fills, and returns where it begins. */
  skip(size: number): number {
    this.reserve(size);
    const start = this.length;
    this.length += size;
    return start;
  }

  /** A copy of what was written since `start`. */
  copy(start = 0): Uint8Array {
    return new Uint8Array(this.buffer.subarray(start, this.length));
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    const length = bytes.length;
    this.buffer.set(bytes, this.length);
    this.length += length;
  }

  /** Tags up to field 15 and other values below 128. */
  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  uint32(value: number): void {
    this.reserve(VARINT_LENGTH_MAX);
    this.length = putVarint(this.buffer, this.length, value >>> 0);
  }

  /** A safe integer as a two's complement `int64`. */
  int64(value: number): void {
    if (value >= 0 && value < TWO_32) {
      this.uint32(value);
      return;
    }
    const low = value >>> 0;
    this.varint64(low, (value - low) / TWO_32);
  }

  /** `high` may be negative: its lower 32 bits count. */
  varint64(low: number, high: number): void {
    this.reserve(VARINT_LENGTH_MAX);
    const buffer = this.buffer;
    let position = this.length;
    let lower = low >>> 0;
    let upper = high >>> 0;
    while (upper !== 0 || lower > 0x7f) {
      buffer[position++] = (lower & 0x7f) | 0x80;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    buffer[position++] = lower;
    this.length = position;
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value >>> 0, true);
    this.length += 4;
  }

  hrTime(time: HrTime): void {
    this.reserve(8);
    writeFixed64(this.#view, this.length, time);
    this.length += 8;
  }

  double(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A length-delimited field. A lone surrogate becomes U+FFFD. */
  string(tag: number, text: string): void {
    const length = text.length;
    this.reserve(length * 3 + VARINT_LENGTH_MAX);
    const buffer = this.buffer;
    buffer[this.length++] = tag;
    if (length <= SHORT_STRING_MAX) {
      const start = this.length + 1;
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code > 0x7f) break;
        buffer[start + index] = code;
      }
      if (index === length) {
        buffer[start - 1] = length;
        this.length = start + length;
        return;
      }
    }
    const start = this.begin(length);
    this.length += buffer.write(text, start, "utf8");
    this.end(start, length);
  }

  bytes(tag: number, value: Uint8Array): void {
    this.byte(tag);
    this.uint32(value.length);
    this.raw(value);
  }

  /** A `bytes` field given as hex; left out unless it is exactly `size` bytes of hex. */
  hex(tag: number, text: string, size: number): void {
    if (text.length !== size * 2) return;
    this.reserve(size + 2);
    const buffer = this.buffer;
    const start = this.length + 2;
    for (let index = 0; index < size; index++) {
      const upper = hexDigits[text.charCodeAt(index * 2)] ?? NOT_HEX;
      const lower = hexDigits[text.charCodeAt(index * 2 + 1)] ?? NOT_HEX;
      if ((upper | lower) > 15) return;
      buffer[start + index] = (upper << 4) | lower;
    }
    buffer[start - 2] = tag;
    buffer[start - 1] = size;
    this.length = start + size;
  }

  /** Leaves room for the length of what follows, which is probably `guess` bytes long. */
  begin(guess = 0): number {
    const size = varintSize(guess);
    this.reserve(size);
    this.length += size;
    return this.length;
  }

  /** Writes the length of what was written since {@link begin} returned `start`. */
  end(start: number, guess = 0): void {
    const length = this.length - start;
    const reserved = varintSize(guess);
    const size = varintSize(length);
    if (size !== reserved) {
      this.reserve(VARINT_LENGTH_MAX);
      this.buffer.copyWithin(start - reserved + size, start, this.length);
      this.length += size - reserved;
    }
    putVarint(this.buffer, start - reserved, length);
  }
}

export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes a number below 2^32 and returns the position behind it. */
export function putVarint(buffer: Uint8Array, at: number, value: number): number {
  let position = at;
  let rest = value;
  while (rest > 0x7f) {
    buffer[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
}
