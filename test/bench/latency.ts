/**
 * How long a client waits for its acknowledgement: `node test/bench/latency.ts [seconds]`, also a
 * part of `npm run bench`. Requests come at fixed times, whether or not earlier ones are answered
 * (an open loop), so that a slow moment is not hidden by clients that wait.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { LogRecord } from "../../src/data/log_record.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts } from "../support/agent.ts";

const MAIN = join(resolve(import.meta.dirname, "../.."), "src/main.ts");
const RECORDS_PER_SECOND = 5000;
const RECORDS_PER_REQUEST = 100;
const REQUEST_INTERVAL_MS = (1000 * RECORDS_PER_REQUEST) / RECORDS_PER_SECOND;
const GROUP_COMMIT_MS = 20;
const WARM_UP_REQUESTS = 200;

export interface Latency {
  readonly date: string;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly recordsPerRequest: number;
  /** `block.max_delay` and `group_commit` of the archive. */
  readonly blockDelayMs: number;
  readonly groupCommitMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refused: number;
}

export const BLOCK_DELAYS_MS = [200, 5] as const;

/** Through protection and chain into the archive, with their default settings but for the delay. */
export async function measureLatency(seconds: number, blockDelayMs: number): Promise<Latency> {
  const directory = await mkdtemp(join(tmpdir(), "vouchsafe-latency-"));
  const [port] = (await freePorts(1)) as [number];
  const config = await writeConfig(directory, port, blockDelayMs);
  const keys = ["keys", "generate", "token", "-d", join(directory, "keys")];
  await once(spawn(process.execPath, [MAIN, ...keys], { stdio: "ignore" }), "exit");
  const agent = spawn(process.execPath, [MAIN, "run", "-c", config], { stdio: "ignore" });
  const connections = new Agent({ keepAlive: true });
  try {
    const isUp = async (): Promise<boolean> =>
      (await post(connections, port, 0).catch(() => undefined)) !== undefined;
    await waitUntil("the agent answers", isUp, 60_000);
    const requests = WARM_UP_REQUESTS + Math.round((seconds * 1000) / REQUEST_INTERVAL_MS);
    const waits: Promise<number | undefined>[] = [];
    const startMs = performance.now();
    for (let index = 0; index < requests; index++) {
      const dueMs = startMs + index * REQUEST_INTERVAL_MS;
      await setTimeout(Math.max(0, dueMs - performance.now()));
      waits.push(post(connections, port, index + 1, dueMs).catch(() => undefined));
    }
    const all = (await Promise.all(waits)).slice(WARM_UP_REQUESTS);
    const sorted = all.filter((ms) => ms !== undefined).sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return {
      date: new Date().toISOString().slice(0, 10),
      seconds,
      recordsPerSecond: RECORDS_PER_SECOND,
      recordsPerRequest: RECORDS_PER_REQUEST,
      blockDelayMs,
      groupCommitMs: GROUP_COMMIT_MS,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      refused: all.length - sorted.length,
    };
  } finally {
    connections.destroy();
    agent.kill("SIGTERM");
    if (agent.exitCode === null) await once(agent, "exit");
    await rm(directory, { recursive: true, force: true });
  }
}

/** Milliseconds from `dueMs` to the whole answer; undefined when it is not 200. */
async function post(
  connections: Agent,
  port: number,
  number: number,
  dueMs = performance.now(),
): Promise<number | undefined> {
  const records = Array.from({ length: RECORDS_PER_REQUEST }, (_, index) => {
    const user = `user${number}.${index}@example.com`;
    return new LogRecord({ body: `request ${number}.${index} of ${user} from 203.0.113.7` });
  });
  const answered = Promise.withResolvers<number>();
  const headers = { "content-type": "application/x-protobuf" };
  const options = { port, host: "127.0.0.1", path: "/v1/logs", method: "POST" };
  const call = request({ ...options, headers, agent: connections }, (response) => {
    response.resume().once("end", () => answered.resolve(response.statusCode ?? 0));
  });
  call.once("error", answered.reject);
  call.end(encodeLogsData(records));
  return (await answered.promise) === 200 ? performance.now() - dueMs : undefined;
}

async function writeConfig(directory: string, port: number, blockDelayMs: number): Promise<string> {
  const recipient = await identityToRecipient(await generateX25519Identity());
  const path = join(directory, "config.yaml");
  const keys = { provider: "file", directory: join(directory, "keys") };
  const archive = {
    directory: join(directory, "archive"),
    origin: "example.com/bench",
    recipients: [recipient],
    block: { max_delay: `${blockDelayMs}ms` },
    group_commit: `${GROUP_COMMIT_MS}ms`,
  };
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    processors: {
      pii_detect: { entities: ["default"] },
      tokenize: { domain: "bench", keys },
      hmac_chain: { recipients: [recipient] },
    },
    exporters: { sealed_archive: archive },
    extensions: { health_check: { endpoint: "127.0.0.1:0" } },
    service: {
      extensions: ["health_check"],
      state_directory: join(directory, "state"),
      telemetry: { metrics: { level: "none" } },
      pipelines: {
        logs: {
          receivers: ["otlp"],
          processors: ["pii_detect", "tokenize", "hmac_chain"],
          exporters: ["sealed_archive"],
        },
      },
    },
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

if (import.meta.main) {
  const seconds = Number(process.argv[2] ?? "20");
  const results: Latency[] = [];
  for (const delayMs of BLOCK_DELAYS_MS) results.push(await measureLatency(seconds, delayMs));
  process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
}
