/**
 * What a command of the command line is. A command never ends the process: it returns its exit
 * code, and `src/main.ts` alone exits.
 */
import type { Writable } from "node:stream";
import type { ParseArgsConfig } from "node:util";

/** The exit codes that every command uses; `verify` gives 0, 1 and 2 a meaning of their own. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
/** `EX_USAGE` of sysexits.h: the command line is wrong. */
export const EXIT_USAGE = 64;
/** `EX_CONFIG` of sysexits.h: the configuration is wrong. */
export const EXIT_CONFIG = 78;

export interface CommandIo {
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Calls back at each SIGHUP, which otherwise ends the process. */
  onHangup?(callback: () => void): void;
}

export interface CommandLine {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

export interface Command {
  /** One line for the overview. */
  readonly summary: string;
  /** The words after `vouchsafe <name>`, for example `ARCHIVE [-i FILE] [--json]`. */
  readonly usage: string;
  /** Options with their meaning; `description` is shown by `--help`. */
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** Explains each option and gives an example; printed by `--help` below the usage line. */
  readonly help: string;
  run(line: CommandLine, io: CommandIo): Promise<number>;
}

/** Thrown by a command for a wrong command line; printed with the usage, exit code 64. */
export class UsageError extends Error {}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
