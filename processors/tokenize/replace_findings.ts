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
  findings: readonly Finding[],
  makeToken: MakeToken,
): Replaced {
  let body = record.body;
  let attributes: AnyValue = record.attributes;
  // Containers that were copied for this record already.
  const owned = new Set<AnyValue>();
  for (const group of groupByText(findings)) {
    const { root, path } = group[0]!;
    const replace = (value: AnyValue): string => replaceInText(value, group, makeToken);
    if (root === "body") body = replaceAt(body, path, 0, replace, owned);
    else attributes = replaceAt(attributes, path, 0, replace, owned);
  }
  return { body, attributes: attributes as Attributes };
}

/** Findings of one text, in rising order; there is one group for a text. */
function groupByText(findings: readonly Finding[]): Finding[][] {
  const groups: Finding[][] = [];
  // Comparing paths is quicker than making keys of them, as long as there are few.
  const byKey = findings.length > FEW ? new Map<string, Finding[]>() : undefined;
  for (const finding of findings) {
    const key = byKey === undefined ? "" : JSON.stringify([finding.root, finding.path]);
    const known =
      byKey === undefined ? groups.find((group) => isSameText(group[0]!, finding)) : byKey.get(key);
    if (known !== undefined) known.push(finding);
    else {
      const group = [finding];
      groups.push(group);
      byKey?.set(key, group);
    }
  }
  for (const group of groups) if (group.length > 1) group.sort((a, b) => a.start - b.start);
  return groups;
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
  for (const { entity, start, end } of group) {
    if (start < copied || end <= start || end > value.length) {
      throw new Error("a finding does not fit its text");
    }
    text += value.slice(copied, start) + makeToken(entity, value.slice(start, end));
    copied = end;
  }
  return text + value.slice(copied);
}

/** A copy of `value` along the path, with the text at its end replaced. */
function replaceAt(
  value: AnyValue,
  path: Finding["path"],
  depth: number,
  replace: (value: AnyValue) => string,
  owned: Set<AnyValue>,
): AnyValue {
  const key = path[depth];
  if (key === undefined) return replace(value);
  if (Array.isArray(value) && typeof key === "number" && key < value.length) {
    const copy = owned.has(value) ? value : [...value];
    owned.add(copy);
    copy[key] = replaceAt(copy[key], path, depth + 1, replace, owned);
    return copy;
  }
  if (isAnyValueMap(value) && typeof key === "string" && Object.hasOwn(value, key)) {
    const copy: AnyValueMap = owned.has(value) ? value : { ...value };
    owned.add(copy);
    setOwn(copy, key, replaceAt(copy[key], path, depth + 1, replace, owned));
    return copy;
  }
  throw new Error("a finding's path leads nowhere");
}
