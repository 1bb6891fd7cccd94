/**
 * JSON with one writing for each value: keys sorted by code unit, no spaces, only strings, whole
 * numbers from 0 below 2^53, arrays and objects.
 *
 * Invariant: a text is accepted only when writing its value again gives the very same text, so
 * duplicate keys, other orders, other number forms and white space are all refused.
 */
export type CanonicalValue =
  | string
  | number
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue };

export function canonicalJson(value: CanonicalValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) {
      throw new TypeError("only whole numbers from 0 to 2^53 - 1 have a canonical form");
    }
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const object = value as { readonly [key: string]: CanonicalValue };
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key]!)}`);
  return `{${members.join(",")}}`;
}

/** Undefined when the text is not JSON, or not in its canonical writing. */
export function parseCanonicalJson(text: string): CanonicalValue | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isCanonical(value) && canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function isCanonical(value: unknown): value is CanonicalValue {
  if (typeof value === "string" || typeof value === "number") return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every(isCanonical);
}
