/** The end of a pipeline in a test: keeps what arrives, and can be told to hold or to fail. */
import type { LogsConsumer } from "../component/component.ts";
import type { LogBatch } from "../data/log_batch.ts";
import type { LogRecord } from "../data/log_record.ts";

export class CollectingConsumer implements LogsConsumer {
  readonly batches: LogBatch[] = [];
  /** Set to make the next calls wait for it (a slow backend) or reject (a failing one). */
  gate: () => Promise<void> = async () => {};

  get records(): LogRecord[] {
    return this.batches.flatMap((batch) => [...batch.records]);
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    this.batches.push(batch);
    await this.gate();
  }
}
