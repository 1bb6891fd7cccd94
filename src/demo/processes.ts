/** The programs of the demo: started as their own processes, stopped in order. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { AgentError } from "../component/errors.ts";

export interface Program {
  readonly name: string;
  /** Resolves with the first line of standard output or error that matches. */
  waitForLine(pattern: RegExp): Promise<string>;
  /** Everything it printed so far, both streams. */
  output(): string;
  readonly ended: Promise<number>;
  stop(): Promise<number>;
}

const STOP_TIMEOUT_MS = 15_000;

export function startProgram(
  name: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Program {
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C reaches the whole foreground group; the demo stops its programs itself, in order.
    detached: true,
  });
  let output = "";
  const waiting = new Set<(text: string) => void>();
  for (const stream of [child.stdout, child.stderr] satisfies Readable[]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const look of waiting) look(output);
    });
  }
  const ended = exitCode(child);
  return {
    name,
    ended,
    output: () => output,
    waitForLine: (pattern) =>
      Promise.race([
        firstLine(pattern, waiting, () => output),
        ended.then((code) => {
          throw new AgentError("demo.program_ended", `${name} ended with ${code}:\n${output}`);
        }),
      ]),
    stop: () => stop(child, ended),
  };
}

function exitCode(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  child.on("error", () => resolve(1));
  child.on("close", (code) => resolve(code ?? 1));
  return promise;
}

function firstLine(
  pattern: RegExp,
  waiting: Set<(text: string) => void>,
  output: () => string,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = (text: string): void => {
    const line = text.split("\n").find((candidate) => pattern.test(candidate));
    if (line === undefined) return;
    waiting.delete(look);
    resolve(line);
  };
  waiting.add(look);
  look(output());
  return promise;
}

async function stop(child: ChildProcess, ended: Promise<number>): Promise<number> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  const code = await ended;
  clearTimeout(timer);
  return code;
}
