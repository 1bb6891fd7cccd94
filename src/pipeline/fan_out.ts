/**
 * Gives every batch to all branches.
 *
 * Invariant: it resolves only when every branch has the batch. When one refuses, it waits for the
 * others first, so that whoever sends the batch again knows that nothing is still under way.
 */
import type { LogsConsumer } from "../component/component.ts";
import { isPermanent } from "../component/errors.ts";
import type { LogBatch } from "../data/log_batch.ts";

export class FanOut implements LogsConsumer {
  readonly #branches: readonly LogsConsumer[];

  constructor(branches: readonly LogsConsumer[]) {
    this.#branches = branches;
  }

  async consumeLogs(batch: LogBatch): Promise<void> {
    const results = await Promise.allSettled(
      this.#branches.map((branch) => branch.consumeLogs(batch)),
    );
    const errors = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason] : [],
    );
    if (errors.length === 0) return;
    // A retryable refusal outranks a permanent one: the batch must be offered again.
    throw errors.find((error) => !isPermanent(error)) ?? errors[0];
  }
}
