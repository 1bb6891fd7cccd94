/** What `file_log` would make of a file that it read from beginning to end, without tailing it. */
import type { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import type { FileLogConfig } from "./config.ts";
import { RecordBuilder } from "./record_builder.ts";
import { Splitter } from "./splitter.ts";

export interface SampleRecords {
  readonly records: LogRecord[];
  /** Lines that an operator could not treat. */
  readonly failedLines: number;
}

/** @param path the sample's own, for the attributes and operators that use it. */
export function readSampleBytes(
  config: FileLogConfig,
  bytes: Buffer,
  path: string,
  nowMs: number,
): SampleRecords {
  let failedLines = 0;
  const builder = new RecordBuilder("sample", config, {
    path,
    resolvedPath: path,
    nowMs: () => nowMs,
    failed: () => {
      failedLines++;
    },
  });
  const split = new Splitter(config).split(bytes, true, true, false);
  const resume = { offset: bytes.length, lines: split.logs };
  const stretch = { split, start: 0, logs: 0, resume, isCut: true };
  const built = builder.build(stretch, hrTimeFromUnixMs(nowMs));
  return { records: built.flatMap(({ batch }) => [...(batch?.records ?? [])]), failedLines };
}
