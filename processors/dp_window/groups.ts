/**
 * Which cell of a window a record belongs to, by public lists of values.
 *
 * Invariant: the cells are all combinations of the configured values and of one `other` per key.
 * Data never adds one, so that the rows of a release say nothing by being there.
 */
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";

export interface GroupKey {
  readonly key: string;
  readonly public: readonly (string | number)[];
  readonly other: string;
}

/** Gives the index of a record's cell, in `[0, cellCount(keys))`. */
export type CellOf = (attributes: Attributes) => number;

export function cellCount(keys: readonly GroupKey[]): number {
  return keys.reduce((count, key) => count * (key.public.length + 1), 1);
}

export function compileCells(keys: readonly GroupKey[]): CellOf {
  const compiled = keys.map((key) => ({
    key: key.key,
    indexes: indexesOf(key.public),
    other: key.public.length,
    size: key.public.length + 1,
  }));
  return (attributes) => {
    let cell = 0;
    for (const { key, indexes, other, size } of compiled) {
      cell = cell * size + (indexes.get(plain(attributes[key])) ?? other);
    }
    return cell;
  };
}

/** The values of a cell, one per key: what a released row shows. */
export function labelsOf(keys: readonly GroupKey[], cell: number): (string | number)[] {
  const labels: (string | number)[] = [];
  let rest = cell;
  for (const key of keys.toReversed()) {
    const size = key.public.length + 1;
    labels.unshift(key.public[rest % size] ?? key.other);
    rest = Math.floor(rest / size);
  }
  return labels;
}

/** `200` and `"200"` are the same value, however the receiver parsed it. */
function indexesOf(values: readonly (string | number)[]): Map<AnyValue, number> {
  const indexes = new Map<AnyValue, number>();
  values.forEach((value, index) => {
    indexes.set(String(value), index);
    if (String(Number(value)) === String(value)) indexes.set(Number(value), index);
  });
  return indexes;
}

function plain(value: AnyValue): AnyValue {
  if (value instanceof Double) return value.value;
  return typeof value === "bigint" ? Number(value) : value;
}
