/**
 * The value model of `src/data` to protobuf `AnyValue` and `KeyValue`: the inverse of
 * `decode_value.ts`. Keys are written in the order of the object.
 */
import type { AnyValue, Attributes } from "../data/any_value.ts";
import { Double } from "../data/any_value.ts";
import { ENCODED_NESTING_DEPTH_MAX, limitExceeded } from "./limits.ts";
import type { ProtobufWriter } from "./protobuf_writer.ts";

const STRING = 0x0a;
const BOOL = 0x10;
const INT = 0x18;
const DOUBLE = 0x21;
const ARRAY = 0x2a;
const MAP = 0x32;
const BYTES = 0x3a;
const LIST_ENTRY = 0x0a;
const KEY = 0x0a;
const VALUE = 0x12;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Each attribute as one `KeyValue` field with this tag. */
export function writeAttributes(
  writer: ProtobufWriter,
  tag: number,
  attributes: Attributes,
  depth = 1,
): void {
  for (const key in attributes) {
    const value = attributes[key];
    writer.byte(tag);
    // Tags and lengths of the key and of the value are about eight bytes more.
    const guess = key.length + sizeGuess(value) + 8;
    const start = writer.begin(guess);
    if (key !== "") writer.string(KEY, key);
    writeAnyValue(writer, VALUE, value, depth);
    writer.end(start, guess);
  }
}

/** An `AnyValue` field with this tag. */
export function writeAnyValue(
  writer: ProtobufWriter,
  tag: number,
  value: AnyValue,
  depth = 1,
): void {
  if (depth > ENCODED_NESTING_DEPTH_MAX) {
    throw limitExceeded(`a value is nested deeper than ${ENCODED_NESTING_DEPTH_MAX} levels`);
  }
  writer.byte(tag);
  const guess = sizeGuess(value) + 3;
  const start = writer.begin(guess);
  writeContent(writer, value, depth);
  writer.end(start, guess);
}

function writeContent(writer: ProtobufWriter, value: AnyValue, depth: number): void {
  switch (typeof value) {
    case "string":
      writer.string(STRING, value);
      return;
    case "number":
      writeNumber(writer, value);
      return;
    case "boolean":
      writer.byte(BOOL);
      writer.byte(value ? 1 : 0);
      return;
    case "bigint":
      writeBigInt(writer, value);
      return;
    case "object":
      if (value !== null) writeObject(writer, value, depth);
      return;
    default:
      // Only `undefined` is left: the empty value.
      return;
  }
}

function writeObject(
  writer: ProtobufWriter,
  value: Exclude<AnyValue, string | boolean | number | bigint | null | undefined>,
  depth: number,
): void {
  if (value instanceof Double) {
    writer.byte(DOUBLE);
    writer.double(value.value);
  } else if (value instanceof Uint8Array) {
    writer.bytes(BYTES, value);
  } else if (Array.isArray(value)) {
    writer.byte(ARRAY);
    const start = writer.begin();
    for (const element of value) writeAnyValue(writer, LIST_ENTRY, element, depth + 1);
    writer.end(start);
  } else {
    writer.byte(MAP);
    const start = writer.begin();
    writeAttributes(writer, LIST_ENTRY, value, depth + 1);
    writer.end(start);
  }
}

function writeNumber(writer: ProtobufWriter, value: number): void {
  if (Number.isSafeInteger(value)) {
    writer.byte(INT);
    writer.int64(value);
  } else {
    writer.byte(DOUBLE);
    writer.double(value);
  }
}

/** An integer that no OTLP type can hold keeps its digits as a string. */
function writeBigInt(writer: ProtobufWriter, value: bigint): void {
  if (value < INT64_MIN || value > INT64_MAX) {
    writer.string(STRING, value.toString());
    return;
  }
  writer.byte(INT);
  writer.varint64(Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)));
}

function sizeGuess(value: AnyValue): number {
  return typeof value === "string" ? value.length : 0;
}
