/** Settings for a component that is measured: its files below `directory`, no logs, no metrics. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { metrics } from "@opentelemetry/api";
import type { Settings } from "../../src/component/settings.ts";
import { makePrivateDirectory } from "../../src/lib/durable_file.ts";
import { systemClock, systemRandom } from "../../src/lib/system_clock.ts";

export function stageSettings(
  directory: string,
  kind: Settings["id"]["kind"],
  type: string,
  downstream: readonly string[] = [],
): Settings {
  const folder = async (): Promise<string> => {
    const path = join(directory, "state", type);
    await mkdir(join(directory, "state"), { recursive: true });
    await makePrivateDirectory(path);
    return path;
  };
  const quiet = (): void => {};
  return {
    id: { kind, type, name: "" },
    pipeline: kind === "processor" ? "logs" : undefined,
    downstream,
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    meter: metrics.getMeter("bench"),
    clock: systemClock,
    random: systemRandom,
    stateDirectory: folder,
    sharedStateDirectory: folder,
    reportStatus: quiet,
  };
}
