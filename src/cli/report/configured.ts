/**
 * What a configuration says about protection, for a report: the way of the records, what is done
 * with what is found, and the privacy budgets that were spent.
 *
 * Invariant: nothing of it is proven by the archive, except that an agent ran with the configuration
 * of this fingerprint; no secret and no recipient is shown.
 */
import type { CheckedConfig } from "../../../config/load.ts";
import type { Config as PiiConfig } from "../../../processors/pii_detect/config.ts";
import { Detector } from "../../../processors/pii_detect/detector.ts";
import { actionOf } from "../../../processors/pii_detect/treatments.ts";
import type { DatasetAccount } from "../budget.ts";
import { readAccounts } from "../budget.ts";
import { formatPipeline, plaintextEnd } from "../overview.ts";
import type { Period } from "./timeline.ts";

export interface ConfiguredPipeline {
  readonly pipeline: string;
  /** `receiver → processor ┃ → exporter`; the bar stands where plaintext ends. */
  readonly way: string;
  readonly protects: boolean;
}

export interface ConfiguredTreatment {
  readonly pipeline: string;
  readonly processor: string;
  /** By action, the names of the entities. */
  readonly actions: ReadonlyMap<string, readonly string[]>;
}

export interface Configured {
  readonly fingerprint: string;
  readonly files: readonly string[];
  readonly pipelines: readonly ConfiguredPipeline[];
  readonly treatments: readonly ConfiguredTreatment[];
  /** Of the days of the period. */
  readonly budgets: readonly DatasetAccount[];
  readonly budgetProblems: readonly string[];
}

export async function describeConfig(config: CheckedConfig, period: Period): Promise<Configured> {
  const { accounts, problems } = await readAccounts(config, Number.POSITIVE_INFINITY);
  const [first, end] = [dayOf(period.sinceMs), dayOf(period.untilMs - 1)];
  const budgets = accounts.map((account) => ({
    ...account,
    days: account.days.filter(({ day }) => day >= first && day <= end),
  }));
  return {
    fingerprint: config.fingerprint,
    files: config.files,
    pipelines: config.pipelines.map((pipeline) => ({
      pipeline: pipeline.id,
      way: formatPipeline(config, pipeline),
      protects: plaintextEnd(config, pipeline) > 0,
    })),
    treatments: treatmentsOf(config),
    budgets,
    budgetProblems: problems,
  };
}

function treatmentsOf(config: CheckedConfig): ConfiguredTreatment[] {
  const treatments: ConfiguredTreatment[] = [];
  for (const { id: pipeline, processors } of config.pipelines) {
    for (const [at, processor] of processors.entries()) {
      const { id, config: own } = config.processors.get(processor)!;
      if (id.type !== "pii_detect") continue;
      const behind = processors.slice(at + 1).map((key) => config.processors.get(key)!.id.type);
      const actions = actionsOf(own as PiiConfig, behind.includes("tokenize"));
      treatments.push({ pipeline, processor, actions });
    }
  }
  return treatments;
}

function actionsOf(config: PiiConfig, canTokenize: boolean): Map<string, string[]> {
  const { entities, scanner } = new Detector(config);
  const actions = new Map<string, string[]>();
  for (const name of scanner.names) {
    const nature = entities.find((entity) => entity.name === name)?.nature ?? "identifying";
    const action = actionOf(nature, config.treatments[name], canTokenize);
    actions.set(action, [...(actions.get(action) ?? []), name]);
  }
  const kept = Object.entries(config.treatments).filter(([, { action }]) => action === "keep");
  if (kept.length > 0)
    actions.set(
      "keep",
      kept.map(([name]) => name),
    );
  return actions;
}

function dayOf(timeMs: number): string {
  return new Date(Math.min(timeMs, 8.64e15)).toISOString().slice(0, 10);
}
