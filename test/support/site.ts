/** A folder with everything one agent needs: keys, an identity, state, archive, configuration. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { stringify } from "yaml";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import type { Identity } from "./agent.ts";
import { freePorts, runVouchsafe, writeIdentity } from "./agent.ts";

export interface Site {
  readonly directory: string;
  readonly archive: string;
  readonly identity: Identity;
  readonly configPath: string;
  readonly metricsPort: number;
  readonly healthPort: number;
}

/** The sections that differ between tests; the rest is the same everywhere. */
export interface SiteConfig {
  readonly receivers: Record<string, unknown>;
  readonly processors?: Record<string, unknown>;
  readonly exporters?: Record<string, unknown>;
  /** Folder of a `file_storage` extension. */
  readonly fileStorage?: string;
  /** Pipelines by name; without it one pipeline of all receivers, the chain and the archive. */
  readonly pipelines?: Record<string, unknown>;
}

export async function makeSite(
  test: TestContext,
  sections: (directory: string, recipient: string) => SiteConfig | Promise<SiteConfig>,
): Promise<Site> {
  const directory = await temporaryDirectory(test);
  const identity = await writeIdentity(directory);
  const keys = join(directory, "keys");
  await mkdir(keys, { mode: 0o700 });
  const made = await runVouchsafe(test, ["keys", "generate", "token", "-d", keys]);
  if (made.code !== 0) throw new Error(`keys generate token: ${made.stderr}`);
  const archive = join(directory, "archive");
  const config = await sections(directory, identity.recipient);
  const [metricsPort, healthPort] = (await freePorts(2)) as [number, number];
  const processors = {
    pii_detect: { entities: ["default"] },
    tokenize: { domain: "test", keys: { provider: "file", directory: keys } },
    hmac_chain: { recipients: [identity.recipient] },
    ...config.processors,
  };
  const exporters = {
    sealed_archive: {
      directory: archive,
      origin: "example.com/test",
      recipients: [identity.recipient],
    },
    ...config.exporters,
  };
  const pipelines = config.pipelines ?? {
    logs: {
      receivers: Object.keys(config.receivers),
      processors: ["pii_detect", "tokenize", "hmac_chain"],
      exporters: ["sealed_archive"],
    },
  };
  const service = {
    extensions: ["health_check", ...(config.fileStorage === undefined ? [] : ["file_storage"])],
    state_directory: join(directory, "state"),
    telemetry: {
      metrics: {
        readers: [{ pull: { exporter: { prometheus: { host: "127.0.0.1", port: metricsPort } } } }],
      },
    },
    pipelines,
  };
  const configPath = join(directory, "config.yaml");
  await writeFile(
    configPath,
    stringify({
      receivers: config.receivers,
      processors,
      exporters,
      extensions: {
        health_check: { endpoint: `127.0.0.1:${healthPort}` },
        ...(config.fileStorage && { file_storage: { directory: config.fileStorage } }),
      },
      service,
    }),
  );
  return { directory, archive, identity, configPath, metricsPort, healthPort };
}

/** Every record of the archive, in the archive's order, as `read` prints it. */
export async function readArchive(test: TestContext, site: Site): Promise<ReadRecord[]> {
  const { code, stdout, stderr } = await runVouchsafe(test, [
    "read",
    site.archive,
    "-i",
    site.identity.path,
  ]);
  if (code !== 0) throw new Error(`read ended with ${code}:\n${stderr}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ReadRecord);
}

/** The fields of a `read` line that tests look at. */
export interface ReadRecord {
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource?: Readonly<Record<string, unknown>>;
}

/** Runs `verify --json` with the role key; throws what it printed when it is not whole. */
export async function verifyArchive(test: TestContext, site: Site): Promise<void> {
  const vkey = join(site.archive, "log.vkey");
  await readFile(vkey);
  const words = ["verify", site.archive, "--vkey", vkey, "-i", site.identity.path];
  const { code, stdout, stderr } = await runVouchsafe(test, words);
  if (code !== 0) throw new Error(`verify ended with ${code}:\n${stdout}\n${stderr}`);
}

/** Records sealed so far, from the public descriptors alone; 0 while there is no archive. */
export async function countSealed(test: TestContext, site: Site): Promise<number> {
  const { stdout } = await runVouchsafe(test, ["verify", site.archive, "--json"]);
  try {
    return (JSON.parse(stdout) as { records?: number }).records ?? 0;
  } catch {
    return 0;
  }
}
