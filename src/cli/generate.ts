/**
 * `npm run generate`: writes the files that are made from the sources, so that nothing is said
 * twice by hand. `--check` writes nothing, lists the stale ones and exits 1.
 *
 * The factories are found by looking into the folders, never through the generated index, which may
 * be the stale one.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Factories } from "../../config/factories.ts";
import { factoryIndex } from "../../config/generate/factory_index.ts";
import { fileSchema } from "../../config/generate/file_schema.ts";
import { metricTable } from "../../config/generate/metric_reference.ts";
import { fillOptionTable, optionTable } from "../../config/generate/option_table.ts";
import {
  componentReference,
  entityReference,
  errorReference,
} from "../../config/generate/reference.ts";
import { serviceSchema } from "../../config/service.ts";
import type { AnyFactory } from "../component/factory.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SECTIONS = ["receivers", "processors", "exporters"] as const;
type Section = (typeof SECTIONS)[number];

/** Paths, relative to the root, of the generated files that differ from what they should be. */
export async function staleFiles(): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, content] of await generatedFiles()) {
    if (content === undefined || (await readIfPresent(path)) !== content) stale.push(path);
  }
  return stale;
}

/** What each file shall hold, by path relative to the root; undefined: a person must write it. */
type GeneratedFiles = Map<string, string | undefined>;

async function generatedFiles(): Promise<GeneratedFiles> {
  const files: GeneratedFiles = new Map();
  const sources: string[] = [];
  const found: Record<Section, AnyFactory[]> = { receivers: [], processors: [], exporters: [] };
  for (const section of SECTIONS) {
    const folders = await componentFolders(section);
    files.set(`${section}/index.ts`, factoryIndex(section.slice(0, -1), folders));
    for (const folder of folders) {
      const factory = await importFactory(section, folder);
      found[section].push(factory);
      sources.push(`${section}/${folder}`);
      await addPage(files, `${section}/${folder}/README.md`, optionTable(factory.configSchema));
    }
  }
  const factories = found as unknown as Factories;
  files.set("config/schema.json", `${JSON.stringify(fileSchema(factories), undefined, 2)}\n`);
  files.set("docs/reference/errors.md", errorReference());
  files.set("docs/reference/entities.md", entityReference());
  files.set("docs/reference/components.md", componentReference(factories));
  await addPage(files, "docs/reference/configuration.md", optionTable(serviceSchema));
  await addPage(files, "docs/reference/telemetry.md", await metricTable(ROOT, sources));
  return files;
}

/** A page that is written by hand but for its table between `<!-- options -->` markers. */
async function addPage(files: GeneratedFiles, path: string, table: string): Promise<void> {
  files.set(path, fillOptionTable((await readIfPresent(path)) ?? "", table));
}

async function componentFolders(section: Section): Promise<string[]> {
  const folders: string[] = [];
  for (const entry of await readdir(join(ROOT, section), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const content = await readdir(join(ROOT, section, entry.name));
    if (content.includes("factory.ts")) folders.push(entry.name);
  }
  return folders.sort();
}

async function importFactory(section: Section, folder: string): Promise<AnyFactory> {
  const url = pathToFileURL(join(ROOT, section, folder, "factory.ts")).href;
  const { factory } = (await import(url)) as { factory: AnyFactory };
  if (factory.type !== folder) throw new Error(`${section}/${folder} has the type ${factory.type}`);
  return factory;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(ROOT, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function generate(): Promise<void> {
  for (const [path, content] of await generatedFiles()) {
    if (content === undefined || (await readIfPresent(path)) === content) continue;
    await mkdir(join(ROOT, dirname(path)), { recursive: true });
    await writeFile(join(ROOT, path), content);
    process.stdout.write(`wrote ${path}\n`);
  }
}

if (import.meta.main) {
  if (!process.argv.includes("--check")) await generate();
  const stale = await staleFiles();
  const advice = "run npm run generate; a README needs <!-- options --> and <!-- /options -->";
  for (const path of stale) process.stdout.write(`stale: ${path} (${advice})\n`);
  process.exitCode = stale.length === 0 ? 0 : 1;
}
