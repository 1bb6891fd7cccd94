/**
 * Which cell of a window a record belongs to.
 *
 * Public keys have a list of values that everybody knows: the cells are all combinations of them and
 * of one `other` per key, and data never adds one, so that the rows of a release say nothing by
 * being there. As soon as one key is open, cells come with the data instead, and a cell is shown
 * only when its noisy number of units is large enough (`selection.ts`).
 */
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";

export interface PublicKey {
  readonly key: string;
  readonly public: readonly (string | number)[];
  readonly other: string;
}

/** Any value of at most `maxBytes` in UTF-8 is a group; a missing or longer one is `other`. */
export interface OpenKey {
  readonly key: string;
  readonly maxBytes: number;
  readonly other: string;
}

export type GroupKey = PublicKey | OpenKey;

/** The values of a cell, one per key: what a released row shows. */
export type Labels = readonly (string | number)[];

/** Gives the index of a record's cell, in `[0, cellCount(keys))`. */
export type CellOf = (attributes: Attributes) => number;

/** Gives the labels of a record's cell as JSON, which is how the cells of open keys are known. */
export type LabelsOf = (attributes: Attributes) => string;

export function isPublic(key: GroupKey): key is PublicKey {
  return "public" in key;
}

export function cellCount(keys: readonly PublicKey[]): number {
  return keys.reduce((count, key) => count * (key.public.length + 1), 1);
}

export function compileCells(keys: readonly PublicKey[]): CellOf {
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

export function compileLabels(keys: readonly GroupKey[]): LabelsOf {
  const compiled = keys.map((key) => {
    if (!isPublic(key)) return (attributes: Attributes) => openLabel(key, attributes[key.key]);
    const indexes = indexesOf(key.public);
    return (attributes: Attributes) =>
      key.public[indexes.get(plain(attributes[key.key])) ?? -1] ?? key.other;
  });
  return (attributes) => JSON.stringify(compiled.map((labelOf) => labelOf(attributes)));
}

/** The labels of the cells of public keys, by index. */
export function labelsOf(keys: readonly PublicKey[], cell: number): Labels {
  const labels: (string | number)[] = [];
  let rest = cell;
  for (const key of keys.toReversed()) {
    const size = key.public.length + 1;
    labels.unshift(key.public[rest % size] ?? key.other);
    rest = Math.floor(rest / size);
  }
  return labels;
}

/** Labels back from their JSON. */
export function parseLabels(text: string): Labels {
  return JSON.parse(text) as Labels;
}

function openLabel({ maxBytes, other }: OpenKey, value: AnyValue): string {
  const single = plain(value);
  if (typeof single !== "string" && typeof single !== "number" && typeof single !== "boolean") {
    return other;
  }
  const text = String(single);
  // A character takes at least one byte, so a long text need not be encoded to be refused.
  return text.length > maxBytes || Buffer.byteLength(text) > maxBytes ? other : text;
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
