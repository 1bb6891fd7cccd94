/** `vouchsafe run`: validates, prints one screen, runs until a signal, stops in order. */
import { formatDiagnostics } from "../../config/diagnostics.ts";
import type { CheckedConfig } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import { startAgent, VERSION } from "../agent.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { aborted, EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";
import { formatOverview } from "./overview.ts";
import { Reloader } from "./reloader.ts";

/** Time for delivering what is under way after a signal; Kubernetes kills after 30 s. */
export const SHUTDOWN_TIMEOUT_MS = 20_000;

const WRITE_FINISH_MS = 300;

export const runCommand: Command = {
  summary: "runs the agent with a configuration",
  usage: "-c FILE [-c FILE] [--watch]",
  options: {
    config: { type: "string", short: "c", multiple: true },
    watch: { type: "boolean" },
  },
  help: `  -c, --config FILE     a configuration file; several are merged, later ones win
      --watch           reloads when one of these files changes

SIGHUP reloads the configuration: the pipelines deliver what is under way, stop, and
the new ones start. With a mistake in it, or when it cannot start, the old one goes on.

Stops at SIGINT or SIGTERM, or when the sources of all receivers have ended (stdin):
delivers what is under way for up to ${SHUTDOWN_TIMEOUT_MS / 1000} seconds, then ends.
A second signal, more than a second later, ends it at once; nothing acknowledged is lost by that.

Exit code 0: stopped by a signal or at the end of its sources. 1: could not start.
78: the configuration is wrong.

Example: vouchsafe run -c vouchsafe.yaml
`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  if (positionals.length > 0) throw new UsageError("a file is given with -c FILE");
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("-c FILE is missing");
  const { builtinFactories } = await import("../../config/builtin.ts");
  const load = async (): Promise<CheckedConfig | undefined> => {
    const factories = builtinFactories;
    const { config, diagnostics } = await loadConfig(paths, { env: process.env, factories });
    io.stderr.write(formatDiagnostics(diagnostics, { color: hasColor(io) }));
    return config;
  };
  const config = await load();
  if (config === undefined) return EXIT_CONFIG;

  const { stateDirectory, telemetry, healthCheck } = config.service;
  const url = (endpoint: { host: string; port: number } | undefined, path: string) =>
    endpoint === undefined ? undefined : `http://${endpoint.host}:${endpoint.port}${path}`;
  io.stderr.write(`vouchsafe ${VERSION}\n`);
  io.stderr.write(
    formatOverview(config, {
      files: config.files,
      stateDirectory,
      metrics: url(telemetry.metrics, "/metrics"),
      health: url(healthCheck, "/"),
    }),
  );
  // The timers of components do not hold the process, so that a stopped one never delays its end.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  try {
    const agent = await startAgent(config, io.stderr);
    const deadline = (): AbortSignal => AbortSignal.timeout(SHUTDOWN_TIMEOUT_MS);
    const reloader = new Reloader({ agent, load, deadline });
    io.onHangup?.(() => reloader.request());
    const unwatch = values.watch === true ? await watchFiles(paths, reloader) : async () => {};
    await Promise.race([aborted(io.signal), reloader.broken, agent.finished]);
    await unwatch();
    await reloader.close();
    await agent.shutdown(AbortSignal.timeout(SHUTDOWN_TIMEOUT_MS));
  } finally {
    clearInterval(keepAlive);
  }
  return EXIT_OK;
}

/** Editors write a file in steps, so a change counts when the file is quiet. */
async function watchFiles(paths: string[], reloader: Reloader): Promise<() => Promise<void>> {
  const { watch } = await import("chokidar");
  const awaitWriteFinish = { stabilityThreshold: WRITE_FINISH_MS };
  const watcher = watch(paths, { ignoreInitial: true, awaitWriteFinish });
  watcher.on("add", () => reloader.request()).on("change", () => reloader.request());
  await new Promise<void>((ready) => watcher.once("ready", () => ready()));
  return () => watcher.close();
}

function hasColor(io: CommandIo): boolean {
  return (io.stderr as { isTTY?: boolean }).isTTY === true && !process.env.NO_COLOR;
}
