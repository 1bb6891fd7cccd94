/**
 * A piece of personal data inside a record, found by a detector and waiting for its treatment.
 *
 * Invariant: a finding holds a place, never the value, so that it cannot leak through a log or an
 * error. Places stay true until the record is copied with another body or other attributes.
 */

/** Keys and array indexes from the body or from the attributes down to one value. */
export interface ValuePath {
  readonly root: "body" | "attributes";
  readonly path: readonly (string | number)[];
}

export interface Finding extends ValuePath {
  /** What it is, for example `email`; a row of the entity table. */
  readonly entity: string;
  /** UTF-16 offsets in the string at the path, `[start, end)`. A whole value is `[0, length)`. */
  readonly start: number;
  readonly end: number;
}
