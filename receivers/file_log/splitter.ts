/**
 * Bytes of a file to logs: lines, or what the multiline patterns say.
 *
 * Invariant: the logs depend only on the bytes and on the offset at which a log begins, never on
 * how the bytes were cut into reads. A replay from a stored offset therefore gives the same logs with
 * the same offsets. (A forced flush is the one exception; its place is stored before it is used.)
 */
import { isUtf8 } from "node:buffer";
import type { AnyValue } from "../../src/data/any_value.ts";
import type { FileLogConfig } from "./config.ts";
import type { Encoding } from "./encoding.ts";
import { byteLengthOf, encodingOf } from "./encoding.ts";
import type { LogFinder } from "./multiline.ts";
import { multilineFinder } from "./multiline.ts";

/** Logs of one window; offsets are relative to the window's first byte. */
export interface Split {
  readonly bodies: AnyValue[];
  readonly starts: number[];
  /** Offset after each log's terminator. */
  readonly ends: number[];
  /** How many logs (empty and left-out ones included) begin before each log. */
  readonly before: number[];
  /** All logs that were passed, empty and left-out ones included. */
  logs: number;
  /** Where the next window has to begin. */
  consumed: number;
  /** Where the log begins whose rest is being left out, if that is going on. */
  skippingFrom: number | undefined;
  /** Logs that were longer than `max_log_size`. */
  oversized: number;
}

type SplitterConfig = Pick<
  FileLogConfig,
  | "encoding"
  | "max_log_size"
  | "max_log_size_behavior"
  | "multiline"
  | "operators"
  | "preserve_leading_whitespaces"
  | "preserve_trailing_whitespaces"
>;

export class Splitter {
  readonly #encoding: Encoding;
  readonly #finder: LogFinder | undefined;
  readonly #maxBytes: number;
  readonly #truncates: boolean;
  readonly #trimStart: boolean;
  readonly #trimEnd: boolean;

  constructor(config: SplitterConfig) {
    this.#encoding = encodingOf(config.encoding);
    this.#finder = config.multiline === undefined ? undefined : multilineFinder(config.multiline);
    this.#maxBytes = Math.max(config.max_log_size, 4);
    this.#truncates = config.max_log_size_behavior === "truncate";
    // White space around a part of a container's line belongs to that line.
    const keepsAll = config.operators.some(({ type }) => type === "container");
    this.#trimStart = !config.preserve_leading_whitespaces && !keepsAll;
    this.#trimEnd = !config.preserve_trailing_whitespaces && !keepsAll;
  }

  /** A window of this size always holds a whole log or shows that the log is too long. */
  get windowBytesMax(): number {
    return this.#maxBytes + 2 * this.#encoding.unitBytes + MATCH_BYTES_MAX + 4;
  }

  /**
   * `atFileStart`: a byte order mark is left out. `isLast`: nothing follows, the rest is a log.
   * `skipping`: the window begins inside a log whose rest is left out.
   */
  split(bytes: Buffer, atFileStart: boolean, isLast: boolean, skipping: boolean): Split {
    const split: Split = {
      ...{ bodies: [], starts: [], ends: [], before: [] },
      ...{ logs: 0, consumed: 0, skippingFrom: skipping ? 0 : undefined, oversized: 0 },
    };
    if (!this.#encoding.isText) this.#splitBytes(split, bytes, isLast);
    else if (this.#finder === undefined) this.#splitLines(split, bytes, isLast);
    else this.#splitByPattern(split, bytes, this.#finder, isLast);
    if (atFileStart) dropByteOrderMark(split);
    return split;
  }

  #splitLines(split: Split, bytes: Buffer, isLast: boolean): void {
    const wholeEnd = this.#encoding.lastLineEnd(bytes);
    if (wholeEnd > 0) this.#wholeLines(split, bytes.subarray(0, wholeEnd));
    split.consumed = wholeEnd;
    this.#rest(split, bytes, isLast);
  }

  /** The hot path: one decoded string for all lines, and each line a slice of it. */
  #wholeLines(split: Split, bytes: Buffer): void {
    const { text, bytesPerCharacter } = this.#encoding.decode(bytes);
    const limit = this.#maxBytes + this.#encoding.unitBytes;
    let from = 0;
    let start = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      const end =
        bytesPerCharacter === 0 ? bytes.indexOf(0x0a, start) + 1 : (at + 1) * bytesPerCharacter;
      if (end - start - this.#encoding.unitBytes > limit) {
        this.#addLong(split, bytes, start, end);
      } else if (this.#encoding.keepsInvalidBytes && bytesPerCharacter === 0) {
        this.#add(split, this.#bodyOf(bytes.subarray(start, end)), start, end);
      } else {
        this.#add(split, this.#trim(text, from, at), start, end);
      }
      from = at + 1;
      start = end;
    }
  }

  #splitByPattern(split: Split, bytes: Buffer, find: LogFinder, isLast: boolean): void {
    // Without its last, perhaps unfinished character the text is the same as with what follows.
    const whole = isLast ? bytes : bytes.subarray(0, this.#encoding.boundary(bytes, bytes.length));
    const decoded = this.#encoding.decode(whole);
    let at = 0;
    let start = 0;
    for (const span of find(decoded.text, isLast)) {
      const end = start + byteLengthOf(decoded, whole, start, at, span.next);
      if (end - start > this.#maxBytes + this.#encoding.unitBytes) {
        // What follows the piece is searched anew, as it is when the log's end is not there yet.
        split.consumed = this.#addPiece(split, bytes, start, end);
        return;
      }
      this.#add(split, this.#trim(decoded.text, span.from, span.to), start, end);
      at = span.next;
      start = end;
    }
    split.consumed = start;
    const limit = this.#maxBytes + this.#encoding.unitBytes + MATCH_BYTES_MAX;
    if (!isLast && whole.length - start > limit) {
      split.consumed = this.#addPiece(split, whole, start, whole.length);
    }
  }

  #splitBytes(split: Split, bytes: Buffer, isLast: boolean): void {
    while (bytes.length - split.consumed >= this.#maxBytes) {
      const start = split.consumed;
      split.consumed += this.#maxBytes;
      this.#add(
        split,
        Uint8Array.from(bytes.subarray(start, split.consumed)),
        start,
        split.consumed,
      );
    }
    if (!isLast || split.consumed === bytes.length) return;
    const rest = Uint8Array.from(bytes.subarray(split.consumed));
    this.#add(split, rest, split.consumed, bytes.length);
    split.consumed = bytes.length;
  }

  /** What follows the last whole log: too long already, or the last of all, or not yet ready. */
  #rest(split: Split, bytes: Buffer, isLast: boolean): void {
    const limit = this.#maxBytes + this.#encoding.unitBytes;
    while (bytes.length - split.consumed > limit) {
      split.consumed = this.#addPiece(split, bytes, split.consumed, bytes.length);
    }
    const end = isLast ? this.#encoding.boundary(bytes, bytes.length) : 0;
    if (end <= split.consumed || split.skippingFrom !== undefined) return;
    this.#add(split, this.#bodyOf(bytes.subarray(split.consumed, end)), split.consumed, end);
    split.consumed = end;
  }

  /** A whole line that is too long: pieces, or one piece and nothing of the rest. */
  #addLong(split: Split, bytes: Buffer, start: number, end: number): void {
    const { unitBytes } = this.#encoding;
    let from = start;
    while (end - unitBytes - from > this.#maxBytes + unitBytes) {
      from = this.#addPiece(split, bytes, from, end);
    }
    this.#add(split, this.#bodyOf(bytes.subarray(from, end)), from, end);
  }

  /** One piece of a log that is too long; returns where it ends. */
  #addPiece(split: Split, bytes: Buffer, from: number, end: number): number {
    const cut = this.#encoding.boundary(bytes, Math.min(from + this.#maxBytes, end));
    const pieceEnd = cut > from ? cut : from + this.#maxBytes;
    if (split.skippingFrom !== undefined) return pieceEnd;
    split.oversized++;
    this.#add(split, this.#bodyOf(bytes.subarray(from, pieceEnd)), from, pieceEnd);
    if (this.#truncates) split.skippingFrom = from;
    return pieceEnd;
  }

  #add(split: Split, body: AnyValue, start: number, end: number): void {
    if (split.skippingFrom !== undefined) {
      // The end of a log whose beginning was handed on already.
      split.skippingFrom = undefined;
      return;
    }
    if (body !== "") {
      split.bodies.push(body);
      split.starts.push(start);
      split.ends.push(end);
      split.before.push(split.logs);
    }
    split.logs++;
  }

  #bodyOf(bytes: Buffer): AnyValue {
    if (this.#encoding.keepsInvalidBytes && !isUtf8(bytes)) {
      const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
      return Uint8Array.from(bytes.subarray(0, end));
    }
    const { text } = this.#encoding.decode(bytes);
    return this.#trim(text, 0, text.endsWith("\n") ? text.length - 1 : text.length);
  }

  /** The text without a carriage return at its end and without white space, where that is asked. */
  #trim(text: string, from: number, to: number): string {
    let start = from;
    let end = to;
    if (this.#trimStart) while (start < end && isSpace(text.charCodeAt(start))) start++;
    if (this.#trimEnd) while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
    else if (end > start && text.charCodeAt(end - 1) === CARRIAGE_RETURN) end--;
    return text.slice(start, end);
  }
}

/**
 * A too long log is cut only when so many more bytes are there that a match which begins in time is
 * seen whole; a longer match may be missed there.
 */
const MATCH_BYTES_MAX = 1024;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = "\ufeff";

/** The white space that the Collector trims: space, tab, carriage return, line feed. */
function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === CARRIAGE_RETURN || code === 10;
}

function dropByteOrderMark(split: Split): void {
  const first = split.bodies[0];
  if (split.starts[0] !== 0 || typeof first !== "string" || !first.startsWith(BYTE_ORDER_MARK)) {
    return;
  }
  const rest = first.slice(1);
  if (rest !== "") split.bodies[0] = rest;
  else for (const list of [split.bodies, split.starts, split.ends, split.before]) list.shift();
}
