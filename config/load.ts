/**
 * From configuration files to a checked configuration: read, parse, merge, substitute, check.
 *
 * Invariant: a `CheckedConfig` exists only when nothing is wrong. Every component in it was
 * accepted by its schema, and every id in its pipelines is defined.
 */
import type { CreateDetector } from "../src/component/detector.ts";
import type { AuthenticatorConfig } from "../src/lib/auth/config.ts";
import type { GraphPlan, PipelinePlan } from "../src/pipeline/graph.ts";
import type { Declared, DeclaredComponents } from "./check_components.ts";
import { COMPONENT_SECTIONS, checkComponents } from "./check_components.ts";
import { checkPipelines } from "./check_pipelines.ts";
import type {
  CheckedService,
  FileStorage,
  ReferencePlace,
  ServiceConfig,
} from "./check_service.ts";
import { checkReferences, checkService } from "./check_service.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { Problems } from "./diagnostics.ts";
import type { Factories } from "./factories.ts";
import { detectorOf } from "./factories.ts";
import { fingerprintOf, withoutSecrets } from "./fingerprint.ts";
import type { MapNode } from "./node.ts";
import { mergeNodes } from "./node.ts";
import { parseSource } from "./parse.ts";
import { expandRoles } from "./roles.ts";
import { hasUnknown } from "./schema_check.ts";
import type { FileReader } from "./source.ts";
import { makeSource, readLimited, readText } from "./source.ts";
import { substitute } from "./substitute.ts";
import { closest } from "./suggest.ts";

export type { FileStorage, ServiceConfig } from "./check_service.ts";
export type { Diagnostic } from "./diagnostics.ts";

/** The keys of the maps are canonical ids, `type[/name]`, never an alias. */
export interface CheckedConfig extends GraphPlan {
  readonly service: ServiceConfig;
  /** By id; only those listed in `service.extensions`. */
  readonly fileStorages: ReadonlyMap<string, FileStorage>;
  /** By id; only those listed in `service.extensions`. */
  readonly authenticators: ReadonlyMap<string, AuthenticatorConfig>;
  readonly files: readonly string[];
  /** The merged configuration as it is written, without any secret. */
  readonly shown: unknown;
  /** SHA-256 (hex) of the merged configuration, without any secret; see `fingerprint.ts`. */
  readonly fingerprint: string;
  /** See `Settings.createDetector`. */
  readonly createDetector: CreateDetector | undefined;
}

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly factories: Factories;
  readonly readFile?: FileReader;
  /** For checks where the secrets are absent: a missing variable is a warning. */
  readonly allowMissingEnv?: boolean;
}

export interface LoadResult {
  /** Absent when there is an error, or a missing variable that was allowed. */
  readonly config?: CheckedConfig;
  /** The pipelines that have no mistake of their own. */
  readonly pipelines: readonly PipelinePlan[];
  readonly diagnostics: readonly Diagnostic[];
}

const REFERENCES: readonly ReferencePlace[] = [
  { section: "receivers", keys: ["storage"], kind: "file_storage" },
  { section: "exporters", keys: ["sending_queue", "storage"], kind: "file_storage" },
  ...["http", "grpc"].map((protocol): ReferencePlace => {
    const keys = ["protocols", protocol, "auth", "authenticator"];
    return { section: "receivers", keys, kind: "authenticator" };
  }),
];
const SECTIONS = [...COMPONENT_SECTIONS, "extensions", "service"];

/** Never throws for what is wrong with the files: the diagnostics say it, all of it at once. */
export async function loadConfig(
  paths: readonly string[],
  options: LoadOptions,
): Promise<LoadResult> {
  const problems = new Problems();
  const { env, factories, readFile = readLimited, allowMissingEnv = false } = options;
  const merged = await readMerged(paths, readFile, problems);
  if (merged === undefined) return { pipelines: [], diagnostics: problems.list() };
  const substituted = await substitute(merged, { env, readFile, problems, allowMissingEnv });
  const root = expandRoles(substituted as MapNode, COMPONENT_SECTIONS);
  checkSections(root, problems);
  const declared = checkComponents(root, factories, problems);
  const checked = checkService(root, problems);
  for (const place of REFERENCES) {
    const { fileStorages, authenticators } = checked;
    const known = place.kind === "file_storage" ? fileStorages : authenticators;
    checkReferences(root, place, known, problems);
  }
  const pipelines = checkPipelines(root, declared, factories, problems);
  const diagnostics = problems.list();
  if (problems.hasErrors || hasUnknown(root)) return { pipelines, diagnostics };
  const config = assemble(declared, checked, pipelines);
  if (config === undefined) return { pipelines, diagnostics };
  const whole = {
    ...config,
    files: paths,
    shown: withoutSecrets(merged),
    fingerprint: fingerprintOf(merged),
    createDetector: detectorOf(factories),
  };
  return { config: whole, pipelines, diagnostics };
}

/** Undefined when a file cannot be read or parsed; then nothing else could be said reliably. */
async function readMerged(
  paths: readonly string[],
  readFile: FileReader,
  problems: Problems,
): Promise<MapNode | undefined> {
  let merged: MapNode | undefined;
  let failed = false;
  for (const [index, path] of paths.entries()) {
    const result = await readText(path, readFile);
    const source = makeSource(path, index, "text" in result ? result.text : "");
    if ("reason" in result) {
      problems.error({ source, offset: 0 }, [], `this file ${result.reason}`);
    }
    const root = "text" in result ? parseSource(source, problems) : undefined;
    if (root === undefined) failed = true;
    else merged = merged === undefined ? root : (mergeNodes(merged, root) as MapNode);
  }
  return failed ? undefined : merged;
}

function checkSections(root: MapNode, problems: Problems): void {
  for (const [key, { keyPlace }] of root.entries) {
    if (SECTIONS.includes(key)) continue;
    const suggestion = closest(key, SECTIONS);
    const hint = suggestion === undefined ? `; there are ${SECTIONS.join(", ")}` : "";
    problems.error(keyPlace, [key], `unknown section${hint}`, { suggestion });
  }
}

function assemble(
  declared: DeclaredComponents,
  { service, fileStorages, authenticators }: CheckedService,
  pipelines: readonly PipelinePlan[],
): Omit<CheckedConfig, "files" | "fingerprint" | "shown" | "createDetector"> | undefined {
  const receivers = componentsOf(declared.receivers);
  const processors = componentsOf(declared.processors);
  const exporters = componentsOf(declared.exporters);
  if (service === undefined || !receivers || !processors || !exporters) return undefined;
  const extensions = { fileStorages, authenticators };
  return { receivers, processors, exporters, pipelines, service, ...extensions };
}

function componentsOf<Factory>(
  declared: ReadonlyMap<string, Declared<Factory>>,
): Map<string, NonNullable<Declared<Factory>["component"]>> | undefined {
  const components = new Map<string, NonNullable<Declared<Factory>["component"]>>();
  for (const [id, { component }] of declared) {
    if (component === undefined) return undefined;
    components.set(id, component);
  }
  return components;
}
