/**
 * Reads the protobuf wire format (protobuf.dev/programming-guides/encoding) from one buffer.
 *
 * Invariant: whatever the bytes are, a read ends, allocates at most what is there, and fails only
 * with `otlp.malformed`. A read may look past the end of the message it is in; the message's own
 * {@link ProtobufReader.expectEnd} notices that before anything is used.
 */
import { isUtf8 } from "node:buffer";
import type { HrTime } from "../data/time.ts";
import { hrTimeFromFixed64 } from "./fixed64.ts";
import { KeyCache } from "./key_cache.ts";
import { malformedAt } from "./limits.ts";

const TWO_32 = 4_294_967_296;
const REPLACEMENT = "\ufffd";
const keys = new KeyCache();

export class ProtobufReader {
  position = 0;
  /** Upper 32 bits of the last {@link varint}. */
  high = 0;
  readonly bytes: Buffer;
  readonly #view: DataView;
  /** The bytes from `#textStart` on as Latin-1: strings that are ASCII are slices of it. */
  #text = "";
  #textStart = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * Prepares for the strings between here and `end`. One native call for all of them; their text
   * keeps alive no more than the message (a record, a resource) that they are in.
   */
  openText(end: number): void {
    this.#textStart = this.position;
    this.#text = this.bytes.toString("latin1", this.position, end);
  }

  /** A varint of up to 64 bits: returns the lower 32, {@link high} holds the upper. */
  varint(): number {
    const bytes = this.bytes;
    const first = bytes[this.position]!;
    if (first < 0x80) {
      this.position++;
      this.high = 0;
      return first;
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    const start = this.position;
    const bytes = this.bytes;
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index++) {
      const byte = bytes[start + index];
      if (byte === undefined) throw malformedAt(start, "the message is cut off");
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte >= 0x80) continue;
      if (index === 9 && byte > 1) break;
      this.position = start + index + 1;
      this.high = high >>> 0;
      return low >>> 0;
    }
    throw malformedAt(start, "a number is longer than 64 bits");
  }

  /** Field number and wire type of the next field. */
  tag(): number {
    const tag = this.varint();
    if (this.high !== 0) throw malformedAt(this.position, "a field number is too large");
    return tag;
  }

  /** The end of the length-delimited field that starts here, in a message that ends at `end`. */
  delimited(end: number): number {
    const at = this.position;
    const length = this.varint();
    const start = this.position;
    // `!(… <= …)` also catches the NaN of a read past the end of the buffer.
    if (this.high !== 0 || !(start + length <= end)) throw malformedAt(at, "a length is too large");
    return start + length;
  }

  expectEnd(end: number): void {
    if (this.position !== end) throw malformedAt(this.position, "a field exceeds its message");
  }

  string(end: number): string {
    const start = this.position;
    const bytes = this.bytes;
    let index = start;
    while (index < end && bytes[index]! < 0x80) index++;
    this.position = end;
    if (index === end) return this.#text.substring(start - this.#textStart, end - this.#textStart);
    const text = bytes.toString("utf8", start, end);
    // Searching is nearly free, and only a text with the replacement character can be ill-formed.
    if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end))) {
      throw malformedAt(start, "a string is not UTF-8");
    }
    return text;
  }

  /** A string that is expected again and again, such as an attribute's key. */
  key(end: number): string {
    const start = this.position;
    const known = keys.get(this.bytes, start, end);
    if (known !== undefined) {
      this.position = end;
      return known;
    }
    const key = this.string(end);
    return keys.add(this.bytes, start, end, key);
  }

  /** A copy, so that a small value does not keep the whole request alive. */
  copy(end: number): Uint8Array {
    const copy = new Uint8Array(end - this.position);
    copy.set(this.bytes.subarray(this.position, end));
    this.position = end;
    return copy;
  }

  /** A two's complement varint: a `number` where that is exact, else a `bigint`. */
  int64(): number | bigint {
    const low = this.varint();
    const high = this.high;
    if (high === 0) return low;
    const value = (high | 0) * TWO_32 + low;
    if (Number.isSafeInteger(value)) return value;
    return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
  }

  int32(): number {
    return this.varint() | 0;
  }

  fixed32(end: number): number {
    this.#need(4, end);
    const value = this.#view.getUint32(this.position, true);
    this.position += 4;
    return value;
  }

  hrTime(end: number): HrTime {
    this.#need(8, end);
    const low = this.#view.getUint32(this.position, true);
    const high = this.#view.getUint32(this.position + 4, true);
    this.position += 8;
    return hrTimeFromFixed64(low, high);
  }

  double(end: number): number {
    this.#need(8, end);
    const value = this.#view.getFloat64(this.position, true);
    this.position += 8;
    return value;
  }

  /**
   * Passes over a field that the message does not have. `knownFields` has bit n set for each field
   * n that it has: one of those with another wire type is an error, not a new field.
   */
  skip(tag: number, end: number, knownFields: number): void {
    const at = this.position;
    const field = tag >>> 3;
    if (field === 0) throw malformedAt(at, "there is no field number 0");
    if (field < 32 && (knownFields >>> field) & 1) {
      throw malformedAt(at, `field ${field} has the wrong wire type ${tag & 7}`);
    }
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.#need(8, end);
        this.position += 8;
        return;
      case 2:
        this.position = this.delimited(end);
        return;
      case 5:
        this.#need(4, end);
        this.position += 4;
        return;
      default:
        throw malformedAt(at, `wire type ${tag & 7} is not used by OTLP`);
    }
  }

  #need(size: number, end: number): void {
    if (this.position + size > end) throw malformedAt(this.position, "the message is cut off");
  }
}
