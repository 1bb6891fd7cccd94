/**
 * The configuration as a tree in which every value knows its place, through merging and
 * substitution.
 *
 * Invariant: map keys are strings, and no key is `__proto__`, so that plain objects made of the
 * tree have exactly these keys.
 */
import type { Place } from "./source.ts";
import { positionOf } from "./source.ts";

export interface ScalarNode {
  readonly kind: "scalar";
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** The text of a substituted value that was read as a number, a boolean or null. */
  readonly text?: string;
  /** True: an environment variable was not set, so nothing is known about the value. */
  readonly unknown?: boolean;
}

export interface ListNode {
  readonly kind: "list";
  readonly place: Place;
  readonly items: readonly ConfigNode[];
}

export interface MapEntry {
  readonly keyPlace: Place;
  readonly value: ConfigNode;
}

export interface MapNode {
  readonly kind: "map";
  readonly place: Place;
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export type ConfigNode = ScalarNode | ListNode | MapNode;

/** Keys and list indexes from the root. */
export type Path = readonly (string | number)[];

/** `service.pipelines.logs/a.receivers[0]` */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** Plain objects, arrays and scalars, freshly made. */
export function toPlain(node: ConfigNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(toPlain);
  const plain: Record<string, unknown> = {};
  for (const [key, { value }] of node.entries) plain[key] = toPlain(value);
  return plain;
}

/** Undefined when the tree has nothing at this path. */
export function nodeAt(root: ConfigNode, path: Path): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const step of path) node = node === undefined ? undefined : childOf(node, step);
  return node;
}

function childOf(node: ConfigNode, step: string | number): ConfigNode | undefined {
  if (node.kind === "map") return node.entries.get(String(step))?.value;
  if (node.kind === "list" && typeof step === "number") return node.items[step];
  return undefined;
}

/** Where to point for the value at a path; where nothing is, at the closest thing around it. */
export function placeOf(root: ConfigNode, path: Path): Place {
  let node = root;
  let place = root.place;
  for (const step of path) {
    const entry = node.kind === "map" ? node.entries.get(String(step)) : undefined;
    const child = entry?.value ?? childOf(node, step);
    if (child === undefined) return place;
    node = child;
    place = entry === undefined ? child.place : pointAt(entry);
  }
  return place;
}

/** The place of a key; where there is no such key, of the closest thing around it. */
export function keyPlaceOf(root: ConfigNode, path: Path): Place {
  const parent = nodeAt(root, path.slice(0, -1));
  const entry = parent?.kind === "map" ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.keyPlace ?? placeOf(root, path);
}

/** A block that begins on a line below its key is better named by the key; so is no value. */
function pointAt({ keyPlace, value }: MapEntry): Place {
  const isEmpty = value.kind === "scalar" && value.value === null;
  const sameLine =
    keyPlace.source === value.place.source &&
    positionOf(keyPlace).line === positionOf(value.place).line;
  return !isEmpty && (value.kind === "scalar" || sameLine) ? value.place : keyPlace;
}

/** Deep-merges maps; a list, a scalar or another kind of value is replaced by the later one. */
export function mergeNodes(earlier: ConfigNode, later: ConfigNode): ConfigNode {
  if (earlier.kind !== "map" || later.kind !== "map") return later;
  const entries = new Map(earlier.entries);
  for (const [key, entry] of later.entries) {
    const before = entries.get(key);
    const value = before === undefined ? entry.value : mergeNodes(before.value, entry.value);
    entries.set(key, { keyPlace: entry.keyPlace, value });
  }
  return { kind: "map", place: earlier.place, entries };
}

export function describeKind(node: ConfigNode): string {
  if (node.kind !== "scalar") return node.kind === "map" ? "a map" : "a list";
  if (node.value === null) return "nothing";
  const type = typeof node.value;
  return type === "string" ? "text" : `a ${type}`;
}
