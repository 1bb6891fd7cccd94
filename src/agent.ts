/**
 * One running agent: the graph of a checked configuration with its telemetry and its state folder.
 *
 * Invariant: two agents never share a state directory or the folder of a `file_storage` extension,
 * and everything private is below these, 0700.
 */
import { join } from "node:path";
import type { Writable } from "node:stream";
import type { CheckedConfig } from "../config/load.ts";
import manifest from "../package.json" with { type: "json" };
import { describeError } from "./component/errors.ts";
import type { ComponentId, Settings } from "./component/settings.ts";
import { formatComponentId } from "./component/settings.ts";
import { authenticatorOpener } from "./lib/auth/open.ts";
import { makePrivateDirectory } from "./lib/durable_file.ts";
import { systemClock, systemRandom } from "./lib/system_clock.ts";
import type { GraphEnvironment } from "./pipeline/environment.ts";
import { Graph } from "./pipeline/graph.ts";
import type { MakeGraph } from "./pipeline/running_graph.ts";
import { RunningGraph } from "./pipeline/running_graph.ts";
import { requirePrivateSecrets } from "./secret_files.ts";
import { componentFolder, lockState, stateRoot } from "./state_folders.ts";
import { ScopedMeters } from "./telemetry/scoped_meter.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { createTelemetry, DEFAULT_SAMPLING } from "./telemetry/telemetry.ts";

export const VERSION: string = manifest.version;

export interface RunningAgent {
  /** Ports that the agent's own pages got; undefined for a page that is off. */
  readonly ports: Telemetry["ports"];
  /** Resolves when the sources of all receivers have ended. */
  readonly finished: Promise<void>;
  /**
   * Puts the pipelines of another configuration in the place of those that run. What cannot change
   * while the agent runs, or cannot start, is said in the log, and the old ones go on.
   * @throws when neither can run.
   */
  reload(config: CheckedConfig, deadline: AbortSignal): Promise<void>;
  /** Delivers what is under way until `deadline` aborts, then stops whatever is left. */
  shutdown(deadline: AbortSignal): Promise<void>;
}

/** Rejects with an `AgentError` when a component cannot start; then nothing is left running. */
export async function startAgent(config: CheckedConfig, stderr: Writable): Promise<RunningAgent> {
  const { service } = config;
  await requirePrivateSecrets(config);
  const lock = await lockState(config);
  const telemetry = createTelemetry({
    version: VERSION,
    level: service.telemetry.logs.level,
    encoding: "console",
    sampling: DEFAULT_SAMPLING,
    metrics: service.telemetry.metrics,
    health: service.healthCheck,
    stderr,
    clock: systemClock,
  });
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  try {
    await telemetry.start();
    const graph = await RunningGraph.start(makerOf(config, telemetry, finish));
    telemetry.logger.info("everything is ready", { pipelines: config.pipelines.length });
    return {
      ports: telemetry.ports,
      finished,
      reload: async (next, deadline) => {
        const fixed = fixedKey(config, next);
        if (fixed !== undefined) {
          const message = "the new configuration needs a restart; the old one goes on";
          telemetry.logger.error(message, { changed: fixed });
          return;
        }
        telemetry.logger.info("reloading");
        const error = await requirePrivateSecrets(next).then(
          () => graph.replace(makerOf(next, telemetry, finish), deadline),
          (insecure: unknown) => insecure,
        );
        if (error === undefined) {
          telemetry.logger.info("reloaded", { pipelines: next.pipelines.length });
        } else {
          const message = "the new configuration cannot start; the old one runs again";
          telemetry.logger.error(message, { error: describeError(error) });
        }
      },
      shutdown: async (deadline) => {
        telemetry.logger.info("stopping");
        await graph.shutdown(deadline);
        telemetry.logger.info("stopped");
        await telemetry.shutdown();
        await lock.release();
      },
    };
  } catch (error) {
    await telemetry.shutdown();
    await lock.release();
    throw error;
  }
}

function makerOf(config: CheckedConfig, telemetry: Telemetry, finish: () => void): MakeGraph {
  return () => {
    // Components that are no longer there have no state.
    telemetry.status.clear();
    telemetry.pipelines.show(config.pipelines);
    const meters = new ScopedMeters();
    const environment = graphEnvironment(config, telemetry, meters, finish);
    return { graph: Graph.build(config, environment), end: () => meters.end() };
  };
}

/** The first key whose value holds for the life of the process and is another one now. */
function fixedKey(before: CheckedConfig, after: CheckedConfig): string | undefined {
  const fixed = ({ service, fileStorages }: CheckedConfig): [string, unknown][] => [
    ["service.state_directory", service.stateDirectory],
    ["service.telemetry", service.telemetry],
    ["extensions.health_check", service.healthCheck],
    ["extensions.file_storage", [...fileStorages]],
  ];
  const old = fixed(before);
  const text = (value: unknown): string => JSON.stringify(value) ?? "";
  return fixed(after).find(([, value], index) => text(value) !== text(old[index]![1]))?.[0];
}

function graphEnvironment(
  config: CheckedConfig,
  telemetry: Telemetry,
  meters: ScopedMeters,
  finish: () => void,
): GraphEnvironment {
  const open = new Set<string>();
  const folder = async (path: string): Promise<string> => {
    await makePrivateDirectory(path);
    return path;
  };
  const settingsFor = (
    id: ComponentId,
    pipeline: string | undefined,
    downstream: readonly string[],
  ): Settings => {
    const root = stateRoot(config, id);
    const name = formatComponentId(id);
    if (id.kind === "receiver") open.add(name);
    return {
      id,
      pipeline,
      downstream,
      logger: telemetry.loggerFor(id, pipeline),
      meter: meters.scope(telemetry.meterFor(id, pipeline)),
      clock: systemClock,
      random: systemRandom,
      stateDirectory: () => folder(componentFolder(config, id, pipeline)),
      sharedStateDirectory: (type = id.type) => folder(join(root, type)),
      configFingerprint: config.fingerprint,
      createDetector: config.createDetector,
      openAuthenticator: authenticatorOpener(config.authenticators, {
        clock: systemClock,
        logger: telemetry.loggerFor(id, pipeline),
      }),
      reportFinished: () => {
        open.delete(name);
        if (open.size === 0) finish();
      },
      reportStatus: (status, reason) => telemetry.status.report(id, pipeline, status, reason),
    };
  };
  return {
    clock: systemClock,
    instruments: telemetry.instruments,
    logger: telemetry.logger,
    loggerFor: (id, pipeline) => telemetry.loggerFor(id, pipeline),
    settingsFor,
    reportStatus: (id, pipeline, status, reason) =>
      telemetry.status.report(id, pipeline, status, reason),
  };
}
