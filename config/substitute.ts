/**
 * `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${file:PATH}` and `$$`, in string values only
 * and after the YAML was parsed: what is put in can never change the structure of the file, and is
 * not searched for further substitutions.
 */
import type { Problems } from "./diagnostics.ts";
import type { ConfigNode, MapEntry, Path, ScalarNode } from "./node.ts";
import { readScalar } from "./parse.ts";
import type { FileReader } from "./source.ts";
import { readText } from "./source.ts";

export interface SubstitutionOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: FileReader;
  readonly problems: Problems;
  /** A missing variable is a warning, and nothing is said about the value that it stands for. */
  readonly allowMissingEnv: boolean;
}

/** Text, or what is known about a value that has none. */
type Piece = { readonly text: string; readonly fromEnv: boolean } | "unknown" | "failed";

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export async function substitute(
  node: ConfigNode,
  options: SubstitutionOptions,
  path: Path = [],
): Promise<ConfigNode> {
  if (node.kind === "scalar") return substituteScalar(node, options, path);
  if (node.kind === "list") {
    const items: ConfigNode[] = [];
    for (const [index, item] of node.items.entries()) {
      items.push(await substitute(item, options, [...path, index]));
    }
    return { ...node, items };
  }
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of node.entries) {
    const value = await substitute(entry.value, options, [...path, key]);
    entries.set(key, { keyPlace: entry.keyPlace, value });
  }
  return { ...node, entries };
}

async function substituteScalar(
  node: ScalarNode,
  options: SubstitutionOptions,
  path: Path,
): Promise<ScalarNode> {
  if (typeof node.value !== "string" || !node.value.includes("$")) return node;
  const pieces: Piece[] = [];
  for (const token of node.value.split(/(\$\$|\$\{[^}]*\}?)/)) {
    if (token === "") continue;
    if (token === "$$") pieces.push({ text: "$", fromEnv: false });
    else if (token.startsWith("${")) pieces.push(await expand(token, node, options, path));
    else pieces.push({ text: token, fromEnv: false });
  }
  const { place } = node;
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") return { kind: "scalar", place, value: "", unknown: true };
    text += piece.text;
  }
  // As in the Collector, a value that is wholly one variable may turn out to be a number.
  const only = pieces.length === 1 ? pieces[0] : undefined;
  if (typeof only !== "object" || !only.fromEnv) return { kind: "scalar", place, value: text };
  return { kind: "scalar", place, value: readScalar(text), text };
}

async function expand(
  token: string,
  { place }: ScalarNode,
  options: SubstitutionOptions,
  path: Path,
): Promise<Piece> {
  const { problems } = options;
  const refuse = (message: string): Piece => {
    problems.error(place, path, message);
    return "failed";
  };
  const inner = token.slice(2, -1);
  if (!token.endsWith("}")) return refuse(`the } of \${...} is missing; write $$ for a plain $`);
  if (inner.includes("${")) return refuse(`a \${...} cannot stand inside another`);
  if (inner.startsWith("file:")) {
    const result = await readText(inner.slice("file:".length), options.readFile);
    if ("reason" in result) return refuse(`the file of \${file:...} ${result.reason}`);
    return { text: result.text.replace(/\r?\n$/, ""), fromEnv: false };
  }
  const reference = inner.startsWith("env:") ? inner.slice("env:".length) : inner;
  const split = reference.indexOf(":-");
  const name = split === -1 ? reference : reference.slice(0, split);
  if (!ENV_NAME.test(name)) {
    return refuse(`expected \${env:NAME}, \${env:NAME:-default} or \${file:PATH}; $$ is a plain $`);
  }
  const value = Object.hasOwn(options.env, name) ? options.env[name] : undefined;
  if (value !== undefined) return { text: value, fromEnv: true };
  if (split !== -1) return { text: reference.slice(split + 2), fromEnv: true };
  const message = `the environment variable ${name} is not set, and there is no default`;
  if (!options.allowMissingEnv) return refuse(message);
  problems.warning(place, path, message);
  return "unknown";
}
