/** `vouchsafe preview`: what a pipeline would make of a sample, before it meets anything real. */
import { createReadStream } from "node:fs";
import { formatDiagnostics } from "../../config/diagnostics.ts";
import type { CheckedConfig } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import { AgentError } from "../component/errors.ts";
import { printable } from "../lib/printable.ts";
import { systemClock } from "../lib/system_clock.ts";
import type { PipelinePlan } from "../pipeline/graph.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";
import { flatRecord } from "./flat_json.ts";
import type { Outcome } from "./preview/preview_pipeline.ts";
import { PreviewPipeline } from "./preview/preview_pipeline.ts";
import type { Sample } from "./preview/sample.ts";
import { readSample, SAMPLE_BYTES_MAX } from "./preview/sample.ts";
import { formatOutcome, formatSummary } from "./preview/text_report.ts";
import { drawPipeline } from "./validate.ts";

const FORMATS = ["text", "json"] as const;
const RECORDS_DEFAULT = 20;

export const previewCommand: Command = {
  summary: "shows a sample before and after a pipeline; sends and stores nothing",
  usage: "-c FILE [-c FILE] SAMPLE [--pipeline NAME] [--records N] [--format text|json]",
  options: {
    config: { type: "string", short: "c", multiple: true },
    pipeline: { type: "string" },
    records: { type: "string", default: String(RECORDS_DEFAULT) },
    format: { type: "string", default: "text" },
    "throwaway-keys": { type: "boolean", default: false },
  },
  help: `SAMPLE is a file, or - for standard input: log lines, which are read as the pipeline's
file_log receiver reads them, or OTLP logs as JSON. It shows what it reads, so personal data in the
sample appears on your terminal.

  -c, --config FILE     a configuration file; several are merged, later ones win
      --pipeline NAME   such as logs/protected; the first one when left out
      --records N       so many records are shown, ${RECORDS_DEFAULT} when left out; 0 is all
      --format FORMAT   text (default), or json: an object a line
      --throwaway-keys  new keys for this preview alone, where the real ones cannot be read;
                        its tokens are not those of the agent

Example:
  tail -n 5 /var/log/nginx/access.log | vouchsafe preview -c vouchsafe.yaml - --throwaway-keys`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const [path, ...rest] = positionals;
  const paths = (values.config ?? []) as string[];
  const limit = Number(values.records);
  if (path === undefined || rest.length > 0) throw new UsageError("expected one SAMPLE");
  if (paths.length === 0) throw new UsageError("-c FILE is missing");
  if (!Number.isInteger(limit) || limit < 0) throw new UsageError("--records is a whole number");
  if (!FORMATS.some((known) => known === values.format)) {
    throw new UsageError(`--format is one of ${FORMATS.join(", ")}`);
  }
  const { builtinFactories } = await import("../../config/builtin.ts");
  const { config, diagnostics } = await loadConfig(paths, {
    env: process.env,
    factories: builtinFactories,
  });
  io.stderr.write(formatDiagnostics(diagnostics, { color: isColored(io.stderr) }));
  if (config === undefined) return EXIT_CONFIG;
  const plan = choosePipeline(config, values.pipeline);
  const name = path === "-" ? "(standard input)" : path;
  const sample = readSample(await readBytes(path), name, config, plan, systemClock.nowMs());
  const preview = await PreviewPipeline.start(config, plan, {
    throwawayKeys: values["throwaway-keys"] === true,
    createDetector: config.createDetector,
    onWarning: (component, message, attributes) =>
      io.stderr.write(`${component}: ${message} ${JSON.stringify(attributes)}\n`),
  }).catch(withKeyHint);
  try {
    const show = values.format === "json" ? showJson : showText;
    await show(sample, preview, plan, limit === 0 ? Number.POSITIVE_INFINITY : limit, io);
  } finally {
    await preview.close();
  }
  return EXIT_OK;
}

type Show = (
  sample: Sample,
  preview: PreviewPipeline,
  plan: PipelinePlan,
  limit: number,
  io: CommandIo,
) => Promise<void>;

const showText: Show = async (sample, preview, plan, limit, io) => {
  const options = { color: isColored(io.stdout) };
  io.stdout.write(`${drawPipeline(plan)}\nread as ${sample.readAs}`);
  if (sample.failedLines > 0) {
    io.stdout.write(`; an operator could not treat ${sample.failedLines} of the lines`);
  }
  io.stdout.write("\n\n");
  const outcomes: Outcome[] = [];
  for (const record of sample.records) {
    if (io.signal.aborted) return;
    const outcome = await preview.run(record);
    outcomes.push(outcome);
    if (outcomes.length <= limit) {
      io.stdout.write(formatOutcome(outcome, outcomes.length, options));
    }
  }
  if (outcomes.length > limit) {
    io.stdout.write(`... and ${outcomes.length - limit} more (--records 0 shows all)\n\n`);
  }
  io.stdout.write(formatSummary(outcomes, options));
};

const showJson: Show = async (sample, preview, _plan, limit, io) => {
  for (const record of sample.records.slice(0, limit)) {
    if (io.signal.aborted) return;
    const { before, after, found, stoppedBy } = await preview.run(record);
    const line = {
      before: flatRecord(before),
      after: after.map(flatRecord),
      found,
      stopped_by: after.length > 0 ? undefined : (stoppedBy ?? "untreated_finding"),
    };
    io.stdout.write(`${JSON.stringify(line)}\n`);
  }
};

function choosePipeline(config: CheckedConfig, wanted: unknown): PipelinePlan {
  const ids = config.pipelines.map(({ id }) => id);
  const found = config.pipelines.find(({ id }) => wanted === undefined || id === wanted);
  if (found === undefined) throw new UsageError(`--pipeline is one of ${ids.join(", ")}`);
  return found;
}

function withKeyHint(error: unknown): never {
  if (!(error instanceof AgentError)) throw error;
  const hint = "where a key cannot be read here, --throwaway-keys makes one for this preview";
  throw new AgentError(error.code, `${error.message}; ${hint}`, { cause: error });
}

async function readBytes(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const stream = path === "-" ? process.stdin : createReadStream(path);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > SAMPLE_BYTES_MAX) {
        throw new UsageError(`a sample has at most ${SAMPLE_BYTES_MAX / 1024 / 1024} MiB`);
      }
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new UsageError(`the sample ${printable(path)} cannot be read (${code})`);
  }
  return Buffer.concat(chunks);
}

function isColored(output: CommandIo["stdout"]): boolean {
  return (output as { isTTY?: boolean }).isTTY === true && !process.env.NO_COLOR;
}
