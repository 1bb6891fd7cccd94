/**
 * Makes the coarser copy of a record that a zone for long keeping gets.
 *
 * Invariant: the copy has nothing that the treatment drops, in the record or its resource, and no
 * number of an HMAC chain: the chain's tag is that of the whole record, which has the number already.
 */
import type { HrTime } from "@opentelemetry/api";
import type { Attributes } from "../../../src/data/any_value.ts";
import {
  INTEGRITY_ALGORITHM,
  INTEGRITY_CHAIN,
  INTEGRITY_EPOCH,
  INTEGRITY_PREVIOUS,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
  INTEGRITY_VALUE,
} from "../../../src/data/integrity.ts";
import type { LogBatch } from "../../../src/data/log_batch.ts";
import { mapRecords } from "../../../src/data/log_batch.ts";
import { LogRecord } from "../../../src/data/log_record.ts";
import { Resource } from "../../../src/data/resource.ts";
import type { SealedArchiveConfig } from "../config.ts";
import type { Treatment } from "../format/entry.ts";
import type { ZoneRule } from "./zone_rule.ts";

const INTEGRITY = [
  INTEGRITY_ALGORITHM,
  INTEGRITY_CHAIN,
  INTEGRITY_EPOCH,
  INTEGRITY_PREVIOUS,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
  INTEGRITY_VALUE,
];

/** What a zone for coarser copies takes, and from where. */
export interface CopyRule {
  readonly zone: string;
  readonly from: ReadonlySet<string>;
  readonly treatment: Treatment;
  readonly scrub: (record: LogRecord) => LogRecord;
}

export function copyRules({ zones = {} }: Pick<SealedArchiveConfig, "zones">): CopyRule[] {
  return Object.entries(zones).flatMap(([zone, { scrub }]): CopyRule[] => {
    if (scrub === undefined) return [];
    const treatment = {
      from: [...scrub.from],
      drop: [...scrub.drop],
      drop_attributes: [...scrub.drop_attributes],
      time_resolution_ms: Math.ceil(scrub.time_resolution),
    };
    const rule = { zone, from: new Set(scrub.from), treatment };
    return [{ ...rule, scrub: scrubber(treatment) }];
  });
}

/**
 * The batch that the zone gets: a source of its own, since what its records' originals have on disk
 * says nothing of them.
 */
export function copyBatch(
  batch: LogBatch,
  { zone, from, scrub }: CopyRule,
  rule: ZoneRule,
): LogBatch {
  const { source, pipeline } = batch;
  const copied = mapRecords(batch, (record) =>
    from.has(rule(record, pipeline)) ? scrub(record) : undefined,
  );
  if (source === undefined) return { records: copied.records };
  const positions = copied.source?.positions ?? [];
  return { records: copied.records, source: { id: `${source.id} > ${zone}`, positions } };
}

function scrubber(treatment: Treatment): (record: LogRecord) => LogRecord {
  const { drop, time_resolution_ms: stepMs } = treatment;
  const [dropsBody, dropsTrace] = [drop.includes("body"), drop.includes("trace")];
  const dropped = new Set([...treatment.drop_attributes, ...INTEGRITY]);
  // A resource is shared by many records and never changes.
  const resources = new WeakMap<Resource, Resource>();
  const scrubResource = (resource: Resource): Resource => {
    const known = resources.get(resource);
    if (known !== undefined) return known;
    const attributes = without(resource.attributes as Attributes, dropped);
    const { schemaUrl, droppedAttributesCount } = resource;
    const scrubbed = new Resource(attributes, schemaUrl, droppedAttributesCount);
    resources.set(resource, scrubbed);
    return scrubbed;
  };
  return (record) =>
    new LogRecord({
      ...record,
      hrTime: roundDown(record.hrTime, stepMs),
      hrTimeObserved: roundDown(record.hrTimeObserved, stepMs),
      body: dropsBody ? undefined : record.body,
      attributes: without(record.attributes, dropped),
      spanContext: dropsTrace ? undefined : record.spanContext,
      resource: scrubResource(record.resource),
    });
}

function without(attributes: Attributes, dropped: ReadonlySet<string>): Attributes {
  const kept: Record<string, Attributes[string]> = {};
  for (const key in attributes) if (!dropped.has(key)) kept[key] = attributes[key];
  return kept;
}

function roundDown(time: HrTime, stepMs: number): HrTime {
  if (stepMs === 0) return time;
  const timeMs = time[0] * 1000 + Math.floor(time[1] / 1e6);
  const roundedMs = Math.floor(timeMs / stepMs) * stepMs;
  const seconds = Math.floor(roundedMs / 1000);
  return [seconds, (roundedMs - seconds * 1000) * 1e6];
}
