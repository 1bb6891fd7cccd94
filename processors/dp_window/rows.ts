/**
 * A stored release as log records: rows for each metric of each cell, by metric and then by cell;
 * where groups come from the data, a head before them, so that a window without any group shows;
 * and at the end, once a day, what was paid.
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
import { PERIOD_MS } from "./config.ts";
import type { Labels } from "./groups.ts";
import { isPublic, labelsOf, parseLabels } from "./groups.ts";
import type { Debit, StoredRelease } from "./ledger_state.ts";
import { resultsOf } from "./results.ts";
import type { Spec } from "./spec.ts";
import {
  blocksOfSpec,
  partsOf,
  publicCellsOf,
  shownRho,
  stepOfWindow,
  thresholdAt,
} from "./spec.ts";

export const RELEASE_BODY = "dp.window";
export const STATUS_BODY = "dp.status";
export const DEBIT_BODY = "dp.debit";

const RESOURCE = new Resource({ "service.name": "vouchsafe" });
const SCOPE: InstrumentationScope = { name: "vouchsafe/dp_window" };

export function rowsOf(release: StoredRelease, spec: Spec): LogBatch {
  const common = commonAttributes(release, spec);
  const timeMs = endMs(release, spec);
  const blocks = blocksOfSpec(spec);
  const cells = cellsOf(release, spec);
  const records: LogRecord[] = [];
  if (release.groups !== undefined) {
    const head = { ...common, "dp.metric.kind": "groups", "dp.value": release.groups.length };
    records.push(record(RELEASE_BODY, timeMs, head));
  }
  let first = 0;
  const shown = { ...spec, spread: release.spread };
  for (const metric of spec.metrics) {
    const parts = partsOf(metric);
    const isRow = metric.kind !== "running_units" || release.spread !== undefined;
    if (isRow)
      cells.forEach((labels, cell) => {
        const start = cell * blocks + first;
        const values = release.values
          .slice(start, start + parts)
          .map((value) => BigInt(value) * BigInt(spec.contribution.oneIn));
        const group = Object.fromEntries(spec.groups.map(({ key }, at) => [key, labels[at]]));
        for (const results of resultsOf(shown, metric, values)) {
          records.push(record(RELEASE_BODY, timeMs, { ...common, ...group, ...results }));
        }
      });
    first += parts;
  }
  if (release.debit !== undefined) {
    const attributes = debitAttributes(release, spec, release.debit);
    records.push(record(DEBIT_BODY, timeMs, attributes));
  }
  return { records };
}

/** The ledger's debit of a day: an exporter that keeps the rows keeps the account as well. */
function debitAttributes(release: StoredRelease, spec: Spec, debit: Debit): Attributes {
  const { horizon } = debit.budget;
  return {
    "dp.schema": 1,
    "dp.dataset": spec.dataset,
    "dp.release_id": release.id,
    "dp.spec_hash": release.spec,
    "dp.revision": release.revision,
    "dp.window.start": isoTime(release.window * spec.windowMs),
    "dp.day": isoTime(debit.day * PERIOD_MS).slice(0, 10),
    "dp.processor": debit.processor,
    "dp.epsilon": debit.epsilon,
    "dp.delta": debit.delta,
    ...(debit.rho !== "" && { "dp.rho": debit.rho }),
    "dp.delta.selection": debit.selectionDelta,
    "dp.budget.epsilon": debit.budget.epsilon,
    "dp.budget.delta": debit.budget.delta,
    ...(horizon !== undefined && {
      "dp.horizon.days": horizon.days,
      "dp.horizon.epsilon": horizon.epsilon,
      "dp.horizon.delta": horizon.delta,
    }),
    "dp.ledger.sequence": release.sequence,
    "dp.ledger.head": release.head,
  };
}

function cellsOf({ groups }: StoredRelease, spec: Spec): Labels[] {
  if (groups !== undefined) return groups.map(parseLabels);
  const keys = spec.groups.filter(isPublic);
  return Array.from({ length: publicCellsOf(spec) ?? 0 }, (_, cell) => labelsOf(keys, cell));
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
    "dp.revision": release.revision,
    "dp.window.start": isoTime(release.window * spec.windowMs),
    "dp.window.end": isoTime(endMs(release, spec)),
    "dp.unit": spec.unit.attributes.join(","),
    "dp.unit.period": spec.unit.period,
    "dp.adjacency": "add_remove_unit_period",
    "dp.host_mode": spec.hostMode,
    "dp.epsilon": spec.spent.epsilon,
    "dp.delta": spec.spent.delta,
    ...(rho === undefined ? {} : { "dp.rho": rho }),
    ...(spec.selection === undefined
      ? { "dp.selection": "public" }
      : {
          "dp.selection": spec.selection.thresholds === undefined ? "threshold" : "discover",
          "dp.threshold":
            thresholdAt(spec.selection, stepOfWindow(release.window, spec)) *
            spec.contribution.oneIn,
          "dp.min_units": spec.selection.minUnits * spec.contribution.oneIn,
        }),
    "dp.contribution.cells": spec.contribution.cells,
    "dp.contribution.tracked_units": spec.contribution.trackedUnits,
    "dp.contribution.one_in": spec.contribution.oneIn,
    "dp.ledger.sequence": release.sequence,
    "dp.ledger.head": release.head,
    "dp.claim": spec.claim,
  };
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
