/**
 * The whole agent, measured from outside: a file of access-log lines to the sealed archive and to an
 * OTLP backend, through all four processors, in a process of its own.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { stringify } from "yaml";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts } from "../support/agent.ts";
import { processUsage } from "./process_usage.ts";

const MAIN = resolve(import.meta.dirname, "../../src/main.ts");
const SINK = resolve(import.meta.dirname, "sink.ts");
const TIMEOUT_MS = 600_000;
const IDLE_MS = 10_000;

export interface WholeResult {
  readonly lines: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly mainThreadCpuSeconds: number;
  readonly residentPeakBytes: number;
  /** CPU seconds a second after all was delivered, 0 to 1. */
  readonly idleCpu: number;
}

export interface WholeOptions {
  readonly directory: string;
  readonly log: string;
  readonly lines: number;
  readonly compression: "none" | "gzip";
}

export interface WholeAgent {
  readonly pid: number;
  /** Records that the slower of the two exporters has delivered. */
  delivered(): Promise<number>;
  end(): Promise<void>;
}

/** Starts a backend and the agent, which begins to read `log`. */
export async function startWhole(options: Omit<WholeOptions, "lines">): Promise<WholeAgent> {
  const { directory } = options;
  await mkdir(join(directory, "keys"), { recursive: true, mode: 0o700 });
  const sink = spawn(process.execPath, [SINK], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await once(sink.stdout!, "data");
  const keys = ["keys", "generate", "token", "-d", join(directory, "keys")];
  await once(spawn(process.execPath, [MAIN, ...keys], { stdio: "ignore" }), "exit");
  const [metricsPort, healthPort] = (await freePorts(2)) as [number, number];
  const config = join(directory, "config.yaml");
  await writeFile(
    config,
    await configuration(options, Number(String(port)), metricsPort, healthPort),
  );

  const agent = spawn(process.execPath, [MAIN, "run", "-c", config], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return {
    pid: agent.pid!,
    delivered: async () => {
      if (agent.exitCode !== null) throw new Error(`the agent ended with ${agent.exitCode}`);
      return deliveredByAll(metricsPort);
    },
    end: async () => {
      await end(agent);
      await end(sink);
    },
  };
}

/** One run over `lines` lines of `log`, which must be there already. */
export async function measureWhole(options: WholeOptions): Promise<WholeResult> {
  const { lines } = options;
  const agent = await startWhole(options);
  try {
    const sent = (): Promise<number> => agent.delivered();
    await waitUntil("the first lines are delivered", async () => (await sent()) > 0, TIMEOUT_MS);
    const startMs = performance.now();
    const start = processUsage(agent.pid);
    const before = await sent();
    await waitUntil("all lines are delivered", async () => (await sent()) >= lines, TIMEOUT_MS);
    const end = processUsage(agent.pid);
    const wallSeconds = (performance.now() - startMs) / 1000;
    const idleUntilMs = performance.now() + IDLE_MS;
    await waitUntil("an idle while", () => performance.now() >= idleUntilMs, TIMEOUT_MS);
    const idle = processUsage(agent.pid);
    return {
      lines: lines - before,
      wallSeconds,
      cpuSeconds: end.cpuSeconds - start.cpuSeconds,
      mainThreadCpuSeconds: end.mainThreadCpuSeconds - start.mainThreadCpuSeconds,
      residentPeakBytes: end.residentPeakBytes,
      idleCpu: (idle.cpuSeconds - end.cpuSeconds) / (IDLE_MS / 1000),
    };
  } finally {
    await agent.end();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

/** Records that the slower of the two exporters has delivered, by the agent's own metrics. */
async function deliveredByAll(metricsPort: number): Promise<number> {
  try {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const sent = (exporter: string): number => {
      const line = new RegExp(
        `^otelcol_exporter_sent_log_records(?:_total)?\\{[^}]*exporter="${exporter}"[^}]*\\} (\\d+)`,
        "m",
      );
      return Number(line.exec(text)?.[1] ?? 0);
    };
    return Math.min(sent("otlp_http"), sent("sealed_archive"));
  } catch {
    return 0;
  }
}

async function configuration(
  { directory, log, compression }: Omit<WholeOptions, "lines">,
  backendPort: number,
  metricsPort: number,
  healthPort: number,
): Promise<string> {
  const recipient = await identityToRecipient(await generateX25519Identity());
  const receivers = {
    file_log: {
      include: [log],
      start_at: "beginning",
      operators: [{ type: "access_log_parser" }],
    },
  };
  const processors = {
    pii_detect: { entities: ["default"] },
    tokenize: { domain: "bench", keys: { provider: "file", directory: join(directory, "keys") } },
    hmac_chain: { recipients: [recipient] },
    dp_window: {
      dataset: "access-logs",
      unit: { attribute: "user.id", fallback: ["client.address"] },
      budget: { epsilon: "2", delta: "1e-9" },
      window: { size: "1m" },
    },
  };
  const exporters = {
    otlp_http: { endpoint: `http://127.0.0.1:${backendPort}`, compression },
    "otlp_http/numbers": { endpoint: `http://127.0.0.1:${backendPort}`, compression },
    sealed_archive: {
      directory: join(directory, "archive"),
      origin: "example.com/bench",
      recipients: [recipient],
    },
  };
  const pipelines = {
    "logs/protected": {
      receivers: ["file_log"],
      processors: ["pii_detect", "tokenize", "hmac_chain"],
      exporters: ["otlp_http", "sealed_archive"],
    },
    "logs/numbers": {
      receivers: ["file_log"],
      processors: ["dp_window"],
      exporters: ["otlp_http/numbers"],
    },
  };
  const prometheus = { host: "127.0.0.1", port: metricsPort };
  return stringify({
    receivers,
    processors,
    exporters,
    extensions: { health_check: { endpoint: `127.0.0.1:${healthPort}` } },
    service: {
      extensions: ["health_check"],
      state_directory: join(directory, "state"),
      telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus } } }] } },
      pipelines,
    },
  });
}
