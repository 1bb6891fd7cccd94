/**
 * `npm run bench`: every stage and the whole agent, on this machine, in one run.
 *
 *     npm run bench -- [--lines 300000] [--runs 5] [--write]
 *
 * `--write` keeps the results in `docs/benchmarks.json` and makes `docs/benchmarks.md` from them.
 * Machines are shared and noisy: medians are shown, and rates are lines a second of CPU time, which
 * a busy neighbour disturbs less than the wall clock.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { Detection } from "./detection.ts";
import { measureDetection } from "./detection.ts";
import { writeAccessLog } from "./input.ts";
import type { Latency } from "./latency.ts";
import { BLOCK_DELAYS_MS, measureLatency } from "./latency.ts";
import { formatBenchmarks } from "./report.ts";
import type { StageResult } from "./stage.ts";
import type { WholeResult } from "./whole.ts";
import { measureWhole } from "./whole.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "src/main.ts");
const STAGES = [
  "read_and_split",
  "read_and_parse",
  "pii_detect_and_tokenize",
  "hmac_chain",
  "dp_window",
  "sealed_archive",
  "otlp_encode",
  "otlp_decode",
] as const;
const LATENCY_SECONDS = 20;
const DETECTION_LINES = 100_000;
const execute = promisify(execFile);

export interface Measured {
  readonly linesPerCpuSecond: number;
  readonly linesPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly residentPeakMegabytes: number;
}

export interface Benchmarks {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly lines: number;
  readonly lineBytes: number;
  readonly runs: number;
  readonly stages: Readonly<Record<string, Measured>>;
  readonly whole: Readonly<Record<string, MeasuredWhole>>;
  readonly detection: readonly Detection[];
  readonly latency: readonly Latency[];
}

export interface MeasuredWhole extends Measured {
  readonly idleCpuPercent: number;
  /** Of the CPU time, what the thread that runs JavaScript took. */
  readonly mainThreadPercent: number;
}

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "300000" },
    runs: { type: "string", default: "5" },
    write: { type: "boolean", default: false },
  },
});
const lines = Number(values.lines);
const runs = Number(values.runs);
const directory = await mkdtemp(join(tmpdir(), "vouchsafe-bench-"));
try {
  await main();
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const log = join(directory, "access.log");
  let lineBytes = 0;
  const stages: Record<string, Measured> = {};
  for (const name of STAGES) {
    const results: StageResult[] = [];
    for (let run = 0; run < runs; run++) {
      lineBytes = (await writeAccessLog(log, lines)) / lines;
      results.push(await runStage(name, log));
    }
    stages[name] = summarize(results, lineBytes);
    show(name, stages[name]);
  }
  const whole: Record<string, MeasuredWhole> = {};
  for (const compression of ["none", "gzip"] as const) {
    const results: (StageResult & WholeResult)[] = [];
    for (let run = 0; run < runs; run++) {
      const place = await mkdtemp(join(directory, "whole-"));
      await writeAccessLog(log, lines);
      const result = await measureWhole({ directory: place, log, lines, compression });
      results.push({ ...result, records: result.lines });
    }
    const idleCpuPercent = 100 * median(results.map(({ idleCpu }) => idleCpu));
    const mainThreadPercent =
      100 * median(results.map((run) => run.mainThreadCpuSeconds / run.cpuSeconds));
    const name = `whole agent, OTLP compression ${compression}`;
    whole[name] = { ...summarize(results, lineBytes), idleCpuPercent, mainThreadPercent };
    show(name, whole[name]);
  }
  const detection = await measureDetection(DETECTION_LINES, runs);
  process.stdout.write(`MB a CPU second: ${JSON.stringify(detection)}\n`);
  const latency: Latency[] = [];
  for (const delayMs of BLOCK_DELAYS_MS) {
    latency.push(await measureLatency(LATENCY_SECONDS, delayMs));
  }
  process.stdout.write(`acknowledged: ${JSON.stringify(latency)}\n`);
  const benchmarks: Benchmarks = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
    node: process.version,
    lines,
    lineBytes,
    runs,
    stages,
    whole,
    detection,
    latency,
  };
  if (!values.write) return;
  await writeFile(
    join(ROOT, "docs/benchmarks.json"),
    `${JSON.stringify(benchmarks, undefined, 2)}\n`,
  );
  await writeFile(join(ROOT, "docs/benchmarks.md"), formatBenchmarks(benchmarks));
}

async function runStage(name: string, log: string): Promise<StageResult> {
  const place = await mkdtemp(join(directory, "stage-"));
  const keys = join(place, "keys");
  await mkdir(keys, { mode: 0o700 });
  await execute(process.execPath, [MAIN, "keys", "generate", "token", "-d", keys]);
  const stage = join(import.meta.dirname, "stage.ts");
  const { stdout } = await execute(process.execPath, [stage, name, log, String(lines), place]);
  await rm(place, { recursive: true, force: true });
  return JSON.parse(stdout) as StageResult;
}

function summarize(results: readonly StageResult[], lineBytes: number): Measured {
  const perCpuSecond = median(results.map((run) => run.records / run.cpuSeconds));
  const perSecond = median(results.map((run) => run.records / run.wallSeconds));
  return {
    linesPerCpuSecond: Math.round(perCpuSecond),
    linesPerSecond: Math.round(perSecond),
    megabytesPerSecond: (perSecond * lineBytes) / 1e6,
    cpuSecondsPerMillion: 1e6 / perCpuSecond,
    residentPeakMegabytes: median(results.map((run) => run.residentPeakBytes)) / 1e6,
  };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function show(name: string, measured: Measured): void {
  process.stdout.write(
    `${name.padEnd(36)} ${String(measured.linesPerCpuSecond).padStart(9)} lines/CPU s  ` +
      `${String(measured.linesPerSecond).padStart(9)} lines/s  ` +
      `${measured.megabytesPerSecond.toFixed(1).padStart(7)} MB/s  ` +
      `${measured.residentPeakMegabytes.toFixed(0).padStart(4)} MB peak\n`,
  );
}
