/**
 * A preview for the terminal, in the manner of a diff: `-` what came in, `+` what would leave, and
 * without a sign what stays as it is.
 *
 * Invariant: only characters that a terminal shows; a long value is cut, never broken over lines.
 */
import { styleText } from "node:util";
import type { LogRecord } from "../../data/log_record.ts";
import { printable } from "../../lib/printable.ts";
import { flatRecord } from "../flat_json.ts";
import type { FoundCount, Outcome } from "./preview_pipeline.ts";

const NAME_WIDTH_MAX = 32;
const VALUE_LENGTH_MAX = 2000;

export interface TextOptions {
  readonly color: boolean;
}

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

function painter({ color }: TextOptions): Paint {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : plain;
}

function plain(_style: Style, text: string): string {
  return text;
}

/** The lines of one record, the last one empty. */
export function formatOutcome(outcome: Outcome, number: number, options: TextOptions): string {
  const paint = painter(options);
  const lines = [paint("bold", `record ${number}`)];
  const before = fieldsOf(outcome.before);
  const after = outcome.after.map(fieldsOf);
  const names = new Set([...before.keys(), ...after.flatMap((fields) => [...fields.keys()])]);
  const width = Math.min(NAME_WIDTH_MAX, Math.max(0, ...[...names].map((name) => name.length)));
  for (const name of names) {
    const old = before.get(name);
    const made = [...new Set(after.map((fields) => fields.get(name)))];
    const label = printable(name).padEnd(width);
    if (made.length > 0 && made.every((value) => value === old)) {
      lines.push(paint("dim", `    ${label}  ${old}`));
      continue;
    }
    if (old !== undefined) lines.push(paint("red", `  - ${label}  ${old}`));
    for (const value of made) {
      if (value !== undefined) lines.push(paint("green", `  + ${label}  ${value}`));
    }
  }
  for (const found of outcome.found) lines.push(...formatFound(found));
  if (outcome.after.length === 0) lines.push(paint("yellow", `    ${stopReason(outcome)}`));
  return `${lines.join("\n")}\n\n`;
}

function stopReason({ stoppedBy }: Outcome): string {
  if (stoppedBy === undefined) return "withheld: something was found that no processor treats";
  return stoppedBy.startsWith("dp_window")
    ? `counted by ${stoppedBy}: only numbers with noise leave, when their window is over`
    : `stopped by ${stoppedBy}`;
}

export function formatSummary(outcomes: readonly Outcome[], options: TextOptions): string {
  const paint = painter(options);
  const stopped = new Map<string, number>();
  const found = new Map<string, number>();
  let unchanged = 0;
  for (const outcome of outcomes) {
    if (outcome.after.length === 0) add(stopped, stopReason(outcome), 1);
    else if (outcome.found.length === 0) unchanged++;
    for (const { entity, action, count } of outcome.found) add(found, `${entity} ${action}`, count);
  }
  const lines = [
    paint("bold", `${counted(outcomes.length, "record")}, ${unchanged} without a finding`),
  ];
  for (const [reason, count] of stopped) lines.push(`  ${String(count).padStart(6)}  ${reason}`);
  for (const [key, count] of [...found].sort((a, b) => b[1] - a[1])) {
    const [entity, action] = key.split(" ");
    lines.push(`  ${String(count).padStart(6)}  ${entity}: ${action}`);
  }
  lines.push("Nothing was sent or stored.");
  return `${lines.join("\n")}\n`;
}

/** `found email: tokenize`, and below it each place with its score and reason. */
function formatFound({ entity, action, where }: FoundCount): string[] {
  const places = where.map(
    ({ place, start, end, score, reason }) =>
      `      ${printable(place)}, characters ${start} to ${end}: ${reason} (${score})`,
  );
  return [`    found ${entity}: ${action}`, ...places];
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Name and text of each field, the attributes and nested maps by their whole path. */
function fieldsOf(record: LogRecord): Map<string, string> {
  const fields = new Map<string, string>();
  const visit = (name: string, value: unknown): void => {
    if (value === undefined) return;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) visit(`${name}.${key}`, inner);
      return;
    }
    const text = printable(typeof value === "string" ? value : JSON.stringify(value));
    fields.set(name, text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text);
  };
  const { attributes, ...others } = flatRecord(record);
  for (const [name, value] of Object.entries(others)) visit(name, value);
  for (const [name, value] of Object.entries(attributes ?? {})) visit(name, value);
  return fields;
}
