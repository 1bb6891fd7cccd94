/**
 * Verifies an archive, and collects on the way what a report for a period says.
 *
 * Invariant: the whole archive is checked, whatever the period; only what is listed is cut to it. An
 * entry belongs to the period in which the agent made it.
 */
import type { Entry, ParsedEntry } from "../../../exporters/sealed_archive/format/entry.ts";
import { isStatement } from "../../../exporters/sealed_archive/format/entry.ts";
import type { Finding } from "../../../exporters/sealed_archive/reader/finding.ts";
import type { RecordObserver } from "../../../exporters/sealed_archive/reader/record_check.ts";
import type {
  VerifyOptions,
  VerifyResult,
} from "../../../exporters/sealed_archive/reader/verify_archive.ts";
import { verifyArchive } from "../../../exporters/sealed_archive/reader/verify_archive.ts";
import { INTEGRITY_CHAIN } from "../../data/integrity.ts";
import type { LogRecord } from "../../data/log_record.ts";
import { withFindings } from "../archive_place.ts";
import { agentSentence, sentence } from "../archive_statements.ts";
import { Marks } from "./marks.ts";
import type { Period, TimelineResult } from "./timeline.ts";
import { Timeline } from "./timeline.ts";

/** Entries that come by themselves while records flow; all others are listed one by one. */
const FLOW: ReadonlySet<Entry["type"]> = new Set([
  ...(["genesis", "restart", "block", "segment", "heartbeat", "epoch"] as const),
]);
/** Statements of a kind that are listed: the newest of them. */
const LISTED_MAX = 2000;

export interface ZoneCount {
  readonly zone: string;
  blocks: number;
  records: number;
  bytes: number;
}

export interface StatementGroup {
  readonly kind: string;
  /** In the period. */
  count: number;
  readonly listed: { readonly entry: number; readonly said: string; readonly of: Entry }[];
}

export interface Collected {
  readonly verified: VerifyResult;
  readonly timeline: TimelineResult;
  /** By UTC day (2026-11-28) and zone: records sealed. */
  readonly days: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly zones: readonly ZoneCount[];
  readonly segmentsClosed: number;
  readonly statements: readonly StatementGroup[];
  /** Entries of kinds that this version does not know, in the whole archive. */
  readonly unknownEntries: number;
  /** Of the decrypted records in the whole archive, those that say their place in a chain. */
  readonly chainedRecords: number;
  /** What stands in the records of the period; undefined: no record was decrypted. */
  readonly marks: ReturnType<Marks["result"]> | undefined;
}

/** `findings`: what is known already. Throws what {@link verifyArchive} throws. */
export async function collect(
  options: VerifyOptions,
  findings: readonly Finding[],
  period: Period,
): Promise<Collected> {
  const collector = new Collector(period, options.observer);
  const checked = await verifyArchive({
    ...options,
    observer: options.identities === undefined ? undefined : collector,
    onEntry: (entry, index) => collector.entry(entry, index),
  });
  const verified = withFindings(checked, findings);
  return collector.result(verified, options.clock.nowMs());
}

class Collector implements RecordObserver {
  readonly #period: Period;
  readonly #next: RecordObserver | undefined;
  readonly #timeline: Timeline;
  readonly #marks = new Marks();
  readonly #days = new Map<string, Map<string, number>>();
  readonly #zones = new Map<string, ZoneCount>();
  readonly #statements = new Map<string, StatementGroup>();
  #segmentsClosed = 0;
  #chainedRecords = 0;
  /** Is the entry whose records come now one of the period? */
  #isInside = false;

  constructor(period: Period, next: RecordObserver | undefined) {
    this.#period = period;
    this.#next = next;
    this.#timeline = new Timeline(period);
  }

  entry(entry: ParsedEntry, index: number): void {
    if (entry.type === "unknown" || entry.type === "malformed") return;
    this.#timeline.entry(entry, index);
    this.#isInside = entry.at >= this.#period.sinceMs && entry.at < this.#period.untilMs;
    if (!this.#isInside) return;
    if (entry.type === "segment") this.#segmentsClosed++;
    if (!FLOW.has(entry.type)) this.#addStatement(entry, index);
    if (entry.type !== "block") return;
    const { zone, len, inner, at } = entry;
    const count = this.#zones.get(zone) ?? { zone, blocks: 0, records: 0, bytes: 0 };
    this.#zones.set(zone, count);
    count.blocks++;
    count.records += inner.n;
    count.bytes += len;
    const name = new Date(at).toISOString().slice(0, 10);
    const day = this.#days.get(name) ?? new Map<string, number>();
    this.#days.set(name, day.set(zone, (day.get(zone) ?? 0) + inner.n));
  }

  #addStatement(of: Entry, entry: number): void {
    const group = this.#statements.get(of.type) ?? { kind: of.type, count: 0, listed: [] };
    this.#statements.set(of.type, group);
    group.count++;
    const said = isStatement(of) ? sentence(of) : (agentSentence(of) ?? fieldsOf(of));
    group.listed.push({ entry, said, of });
    if (group.listed.length > LISTED_MAX) group.listed.shift();
  }

  record(record: LogRecord, place: Parameters<RecordObserver["record"]>[1]): void {
    this.#next?.record(record, place);
    if (record.attributes[INTEGRITY_CHAIN] !== undefined) this.#chainedRecords++;
    if (this.#isInside) this.#marks.record(record);
  }

  dropped(ranges: Parameters<RecordObserver["dropped"]>[0]): void {
    this.#next?.dropped(ranges);
  }

  finish(report: Parameters<RecordObserver["finish"]>[0]): void {
    this.#next?.finish(report);
  }

  result(verified: VerifyResult, nowMs: number): Collected {
    return {
      verified,
      timeline: this.#timeline.result(nowMs),
      days: this.#days,
      zones: [...this.#zones.values()].sort((a, b) => (a.zone < b.zone ? -1 : 1)),
      segmentsClosed: this.#segmentsClosed,
      statements: [...this.#statements.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1)),
      unknownEntries: verified.entries.unknown ?? 0,
      chainedRecords: this.#chainedRecords,
      marks: verified.decryptedBlocks === 0 ? undefined : this.#marks.result(),
    };
  }
}

/** `2026-11-28T07:00:00.000Z: zone default, seg 00000001`. */
function fieldsOf({ type: _type, v: _version, at, ...fields }: Entry): string {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return `${new Date(at).toISOString()}: ${words.join(", ")}`;
}
