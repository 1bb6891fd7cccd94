/** `vouchsafe doctor`: looks at the host with the eyes of a configuration; one fix a finding. */
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import type { Diagnostic } from "../../config/diagnostics.ts";
import { formatDiagnostic } from "../../config/diagnostics.ts";
import type { CheckedConfig } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import { systemClock } from "../lib/system_clock.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";
import type { Finding, FindingStatus } from "./doctor/finding.ts";
import { ok, problem, warning } from "./doctor/finding.ts";
import { checkFolder, checkSecrets, foldersOf, isRunning } from "./doctor/folders.ts";
import { checkClock, checkLimits, checkNode } from "./doctor/host.ts";
import { checkInputs } from "./doctor/inputs.ts";
import { checkBackends, checkPorts } from "./doctor/network.ts";

export const doctorCommand: Command = {
  summary: "checks a configuration and this host, and says what to mend",
  usage: "-c FILE [-c FILE] [--json]",
  options: {
    config: { type: "string", short: "c", multiple: true },
    json: { type: "boolean", default: false },
  },
  help: `  -c, --config FILE     a configuration file; several are merged, later ones win
      --json            findings for machines

Run it as the agent's user. It looks at Node.js, keys, folders, ports, the files to read, the
backends, clock and limits. It connects to backends and sends them nothing. In each folder
that the agent writes, it writes one small file and removes it.

Exit code 0: the agent can run (there may be warnings). 1: there is a problem. 78: the
configuration is wrong.

Example: vouchsafe doctor -c vouchsafe.yaml
`,
  run: doctor,
};

async function doctor({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  if (positionals.length > 0) throw new UsageError("a file is given with -c FILE");
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("-c FILE is missing");
  const { builtinFactories } = await import("../../config/builtin.ts");
  const { config, diagnostics } = await loadConfig(paths, {
    env: process.env,
    factories: builtinFactories,
  });
  const findings = diagnostics.map(ofDiagnostic);
  if (config !== undefined) {
    findings.push(ok("configuration", `${paths.join(" + ")} is valid`));
    findings.push(...(await examine(config)));
  }
  const write = values.json === true ? writeJson : writeText;
  write(findings, io.stdout);
  if (config === undefined) return EXIT_CONFIG;
  return findings.some(({ status }) => status === "problem") ? EXIT_FAILED : EXIT_OK;
}

async function examine(config: CheckedConfig): Promise<Finding[]> {
  const folders = foldersOf(config);
  const running = await isRunning(config);
  const findings: Finding[] = [...checkNode()];
  if (running) findings.push(ok("agent", "one runs on this state directory now"));
  findings.push(...(await checkSecrets(config)));
  for (const folder of folders) findings.push(...(await checkFolder(folder)));
  const own = folders.map(({ path }) => path);
  findings.push(...(await checkInputs(config, own)));
  findings.push(...(await checkPorts(config, running)));
  findings.push(...(await checkBackends(config)));
  findings.push(...(await checkClock(config, systemClock)));
  findings.push(...(await checkLimits(config)));
  return findings;
}

function ofDiagnostic(diagnostic: Diagnostic): Finding {
  const make = diagnostic.severity === "error" ? problem : warning;
  return make("configuration", formatDiagnostic(diagnostic), "see vouchsafe validate");
}

const MARKS: Readonly<Record<FindingStatus, string>> = { ok: "ok", warning: "!", problem: "x" };
const TINTS = { ok: "green", warning: "yellow", problem: "red" } as const;

function writeText(findings: readonly Finding[], output: Writable & { isTTY?: boolean }): void {
  const color = output.isTTY === true && !process.env.NO_COLOR;
  for (const { check, status, message, fix } of findings) {
    const mark = MARKS[status].padEnd(2);
    const shown = color ? styleText(TINTS[status], mark, { validateStream: false }) : mark;
    output.write(`${shown} ${check.padEnd(13)} ${message}\n`);
    if (fix !== undefined) output.write(`${" ".repeat(17)}-> ${fix}\n`);
  }
  const count = (wanted: FindingStatus): number =>
    findings.filter(({ status }) => status === wanted).length;
  output.write(`${count("problem")} problems, ${count("warning")} warnings\n`);
}

function writeJson(findings: readonly Finding[], output: Writable): void {
  const healthy = !findings.some(({ status }) => status === "problem");
  output.write(`${JSON.stringify({ healthy, findings }, undefined, 2)}\n`);
}
