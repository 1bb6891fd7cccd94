/**
 * Puts tokens in the places of a record's findings.
 *
 * Invariant: after it no finding is left, and every character that one covered is gone. Places that
 * do not fit the record are an error, because then nobody knows where the value is.
 */
import type { AnyValue, AnyValueMap, Attributes } from "../../src/data/any_value.ts";
import { isAnyValueMap, setOwn } from "../../src/data/any_value.ts";
import type { Finding } from "../../src/data/finding.ts";
import type { LogRecord } from "../../src/data/log_record.ts";

const FEW = 16;

export type MakeToken = (entity: string, value: string) => string;

export interface Replaced {
  readonly body: AnyValue;
  readonly attributes: Attributes;
}

export function replaceFindings(
  record: LogRecord,
  found: readonly Finding[],
  makeToken: MakeToken,
): Replaced {
  let body = record.body;
  let attributes: AnyValue = record.attributes;
  // Containers that were copied for this record already.
  const owned: AnyValue[] = [];
  const findings = groupedByText(found);
  for (let from = 0, to = 0; from < findings.length; from = to) {
    const first = findings[from]!;
    to = from + 1;
    while (to < findings.length && isSameText(first, findings[to]!)) to++;
    const group = from === 0 && to === findings.length ? findings : findings.slice(from, to);
    const replacement = { group, makeToken, owned };
    if (first.root === "body") body = replaceAt(body, first.path, 0, replacement);
    else attributes = replaceAt(attributes, first.path, 0, replacement);
  }
  return { body, attributes: attributes as Attributes };
}

/** Findings of one text side by side, in rising order. A detector gives them so nearly always. */
function groupedByText(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= FEW && isGrouped(findings)) return findings;
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.root, finding.path]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [finding]);
    else known.push(finding);
  }
  for (const group of groups.values()) group.sort((a, b) => a.start - b.start);
  return [...groups.values()].flat();
}

function isGrouped(findings: readonly Finding[]): boolean {
  for (let index = 1; index < findings.length; index++) {
    const finding = findings[index]!;
    const before = findings[index - 1]!;
    if (isSameText(before, finding)) {
      if (finding.start < before.start) return false;
      continue;
    }
    for (let earlier = index - 2; earlier >= 0; earlier--) {
      if (isSameText(findings[earlier]!, finding)) return false;
    }
  }
  return true;
}

function isSameText(a: Finding, b: Finding): boolean {
  if (a.root !== b.root || a.path.length !== b.path.length) return false;
  for (let depth = 0; depth < a.path.length; depth++) {
    if (a.path[depth] !== b.path[depth]) return false;
  }
  return true;
}

function replaceInText(value: AnyValue, group: readonly Finding[], makeToken: MakeToken): string {
  if (typeof value !== "string") throw new Error("a finding points at no text");
  let text = "";
  let copied = 0;
  for (let index = 0; index < group.length; index++) {
    const { entity, start, end } = group[index]!;
    if (start < copied || end <= start || end > value.length) {
      throw new Error("a finding does not fit its text");
    }
    text += value.slice(copied, start) + makeToken(entity, value.slice(start, end));
    copied = end;
  }
  return text + value.slice(copied);
}

interface Replacement {
  readonly group: readonly Finding[];
  readonly makeToken: MakeToken;
  readonly owned: AnyValue[];
}

/** A copy of `value` along the path, with the text at its end replaced. */
function replaceAt(
  value: AnyValue,
  path: Finding["path"],
  depth: number,
  replacement: Replacement,
): AnyValue {
  const key = path[depth];
  const { group, makeToken, owned } = replacement;
  if (key === undefined) return replaceInText(value, group, makeToken);
  if (Array.isArray(value) && typeof key === "number" && key < value.length) {
    const copy = owned.includes(value) ? value : [...value];
    if (copy !== value) owned.push(copy);
    copy[key] = replaceAt(copy[key], path, depth + 1, replacement);
    return copy;
  }
  if (isAnyValueMap(value) && typeof key === "string" && Object.hasOwn(value, key)) {
    const copy: AnyValueMap = owned.includes(value) ? value : { ...value };
    if (copy !== value) owned.push(copy);
    setOwn(copy, key, replaceAt(copy[key], path, depth + 1, replacement));
    return copy;
  }
  throw new Error("a finding's path leads nowhere");
}
