/**
 * The value model of OpenTelemetry logs (opentelemetry-proto `common.v1.AnyValue`) in JavaScript.
 *
 * Invariant: every OTLP value has one form here, and that form encodes back to the same OTLP value.
 * A plain `number` is an `int_value` when it is an integer of at most 2^53 - 1 in size and a
 * `double_value` otherwise, which is what the official OpenTelemetry JS exporters do. The two kinds
 * of value that this rule cannot express have forms of their own: `bigint` for larger integers and
 * {@link Double} for doubles that happen to be whole.
 */

/** A whole-numbered IEEE 754 double, kept apart from an integer so that its OTLP type survives. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }
}

export interface AnyValueMap {
  [key: string]: AnyValue;
}

/** `undefined` and `null` are both OTLP's empty value. Strings are well-formed UTF-16. */
export type AnyValue =
  | string
  | boolean
  | number
  | bigint
  | Double
  | Uint8Array
  | AnyValue[]
  | AnyValueMap
  | null
  | undefined;

/** Attributes of a record, resource or scope. Key order is the order on the wire. */
export type Attributes = AnyValueMap;

/** True for a nested `kvlist_value`, false for every other kind of value. */
export function isAnyValueMap(value: AnyValue): value is AnyValueMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Double)
  );
}

/**
 * Sets a property of the object itself. Keys come from outside, so one may be `__proto__`, which a
 * plain assignment would take for the prototype.
 */
export function setOwn(map: AnyValueMap, key: string, value: AnyValue): void {
  if (key !== "__proto__") map[key] = value;
  else {
    Object.defineProperty(map, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
}
