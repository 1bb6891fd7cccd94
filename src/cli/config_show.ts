/** `vouchsafe config show`: the merged configuration, with secrets hidden. */
import { stringify } from "yaml";
import { formatDiagnostics } from "../../config/diagnostics.ts";
import { loadConfig } from "../../config/load.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";

export const configCommand: Command = {
  summary: "shows the merged configuration without secrets",
  usage: "show -c FILE [-c FILE]",
  options: { config: { type: "string", short: "c", multiple: true } },
  help: `  -c, --config FILE     a configuration file; several are merged, later ones win

Values are shown as they are written: \${env:NAME} stays a name. Values of keys that look like a
secret, and headers, are shown as (secret). Exit code 78: the configuration is wrong.

Example: vouchsafe config show -c vouchsafe.yaml -c site.yaml
`,
  run: show,
};

async function show({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  if (positionals.length !== 1 || positionals[0] !== "show") throw new UsageError("write: show");
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("-c FILE is missing");
  const { builtinFactories } = await import("../../config/builtin.ts");
  const factories = builtinFactories;
  const { config, diagnostics } = await loadConfig(paths, { env: process.env, factories });
  io.stderr.write(formatDiagnostics(diagnostics, { color: false }));
  if (config === undefined) return EXIT_CONFIG;
  io.stdout.write(stringify(config.shown, { lineWidth: 0 }));
  return EXIT_OK;
}
