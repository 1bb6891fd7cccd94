/** What `verify` says of the entries that people caused: one line each, the newest. */
import type { StatementEntry } from "../../exporters/sealed_archive/format/entry.ts";
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

function sentence(entry: StatementEntry): string {
  const time = new Date(entry.at).toISOString();
  return `${time}: ${words(entry)}`;
}

function words(entry: StatementEntry): string {
  if (entry.type === "access") return access(entry);
  if (entry.type === "erase") return erase(entry);
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
  const parts = [what.zone === undefined ? "all zones" : `zone ${what.zone}`];
  if (what.since !== undefined) parts.push(`from ${new Date(what.since).toISOString()}`);
  if (what.until !== undefined) parts.push(`before ${new Date(what.until).toISOString()}`);
  return parts.join(" ");
}

function erase({ certificate, counts }: Extract<StatementEntry, { type: "erase" }>): string {
  const erased = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return `erased ${erased.join(", ") || "nothing"}, certificate ${certificate.slice(0, 16)}`;
}
