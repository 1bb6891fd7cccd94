/**
 * From a stream of bytes to messages, by both framings of RFC 6587.
 *
 * Invariant: never more than the largest message is kept, however long a message claims to be, and
 * each byte is looked at once. Messages that are cut say so.
 */
import { BoundedBuffer } from "./bounded_buffer.ts";

export interface Frame {
  readonly bytes: Buffer;
  /** The rest of it was left out. */
  readonly isCut: boolean;
}

export interface Framing {
  /** Messages that begin with a digit begin with their length. */
  readonly countsOctets: boolean;
  /** The byte behind a message without a length: line feed or NUL. */
  readonly trailer: number;
  readonly sizeMax: number;
}

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** MSG-LEN; more digits than this are no length. */
const COUNT_DIGITS_MAX = 9;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

export class Framer {
  readonly #framing: Framing;
  #state: "between" | "count" | "counted" | "delimited" = "between";
  #digits = "";
  /** Bytes to come of a counted message. */
  #remaining = 0;
  /** The message so far, when it came in several pieces. */
  readonly #kept = new BoundedBuffer();

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** Whether a message has begun and not ended. */
  get isInside(): boolean {
    return this.#state !== "between";
  }

  /** The messages that end in this piece. They may share its memory. */
  push(piece: Buffer): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < piece.length) {
      switch (this.#state) {
        case "between":
          at = this.#begin(piece, at);
          break;
        case "count":
          at = this.#readCount(piece, at);
          break;
        case "counted":
          at = this.#readCounted(piece, at, frames);
          break;
        case "delimited":
          at = this.#readDelimited(piece, at, frames);
          break;
      }
    }
    return frames;
  }

  /** The message that the end of the stream cut off, if any. */
  end(): Frame | undefined {
    if (this.#state === "count") this.#keep(Buffer.from(this.#digits));
    const frame = this.#kept.size > 0 ? this.#take(Buffer.alloc(0)) : undefined;
    this.#state = "between";
    return frame;
  }

  /** Some senders put a line feed, too, behind a message with a length. */
  #begin(piece: Buffer, at: number): number {
    const byte = piece[at]!;
    if (byte === this.#framing.trailer || byte === LINE_FEED || byte === CARRIAGE_RETURN) {
      return at + 1;
    }
    this.#digits = "";
    this.#state =
      this.#framing.countsOctets && isDigit(byte) && byte !== 0x30 ? "count" : "delimited";
    return at;
  }

  #readCount(piece: Buffer, start: number): number {
    let at = start;
    while (at < piece.length && isDigit(piece[at]!) && this.#digits.length < COUNT_DIGITS_MAX) {
      this.#digits += String.fromCharCode(piece[at++]!);
    }
    if (at === piece.length) return at;
    if (piece[at] === SPACE) {
      this.#remaining = Number(this.#digits);
      this.#state = "counted";
      return at + 1;
    }
    // No length after all: these digits begin a message that ends with the trailer.
    this.#keep(Buffer.from(this.#digits));
    this.#state = "delimited";
    return at;
  }

  #readCounted(piece: Buffer, at: number, frames: Frame[]): number {
    const end = Math.min(piece.length, at + this.#remaining);
    this.#remaining -= end - at;
    if (this.#remaining > 0) this.#keep(piece.subarray(at, end));
    else frames.push(this.#take(piece.subarray(at, end)));
    return end;
  }

  #readDelimited(piece: Buffer, at: number, frames: Frame[]): number {
    const end = piece.indexOf(this.#framing.trailer, at);
    if (end < 0) {
      this.#keep(piece.subarray(at));
      return piece.length;
    }
    frames.push(this.#take(piece.subarray(at, end)));
    return end + 1;
  }

  #keep(bytes: Buffer): void {
    this.#kept.append(bytes, this.#framing.sizeMax);
  }

  /** The message that ends with these bytes. */
  #take(last: Buffer): Frame {
    this.#state = "between";
    const isWhole = this.#kept.size === 0 && last.length <= this.#framing.sizeMax;
    if (isWhole) return { bytes: last, isCut: false };
    this.#keep(last);
    return this.#kept.take();
  }
}
