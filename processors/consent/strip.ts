/**
 * What stays of a record without consent: how severe it was, roughly when, and what the
 * configuration calls unlinkable.
 *
 * Invariant: an allow list. Trace and span ids, the event name, the severity text and the scope's
 * attributes never stay.
 */
import type { HrTime } from "@opentelemetry/api";
import type { Attributes } from "../../src/data/any_value.ts";
import { setOwn } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { hrTimeFromUnixNano, hrTimeToUnixNano } from "../../src/data/time.ts";
import type { MatchesName } from "../../src/lib/name_pattern.ts";
import { compilePatterns } from "../../src/lib/name_pattern.ts";
import type { UnlinkableConfig } from "./config.ts";

export type Strip = (record: LogRecord) => LogRecord;

export function compileStrip(config: UnlinkableConfig): Strip {
  const staysOfRecord = compilePatterns(config.attributes);
  const staysOfResource = compilePatterns(config.resource_attributes);
  const precisionNano = BigInt(Math.round(config.time_precision * 1e6));
  // Records of one origin share the resource, so it is stripped once and stays shared.
  const resources = new WeakMap<Resource, Resource>();
  const strippedResource = (resource: Resource): Resource => {
    let stripped = resources.get(resource);
    if (stripped === undefined) {
      stripped = new Resource(kept(resource.attributes as Attributes, staysOfResource));
      resources.set(resource, stripped);
    }
    return stripped;
  };
  return (record) =>
    new LogRecord({
      hrTime: rounded(record.hrTime, precisionNano),
      hrTimeObserved: rounded(record.hrTimeObserved, precisionNano),
      severityNumber: record.severityNumber,
      body: config.body ? record.body : undefined,
      attributes: kept(record.attributes, staysOfRecord),
      resource: strippedResource(record.resource),
    });
}

function kept(attributes: Attributes, stays: MatchesName): Attributes {
  const copy: Attributes = {};
  for (const key in attributes) if (stays(key)) setOwn(copy, key, attributes[key]);
  return copy;
}

function rounded(time: HrTime, precisionNano: bigint): HrTime {
  if (precisionNano === 0n) return time;
  const nano = hrTimeToUnixNano(time);
  return hrTimeFromUnixNano(nano - (nano % precisionNano));
}
