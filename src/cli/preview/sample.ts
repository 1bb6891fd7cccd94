/**
 * A sample to records: as the pipeline's `file_log` receiver would read it, or OTLP JSON (one
 * message, or one a line), or plain lines where no such receiver stands in the pipeline.
 */
import type { FileLogConfig } from "../../../receivers/file_log/config.ts";
import { readSampleBytes } from "../../../receivers/file_log/sample.ts";
import { AgentError } from "../../component/errors.ts";
import { formatComponentId } from "../../component/settings.ts";
import { LogRecord } from "../../data/log_record.ts";
import { hrTimeFromUnixMs } from "../../data/time.ts";
import { decodeLogsJson } from "../../otlp/decode_json.ts";
import type { GraphPlan, PipelinePlan } from "../../pipeline/graph.ts";

/** A preview is for looking at; a longer sample is a mistake. */
export const SAMPLE_BYTES_MAX = 16 * 1024 * 1024;
const OTLP_JSON = /^\s*\{\s*"resource_?[lL]ogs"/;

export interface Sample {
  readonly records: readonly LogRecord[];
  /** How it was read, for the head of the report. */
  readonly readAs: string;
  /** Lines that an operator of the receiver could not treat. */
  readonly failedLines: number;
}

/** Throws `otlp.malformed` for OTLP JSON that is none, with the line of it. */
export function readSample(
  bytes: Buffer,
  path: string,
  plan: GraphPlan,
  pipeline: PipelinePlan,
  nowMs: number,
): Sample {
  if (OTLP_JSON.test(bytes.toString("utf8", 0, 256))) {
    return { records: otlpRecords(bytes), readAs: "OTLP JSON", failedLines: 0 };
  }
  const receivers = pipeline.receivers.map((id) => plan.receivers.get(id)!);
  const fileLog = receivers.find(({ id }) => id.type === "file_log");
  if (fileLog !== undefined) {
    const config = fileLog.config as FileLogConfig;
    const readAs = formatComponentId(fileLog.id);
    return { ...readSampleBytes(config, bytes, path, nowMs), readAs };
  }
  const lines = bytes.toString("utf8").split(/\r?\n/);
  const hrTimeObserved = hrTimeFromUnixMs(nowMs);
  const records = lines
    .filter((line) => line !== "")
    .map((body) => new LogRecord({ body, hrTimeObserved }));
  return { records, readAs: "plain lines", failedLines: 0 };
}

function otlpRecords(bytes: Buffer): LogRecord[] {
  const lines = splitMessages(bytes);
  return lines.flatMap((line, index) => {
    try {
      return decodeLogsJson(line).records;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const place = lines.length === 1 ? "the sample" : `line ${index + 1} of the sample`;
      throw new AgentError(error.code, `${place}: ${error.message}`, { cause: error });
    }
  });
}

/** One message over several lines, or one a line as the Collector's `file` exporter writes them. */
function splitMessages(bytes: Buffer): Buffer[] {
  const text = bytes.toString("utf8");
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const isOneEach = lines.length > 1 && lines.every((line) => OTLP_JSON.test(line));
  return isOneEach ? lines.map((line) => Buffer.from(line)) : [bytes];
}
