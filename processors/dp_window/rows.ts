/**
 * A stored release as log records: rows for each metric of each cell.
 *
 * Invariant: rows are a function of the stored release and its specification alone, so that
 * handing them on again after a restart gives the same bytes. Every attribute but the value, its
 * interval and the place in the ledger is configuration.
 */
import type { Attributes } from "../../src/data/any_value.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import type { InstrumentationScope } from "../../src/data/resource.ts";
import { Resource } from "../../src/data/resource.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { labelsOf } from "./groups.ts";
import type { StoredRelease } from "./ledger_state.ts";
import { resultsOf } from "./results.ts";
import type { Spec } from "./spec.ts";
import { cellsOfSpec, partsOf, shownRho } from "./spec.ts";

export const RELEASE_BODY = "dp.window";
export const STATUS_BODY = "dp.status";

const RESOURCE = new Resource({ "service.name": "vouchsafe" });
const SCOPE: InstrumentationScope = { name: "vouchsafe/dp_window" };

export function rowsOf(release: StoredRelease, spec: Spec): LogBatch {
  const common = commonAttributes(release, spec);
  const cells = cellsOfSpec(spec);
  const records: LogRecord[] = [];
  let block = 0;
  for (const metric of spec.metrics) {
    const parts = Array.from({ length: partsOf(metric) }, () => block++);
    for (let cell = 0; cell < cells; cell++) {
      const values = parts.map((part) => BigInt(release.values[part * cells + cell]!));
      for (const results of resultsOf(spec, metric, values)) {
        const attributes = { ...common, ...groupAttributes(spec, cell), ...results };
        records.push(record(RELEASE_BODY, endMs(release, spec), attributes));
      }
    }
  }
  return { records };
}

/** Says once a day why nothing is released. Depends on the ledger and the clock only. */
export function statusRow(spec: Spec, timeMs: number, status: string, reason: string): LogBatch {
  const attributes: Attributes = {
    "dp.schema": 1,
    "dp.dataset": spec.dataset,
    "dp.status": status,
    "dp.reason": reason,
  };
  return { records: [record(STATUS_BODY, timeMs, attributes)] };
}

function commonAttributes(release: StoredRelease, spec: Spec): Attributes {
  const rho = shownRho(spec.spent);
  return {
    "dp.schema": 1,
    "dp.dataset": spec.dataset,
    "dp.release_id": release.id,
    "dp.spec_hash": release.spec,
    "dp.status": release.status,
    "dp.revision": 0,
    "dp.window.start": isoTime(release.window * spec.windowMs),
    "dp.window.end": isoTime(endMs(release, spec)),
    "dp.unit": spec.unit.attributes.join(","),
    "dp.unit.period": spec.unit.period,
    "dp.adjacency": "add_remove_unit_period",
    "dp.host_mode": "local",
    "dp.epsilon": spec.spent.epsilon,
    "dp.delta": spec.spent.delta,
    ...(rho === undefined ? {} : { "dp.rho": rho }),
    "dp.selection": "public",
    "dp.contribution.cells": spec.contribution.cells,
    "dp.contribution.tracked_units": spec.contribution.trackedUnits,
    "dp.ledger.sequence": release.sequence,
    "dp.ledger.head": release.head,
    "dp.claim": spec.claim,
  };
}

function groupAttributes(spec: Spec, cell: number): Attributes {
  const labels = labelsOf(spec.groups, cell);
  return Object.fromEntries(spec.groups.map(({ key }, index) => [key, labels[index]]));
}

function record(body: string, timeMs: number, attributes: Attributes): LogRecord {
  const hrTime = hrTimeFromUnixMs(timeMs);
  return new LogRecord({
    hrTime,
    hrTimeObserved: hrTime,
    body,
    attributes,
    resource: RESOURCE,
    instrumentationScope: SCOPE,
  });
}

function endMs(release: StoredRelease, spec: Spec): number {
  return (release.window + 1) * spec.windowMs;
}

function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
