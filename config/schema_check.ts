/**
 * One value against one zod schema: the parsed value, or diagnostics with places.
 *
 * Two things of the Collector are kept here, for every schema alike. A key without a value
 * (`grpc:`) means its defaults. And a substituted value that was read as a number is taken as the
 * text it was when the schema wants text.
 */
import type { z } from "zod";
import type { Problems } from "./diagnostics.ts";
import { issueMessage } from "./issue_message.ts";
import type { ConfigNode, Path } from "./node.ts";
import { keyPlaceOf, nodeAt, placeOf, toPlain } from "./node.ts";
import { knownKeys } from "./schema_keys.ts";
import { closest } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

/** Each round of repairs may uncover values further down. */
const REPAIR_ROUNDS_MAX = 8;

export interface SchemaCheck {
  /** The whole configuration, and the path in it of the value to check. */
  readonly root: ConfigNode;
  readonly path: Path;
  readonly problems: Problems;
  /** What to say about an unknown key that resembles no known one, if there is more to say. */
  readonly unknownKeyMessage?: (path: Path) => string | undefined;
}

/** Undefined when the value is wrong, or when too little is known about it to tell. */
export function checkSchema<Output>(
  schema: z.ZodType<Output>,
  check: SchemaCheck,
): { readonly value: Output } | undefined {
  const node = nodeAt(check.root, check.path)!;
  let plain = isNothing(node) ? {} : toPlain(node);
  for (let round = 0; ; round += 1) {
    const result = schema.safeParse(plain, { error: issueMessage });
    if (result.success) return hasUnknown(node) ? undefined : { value: result.data };
    const issues = result.error.issues;
    const repaired =
      round < REPAIR_ROUNDS_MAX && repair(plain, node, issues.flatMap(withUnionIssues));
    if (repaired === undefined || repaired === false) {
      for (const issue of issues.flatMap(chooseUnionIssues)) report(issue, schema, node, check);
      return undefined;
    }
    plain = repaired.plain;
  }
}

function isNothing(node: ConfigNode): boolean {
  return node.kind === "scalar" && node.value === null;
}

/** Whether a missing environment variable stands somewhere in it. */
export function hasUnknown(node: ConfigNode): boolean {
  if (node.kind === "scalar") return node.unknown === true;
  if (node.kind === "list") return node.items.some(hasUnknown);
  return node.entries.values().some(({ value }) => hasUnknown(value));
}

/** The value with some empty keys and substituted values read differently, if there are any. */
function repair(
  plain: unknown,
  node: ConfigNode,
  issues: readonly Issue[],
): { plain: unknown } | undefined {
  let changed = false;
  for (const issue of issues) {
    const path = issue.path as Path;
    const at = nodeAt(node, path);
    const key = path.at(-1);
    if (at?.kind !== "scalar" || key === undefined) continue;
    const holder = path.slice(0, -1).reduce(step, plain) as Record<string | number, unknown>;
    const isRead = Object.hasOwn(holder, key) && holder[key] === at.value;
    if (!isRead || issue.code !== "invalid_type") continue;
    if (at.text !== undefined && at.text !== at.value) {
      holder[key] = at.text;
    } else if (at.value === null && (issue.expected === "object" || issue.expected === "record")) {
      holder[key] = {};
    } else if (at.value === null && !Array.isArray(holder)) {
      delete holder[key];
    } else {
      continue;
    }
    changed = true;
  }
  return changed ? { plain } : undefined;
}

function step(value: unknown, key: string | number): unknown {
  return (value as Record<string | number, unknown>)[key];
}

/** An issue and those of every branch of a union. */
function withUnionIssues(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const inner = issue.errors.flat().map((below) => moved(below, issue.path));
  return [issue, ...inner.flatMap(withUnionIssues)];
}

/** What to tell about a union: the branch that was meant, when the others want another kind. */
function chooseUnionIssues(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors.filter(
    (branch) => !branch.some((below) => below.path.length === 0 && isMismatch(below)),
  );
  if (meant.length !== 1) return [issue];
  return meant[0]!.map((below) => moved(below, issue.path)).flatMap(chooseUnionIssues);
}

function isMismatch(issue: Issue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function moved(issue: Issue, path: readonly PropertyKey[]): Issue {
  return { ...issue, path: [...path, ...issue.path] };
}

function report(issue: Issue, schema: z.ZodType, node: ConfigNode, check: SchemaCheck): void {
  const relative = issue.path as Path;
  const path = [...check.path, ...relative];
  if (concernsUnknown(issue, node, relative)) return;
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) reportUnknownKey(key, knownKeys(schema, relative), path, check);
    return;
  }
  const place = placeOf(check.root, path);
  const at = nodeAt(node, relative);
  if (issue.code !== "custom" && (at === undefined || isNothing(at))) {
    check.problems.error(place, path, "is required");
    return;
  }
  const word = at?.kind === "scalar" && typeof at.value === "string" ? at.value : undefined;
  const suggestion = word === undefined ? undefined : closest(word, optionsOf(issue));
  const showIdentifier = suggestion !== undefined;
  check.problems.error(place, path, issue.message, { suggestion, showIdentifier });
}

/** The words that an option, or the key that tells variants apart, may be. */
function optionsOf(issue: Issue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  const isVariant = issue.code === "invalid_union" && "options" in issue;
  return isVariant && Array.isArray(issue.options) ? issue.options.map(String) : [];
}

function reportUnknownKey(
  key: string,
  known: readonly string[],
  parent: Path,
  check: SchemaCheck,
): void {
  const path = [...parent, key];
  const suggestion = closest(key, known);
  const expected =
    known.length > 0 && known.length <= 12 ? `; known here: ${known.join(", ")}` : "";
  const fallback = check.unknownKeyMessage?.(path) ?? `unknown key${expected}`;
  const message = suggestion === undefined ? fallback : "unknown key";
  check.problems.error(keyPlaceOf(check.root, path), path, message, { suggestion });
}

/** Nothing is said about values that stand for a missing environment variable. */
function concernsUnknown(issue: Issue, node: ConfigNode, path: Path): boolean {
  let at: ConfigNode | undefined = node;
  for (const key of path) {
    if (at === undefined) return false;
    if (at.kind === "scalar") return at.unknown === true;
    at = nodeAt(at, [key]);
  }
  if (at === undefined) return false;
  if (at.kind === "scalar") return at.unknown === true;
  return (issue.code === "custom" || issue.code === "invalid_union") && hasUnknown(at);
}
