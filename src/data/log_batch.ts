/**
 * What travels through a pipeline: records that arrived together, and where they came from.
 *
 * Invariant: a batch is not changed after it was handed on.
 */
import type { LogRecord } from "./log_record.ts";

/**
 * The place of a batch in its source. It lets the sealed archive drop what a receiver replays after
 * a crash: within one source `id`, a position that was sealed is never sealed again.
 */
export interface BatchSource {
  /**
   * Names one incarnation of a source for ever: an id given to a file when it was first seen (a
   * truncated or replaced file is another one), or one given to an OTLP request.
   */
  readonly id: string;
  /** `positions[i]` is the position just after `records[i]`; strictly rising. */
  readonly positions: readonly number[];
}

export interface LogBatch {
  readonly records: readonly LogRecord[];
  /** Absent for records that no receiver can replay, such as released private counts. */
  readonly source?: BatchSource | undefined;
  /** What hands it to an exporter, such as `logs/protected`; absent before that. */
  readonly pipeline?: string | undefined;
}

/**
 * A batch with the records that `transform` gives, in order and with their source positions.
 * `undefined` withholds a record. The batch itself is returned when nothing changed.
 */
export function mapRecords(
  batch: LogBatch,
  transform: (record: LogRecord, index: number) => LogRecord | undefined,
): LogBatch {
  const { records: before, source } = batch;
  const records = new Array<LogRecord>(before.length);
  let count = 0;
  let changed = false;
  // Made only when a record is withheld; until then those of the source fit.
  let positions: number[] | undefined;
  for (let index = 0; index < before.length; index++) {
    const record = before[index]!;
    const result = transform(record, index);
    if (result !== record) changed = true;
    if (result === undefined) {
      positions ??= source?.positions.slice(0, index);
      continue;
    }
    records[count++] = result;
    positions?.push(source!.positions[index]!);
  }
  if (!changed) return batch;
  records.length = count;
  if (source === undefined) return { records };
  return { records, source: positions === undefined ? source : { id: source.id, positions } };
}
