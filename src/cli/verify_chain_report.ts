/** How `verify-chain` says what it found: the verdict first, then where, then counts. */
import type { ChainFinding, ChainReport } from "../../processors/hmac_chain/chain_report.ts";
import type { ChainFileResult } from "./verify_chain_file.ts";

const FINDINGS_SHOWN = 20;
const CHAINS_SHOWN = 5;

export function textReport(result: ChainFileResult, showAll: boolean): string {
  const lines = [verdictLine(result)];
  for (const report of result.reports) lines.push(...chainLines(report, showAll));
  lines.push("", ...countLines(result));
  return `${lines.join("\n")}\n`;
}

export function jsonReport(result: ChainFileResult, showAll: boolean): string {
  const { otherChains, durationMs, reports, ...rest } = result;
  const shown = reports.map((report) => ({
    ...report,
    findings: showAll ? report.findings : report.findings.slice(0, FINDINGS_SHOWN),
  }));
  const chains = Object.fromEntries(otherChains);
  const whole = {
    ...rest,
    reports: shown,
    otherChains: chains,
    durationMs: Math.round(durationMs),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

function verdictLine({ verdict, reason, reports }: ChainFileResult): string {
  if (verdict === "unchecked") return `could not check: ${reason}`;
  const records = sum(reports, ({ records }) => records);
  if (verdict === "whole") {
    const border = sum(reports, ({ unprovenAtBorder }) => unprovenAtBorder.length);
    const but = border === 0 ? "" : `, except the content of ${border} at a border that you gave`;
    return `whole: all ${format(records)} records are as the agent wrote them${but}`;
  }
  const findings = sum(reports, ({ counts }) => sum(Object.values(counts), (count) => count));
  return `tampered: ${counted(findings, "finding")} in ${counted(records, "record")}`;
}

function chainLines(report: ChainReport, showAll: boolean): string[] {
  if (report.records === 0 && report.findings.length === 0) return [];
  const { chain, genuine, firstSequence, lastSequence, restarts, explained } = report;
  const range = genuine > 0 ? `, sequences ${firstSequence} to ${lastSequence}` : "";
  const lines = ["", `chain ${chain}: ${counted(genuine, "genuine record")}${range}`];
  if (genuine === 0) lines.push("  not one record fits the key: is it the key of this chain?");
  if (restarts > 0) lines.push(`  ${counted(restarts, "restart")} of the agent recorded`);
  if (explained > 0) {
    lines.push(`  ${counted(explained, "sequence")} missing where the agent, or you, explain it`);
  }
  for (const sequence of report.unprovenAtBorder.slice(0, FINDINGS_SHOWN)) {
    lines.push(`  sequence ${sequence} is at the border: its content could not be checked`);
  }
  const shown = showAll ? report.findings : report.findings.slice(0, FINDINGS_SHOWN);
  lines.push(...shown.map(findingLine));
  const left = sum(Object.values(report.counts), (count) => count) - shown.length;
  if (left > 0) {
    const kinds = Object.entries(report.counts).filter(([, count]) => count > 0);
    const totals = kinds.map(([kind, count]) => `${kind} ${format(count)}`).join(", ");
    lines.push(`  ... and ${format(left)} more (in all: ${totals})${showAll ? "" : "; see --all"}`);
  }
  if (report.counts.hole > 0) {
    lines.push("  a sealed archive lists what it dropped as delivered again: see --dropped");
  }
  return lines;
}

function findingLine({ kind, first, last, place, detail }: ChainFinding): string {
  const range = first === last ? `sequence ${first}` : `sequences ${first}-${last}`;
  const where = first < 0 ? "" : range;
  const at = place === undefined ? "" : `line ${place.line}, record ${place.record}: `;
  return `  ${kind.padEnd(9)} ${where.padEnd(20)} ${at}${detail}`;
}

function countLines(result: ChainFileResult): string[] {
  const records = sum(result.reports, ({ records }) => records);
  const seconds = result.durationMs / 1000;
  const rate = seconds > 0 ? ` (${format(Math.round(records / seconds))}/s)` : "";
  const lines = [`${counted(records, "record")} checked in ${seconds.toFixed(1)} s${rate}`];
  if (result.recordsWithoutChain > 0) {
    lines.push(`${counted(result.recordsWithoutChain, "record")} without a chain ignored`);
  }
  if (result.unreadableLines > 0) {
    const count = counted(result.unreadableLines, "line");
    lines.push(`${count} not OTLP JSON; the first is ${result.unreadableReason}`);
  }
  if (result.otherChains.size > 0) {
    const names = [...result.otherChains].slice(0, CHAINS_SHOWN);
    const shown = names.map(([chain, count]) => `${chain} (${counted(count, "record")})`);
    const more = result.otherChains.size > names.length ? ", ..." : "";
    lines.push(`not checked, no key for: ${shown.join(", ")}${more}`);
  }
  return lines;
}

function sum<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}

function counted(count: number, noun: string): string {
  return `${format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function format(count: number): string {
  return count.toLocaleString("en-US");
}
