/**
 * Character encodings of files: bytes to text, without losing which byte a character came from.
 *
 * Invariant: `byteLength` of a piece of decoded text is the number of bytes that it came from, also
 * where invalid bytes became U+FFFD, so that offsets stay true to the file.
 */
import { isAscii, isUtf8 } from "node:buffer";
import type { FileLogConfig } from "./config.ts";

export interface DecodedText {
  readonly text: string;
  /** Bytes of a character where all have the same length, otherwise 0. */
  readonly bytesPerCharacter: 0 | 1 | 2;
}

export interface Encoding {
  /** Bytes of a line feed, and the least a character has. */
  readonly unitBytes: 1 | 2;
  /** Whether bytes become text at all. */
  readonly isText: boolean;
  /** Whether a log that is no valid text is kept as its bytes. */
  readonly keepsInvalidBytes: boolean;
  decode(bytes: Buffer): DecodedText;
  /** The largest offset up to `at` that does not cut a character in two. */
  boundary(bytes: Buffer, at: number): number;
  /** Offset just after the last line feed, 0 when there is none. */
  lastLineEnd(bytes: Buffer): number;
}

export function encodingOf(name: FileLogConfig["encoding"]): Encoding {
  switch (name) {
    case "utf-8":
    case "utf-8-raw":
    case "ascii":
      // As in the Collector, ascii is read as UTF-8, of which it is a part.
      return { ...utf8, keepsInvalidBytes: name === "utf-8-raw" };
    case "latin1":
    case "iso-8859-1":
      return latin1;
    case "utf-16le":
      return utf16(false);
    case "utf-16be":
      return utf16(true);
    case "nop":
      return { ...latin1, isText: false };
    default:
      return { ...latin1, decode: singleByteDecoder(name) };
  }
}

/** The runtime's own decoder, for encodings in which each character has one byte. */
function singleByteDecoder(name: string): Encoding["decode"] {
  const decoder = new TextDecoder(name);
  return (bytes) => ({ text: decoder.decode(bytes), bytesPerCharacter: 1 });
}

const LINE_FEED = 0x0a;

const latin1: Encoding = {
  unitBytes: 1,
  isText: true,
  keepsInvalidBytes: false,
  decode: (bytes) => ({ text: bytes.toString("latin1"), bytesPerCharacter: 1 }),
  boundary: (_bytes, at) => at,
  lastLineEnd: (bytes) => bytes.lastIndexOf(LINE_FEED) + 1,
};

const utf8: Encoding = {
  ...latin1,
  decode: (bytes) =>
    isAscii(bytes)
      ? { text: bytes.toString("latin1"), bytesPerCharacter: 1 }
      : { text: bytes.toString("utf8"), bytesPerCharacter: 0 },
  boundary: (bytes, at) => {
    if (at >= bytes.length) return completeUtf8(bytes, at);
    let start = at;
    while (start > 0 && at - start < 3 && (bytes[start]! & 0xc0) === 0x80) start--;
    return (bytes[start]! & 0xc0) === 0x80 ? at : start;
  },
};

/** Leaves out the beginning of a character whose other bytes are not there yet. */
function completeUtf8(bytes: Buffer, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? end - back : end;
  }
  return end;
}

function utf16(bigEndian: boolean): Encoding {
  const high = bigEndian ? 0 : 1;
  const unitAt = (bytes: Buffer, at: number): number =>
    (bytes[at + high]! << 8) | bytes[at + 1 - high]!;
  return {
    unitBytes: 2,
    isText: true,
    keepsInvalidBytes: false,
    decode: (bytes) => {
      const even = bytes.subarray(0, bytes.length & ~1);
      const littleEndian = bigEndian ? Buffer.from(even).swap16() : even;
      return { text: littleEndian.toString("utf16le").toWellFormed(), bytesPerCharacter: 2 };
    },
    boundary: (bytes, at) => {
      const even = at & ~1;
      if (even < 2) return even;
      const before = unitAt(bytes, even - 2);
      return before >= 0xd800 && before <= 0xdbff ? even - 2 : even;
    },
    lastLineEnd: (bytes) => {
      for (let at = (bytes.length & ~1) - 2; at >= 0; at -= 2) {
        if (unitAt(bytes, at) === LINE_FEED) return at + 2;
      }
      return 0;
    },
  };
}

/**
 * Bytes that the text from `fromCharacter` to `toCharacter` came from, where `fromByte` is the byte
 * at which it begins.
 */
export function byteLengthOf(
  { text, bytesPerCharacter }: DecodedText,
  bytes: Buffer,
  fromByte: number,
  fromCharacter: number,
  toCharacter: number,
): number {
  if (bytesPerCharacter !== 0) return (toCharacter - fromCharacter) * bytesPerCharacter;
  // A replacement character has three bytes in UTF-8, but came from one, two or three.
  const piece = text.slice(fromCharacter, toCharacter);
  const length = Buffer.byteLength(piece);
  if (!piece.includes("\ufffd") || isUtf8(bytes)) return length;
  return walkUtf8(bytes, fromByte, toCharacter - fromCharacter) - fromByte;
}

/** Offset after `characters` UTF-16 units, decoding as WHATWG's "UTF-8 decode" does. */
function walkUtf8(bytes: Buffer, from: number, characters: number): number {
  let at = from;
  let left = characters;
  while (left > 0 && at < bytes.length) {
    const lead = bytes[at++]!;
    const more = followersOf(lead);
    // The second byte of some sequences has a narrower range (no overlong forms, no surrogates).
    let lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    let taken = 0;
    while (taken < more && bytes[at]! >= lowest && bytes[at]! <= highest) {
      at++;
      taken++;
      lowest = 0x80;
      highest = 0xbf;
    }
    left -= more === 3 && taken === 3 ? 2 : 1;
  }
  return at;
}

/** How many bytes follow this first byte of a well-formed character. */
function followersOf(lead: number): 0 | 1 | 2 | 3 {
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) return 2;
  return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}
