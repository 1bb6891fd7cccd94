/** The report as data: what `report.json` holds, and what the page is made of. */
import { VERSION } from "../../agent.ts";
import type { ArchivePlace } from "../archive_place.ts";
import { FRAMEWORKS } from "./clauses.ts";
import type { Collected } from "./collect.ts";
import type { Configured } from "./configured.ts";
import { evidenceOf } from "./evidence.ts";
import type { Period, Run, Silence } from "./timeline.ts";

export interface ReportInput {
  /** As it was given on the command line. */
  readonly archive: string;
  /** Whether the log's public key was given, or taken from beside the archive. */
  readonly keyFrom: "argument" | "archive";
  /** Undefined for a folder. */
  readonly copy: ArchivePlace["copy"];
  readonly period: Period;
  readonly madeAtMs: number;
  readonly collected: Collected;
  readonly configured: Configured | undefined;
}

export type ReportData = ReturnType<typeof reportData>;

/** Times are RFC 3339 in UTC; counts are whole numbers; names of fields will stay. */
export function reportData(input: ReportInput) {
  const { collected, configured, period } = input;
  return {
    report: "vouchsafe-report/1",
    made_at: time(input.madeAtMs),
    made_by: `vouchsafe ${VERSION}`,
    archive: input.archive,
    period: {
      /** Undefined: from the beginning of the log. */
      since: period.sinceMs === 0 ? undefined : time(period.sinceMs),
      until: time(period.untilMs),
    },
    integrity: integrityData(input),
    activity: activityData(collected),
    agent: agentData(collected),
    readers: collected.timeline.readers.map(({ entry, atMs, zones }) => ({
      entry,
      at: time(atMs),
      zones,
    })),
    treated: collected.marks,
    configured: configured === undefined ? undefined : configuredData(configured, collected),
    budgets: configured?.budgets,
    statements: collected.statements.map(({ kind, count, listed }) => ({
      kind,
      count,
      listed: listed.map(({ entry, said, of }) => ({ entry, said, ...of })),
    })),
    unknown_entries: collected.unknownEntries,
    evidence: evidenceOf({ collected, configured }),
    frameworks: FRAMEWORKS.map(({ name, title, clauses }) => ({
      name,
      title,
      clauses: clauses.map(({ notCovered, ...clause }) => ({
        ...clause,
        not_covered: notCovered,
      })),
    })),
  };
}

function integrityData(input: ReportInput) {
  const { verified, chainedRecords } = input.collected;
  const { decryptedBlocks, blocks, unopenedZones } = verified;
  return {
    status: verified.findingsCount === 0 ? "whole" : "tampered",
    origin: verified.origin,
    vkey: verified.vkey,
    key_from: input.keyFrom,
    size: verified.size,
    root: verified.root,
    epochs_closed: verified.epochs.closed,
    epoch_vkey: verified.epochs.firstVkey,
    epoch_key_from: verified.epochs.isPinned ? "argument" : "archive",
    blocks,
    records: verified.records,
    block_bytes: verified.blockBytes,
    deleted: verified.deleted,
    redacted: verified.redacted,
    withheld: verified.withheld,
    previous: verified.previous,
    copy: input.copy && {
      url: input.copy.url,
      objects: input.copy.objects,
      unlocked: input.copy.unlocked,
      locked_until: input.copy.lockedUntilMs && time(input.copy.lockedUntilMs),
      absent_blocks: verified.absentBlocks,
    },
    decrypted_blocks: decryptedBlocks,
    unopened_zones: unopenedZones,
    /** Whether chains of records have gaps: only looked at when every block was opened. */
    chains_checked: verified.chainsChecked,
    chained_records: chainedRecords,
    replayed_ranges: verified.dropped.length,
    findings_count: verified.findingsCount,
    findings: verified.findings,
  };
}

function activityData({ days, zones, segmentsClosed }: Collected) {
  return {
    zones,
    segments_closed: segmentsClosed,
    days: [...days]
      .map(([day, counts]) => ({ day, records: Object.fromEntries(counts) }))
      .sort((a, b) => (a.day < b.day ? -1 : 1)),
  };
}

function agentData({ timeline }: Collected) {
  const silence = ({ kind, fromMs, toMs, entry }: Silence) => ({
    kind,
    from: time(fromMs),
    to: time(toMs),
    seconds: Math.round((toMs - fromMs) / 1000),
    entry,
  });
  return {
    configurations: configurationsOf(timeline.runs),
    runs: timeline.runs.map(({ entry, atMs, kind, config, replayed, sinceLastMs }) => ({
      entry,
      at: time(atMs),
      kind,
      config,
      replayed,
      seconds_since_last: sinceLastMs === undefined ? undefined : Math.round(sinceLastMs / 1000),
    })),
    silences: timeline.silences.map(silence),
    unlisted: timeline.unlisted,
  };
}

/** One after the other, as the starts of the agent state them. */
function configurationsOf(runs: readonly Run[]) {
  const found: { config: string; from: string; entry: number; starts: number }[] = [];
  for (const { config, atMs, entry } of runs) {
    if (config === undefined) continue;
    const last = found.at(-1);
    if (last?.config === config) last.starts++;
    else found.push({ config, from: time(atMs), entry, starts: 1 });
  }
  return found;
}

function configuredData(configured: Configured, { timeline }: Collected) {
  const { fingerprint, files, pipelines, treatments, budgetProblems } = configured;
  const inForce = timeline.runs.findLast(({ config }) => config !== undefined)?.config;
  return {
    fingerprint,
    files,
    /** Is it the configuration that the newest start of the agent in the period stated? */
    is_in_force: inForce === undefined ? undefined : inForce === fingerprint,
    pipelines,
    treatments: treatments.map(({ pipeline, processor, actions }) => ({
      pipeline,
      processor,
      actions: Object.fromEntries(actions),
    })),
    budget_problems: budgetProblems,
  };
}

/** `Date` knows no time beyond 8.64e15. */
export function time(timeMs: number): string {
  return new Date(Math.min(Math.max(timeMs, 0), 8.64e15)).toISOString();
}
