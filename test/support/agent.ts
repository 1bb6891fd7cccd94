/** A real agent process on a real configuration, for tests that cross components. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { Server } from "node:net";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { waitUntil } from "../../src/testing/wait_until.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const MAIN = join(ROOT, "src/main.ts");

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AgentProcess {
  readonly child: ChildProcess;
  /** What the agent wrote to its standard error so far. */
  readonly stderr: () => string;
  readonly stdout: () => string;
  readonly exited: Promise<Finished>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

export interface StartOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** A program with its arguments that runs the command given behind them, such as `setpriv`. */
  readonly launcher?: readonly string[];
}

/** Runs `vouchsafe` with these words; the process is killed when the test ends. */
export function startVouchsafe(
  test: TestContext,
  words: readonly string[],
  { environment, launcher = [] }: StartOptions = {},
): AgentProcess {
  const [program, ...rest] = [...launcher, process.execPath, MAIN, ...words] as [string];
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exited = new Promise<Finished>((finish) => {
    child.on("close", (code, signal) => finish({ code, signal, stdout, stderr }));
  });
  test.after(() => child.kill("SIGKILL"));
  return {
    child,
    stderr: () => stderr,
    stdout: () => stdout,
    exited,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return exited;
    },
  };
}

/** Runs `vouchsafe` to its end. */
export function runVouchsafe(test: TestContext, words: readonly string[]): Promise<Finished> {
  return startVouchsafe(test, words).exited;
}

/** Starts the agent and waits until it says that it is ready. */
export async function startAgent(
  test: TestContext,
  configPath: string,
  options: StartOptions = {},
): Promise<AgentProcess> {
  const agent = startVouchsafe(test, ["run", "-c", configPath], options);
  let ended = false;
  void agent.exited.then(() => {
    ended = true;
  });
  await waitUntil("the agent is ready", () => ended || agent.stderr().includes("ready"), 60_000);
  if (ended) throw new Error(`the agent ended while starting:\n${agent.stderr()}`);
  return agent;
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(listen));
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface Identity {
  readonly recipient: string;
  readonly path: string;
}

/** An age identity in a file, as `age-keygen` writes it. */
export async function writeIdentity(directory: string): Promise<Identity> {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const path = join(directory, "identity.txt");
  await writeFile(path, `# public key: ${recipient}\n${identity}\n`, { mode: 0o600 });
  return { recipient, path };
}
