/**
 * One event of the agent's own log as one line.
 *
 * Invariant: an event is exactly one line, whatever its strings hold.
 */
import { printable, quoted } from "../lib/printable.ts";

export type LogEncoding = "console" | "json";

export interface LogEvent {
  readonly timeUnixMs: number;
  readonly level: string;
  /** Who writes: a component id, or `agent`. */
  readonly component: string;
  readonly kind: string | undefined;
  readonly pipeline: string | undefined;
  readonly message: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const VALUE_LENGTH_MAX = 1000;
const COMPONENT_WIDTH = 14;
const RESET = "\u001b[0m";
const COLORS: Readonly<Record<string, string>> = {
  debug: "\u001b[90m",
  info: "\u001b[36m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
};

/** `time level  component  message  key=value ...` for people; a value with a space is quoted. */
export function formatConsoleLine(event: LogEvent, color: boolean): string {
  const word = event.level.padEnd(5);
  const columns = [
    new Date(event.timeUnixMs).toISOString(),
    color ? `${COLORS[event.level] ?? ""}${word}${RESET}` : word,
    printable(event.component).padEnd(COMPONENT_WIDTH),
    printable(shorten(event.message)),
  ];
  const entries = Object.entries(event.attributes);
  if (event.pipeline !== undefined) entries.unshift(["pipeline", event.pipeline]);
  const pairs = entries.map(([key, value]) => `${printable(key)}=${wordOrQuoted(value)}`);
  if (pairs.length > 0) columns.push(pairs.join(" "));
  return `${columns.join("  ")}\n`;
}

/** The same as a JSON object, for programs. Attributes are in an object of their own. */
export function formatJsonLine(event: LogEvent): string {
  const line = JSON.stringify({
    time: new Date(event.timeUnixMs).toISOString(),
    level: event.level,
    component: event.component,
    kind: event.kind,
    pipeline: event.pipeline,
    message: shorten(event.message),
    attributes: Object.fromEntries(
      Object.entries(event.attributes).map(([key, value]) => [
        key,
        typeof value === "string" ? shorten(value) : value,
      ]),
    ),
  });
  return `${printable(line)}\n`;
}

function wordOrQuoted(value: unknown): string {
  const text = shorten(String(value));
  return /^[^\s"=\\]+$/u.test(text) && printable(text) === text ? text : quoted(text);
}

function shorten(text: string): string {
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}...`;
}
