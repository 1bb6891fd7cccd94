/** What `verify` says of the entries that people caused: one line each, the newest. */
import type { Entry, StatementEntry } from "../../exporters/sealed_archive/format/entry.ts";
import { formatNumberRanges } from "../../exporters/sealed_archive/format/number_ranges.ts";
import type { VerifyResult } from "../../exporters/sealed_archive/reader/verify_archive.ts";

const STATEMENTS_SHOWN = 10;

export function statementLines({ statements }: VerifyResult): string[] {
  if (statements.length === 0) return [];
  const shown = statements.slice(-STATEMENTS_SHOWN);
  const rest = statements.length > shown.length ? " (the newest; more with --json)" : "";
  return [
    `What people did${rest}:`,
    ...shown.map(({ index, entry }) => `  entry ${index}, ${sentence(entry)}`),
  ];
}

export function sentence(entry: StatementEntry): string {
  const time = new Date(entry.at).toISOString();
  return `${time}: ${words(entry)}`;
}

function words(entry: StatementEntry): string {
  if (entry.type === "access") return access(entry);
  if (entry.type === "erase") return erase(entry);
  if (entry.type === "hold") return hold(entry);
  if (entry.type === "scrub") return scrub(entry);
  if (entry.type === "redact") return redact(entry);
  if (entry.type === "authorities") return authorities(entry);
  return recipients(entry);
}

function recipients({ zone, added, removed }: Extract<StatementEntry, { type: "recipients" }>) {
  const parts = [
    added.length === 0 ? "" : `may be read by ${added.join(", ")}`,
    removed.length === 0 ? "" : `new records no longer by ${removed.join(", ")}`,
  ];
  return `zone ${zone}: ${parts.filter((part) => part !== "").join("; ")}`;
}

function access(entry: Extract<StatementEntry, { type: "access" }>): string {
  const { who, role, action, reason, what, count } = entry;
  const reader = role === undefined ? who : `${who} (${role})`;
  const verb = action === "read" ? "reads" : "has revealed";
  return `${reader} ${verb} ${subject(what)}${count === undefined ? "" : ` (${count})`}: ${reason}`;
}

function subject(what: Extract<StatementEntry, { type: "access" }>["what"]): string {
  if ("token" in what) return what.token;
  return rangeWords(what);
}

interface RecordRange {
  readonly zone?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** `zone audit from 2026-01-01T00:00:00.000Z`. */
export function rangeWords({ zone, since, until }: RecordRange): string {
  const parts = [zone === undefined ? "all zones" : `zone ${zone}`];
  if (since !== undefined) parts.push(`from ${new Date(since).toISOString()}`);
  if (until !== undefined) parts.push(`before ${new Date(until).toISOString()}`);
  return parts.join(" ");
}

function hold(entry: Extract<StatementEntry, { type: "hold" }>): string {
  const { action, case: name, who, reason } = entry;
  const verb = action === "add" ? `holds ${rangeWords(entry)} for` : "releases the hold for";
  return `${who} ${verb} the case '${name}': ${reason}`;
}

function erase({ certificate, counts }: Extract<StatementEntry, { type: "erase" }>): string {
  const erased = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return `erased ${erased.join(", ") || "nothing"}, certificate ${certificate.slice(0, 16)}`;
}

function scrub(entry: Extract<StatementEntry, { type: "scrub" }>): string {
  const { zone, from, drop, drop_attributes: attributes, time_resolution_ms: stepMs } = entry;
  if (from.length === 0) return `zone ${zone} gets no copies any more`;
  const dropped = [...drop, ...attributes].join(", ") || "nothing";
  const times = stepMs === 0 ? "" : `, times rounded to ${stepMs / 1000} s`;
  return `zone ${zone} gets copies of ${from.join(", ")} without ${dropped}${times}`;
}

function redact({ zone, removed, order }: Extract<StatementEntry, { type: "redact" }>): string {
  const reason = /^reason (.*)$/m.exec(order)?.[1] ?? "no reason";
  return `records ${formatNumberRanges(removed)} of zone ${zone} are erased: ${reason}`;
}

function authorities(entry: Extract<StatementEntry, { type: "authorities" }>): string {
  const parts = [
    ...entry.added.map((key) => `orders of ${key} to erase records count`),
    ...entry.removed.map((key) => `those of ${key} count no more`),
  ];
  return parts.join("; ");
}

/** What the agent did by itself, on the record: segments deleted or copied. */
export function agentSentence(entry: Entry): string | undefined {
  const time = new Date(entry.at).toISOString();
  if (entry.type === "retain") {
    const days = `${(entry.after_ms / 86_400_000).toFixed(1)} days`;
    return `${time}: segment ${entry.seg} of zone ${entry.zone} deleted after ${days}`;
  }
  if (entry.type !== "copy") return undefined;
  const { segments, bytes, size, to, mode, until } = entry;
  const lock =
    until === undefined ? "without a lock" : `${mode} lock until ${new Date(until).toISOString()}`;
  const what = `${segments} segments (${bytes} bytes) and the log of ${size} entries`;
  return `${time}: ${what} to ${to}, ${lock}`;
}
