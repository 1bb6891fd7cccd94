/**
 * `npm start`: the whole story on real input, in a minute. A shop under traffic, the agent with
 * `config/default.yaml`, a backend; then what was found, counted, sealed, verified and tampered with.
 */
import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { join, relative, resolve } from "node:path";
import type { Backend } from "../demo/backend.ts";
import { listen, startBackend } from "../demo/backend.ts";
import { startTraffic } from "../demo/customers.ts";
import type { Program } from "../demo/processes.ts";
import { startProgram } from "../demo/processes.ts";
import { DEFAULT_CONFIG, MAIN, SHOP } from "../demo/program_files.ts";
import { Story } from "../demo/story.ts";
import type { Command, CommandIo } from "./command.ts";
import { aborted, EXIT_FAILED, EXIT_OK } from "./command.ts";

const CUSTOMERS_AT_ONCE = 30;

export const demoCommand: Command = {
  summary: "Shows the whole agent at work on a small shop, on this machine alone.",
  usage: "[-d DIRECTORY]",
  options: { directory: { type: "string", short: "d", default: "vouchsafe-demo" } },
  help: "-d DIRECTORY   where to put everything; an earlier demo there is replaced",
  run: async ({ values }, io) => runDemo(resolve(String(values.directory)), io),
};

async function runDemo(directory: string, io: CommandIo): Promise<number> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const story = new Story(io.stdout, directory);
  story.begin();

  const running: { stop(): unknown }[] = [];
  try {
    const backend = await startBackend();
    running.unshift({ stop: () => backend.close() });
    const places = await preparePlaces(directory, backend);
    const agent = startProgram("agent", [MAIN, "run", "-c", DEFAULT_CONFIG], places.environment);
    running.unshift(agent);
    await agent.waitForLine(/ready/);
    const shop = startShop(places);
    running.unshift(shop);
    const { port } = JSON.parse(await shop.waitForLine(/"port"/)) as { port: number };
    const traffic = startTraffic(port, CUSTOMERS_AT_ONCE);
    running.unshift({ stop: () => traffic.stop() });

    const told = story
      .tell({ ...places, port, backend, traffic })
      .then(() => story.keepTelling(io.signal));
    await Promise.race([told, aborted(io.signal), agent.ended, shop.ended]);
  } finally {
    story.stopping();
    for (const program of running) await program.stop();
  }
  story.end();
  // A program that ended by itself has said why in its output, which the story shows.
  return io.signal.aborted ? EXIT_OK : EXIT_FAILED;
}

interface Places {
  readonly accessLog: string;
  readonly archive: string;
  readonly identity: string;
  readonly metricsPort: number;
  readonly otlpPort: number;
  readonly environment: NodeJS.ProcessEnv;
}

/** Makes the keys with the same commands that a user has, and chooses free ports. */
async function preparePlaces(directory: string, backend: Backend): Promise<Places> {
  const inside = (name: string): string => relative(process.cwd(), join(directory, name));
  const identity = inside("auditor-identity.txt");
  const made = await run("keys", ["keys", "generate", "identity", "-o", identity]);
  const recipient = /age1[0-9a-z]+/.exec(made)?.[0] ?? "";
  await run("keys", ["keys", "generate", "token", "-d", inside("keys")]);
  const [otlpPort, grpcPort, metricsPort, healthPort] = await freePorts(4);
  const accessLog = inside("shop-access.log");
  const archive = inside("archive");
  const environment = {
    VOUCHSAFE_ACCESS_LOG: accessLog,
    VOUCHSAFE_ARCHIVE: archive,
    VOUCHSAFE_AUDITOR: recipient,
    VOUCHSAFE_BACKEND: `http://127.0.0.1:${backend.port}`,
    VOUCHSAFE_DOMAIN: "demo",
    VOUCHSAFE_HEALTH: `127.0.0.1:${healthPort}`,
    VOUCHSAFE_KEYS: inside("keys"),
    VOUCHSAFE_METRICS_PORT: String(metricsPort),
    VOUCHSAFE_ORIGIN: "vouchsafe.example/demo",
    VOUCHSAFE_OTLP_GRPC: `127.0.0.1:${grpcPort}`,
    VOUCHSAFE_OTLP_HTTP: `127.0.0.1:${otlpPort}`,
    VOUCHSAFE_STATE: inside("state"),
    // Production counts by the hour; a story cannot wait that long.
    VOUCHSAFE_WINDOW: "5s",
    VOUCHSAFE_CLOSE_AFTER: "1s",
    // Each customer comes once and stays for a moment.
    VOUCHSAFE_CELLS: "2",
  };
  return {
    accessLog,
    archive,
    identity,
    metricsPort: metricsPort!,
    otlpPort: otlpPort!,
    environment,
  };
}

function startShop({ accessLog, otlpPort }: Places): Program {
  return startProgram("shop", [SHOP], {
    ACCESS_LOG: accessLog,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `http://127.0.0.1:${otlpPort}/v1/logs`,
    OTEL_BLRP_SCHEDULE_DELAY: "500",
  });
}

/** Runs one `vouchsafe` command to its end and gives what it printed. */
async function run(name: string, words: readonly string[]): Promise<string> {
  const program = startProgram(name, [MAIN, ...words], {});
  await program.ended;
  return program.output();
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(listen));
  for (const server of servers) server.close();
  return ports;
}
