/**
 * `vouchsafe budget`: what was spent on each day; `vouchsafe budget explain`: what a configuration
 * will be able to show, before anything runs.
 *
 * Invariant: it reads ledgers, which hold noisy numbers only, and configurations; never a count.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { formatDiagnostics } from "../../config/diagnostics.ts";
import type { CheckedConfig } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import { epsilonOf } from "../../processors/dp_window/composition.ts";
import { PERIOD_MS } from "../../processors/dp_window/config.ts";
import { readLedger } from "../../processors/dp_window/ledger.ts";
import type { LedgerState } from "../../processors/dp_window/ledger_state.ts";
import { formatDecimal, subtract } from "../../processors/dp_window/rational.ts";
import { AgentError, describeError } from "../component/errors.ts";
import { explainBudget } from "./budget_explain.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";

/** For one who is there on every day. */
const SPANS_DAYS = [7, 30] as const;

export const budgetCommand: Command = {
  summary: "shows the privacy budget that is spent, or what a configuration will be able to show",
  usage: "[explain] -c FILE [-c FILE] [--days N] [--format text|json]",
  options: {
    config: { type: "string", short: "c", multiple: true },
    days: { type: "string", default: "7" },
    format: { type: "string", default: "text" },
  },
  help: `  -c, --config FILE     a configuration file; several are merged, later ones win
  --days N              how many of the last days to show (default 7)
  --format FORMAT       text (default) or json

Without a word it reads the ledgers in the state directory of the configuration; an agent may be
running. With 'explain' it reads the configuration alone and says, for each dp_window, how large
the noise will be and how many people it takes until it no longer matters.

Exit code 0: done. 1: a ledger is damaged or cannot be read. 78: the configuration is wrong.

Example: vouchsafe budget explain -c vouchsafe.yaml
`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const [word, ...rest] = positionals;
  if (rest.length > 0 || (word !== undefined && word !== "explain")) {
    throw new UsageError("the only word is explain; a file is given with -c FILE");
  }
  if (values.format !== "text" && values.format !== "json") {
    throw new UsageError("--format is text or json");
  }
  const days = Number(values.days);
  if (!Number.isInteger(days) || days < 1 || days > 400) {
    throw new UsageError("--days is a whole number from 1 to 400");
  }
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("-c FILE is missing");
  const { builtinFactories } = await import("../../config/builtin.ts");
  const { config, diagnostics } = await loadConfig(paths, {
    env: process.env,
    factories: builtinFactories,
  });
  io.stderr.write(formatDiagnostics(diagnostics, { color: false }));
  if (config === undefined) return EXIT_CONFIG;
  const isJson = values.format === "json";
  if (word === "explain") {
    io.stdout.write(explainBudget(config, isJson));
    return EXIT_OK;
  }
  return showLedgers(config, { days, isJson }, io);
}

export interface DatasetAccount {
  readonly dataset: string;
  /** Of finished releases that no exporter has taken yet. */
  readonly waiting: number;
  readonly days: readonly DayAccount[];
  /** What the last days cost a unit that was there on all of them. */
  readonly together: readonly Together[];
}

interface Together {
  readonly days: number;
  readonly epsilon: number;
  readonly delta: number;
  readonly limit?: string;
}

interface DayAccount {
  /** UTC, such as 2026-11-27. */
  readonly day: string;
  readonly budget: Shown;
  readonly spent: Shown;
  readonly left: Shown;
  readonly by: readonly (Shown & { readonly processor: string })[];
}

/** Exact decimals. */
interface Shown {
  readonly epsilon: string;
  readonly delta: string;
}

async function showLedgers(
  config: CheckedConfig,
  { days, isJson }: { readonly days: number; readonly isJson: boolean },
  io: CommandIo,
): Promise<number> {
  const { root, accounts, problems } = await readAccounts(config, days);
  const failed = problems.length > 0;
  for (const problem of problems) io.stderr.write(`${problem}\n`);
  if (isJson) io.stdout.write(`${JSON.stringify(accounts, undefined, 2)}\n`);
  else if (accounts.length > 0) io.stdout.write(accounts.map(formatAccount).join("\n"));
  else if (!failed) {
    io.stdout.write(`nothing was spent yet: there is no ledger in ${root}\n`);
    io.stdout.write("'vouchsafe budget explain -c FILE' says what a configuration will show\n");
  }
  return failed ? EXIT_FAILED : EXIT_OK;
}

/** The accounts of the newest `days` days of every ledger, and which ledgers cannot be read. */
export async function readAccounts(
  config: CheckedConfig,
  days: number,
): Promise<{ root: string; accounts: DatasetAccount[]; problems: string[] }> {
  const root = join(config.service.stateDirectory, "dp_window", "datasets");
  const accounts: DatasetAccount[] = [];
  const problems: string[] = [];
  for (const dataset of await datasetsOf(root)) {
    try {
      accounts.push(accountOf(dataset, await readLedger(join(root, dataset), dataset), days));
    } catch (error) {
      if (!(error instanceof AgentError) && !("code" in (error as object))) throw error;
      problems.push(`dataset ${dataset}: ${describeError(error)}`);
    }
  }
  return { root, accounts, problems };
}

async function datasetsOf(root: string): Promise<string[]> {
  try {
    return (await readdir(root)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function accountOf(dataset: string, state: LedgerState, daysShown: number): DatasetAccount {
  const numbers = [...new Set(state.debits.map(({ day }) => day))].sort((a, b) => b - a);
  const days = numbers.slice(0, daysShown).map((day): DayAccount => {
    const { budget, spent, debits } = state.accountOf(day);
    const show = (of: "epsilon" | "delta") => ({
      budget: formatDecimal(budget[of]),
      spent: formatDecimal(spent[of]),
      left: formatDecimal(subtract(budget[of], spent[of])),
    });
    const [epsilon, delta] = [show("epsilon"), show("delta")];
    return {
      day: new Date(day * PERIOD_MS).toISOString().slice(0, 10),
      budget: { epsilon: epsilon.budget, delta: delta.budget },
      spent: { epsilon: epsilon.spent, delta: delta.spent },
      left: { epsilon: epsilon.left, delta: delta.left },
      by: debits.map(({ processor, ...paid }) => ({
        processor,
        epsilon: paid.epsilon,
        delta: paid.delta,
      })),
    };
  });
  return { dataset, waiting: state.pending.size, days, together: togetherOf(state) };
}

function togetherOf(state: LedgerState): Together[] {
  const last = state.debits.toSorted((a, b) => a.day - b.day).at(-1);
  if (last === undefined) return [];
  const { delta: dayDelta, horizon } = last.budget;
  const spans = SPANS_DAYS.filter((days) => days !== horizon?.days).map((days) => ({
    days,
    delta: Number(dayDelta),
  }));
  const limited = horizon && { days: horizon.days, delta: Number(horizon.delta) };
  return [...spans, ...(limited ? [{ ...limited, limit: horizon.epsilon }] : [])].map((span) => ({
    ...span,
    epsilon: Number(epsilonOf(state.costOfDays(last.day, span.days), span.delta).toPrecision(4)),
  }));
}

function formatAccount({ dataset, waiting, days, together }: DatasetAccount): string {
  const lines = [`dataset ${dataset}`];
  const pair = ({ epsilon, delta }: Shown): string => `ε ${epsilon}  δ ${delta}`;
  const width = Math.max(
    0,
    ...days.flatMap(({ spent, left }) => [pair(spent).length, pair(left).length]),
  );
  for (const { day, spent, left, by } of days) {
    lines.push(`  ${day}  spent ${pair(spent).padEnd(width)}  left ${pair(left).padEnd(width)}`);
    for (const paid of by)
      lines.push(`              ${pair(paid).padEnd(width)}  ${paid.processor}`);
  }
  if (days.length === 0) lines.push("  nothing was spent yet");
  if (waiting > 0) lines.push(`  ${waiting} releases wait for an exporter`);
  for (const { days, epsilon, delta, limit } of together) {
    const text = Number.isFinite(epsilon) ? `ε ${epsilon}` : "no ε";
    const of = limit === undefined ? "" : ` of at most ${limit} (horizon)`;
    lines.push(`  the last ${days} days together: ${text}${of} at δ ${delta}`);
  }
  lines.push("  A day's budget is spent with its first release and pays for all of that day.");
  return `${lines.join("\n")}\n`;
}
