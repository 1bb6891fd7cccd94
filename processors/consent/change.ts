/**
 * What differs between two states of a registry, and how it is told as a record.
 *
 * Invariant: a subject appears as a keyed hash alone, here, in the record and in the stored state.
 */
import { SeverityNumber } from "@opentelemetry/api-logs";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixNano } from "../../src/data/time.ts";
import type { Entry, Registry } from "./registry.ts";
import { holds } from "./registry.ts";

/** Entries of each hidden subject and purpose; the key is `<subject:...> purpose`. */
export type Recorded = Map<string, readonly Entry[]>;

export interface Change {
  readonly key: string;
  readonly kind: "granted" | "withdrawn" | "changed";
  /** None when the registry says nothing any more. */
  readonly entries: readonly Entry[];
}

export function snapshotOf(
  registry: Registry,
  purposes: readonly string[],
  hide: (subject: string) => string,
): Recorded {
  const snapshot: Recorded = new Map();
  for (const [subject, purpose, entries] of registry.list(purposes)) {
    snapshot.set(`${hide(subject)} ${purpose}`, entries.toSorted(byTime));
  }
  return snapshot;
}

function byTime(one: Entry, other: Entry): number {
  // Two open ends are equal; their difference would be no number.
  const order = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
  return (
    order(one.fromMs, other.fromMs) ||
    order(one.untilMs, other.untilMs) ||
    Number(one.granted) - Number(other.granted)
  );
}

/** Changes from `before` to `after`, judged by what holds at `nowMs`. */
export function* changesBetween(
  before: Recorded,
  after: Recorded,
  nowMs: number,
): Generator<Change> {
  for (const [key, entries] of after) {
    const known = before.get(key) ?? [];
    if (isSame(known, entries)) continue;
    yield { key, kind: kindOf(known, entries, nowMs), entries };
  }
  for (const [key, known] of before) {
    if (!after.has(key)) yield { key, kind: kindOf(known, [], nowMs), entries: [] };
  }
}

function kindOf(before: readonly Entry[], after: readonly Entry[], nowMs: number): Change["kind"] {
  const held = holds(before, nowMs);
  if (held === holds(after, nowMs)) return "changed";
  return held ? "withdrawn" : "granted";
}

function isSame(one: readonly Entry[], other: readonly Entry[]): boolean {
  return one.length === other.length && one.every((entry, at) => byTime(entry, other[at]!) === 0);
}

export function changeRecord({ key, kind, entries }: Change, nowUnixNano: bigint): LogRecord {
  const [subject, purpose] = key.split(" ");
  const time = hrTimeFromUnixNano(nowUnixNano);
  return new LogRecord({
    hrTime: time,
    hrTimeObserved: time,
    severityNumber: SeverityNumber.INFO,
    severityText: "INFO",
    eventName: "consent.changed",
    body: `consent ${kind}`,
    attributes: {
      "consent.change": kind,
      "consent.purpose": purpose,
      "consent.subject": subject,
      "consent.entries": entries.map(entryText),
    },
  });
}

/** The first record of all: what was in force before changes were recorded. */
export function baselineRecord(entryCount: number, digest: string, nowUnixNano: bigint): LogRecord {
  const time = hrTimeFromUnixNano(nowUnixNano);
  return new LogRecord({
    hrTime: time,
    hrTimeObserved: time,
    severityNumber: SeverityNumber.INFO,
    severityText: "INFO",
    eventName: "consent.registry_loaded",
    body: "consent registry loaded",
    attributes: { "consent.registry.size": entryCount, "consent.registry.digest": digest },
  });
}

/** `granted 2026-01-01T00:00:00.000Z/..`, an ISO 8601-2 interval with `..` for an open end. */
function entryText({ granted, fromMs, untilMs }: Entry): string {
  const text = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString() : "..");
  return `${granted ? "granted" : "refused"} ${text(fromMs)}/${text(untilMs)}`;
}
