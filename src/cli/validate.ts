/** `vouchsafe validate`: checks a configuration with the code of `run`, and starts nothing. */
import type { Writable } from "node:stream";
import type { Diagnostic } from "../../config/diagnostics.ts";
import { formatDiagnostic, formatDiagnostics } from "../../config/diagnostics.ts";
import type { LoadResult } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import type { PipelinePlan } from "../pipeline/graph.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";

const FORMATS = ["text", "json", "github"] as const;
type Format = (typeof FORMATS)[number];

export const validateCommand: Command = {
  summary: "checks a configuration and names every mistake in it",
  usage: "-c FILE [-c FILE] [--format text|json|github] [--allow-missing-env]",
  options: {
    config: { type: "string", short: "c", multiple: true },
    format: { type: "string", default: "text" },
    "allow-missing-env": { type: "boolean", default: false },
  },
  help: `  -c, --config FILE     a configuration file; several are merged, later ones win
  --format FORMAT       text (default), json, or github (annotations of a workflow)
  --allow-missing-env   an environment variable that is not set is a warning only

Exit code 0: valid. 78: not valid.
What stands left of | in a pipeline happens inside the agent; what stands right of it, leaves.

Example: vouchsafe validate -c config/default.yaml --allow-missing-env
`,
  run: validate,
};

async function validate({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const format = FORMATS.find((known) => known === values.format);
  if (format === undefined) throw new UsageError(`--format is one of ${FORMATS.join(", ")}`);
  if (positionals.length > 0) throw new UsageError("a file is given with -c FILE");
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("-c FILE is missing");
  // Loading every component takes a moment that `--help` does not need.
  const { builtinFactories } = await import("../../config/builtin.ts");
  const result = await loadConfig(paths, {
    env: process.env,
    factories: builtinFactories,
    allowMissingEnv: values["allow-missing-env"] === true,
  });
  const isValid = !result.diagnostics.some(({ severity }) => severity === "error");
  const write = { text: writeText, json: writeJson, github: writeGithub }[format satisfies Format];
  write(result, isValid, paths, io.stdout);
  return isValid ? EXIT_OK : EXIT_CONFIG;
}

function writeText(
  { diagnostics, pipelines }: LoadResult,
  isValid: boolean,
  paths: readonly string[],
  output: Writable,
): void {
  output.write(formatDiagnostics(diagnostics, { color: hasColor(output) }));
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = diagnostics.length - errors;
  const counts = [countOf(errors, "error"), countOf(warnings, "warning")].filter(Boolean);
  const found = counts.length === 0 ? "" : ` (${counts.join(", ")})`;
  output.write(`${paths.join(" + ")}: ${isValid ? "valid" : "not valid"}${found}\n`);
  if (isValid) for (const plan of pipelines) output.write(`  ${drawPipeline(plan)}\n`);
}

function countOf(count: number, noun: string): string {
  return count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `logs/a: file_log/nginx, otlp -> pii_detect -> tokenize | -> otlp_http, sealed_archive` */
export function drawPipeline({ id, receivers, processors, exporters }: PipelinePlan): string {
  const inside = [receivers.join(", "), ...processors].join(" -> ");
  return `${id}: ${inside} | -> ${exporters.join(", ")}`;
}

function hasColor(output: Writable): boolean {
  return (output as { isTTY?: boolean }).isTTY === true && !process.env.NO_COLOR;
}

function writeJson(
  { diagnostics, pipelines }: LoadResult,
  isValid: boolean,
  files: readonly string[],
  output: Writable,
): void {
  const shown = diagnostics.map(({ excerpt: _, ...diagnostic }) => diagnostic);
  const document = { valid: isValid, files, diagnostics: shown, pipelines };
  output.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Workflow commands of GitHub Actions, which show each mistake at its line of the change. */
function writeGithub(
  { diagnostics }: LoadResult,
  _isValid: boolean,
  _paths: readonly string[],
  output: Writable,
): void {
  for (const diagnostic of diagnostics) output.write(`${githubAnnotation(diagnostic)}\n`);
}

function githubAnnotation(diagnostic: Diagnostic): string {
  const { severity, file, line, column } = diagnostic;
  const properties = `file=${escapeProperty(file)},line=${line},col=${column}`;
  return `::${severity} ${properties}::${escapeData(formatDiagnostic(diagnostic))}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
