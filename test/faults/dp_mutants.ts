/**
 * Plants one fault after the other in a copy of dp_window, of the kinds by which other libraries
 * for differential privacy became wrong, and expects the tests to find each.
 *
 *     npm run test:dp-mutants
 *
 * Prints a line for each fault; the exit code is 1 when one survived, or when its place in the
 * source is no longer there.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join("processors", "dp_window");
const TIMEOUT_MS = 300_000;

interface Mutant {
  /** What went wrong elsewhere, in a word. */
  readonly fault: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The test file that must fail. */
  readonly killer: string;
}

const MUTANTS: readonly Mutant[] = [
  {
    fault: "a coin of exp(-x) with its parity turned",
    file: "samplers.ts",
    from: "return k % 2n === 1n;",
    to: "return k % 2n === 0n;",
    killer: "samplers",
  },
  {
    fault: "1 / (k + 1) for 1 / k in the series",
    file: "samplers.ts",
    from: "draws.bernoulli(1n, k)",
    to: "draws.bernoulli(1n, k + 1n)",
    killer: "samplers",
  },
  {
    fault: "zero drawn with both signs",
    file: "samplers.ts",
    from: "if (negative && size === 0n) return undefined;",
    to: "",
    killer: "samplers",
  },
  {
    fault: "a Gaussian accepted at a distance that is one off",
    file: "samplers.ts",
    from: "- numerator;",
    to: "- numerator + 1n;",
    killer: "samplers",
  },
  {
    fault: "uniform integers by modulo",
    file: "random_integers.ts",
    from: "if (value < bound) return value;\n    }\n  }\n\n  #bits",
    to: "return value % bound;\n    }\n  }\n\n  #bits",
    killer: "samplers",
  },
  {
    fault: "random bytes left in memory",
    file: "random_integers.ts",
    from: "this.#pool[this.#used++] = 0;",
    to: "this.#used++;",
    killer: "samplers",
  },
  {
    fault: "ρ rounded up",
    file: "accounting.ts",
    from: "return roundDownDouble(low, RHO_PARTS);",
    to: "return roundDownDouble(high * 1.0000001, RHO_PARTS);",
    killer: "accounting",
  },
  {
    fault: "σ² rounded down",
    file: "rational.ts",
    from: "(scaled + value.denominator - 1n) / value.denominator",
    to: "scaled / value.denominator",
    killer: "accounting",
  },
  {
    fault: "displacement not charged",
    file: "calibration.ts",
    from: "const DISPLACEMENT = 2;",
    to: "const DISPLACEMENT = 1;",
    killer: "black_box",
  },
  {
    fault: "sensitivity that forgets how many records one may add",
    file: "calibration.ts",
    from: "BigInt(perCellOf(metric)) * BigInt(measure[by]);",
    to: "BigInt(measure[by]);",
    killer: "config",
  },
  {
    fault: "each metric given the whole budget",
    file: "calibration.ts",
    from: "denominator: BigInt(total * vectors)",
    to: "denominator: BigInt(metric.weight * vectors)",
    killer: "black_box",
  },
  {
    fault: "values of both signs charged as if they had one",
    file: "calibration.ts",
    from: "(apart > together ? apart : together)",
    to: "apart",
    killer: "config",
  },
  {
    fault: "a threshold one too low for its tail",
    file: "selection.ts",
    from: "return minUnits + high;",
    to: "return minUnits + high - 1;",
    killer: "selection",
  },
  {
    fault: "δ for choosing groups not divided by the cells of a unit",
    file: "selection.ts",
    from: "divide(delta, { numerator: BigInt(cells), denominator: 1n })",
    to: "divide(delta, { numerator: 1n, denominator: 1n })",
    killer: "selection",
  },
  {
    fault: "a group shown by its exact number of units",
    file: "noisy_values.ts",
    from: "if (!always && units < BigInt(selection.threshold)) continue;",
    to: "if (!always && exact[selection.block]! < selection.threshold) continue;",
    killer: "selection",
  },
  {
    fault: "groups below min_units shown",
    file: "noisy_values.ts",
    from: "if (!always && exact[selection.block]! < selection.minUnits) continue;",
    to: "",
    killer: "selection",
  },
  {
    fault: "one draw to choose and another to show",
    file: "noisy_values.ts",
    from: "block === selection.block ? units : draw(sum, block)",
    to: "draw(sum, block)",
    killer: "selection",
  },
  {
    fault: "a table that evicts when it is full",
    file: "unit_table.ts",
    from: "if (this.#count === this.#unitsMax) return UNTRACKED;",
    to: "if (this.#count === this.#unitsMax) return (this.#opened[0] = this.#known[0] = 0);",
    killer: "neighbours",
  },
  {
    fault: "cells beyond the bound of the day counted",
    file: "aggregator.ts",
    from: "const count = table.count(slot, id, this.#perCellMax);",
    to: "const count = table.hasRoom(slot) ? table.count(slot, id, this.#perCellMax) : 1;",
    killer: "neighbours",
  },
  {
    fault: "per_cell applied to a batch instead of a cell",
    file: "unit_table.ts",
    from: "if (count === countMax) return 0;",
    to: "if (count === countMax) return countMax;",
    killer: "neighbours",
  },
  {
    fault: "a cell begun by a unit that has no room for it",
    file: "unit_table.ts",
    from: "if (this.#opened[slot] === this.#cellsMax) return 0;",
    to: "if (this.#opened[slot] === this.#cellsMax + 1) return 0;",
    killer: "neighbours",
  },
  {
    fault: "a time stamp that opens windows of the future",
    file: "aggregator.ts",
    from: "if (!(timeMs <= latestMs)) continue;",
    to: "",
    killer: "aggregator",
  },
  {
    fault: "a value that is no number let through the clamp",
    file: "measures.ts",
    from: 'return typeof plain === "number" && Number.isFinite(plain) ? plain : undefined;',
    to: 'return typeof plain === "number" ? plain : undefined;',
    killer: "results",
  },
  {
    fault: "contributions forgotten at a restart",
    file: "unit_table.ts",
    from: "      this.#opened[slot] = view.getUint16(offset + 16, true);\n",
    to: "",
    killer: "neighbours",
  },
  {
    fault: "marks of running totals forgotten at a restart",
    file: "unit_table.ts",
    from: "      this.#marked[slot] = view.getUint32(offset + 18, true);\n",
    to: "",
    killer: "running",
  },
  {
    fault: "running totals in more groups than are charged",
    file: "unit_table.ts",
    from: "|| bitCount(marked) === groupsMax",
    to: "",
    killer: "running",
  },
  {
    fault: "running totals charged for one window instead of a column",
    file: "calibration.ts",
    from: "BigInt(DISPLACEMENT * groups) * normSquared",
    to: "BigInt(DISPLACEMENT * groups) * 2n ** 40n",
    killer: "config",
  },
  {
    fault: "a day's counts kept for the next day's totals",
    file: "running.ts",
    from: "      this.#cells = [];\n",
    to: "",
    killer: "running",
  },
  {
    fault: "handed on before it is on disk",
    file: "ledger.ts",
    from: "if (sync) await this.#log.sync();",
    to: "",
    killer: "ledger",
  },
  {
    fault: "second noise for a window after a refused write",
    file: "releaser.ts",
    from: "due.noisy ??= this.#noisy(due);",
    to: "due.noisy = this.#noisy(due);",
    killer: "crash",
  },
  {
    fault: "a window committed twice",
    file: "ledger.ts",
    from: "if (last !== undefined && release.window <= last) {",
    to: "if (last !== undefined && release.window < last) {",
    killer: "ledger",
  },
  {
    fault: "a budget that a changed configuration renews",
    file: "ledger_state.ts",
    from: "filter(({ day }) => day === debit.day);\n    const limits",
    to: "filter(({ day, plan }) => day + plan === debit.day + debit.plan);\n    const limits",
    killer: "ledger",
  },
  {
    fault: "a horizon that looks back only",
    file: "ledger_state.ts",
    from: "...new Set(later.filter((day) => day < debit.day + days))].every",
    to: "].every",
    killer: "ledger",
  },
  {
    fault: "lost contributions taken for none",
    file: "periods.ts",
    from: 'else if (committed !== undefined) this.silenceDay(day, "state_lost");',
    to: "",
    killer: "crash",
  },
  {
    fault: "handed on at the tick at which it was drawn",
    file: "dp_window.ts",
    from: "this.#prepared.push(...releases.map((release) => this.#outgoing(release)));",
    to: "this.#outbox.push(releases.map((release) => this.#outgoing(release)));",
    killer: "crash",
  },
  {
    fault: "one release id for a window and its late cells",
    file: "ledger.ts",
    from: "dataset, window, revision, plan]",
    to: "dataset, window, plan]",
    killer: "groups_and_late",
  },
  {
    fault: "a claim that says another ε",
    file: "spec.ts",
    from: "spent.epsilon}, $",
    to: "config.budget.epsilon}, $",
    killer: "config",
  },
];

function copyProject(): string {
  const copy = mkdtempSync(join(tmpdir(), "dp-mutants-"));
  for (const part of ["src", "config", FOLDER, "package.json"]) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

function passes(copy: string, killer: string): boolean {
  const { status } = spawnSync(
    process.execPath,
    ["--test", "--test-timeout=120000", join(FOLDER, `${killer}.test.ts`)],
    { cwd: copy, timeout: TIMEOUT_MS },
  );
  return status === 0;
}

function run(): number {
  const copy = copyProject();
  // A word on the command line takes the faults that have it.
  const wanted = MUTANTS.filter(({ fault }) => fault.includes(process.argv[2] ?? ""));
  let bad = 0;
  const say = (text: string): unknown => process.stdout.write(`${text}\n`);
  try {
    for (const killer of new Set(wanted.map((mutant) => mutant.killer))) {
      if (passes(copy, killer)) continue;
      say(`broken    ${killer}.test.ts fails without any fault`);
      bad++;
    }
    for (const { fault, file, from, to, killer } of wanted) {
      const path = join(copy, FOLDER, file);
      const source = readFileSync(path, "utf8");
      const isThere = source.split(from).length === 2;
      writeFileSync(
        path,
        source.replace(from, () => to),
      );
      const result = !isThere ? "misplaced" : passes(copy, killer) ? "SURVIVED" : "killed";
      writeFileSync(path, source);
      if (result !== "killed") bad++;
      say(`${result.padEnd(9)} ${fault} (${killer}.test.ts)`);
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
  say(`${wanted.length} faults, ${bad} not as expected`);
  return bad === 0 ? 0 : 1;
}

process.exitCode = run();
