/**
 * `AnyValue`, `KeyValue` and lists of them, from protobuf to the value model of `src/data`.
 *
 * Invariant: nesting and the number of values stay within the limits of the record they are in.
 * Of a repeated field or key the last one counts; a value without content is `null`.
 */
import type { AnyValue, AnyValueMap, Attributes } from "../data/any_value.ts";
import { Double, setOwn } from "../data/any_value.ts";
import type { DecodeLimits } from "./limits.ts";
import { limitExceeded } from "./limits.ts";
import type { ProtobufReader } from "./protobuf_reader.ts";

const ANY_VALUE_FIELDS = 0b1111_1110;
const LIST_FIELDS = 0b10;
const KEY_VALUE_FIELDS = 0b110;

/** What one record, resource or scope may still hold. */
export class ValueBudget {
  readonly #limits: DecodeLimits;
  #values = 0;

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
  }

  /** Called for each record, resource and scope. */
  restart(): void {
    this.#values = 0;
  }

  take(depth: number): void {
    if (depth > this.#limits.nestingDepthMax) {
      throw limitExceeded(`a value is nested deeper than ${this.#limits.nestingDepthMax} levels`);
    }
    if (++this.#values > this.#limits.valuesPerRecordMax) {
      throw limitExceeded(`a record has more than ${this.#limits.valuesPerRecordMax} values`);
    }
  }
}

/** The `KeyValue` that ends at `end`, put into `attributes`. */
export function decodeKeyValue(
  reader: ProtobufReader,
  end: number,
  attributes: Attributes,
  budget: ValueBudget,
  depth = 1,
): void {
  let key = "";
  let value: AnyValue = null;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x0a) key = reader.key(reader.delimited(end));
    else if (tag === 0x12) value = decodeAnyValue(reader, reader.delimited(end), budget, depth);
    else reader.skip(tag, end, KEY_VALUE_FIELDS);
  }
  reader.expectEnd(end);
  setOwn(attributes, key, value);
}

export function decodeAnyValue(
  reader: ProtobufReader,
  end: number,
  budget: ValueBudget,
  depth = 1,
): AnyValue {
  budget.take(depth);
  let value: AnyValue = null;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 0x0a:
        value = reader.string(reader.delimited(end));
        break;
      case 0x10:
        value = (reader.varint() | reader.high) !== 0;
        break;
      case 0x18:
        value = reader.int64();
        break;
      case 0x21:
        value = doubleValue(reader.double(end));
        break;
      case 0x2a:
        value = decodeArray(reader, reader.delimited(end), budget, depth + 1);
        break;
      case 0x32:
        value = decodeMap(reader, reader.delimited(end), budget, depth + 1);
        break;
      case 0x3a:
        value = reader.copy(reader.delimited(end));
        break;
      default:
        reader.skip(tag, end, ANY_VALUE_FIELDS);
    }
  }
  reader.expectEnd(end);
  return value;
}

/** A plain number stands for an integer when it is one, so a whole double needs its own form. */
export function doubleValue(value: number): number | Double {
  return Number.isSafeInteger(value) ? new Double(value) : value;
}

function decodeArray(
  reader: ProtobufReader,
  end: number,
  budget: ValueBudget,
  depth: number,
): AnyValue[] {
  const values: AnyValue[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x0a) values.push(decodeAnyValue(reader, reader.delimited(end), budget, depth));
    else reader.skip(tag, end, LIST_FIELDS);
  }
  reader.expectEnd(end);
  return values;
}

function decodeMap(
  reader: ProtobufReader,
  end: number,
  budget: ValueBudget,
  depth: number,
): AnyValueMap {
  const map: AnyValueMap = {};
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x0a) decodeKeyValue(reader, reader.delimited(end), map, budget, depth);
    else reader.skip(tag, end, LIST_FIELDS);
  }
  reader.expectEnd(end);
  return map;
}
