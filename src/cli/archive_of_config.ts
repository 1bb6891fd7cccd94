/**
 * Finds the archives that a configuration writes to, for commands that have something recorded there.
 */
import { realpathSync } from "node:fs";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { formatDiagnostics } from "../../config/diagnostics.ts";
import type { CheckedConfig } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import type { SealedArchiveConfig } from "../../exporters/sealed_archive/config.ts";
import { componentFolder } from "../state_folders.ts";
import type { CommandIo, CommandLine } from "./command.ts";
import { UsageError } from "./command.ts";

/** What `recordEntry` takes beside the entry. */
export interface ConfiguredArchive {
  /** The name of the exporter without its type; "" for the one without a name. */
  readonly name: string;
  readonly config: SealedArchiveConfig;
  readonly stateDirectory: string;
}

/** Undefined when it is wrong; what is wrong was written to stderr. */
export async function loadCommandConfig(
  paths: readonly string[],
  io: CommandIo,
): Promise<CheckedConfig | undefined> {
  const { builtinFactories } = await import("../../config/builtin.ts");
  const options = { env: process.env, factories: builtinFactories };
  const { config, diagnostics } = await loadConfig(paths, options);
  io.stderr.write(formatDiagnostics(diagnostics, { color: false }));
  return config;
}

export function archivesOf(config: CheckedConfig): ConfiguredArchive[] {
  const archives: ConfiguredArchive[] = [];
  for (const [key, { config: own }] of config.exporters) {
    const [type, name = ""] = key.split("/", 2);
    if (type !== "sealed_archive") continue;
    const stateDirectory = componentFolder(config, { kind: "exporter", type, name });
    archives.push({ name, config: own as SealedArchiveConfig, stateDirectory });
  }
  return archives;
}

export function isSamePath(one: string, other: string): boolean {
  return truePath(one) === truePath(other);
}

function truePath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** The options of every command that shows what is sealed. */
export const accessOptions = {
  config: { type: "string", short: "c", multiple: true },
  who: { type: "string" },
  role: { type: "string" },
  reason: { type: "string" },
} as const;

/** Who says that they look, as whom and why; see {@link accessOptions}. */
export function accessOf(values: CommandLine["values"]): {
  readonly who: string;
  readonly role: string | undefined;
  readonly reason: string;
} {
  const { who, role, reason } = values;
  if (typeof reason !== "string" || reason === "") {
    throw new UsageError("expected --reason TEXT: it is recorded why somebody looks");
  }
  return {
    who: typeof who === "string" ? who : userInfo().username,
    role: typeof role === "string" ? role : undefined,
    reason,
  };
}
