/** What is measured of the private numbers, and the page that shows it. */
import { join, resolve } from "node:path";
import { epsilonOf } from "../../../processors/dp_window/composition.ts";
import { formatDecimal } from "../../../processors/dp_window/rational.ts";
import type { Sample, Year } from "./year.ts";
import { runYear } from "./year.ts";

export const KEPT_FILE = join(resolve(import.meta.dirname, "../../.."), "docs/evaluation/dp.json");

const HOURS_A_YEAR = 365 * 24;
const HOURS_A_MONTH = 30 * 24;

export interface MetricFigures {
  readonly metric: string;
  readonly numbers: number;
  /** Of the noise, as the rows say, in steps of the metric. */
  readonly sd: number;
  /** Root mean square error against the bounded truth, over `sd`. */
  readonly errorOverSd: number;
  /** Mean error over its own standard deviation: far from 0 it would be a bias. */
  readonly biasSigmas: number;
  /** Share of intervals that hold the bounded truth. */
  readonly covered: number;
}

export interface Evaluation {
  readonly hours: number;
  readonly records: number;
  readonly metrics: readonly MetricFigures[];
  /** Bounded over raw, summed over the year. */
  readonly kept: { readonly requests: number; readonly users: number; readonly bytes: number };
  readonly ledger: {
    readonly days: number;
    readonly epsilonOfDay: string;
    readonly epsilonOf30Days: number;
    readonly withinBudget: boolean;
  };
  readonly restarts: {
    readonly hours: number;
    readonly restarts: number;
    /** Some releases were handed on again; how many hangs on the speed of the disk. */
    readonly areRepeated: boolean;
    readonly changed: number;
    readonly differentValues: number;
  };
}

export async function evaluate(
  perHour: number,
  { yearHours = HOURS_A_YEAR, restartHours = HOURS_A_MONTH } = {},
): Promise<Evaluation> {
  const year = await runYear({ hours: yearHours, perHour, restarts: false });
  const stopped = await runYear({ hours: restartHours, perHour, restarts: true });
  const different = [...stopped.values].filter(([hour, value]) => year.values.get(hour) !== value);
  return {
    hours: yearHours,
    records: year.records,
    metrics: [...new Set(year.samples.map(({ metric }) => metric))].map((metric) =>
      figuresOf(
        metric,
        year.samples.filter((sample) => sample.metric === metric),
      ),
    ),
    kept: keptOf(year),
    ledger: ledgerOf(year),
    restarts: {
      hours: restartHours,
      restarts: stopped.restarts,
      areRepeated: stopped.repeated > 0,
      changed: stopped.changed,
      differentValues: different.length,
    },
  };
}

function figuresOf(metric: string, samples: readonly Sample[]): MetricFigures {
  const count = samples.length;
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0);
  const { sd } = samples[0]!;
  return {
    metric,
    numbers: count,
    sd: Number(sd.toPrecision(4)),
    errorOverSd: rounded(Math.sqrt(sum(({ error }) => error ** 2) / count) / sd, 3),
    biasSigmas: rounded(sum(({ error }) => error) / (sd * Math.sqrt(count)), 2),
    covered: rounded(sum(({ isInside }) => Number(isInside)) / count, 4),
  };
}

function keptOf({ raw, bounded }: Year): Evaluation["kept"] {
  const share = (key: "requests" | "users" | "bytes"): number => {
    const total = (values: readonly number[]): number => values.reduce((sum, each) => sum + each);
    return rounded(total(bounded[key]) / total(raw[key]), 3);
  };
  return { requests: share("requests"), users: share("users"), bytes: share("bytes") };
}

function ledgerOf({ ledger }: Year): Evaluation["ledger"] {
  const days = [...new Set(ledger.debits.map(({ day }) => day))];
  const accounts = days.map((day) => ledger.accountOf(day));
  const spent = new Set(accounts.map((account) => formatDecimal(account.spent.epsilon)));
  const month = ledger.costOfDays(Math.max(...days), 30);
  return {
    days: days.length,
    epsilonOfDay: [...spent].join(" or "),
    epsilonOf30Days: rounded(epsilonOf(month, 1e-9), 2),
    withinBudget: accounts.every(
      ({ spent, budget }) => formatDecimal(spent.epsilon) === formatDecimal(budget.epsilon),
    ),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

export function evaluationPage(evaluation: Evaluation): string {
  const { hours, records, metrics, kept, ledger, restarts } = evaluation;
  const rows = metrics.map(
    ({ metric, numbers, sd, errorOverSd, biasSigmas, covered }) =>
      `| ${metric} | ${grouped(numbers)} | ${grouped(sd)} | ${errorOverSd} | ${biasSigmas} | ` +
      `${percent(covered)} |`,
  );
  const spends = ledger.withinBudget ? ", all of its budget and no more" : "";
  return `# How good the private numbers are

Made by \`npm run eval:dp\`: the real \`dp_window\`, with its files, over ${hours / 24} days
of hourly windows of a made-up access log (${grouped(records)} records, 6,000 people of very
different activity, five groups by status) with known truth. ε = 2 and δ = 1e-9 a day, 8 cells
a day, 2,000 people tracked a day. The truth is bounded by a second implementation of the
README's rules. All is seeded, so that the figures come again to the digit.

## Errors against what the rows say

| metric | numbers | sd in the rows | error / sd | bias in sigmas | intervals that hold |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

The level of the intervals is 95 %; \`bytes\` is in steps of 64 bytes.

## What bounding leaves

Noise is not the only price. Within the bounds were, over the year:

- ${percent(kept.requests)} of the records;
- ${percent(kept.users)} of the people, each once for an hour and status;
- ${percent(kept.bytes)} of the bytes of the first record of each of them.

The very active are cut, which is what bounds are for, and this error always goes down. A larger
\`max_cells_per_period\` keeps more and needs more noise.

## The ledger

${grouped(ledger.days)} days were paid for, each with ε = ${ledger.epsilonOfDay}${spends}.
The last 30 days together are (${ledger.epsilonOf30Days}, 1e-9), within a horizon of 13.

## Restarts

Over ${restarts.hours / 24} days the agent was stopped and started ${restarts.restarts} times,
and half of the releases were refused at first.

- Releases that were handed on again with other bytes than before: ${restarts.changed}.
- Hours with other numbers than in the run without restarts: ${restarts.differentValues}.
`;
}

function percent(share: number): string {
  return `${rounded(share * 100, 1)} %`;
}

function grouped(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}
