/** A receiver on real files, for tests. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Clock } from "../../../src/component/settings.ts";
import { systemClock } from "../../../src/lib/system_clock.ts";
import { CollectingConsumer } from "../../../src/testing/collecting_consumer.ts";
import type { TestSettings } from "../../../src/testing/test_settings.ts";
import { testSettings } from "../../../src/testing/test_settings.ts";
import { waitUntil } from "../../../src/testing/wait_until.ts";
import { configSchema } from "../config.ts";
import { factory } from "../factory.ts";

export interface Run {
  readonly consumer: CollectingConsumer;
  readonly settings: TestSettings;
  readonly bodies: () => unknown[];
  readonly stop: (deadline?: AbortSignal) => Promise<void>;
}

/** `root` continues the state of an earlier one. */
export async function run(
  t: TestContext,
  options: Record<string, unknown>,
  root?: string,
  consumer = new CollectingConsumer(),
  clock: Clock = systemClock,
): Promise<Run> {
  const settings = await testSettings(t, {
    ...{ kind: "receiver" as const, type: "file_log", clock },
    ...(root === undefined ? {} : { root }),
  });
  const config = configSchema.parse({
    ...{ start_at: "beginning", poll_interval: "20ms", force_flush_period: "0" },
    ...options,
  });
  const receiver = factory.create(config, settings, consumer);
  const stop = (deadline = AbortSignal.timeout(5000)): Promise<void> => receiver.shutdown(deadline);
  t.after(() => stop());
  await receiver.start();
  return { consumer, settings, bodies: () => consumer.records.map(({ body }) => body), stop };
}

export async function waitForBodies(run: Run, expected: unknown[]): Promise<void> {
  await waitUntil(`${expected.length} records`, () => run.bodies().length >= expected.length);
  assert.deepEqual(run.bodies(), expected);
}
