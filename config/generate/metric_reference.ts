/** The table of the components' own metrics, read from where the sources make them. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The first argument of a call; other names of ours are not. */
const NAME = /\(\s*"((?:otelcol|vouchsafe)_\w+)",/g;
/** A name, and behind it its description, alone or in an object. */
const DESCRIBED = new RegExp(
  /"((?:otelcol|vouchsafe)_\w+)",\s*/.source +
    /(?:\{\s*(?:unit: "\w+",\s*)?description:\s*)?"((?:[^"\\]|\\.)*)"/.source,
  "g",
);

/** `folders`: of components, relative to the root. */
export async function metricTable(root: string, folders: readonly string[]): Promise<string> {
  const rows: string[] = ["| name | component | meaning |", "|---|---|---|"];
  for (const folder of folders) {
    for (const [name, description] of await metricsOf(join(root, folder))) {
      const component = folder.split("/")[1];
      rows.push(`| \`${name}\` | \`${component}\` | ${description.replaceAll("|", "\\|")} |`);
    }
  }
  return `${rows.join("\n")}\n`;
}

async function metricsOf(folder: string): Promise<[string, string][]> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true })) {
    if (!entry.endsWith(".ts") || /\.(test|bench)\.ts$/.test(entry)) continue;
    const text = await readFile(join(folder, entry), "utf8");
    const described = new Map<string, string>();
    for (const [, name, description] of text.matchAll(DESCRIBED)) {
      described.set(name!, description!);
    }
    for (const [, name] of text.matchAll(NAME)) {
      found.set(name!, described.get(name!) ?? "See its README.");
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}
