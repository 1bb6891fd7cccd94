/**
 * YAML to a tree with places.
 *
 * Invariant: a tree has at most `NODES_MAX` values and `DEPTH_MAX` levels, aliases counted as often
 * as they are used, so that a small file cannot become a large configuration. The parser's own
 * messages may quote the file and are never shown.
 */
import type { Node, Pair, YAMLError, YAMLMap } from "yaml";
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments, parseDocument } from "yaml";
import type { Problems } from "./diagnostics.ts";
import type { ConfigNode, MapEntry, MapNode, Path, ScalarNode } from "./node.ts";
import type { Place, Source } from "./source.ts";

const NODES_MAX = 50_000;
const DEPTH_MAX = 32;
const SYNTAX_ERRORS_MAX = 5;
const MERGE_KEY = "<<";

/** The root of a file, or undefined after its problems were reported. */
export function parseSource(source: Source, problems: Problems): MapNode | undefined {
  const documents = parseAllDocuments(source.text, {
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
    logLevel: "silent",
  });
  const empty: MapNode = { kind: "map", place: { source, offset: 0 }, entries: new Map() };
  if (!Array.isArray(documents) || documents.length === 0) return empty;
  const errors = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  for (const error of errors.slice(0, SYNTAX_ERRORS_MAX)) {
    problems.error({ source, offset: error.pos[0] }, [], syntaxMessage(error, source));
  }
  if (errors.length > 0) return undefined;
  if (documents.length > 1) {
    const offset = documents[1]!.range[0];
    problems.error({ source, offset }, [], "a second YAML document begins here; only one is read");
    return undefined;
  }
  const contents = documents[0]!.contents as Node | null;
  if (contents === null || (isScalar(contents) && contents.value === null)) return empty;
  const root = new TreeBuilder(source, problems).build(contents);
  if (root === undefined) return undefined;
  if (root.kind === "map") return root;
  const message = "a configuration is a map with sections such as receivers: and service:";
  problems.error(root.place, [], message);
  return undefined;
}

/**
 * Reads substituted text as the Collector does: as a YAML scalar. Text that is a number, a boolean
 * or null becomes one; everything else stays the text that it is.
 */
export function readScalar(text: string): string | number | boolean | null {
  if (text.length > 64) return text;
  const document = parseDocument(text, { prettyErrors: false, logLevel: "silent" });
  const contents = document.contents as Node | null;
  if (document.errors.length > 0) return text;
  if (contents === null) return null;
  if (!isScalar(contents) || contents.source !== text.trim()) return text;
  const { value } = contents;
  return value === null || typeof value === "number" || typeof value === "boolean" ? value : text;
}

/** Thrown to give up on a file whose problem was reported. */
class GiveUp extends Error {}

class TreeBuilder {
  readonly #source: Source;
  readonly #problems: Problems;
  /** Anchors seen so far: an alias means the last one before it. */
  readonly #anchors = new Map<string, Node>();
  /** Anchored nodes that are being built now, to notice one that contains itself. */
  readonly #open = new Set<Node>();
  #nodes = 0;

  constructor(source: Source, problems: Problems) {
    this.#source = source;
    this.#problems = problems;
  }

  build(contents: Node): ConfigNode | undefined {
    try {
      return this.#node(contents, []);
    } catch (error) {
      if (error instanceof GiveUp) return undefined;
      throw error;
    }
  }

  #node(node: Node | null, path: Path): ConfigNode {
    const place = this.#place(node);
    this.#nodes += 1;
    if (this.#nodes > NODES_MAX) {
      this.#giveUp(place, path, `the file has more than ${NODES_MAX} values, aliases included`);
    }
    if (path.length > DEPTH_MAX) {
      this.#giveUp(place, path.slice(0, 4), `values are nested more than ${DEPTH_MAX} levels deep`);
    }
    if (node === null) return { kind: "scalar", place, value: null };
    if (isAlias(node)) return this.#node(this.#target(node.source, place, path), path);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return scalarNode(node.value, place);
    this.#open.add(node);
    const built = this.#collection(node, place, path);
    this.#open.delete(node);
    return built;
  }

  #collection(node: Node, place: Place, path: Path): ConfigNode {
    if (isMap(node)) return this.#map(node, place, path);
    if (!isSeq(node)) return this.#giveUp(place, path, "this kind of YAML value is not supported");
    const items = node.items.map((item, index) => this.#node(item as Node, [...path, index]));
    return { kind: "list", place, items };
  }

  #map(map: YAMLMap, place: Place, path: Path): MapNode {
    const entries = new Map<string, MapEntry>();
    const inherited: MapNode[] = [];
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      const keyPlace = this.#place(pair.key);
      const key = isScalar(pair.key) ? String(pair.key.value ?? "") : undefined;
      if (key === undefined || key === "") {
        this.#problems.error(keyPlace, path, "a key must be text");
        continue;
      }
      const value = this.#node(pair.value ?? null, [...path, key]);
      if (key === MERGE_KEY) {
        inherited.push(...this.#inherited(value, [...path, key]));
      } else if (key === "__proto__") {
        this.#problems.error(keyPlace, [...path, key], "this key is not allowed");
      } else if (entries.has(key)) {
        this.#problems.error(keyPlace, [...path, key], "this key stands twice in the same map");
      } else {
        // An empty value has no place of its own; its key is the best one.
        const empty = pair.value === null || pair.value?.range === undefined;
        entries.set(key, { keyPlace, value: empty ? { ...value, place: keyPlace } : value });
      }
    }
    for (const parent of inherited) {
      for (const [key, entry] of parent.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return { kind: "map", place, entries };
  }

  /** The maps that YAML's merge key `<<: *defaults` or `<<: [*a, *b]` names. */
  #inherited(value: ConfigNode, path: Path): MapNode[] {
    const maps = value.kind === "list" ? value.items : [value];
    const wrong = maps.find(({ kind }) => kind !== "map");
    if (wrong === undefined) return maps as MapNode[];
    this.#problems.error(wrong.place, path, "the merge key << takes a map or a list of maps");
    return [];
  }

  #target(anchor: string, place: Place, path: Path): Node {
    const target = this.#anchors.get(anchor);
    if (target === undefined) {
      return this.#giveUp(place, path, "no anchor of this name stands before this alias");
    }
    if (this.#open.has(target)) {
      return this.#giveUp(place, path, "this alias stands inside its own anchor");
    }
    return target;
  }

  #place(node: Node | null): Place {
    return { source: this.#source, offset: node?.range?.[0] ?? 0 };
  }

  #giveUp(place: Place, path: Path, message: string): never {
    this.#problems.error(place, path, message);
    throw new GiveUp();
  }
}

function scalarNode(value: unknown, place: Place): ScalarNode {
  const isPlain = value === null || typeof value === "number" || typeof value === "boolean";
  return { kind: "scalar", place, value: isPlain ? value : String(value) };
}

const SYNTAX_MESSAGES: Partial<Record<YAMLError["code"], string>> = {
  BAD_ALIAS: "this alias is not valid",
  BAD_DIRECTIVE: "this %-directive is not supported",
  BAD_DQ_ESCAPE: "this escape is not valid in double quotes; write \\\\ for a backslash",
  BAD_INDENT: "the indentation does not fit, or a closing bracket is missing",
  BAD_SCALAR_START: "text cannot begin with this character; write the value in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a second ':' on one line; write the value in quotes, or break the line",
  BLOCK_IN_FLOW: "a block cannot stand inside { } or [ ]",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a closing quote, bracket, ':' or ',' is missing here",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line and be followed by ':'",
  NON_STRING_KEY: "a key must be text",
  RESOURCE_EXHAUSTION: `values are nested more than ${DEPTH_MAX} levels deep`,
  TAB_AS_INDENT: "a tab in the indentation; YAML wants spaces",
  TAG_RESOLVE_FAILED: "tags such as !this are not supported",
  UNEXPECTED_TOKEN: "this does not belong here; a quote or a line break is missing before it",
};

function syntaxMessage(error: YAMLError, source: Source): string {
  const lineStart = source.text.lastIndexOf("\n", error.pos[0] - 1) + 1;
  const before = source.text.slice(lineStart, error.pos[0] + 1);
  if (error.code === "UNEXPECTED_TOKEN" && /[\s:,[{]\$\{[^"']*$/.test(before)) {
    return `not valid YAML: inside { } and [ ], write "\${...}" in quotes`;
  }
  return `not valid YAML: ${SYNTAX_MESSAGES[error.code] ?? "this cannot be read"}`;
}
