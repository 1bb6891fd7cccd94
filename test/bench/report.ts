/** `docs/benchmarks.md`, made from the measured results. */
import type { Benchmarks, Measured } from "./bench.ts";
import type { Detection } from "./detection.ts";
import type { Latency } from "./latency.ts";

export function formatBenchmarks(benchmarks: Benchmarks): string {
  const { date, machine, node, lines, lineBytes, runs } = benchmarks;
  const idle = Object.values(benchmarks.whole)
    .map(({ idleCpuPercent }) => `${idleCpuPercent.toFixed(1)} %`)
    .join(" and ");
  const main = Object.values(benchmarks.whole)
    .map(({ mainThreadPercent }) => `${mainThreadPercent.toFixed(0)} %`)
    .join(" (no compression) and ");
  return `# Benchmarks

Made by \`npm run bench -- --lines ${lines} --runs ${runs} --write\` on ${date}:
${machine}, Node.js ${node}, ${lines.toLocaleString("en")} access-log lines of
${lineBytes.toFixed(0)} bytes, medians of ${runs} runs, each in a process of its own. The machine is
shared and noisy: compare within the table. Lines a CPU second count the time of all threads of the
process, so they are lines a second on one core.

## Stages

${table(benchmarks.stages)}

## Finding personal data

Megabytes of text a CPU second of the thread that does it, medians of runs that took turns in one
process (\`node test/bench/detection.ts\`). One line of the application log in ten holds an e-mail
address; each line of the access log an IP address.

${detectionTable(benchmarks.detection)}

## The whole agent

From a file through \`access_log_parser\`, \`pii_detect\`, \`tokenize\` and \`hmac_chain\` to
\`sealed_archive\` and \`otlp_http\`, and through \`dp_window\` to a second \`otlp_http\`,
measured from outside the process between the first and the last delivered line.

${table(benchmarks.whole)}

CPU when idle, in the ten seconds after the last line: ${idle} of a core.

## How long a client waits

${latencyText(benchmarks.latency)}

## Where the time goes

The aim for the whole agent is 60,000 lines a CPU second. It is not reached. The thread that runs
JavaScript takes ${main} (gzip) of the CPU time; the rest are
V8's threads, which collect garbage and compile, and with gzip the compression. Records of a batch
live until it is on disk and at the backend, longer than a young generation lasts, so V8 moves them
to the old one and collects that several times a second (\`--trace-gc\`). On the main thread the
stages above add up, only that a batch is encoded once for the archive and the backend. Per record
there are five SHA-256 beside the tokens: three for the chain, two for the archive's inner tree.
Worker threads would spread this over cores, not lessen it.

Memory over ten minutes at full speed, with rotations: \`node test/bench/soak.ts 10\`.
`;
}

function detectionTable(all: readonly Detection[]): string {
  const kinds = Object.keys(all[0]?.megabytes ?? {});
  const rows = all.map(
    ({ work, megabytes }) =>
      `| ${work} | ${kinds.map((kind) => megabytes[kind]?.toFixed(0)).join(" | ")} |`,
  );
  return [
    `| work | ${kinds.join(" | ")} |`,
    `|---|${kinds.map(() => "---:|").join("")}`,
    ...rows,
  ].join("\n");
}

function latencyText(all: readonly Latency[]): string {
  const [first] = all;
  if (first === undefined) return "Not measured.";
  const { seconds, recordsPerSecond, recordsPerRequest, groupCommitMs, date } = first;
  const rows = all.map(
    ({ blockDelayMs, p50Ms, p99Ms, refused }) =>
      `| ${blockDelayMs} ms | ${p50Ms.toFixed(1)} ms | ${p99Ms.toFixed(1)} ms | ${refused} |`,
  );
  const rate = recordsPerSecond.toLocaleString("en");
  return `From the moment an OTLP/HTTP request is due until it is acknowledged, which is when its
records are protected, chained, sealed and synced. ${rate} records a second in requests of
${recordsPerRequest}, sent at fixed times for ${seconds} seconds, \`group_commit\`
${groupCommitMs} ms, on ${date} (\`node test/bench/latency.ts ${seconds}\`). Most of it is the
wait for a block to fill: records wait up to \`block.max_delay\` (200 ms by default), then
for the next write to disk.

| block.max_delay | half within | 99 % within | refused |
|---:|---:|---:|---:|
${rows.join("\n")}`;
}

function table(rows: Readonly<Record<string, Measured>>): string {
  const lines = [
    "| stage | lines / CPU s | lines / s | MB / s | CPU s / million lines | peak memory |",
    "|---|---:|---:|---:|---:|---:|",
  ];
  for (const [name, row] of Object.entries(rows)) {
    const cells = [
      name.replaceAll("_", " "),
      row.linesPerCpuSecond.toLocaleString("en"),
      row.linesPerSecond.toLocaleString("en"),
      row.megabytesPerSecond.toFixed(1),
      row.cpuSecondsPerMillion.toFixed(1),
      `${row.residentPeakMegabytes.toFixed(0)} MB`,
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines.join("\n");
}
