/**
 * A growing buffer for the canonical bytes of one record at a time; all integers are big-endian.
 *
 * Invariant: the buffer is used again for every record, so steady state allocates nothing. One that
 * a huge record made larger than {@link KEPT_BYTES_MAX} is given back.
 */
const INITIAL_BYTES = 64 * 1024;
const KEPT_BYTES_MAX = 1024 * 1024;
/** Longer strings are faster through the native encoder than through a loop. */
const LOOP_CHARS_MAX = 32;
const TWO_POW_32 = 0x1_0000_0000;

export class ByteWriter {
  #buffer = Buffer.alloc(INITIAL_BYTES);
  #end = 0;

  reset(): void {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.alloc(INITIAL_BYTES);
    this.#end = 0;
  }

  /** What was written since {@link reset}; valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#end);
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#end++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#setUint32(this.#end, value);
    this.#end += 4;
  }

  /** Both halves as unsigned 32-bit numbers. */
  uint64(high: number, low: number): void {
    this.#reserve(8);
    this.#setUint32(this.#end, high);
    this.#setUint32(this.#end + 4, low);
    this.#end += 8;
  }

  /** A whole number that a double holds exactly, as a 64-bit two's complement. */
  safeInteger(value: number): void {
    this.uint64(Math.floor(value / TWO_POW_32), value);
  }

  /** Truncated to 64 bits, as OTLP does. */
  int64(value: bigint): void {
    this.#reserve(8);
    this.#buffer.writeBigInt64BE(BigInt.asIntN(64, value), this.#end);
    this.#end += 8;
  }

  /** IEEE 754; all NaN are one. */
  float64(value: number): void {
    this.#reserve(8);
    this.#buffer.writeDoubleBE(Number.isNaN(value) ? Number.NaN : value, this.#end);
    this.#end += 8;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#end);
    this.#end += value.length;
  }

  /** `uint32 length || UTF-8`, the length in bytes. */
  string(text: string): void {
    // A UTF-16 code unit takes at most three bytes of UTF-8.
    this.#reserve(4 + text.length * 3);
    const start = this.#end + 4;
    const length = this.#shortAscii(text, start) ?? this.#buffer.write(text, start, "utf8");
    this.#setUint32(this.#end, length);
    this.#end = start + length;
  }

  /** Writes text that is short and ASCII, and gives its length; otherwise nothing. */
  #shortAscii(text: string, start: number): number | undefined {
    const length = text.length;
    if (length > LOOP_CHARS_MAX) return undefined;
    const buffer = this.#buffer;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return undefined;
      buffer[start + index] = unit;
    }
    return length;
  }

  #setUint32(offset: number, value: number): void {
    const buffer = this.#buffer;
    buffer[offset] = value >>> 24;
    buffer[offset + 1] = value >>> 16;
    buffer[offset + 2] = value >>> 8;
    buffer[offset + 3] = value;
  }

  #reserve(count: number): void {
    const needed = this.#end + count;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }
}
