/**
 * The `vouchsafe` program: finds the command, parses its words, runs it, exits with its code.
 * Nothing else in the project ends the process.
 */
import { parseArgs } from "node:util";
import type { Command, CommandIo } from "./cli/command.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from "./cli/command.ts";
import { commands } from "./cli/commands.ts";
import { restartWithSmallHeap } from "./cli/small_heap.ts";
import { AgentError, describeError } from "./component/errors.ts";

if (process.argv[2] === "run") restartWithSmallHeap();

/** A terminal tells all processes, and npm and `launch.js` pass it on: one wish, not two. */
const SAME_WISH_MS = 1000;

const shutdown = new AbortController();
let askedAtMs = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The first signal asks for an orderly end; whoever sends another one later wants it now.
    if (!shutdown.signal.aborted) {
      askedAtMs = performance.now();
      shutdown.abort(signal);
    } else if (performance.now() - askedAtMs > SAME_WISH_MS) {
      process.exit(128 + (signal === "SIGINT" ? 2 : 15));
    }
  });
}
const io: CommandIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: shutdown.signal,
  onHangup: (callback) => {
    process.on("SIGHUP", callback);
  },
};
process.exit(await main(process.argv.slice(2)));

async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    io.stdout.write(await overview());
    return name === undefined ? EXIT_USAGE : EXIT_OK;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    io.stderr.write(`vouchsafe: there is no command '${name}'; see 'vouchsafe --help'\n`);
    return EXIT_USAGE;
  }
  const command = await load();
  if (name !== "run") endQuietlyWithReader();
  try {
    return await runCommand(name, command, rest);
  } catch (error) {
    return reportFailure(name, command, error);
  }
}

/** `vouchsafe read ... | head` closes our standard output early; that is not an error. */
function endQuietlyWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_OK);
    throw error;
  });
}

async function runCommand(name: string, command: Command, words: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: words,
    options: { ...command.options, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help === true) {
    io.stdout.write(`${usageLine(name, command)}\n${command.summary}\n\n${command.help}\n`);
    return EXIT_OK;
  }
  return command.run({ values, positionals }, io);
}

function reportFailure(name: string, command: Command, error: unknown): number {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (error instanceof UsageError || code.startsWith("ERR_PARSE_ARGS")) {
    io.stderr.write(`vouchsafe: ${(error as Error).message}\n${usageLine(name, command)}\n`);
    return EXIT_USAGE;
  }
  if (error instanceof AgentError) {
    io.stderr.write(`vouchsafe: ${describeError(error)}\n`);
    return EXIT_FAILED;
  }
  throw error;
}

function usageLine(name: string, command: Command): string {
  return `usage: vouchsafe ${name} ${command.usage}`.trimEnd();
}

async function overview(): Promise<string> {
  const lines = ["usage: vouchsafe COMMAND [options]", ""];
  for (const [name, load] of Object.entries(commands)) {
    lines.push(`  ${name.padEnd(14)} ${(await load()).summary}`);
  }
  lines.push("", "'vouchsafe COMMAND --help' explains one.", "");
  return lines.join("\n");
}
