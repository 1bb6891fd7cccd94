/**
 * The one error class of the agent. A message names the thing, the kind of the value and the next
 * step; it never holds log content or a secret.
 */
import type { ErrorCode } from "./error_catalogue.ts";
import { errorCatalogue } from "./error_catalogue.ts";

export type { ErrorCode } from "./error_catalogue.ts";

export class AgentError extends Error {
  readonly code: ErrorCode;
  /** True: trying again cannot help, the records are withheld or refused and counted. */
  readonly permanent: boolean;
  /** How long the other side asked to wait before the next try. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AgentError";
    this.code = code;
    this.permanent = errorCatalogue[code].permanent;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** An error nobody classified is taken as retryable: trying again loses nothing. */
export function isPermanent(error: unknown): boolean {
  return error instanceof AgentError && error.permanent;
}

/**
 * Text for the agent's own log. Our messages are safe; others may quote content, so only the kind
 * is told and the place in the code, which is what a bug report needs.
 */
export function describeError(error: unknown): string {
  if (error instanceof AgentError) return `${error.code}: ${error.message}`;
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return `${error.name} ${code}`;
  const place = placeOf(error);
  return place === undefined ? error.name : `${error.name} at ${place}`;
}

/** File and line of the innermost call; what stands before the calls is the message. */
function placeOf(error: Error): string | undefined {
  const { stack = "", message } = error;
  const calls = stack.slice(stack.indexOf(message) + message.length);
  return /^\n {4}at .*?([\w.-]+\.[cm]?[jt]s:\d+)/.exec(calls)?.[1];
}
