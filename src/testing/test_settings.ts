/** Settings for a component under test: real files in a folder that is removed after the test. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { metrics } from "@opentelemetry/api";
import type {
  Clock,
  ComponentKind,
  ComponentStatus,
  LogAttributes,
  RandomSource,
  Settings,
} from "../component/settings.ts";
import { makePrivateDirectory } from "../lib/durable_file.ts";
import { systemClock, systemRandom } from "../lib/system_clock.ts";

export interface LoggedLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly attributes: LogAttributes;
}

export interface TestSettings extends Settings {
  /** Root of the state directory; give the same one to a second instance to test a restart. */
  readonly root: string;
  readonly logged: LoggedLine[];
  readonly statuses: { status: ComponentStatus; reason: string | undefined }[];
}

export interface TestSettingsOptions {
  readonly kind?: ComponentKind;
  readonly type?: string;
  readonly name?: string;
  readonly pipeline?: string;
  readonly downstream?: readonly string[];
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly root?: string;
}

/**
 * A folder that lives as long as the test. Hooks run in their order, so what the test shuts down in
 * a later one may still write: hence the retries.
 */
export async function temporaryDirectory(test: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "vouchsafe-test-"));
  test.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

export async function testSettings(
  test: TestContext,
  options: TestSettingsOptions = {},
): Promise<TestSettings> {
  const root = options.root ?? (await temporaryDirectory(test));
  const logged: LoggedLine[] = [];
  const statuses: TestSettings["statuses"] = [];
  const type = options.type ?? "test";
  const log =
    (level: LoggedLine["level"]) =>
    (message: string, attributes: LogAttributes = {}): void => {
      logged.push({ level, message, attributes });
    };
  const folder = async (...parts: string[]): Promise<string> => {
    const path = join(root, ...parts);
    await makePrivateDirectory(path);
    return path;
  };
  return {
    id: { kind: options.kind ?? "processor", type, name: options.name ?? "" },
    pipeline: options.pipeline,
    downstream: options.downstream ?? [],
    logger: {
      debug: log("debug"),
      info: log("info"),
      warn: log("warn"),
      error: log("error"),
    },
    meter: metrics.getMeter("test"),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    stateDirectory: () => folder(type, options.pipeline ?? "own"),
    sharedStateDirectory: (shared = type) => folder(shared),
    reportStatus: (status, reason) => statuses.push({ status, reason }),
    root,
    logged,
    statuses,
  };
}
