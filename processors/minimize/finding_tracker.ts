/**
 * The pending findings of one record while its body and attributes are minimized.
 *
 * Invariant: a finding that remains covers in the new record what it covered in the old one. One
 * whose field was dropped, hashed or cut off is gone. Places that do not fit the record are an
 * error, because then nobody knows where the value is.
 */
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { isAnyValueMap } from "../../src/data/any_value.ts";
import type { Finding, ValuePath } from "../../src/data/finding.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Edit } from "./text_edit.ts";
import { applyEdits } from "./text_edit.ts";
import { Withheld } from "./withheld.ts";

interface Group {
  readonly place: ValuePath;
  readonly text: string;
  /** Replaced each time the text is edited. */
  findings: readonly Finding[];
  isEdited: boolean;
}

export class FindingTracker {
  readonly #groups = new Map<string, Group>();

  /** Throws {@link Withheld} for a finding that covers nothing. */
  constructor(record: LogRecord, findings: readonly Finding[]) {
    const byPlace = Map.groupBy(findings, keyOf);
    for (const [key, group] of byPlace) {
      const place = group[0]!;
      const text = valueAt(record.body, record.attributes, place);
      if (typeof text !== "string") throw new Withheld("finding_misplaced");
      for (const { start, end } of group) {
        if (start < 0 || end <= start || end > text.length) throw new Withheld("finding_misplaced");
      }
      this.#groups.set(key, { place, text, findings: group, isEdited: false });
    }
  }

  /** Edits the text at a place, which may have been edited before. */
  edit(place: ValuePath, text: string, edits: readonly Edit[]): string {
    const group = this.#groups.get(keyOf(place));
    if (group === undefined) return applyEdits(text, edits, []).text;
    const edited = applyEdits(text, edits, group.findings);
    group.findings = edited.findings;
    group.isEdited = true;
    return edited.text;
  }

  /** The findings in the new record; undefined when there are none. */
  remaining(body: AnyValue, attributes: Attributes): readonly Finding[] | undefined {
    const remaining: Finding[] = [];
    for (const { place, text, findings, isEdited } of this.#groups.values()) {
      const value = valueAt(body, attributes, place);
      if (isEdited ? typeof value === "string" : value === text) remaining.push(...findings);
    }
    return remaining.length === 0 ? undefined : remaining;
  }
}

function keyOf({ root, path }: ValuePath): string {
  return JSON.stringify([root, path]);
}

function valueAt(body: AnyValue, attributes: Attributes, { root, path }: ValuePath): AnyValue {
  let value = root === "body" ? body : attributes;
  for (const key of path) {
    if (Array.isArray(value) && typeof key === "number") value = value[key];
    else if (isAnyValueMap(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}
