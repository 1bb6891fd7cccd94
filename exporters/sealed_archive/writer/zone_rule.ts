/**
 * Which record goes into which zone: the first route that fits, then the zone that an attribute of
 * the record names, then the zone `default`.
 *
 * Invariant: every record has one zone, and it is one of the configuration that
 * takes originals.
 */
import type { LogRecord } from "../../../src/data/log_record.ts";
import { severityNumberOf } from "../../../src/data/severity.ts";
import type { SealedArchiveConfig } from "../config.ts";
import { DEFAULT_ZONE, originalZones } from "../config.ts";

/** `pipeline` is the one that the record's batch comes from. */
export type ZoneRule = (record: LogRecord, pipeline: string | undefined) => string;

interface Route {
  readonly zone: string;
  readonly pipelines: ReadonlySet<string> | undefined;
  readonly attributes: readonly (readonly [key: string, texts: ReadonlySet<string>])[];
  readonly severityMin: number;
}

export function zoneRule(config: SealedArchiveConfig): ZoneRule {
  const names = originalZones(config);
  if (names.size === 1) return () => DEFAULT_ZONE;
  const key = config.zone_attribute;
  const routes = config.routes.map(toRoute);
  return (record, pipeline) => {
    for (const route of routes) if (fits(route, record, pipeline)) return route.zone;
    const name = record.attributes[key];
    return typeof name === "string" && names.has(name) ? name : DEFAULT_ZONE;
  };
}

function toRoute(route: SealedArchiveConfig["routes"][number]): Route {
  return {
    zone: route.zone,
    pipelines: route.pipelines && new Set(route.pipelines),
    attributes: Object.entries(route.attributes ?? {}).map(([key, texts]) => [key, new Set(texts)]),
    severityMin: route.min_severity === undefined ? 0 : severityNumberOf(route.min_severity)!,
  };
}

function fits(route: Route, record: LogRecord, pipeline: string | undefined): boolean {
  const { pipelines, attributes, severityMin } = route;
  if (pipelines !== undefined && !pipelines.has(pipeline ?? "")) return false;
  if (severityMin > 0 && (record.severityNumber ?? 0) < severityMin) return false;
  for (const [key, texts] of attributes) {
    const value = record.attributes[key] ?? record.resource.attributes[key];
    if (typeof value !== "string" || !texts.has(value)) return false;
  }
  return true;
}
