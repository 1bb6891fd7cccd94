/** Whatever is delivered, again or for the first time, over whatever restarts: each record once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { SealedArchive } from "./sealed_archive.ts";
import {
  close,
  divided,
  keepAlive,
  numbered,
  range,
  readZones,
  TWO_ZONES,
  testConfig,
  verify,
} from "./testing.ts";

const delivery = fc.record({
  /** How many delivered records are delivered again before the new ones. */
  again: fc.nat({ max: 30 }),
  fresh: fc.nat({ max: 40 }),
  isAwaited: fc.boolean(),
});
const run = fc.record({
  deliveries: fc.array(delivery, { maxLength: 6 }),
  /** Stops at once: what was not acknowledged may be lost and is delivered again. */
  isAborted: fc.boolean(),
});
const shape = fc.record({
  /** Records whose number modulo 7 is below go to another zone; with 7 there is one zone only. */
  auditBelow: fc.integer({ min: 0, max: 7 }),
  records: fc.integer({ min: 1, max: 50 }),
  delayMs: fc.integer({ min: 1, max: 10 }),
  groupCommitMs: fc.nat({ max: 10 }),
});

test("seals each record once, in order, over any deliveries and restarts", async (t) => {
  keepAlive(t);
  const sample = fc.asyncProperty(
    shape,
    fc.array(run, { minLength: 1, maxLength: 4 }),
    async ({ auditBelow, records, delayMs, groupCommitMs }, runs) => {
      const root = await temporaryDirectory(t);
      const directory = join(root, "archive");
      const settings = await testSettings(t, { type: "sealed_archive", root });
      const config = testConfig(directory, {
        ...(auditBelow < 7 && TWO_ZONES),
        group_commit: `${groupCommitMs}ms`,
        block: { max_records: records, max_delay: `${delayMs}ms` },
      });
      const isAudit = (number: number): boolean => number % 7 < auditBelow;
      let acknowledged = 0;
      // What was delivered but not acknowledged may be sealed or not; it comes again.
      let delivered = 0;
      for (const { deliveries, isAborted } of runs) {
        const archive = new SealedArchive(config, settings);
        await archive.start();
        let next = acknowledged;
        const calls: Promise<void>[] = [];
        for (const { again, fresh, isAwaited } of deliveries) {
          const end = next + fresh;
          const batch = numbered(Math.max(0, next - again), end);
          const call = archive.consumeLogs(divided(batch, isAudit)).then(
            () => {
              // An empty batch is taken at once and says nothing about the records before it.
              if (batch.records.length > 0) acknowledged = Math.max(acknowledged, end);
            },
            () => {},
          );
          calls.push(call);
          next = end;
          delivered = Math.max(delivered, end);
          if (isAwaited) await call;
        }
        if (isAborted) await archive.shutdown(AbortSignal.abort());
        else await close(archive);
        await Promise.all(calls);
        if (!isAborted) assert.equal(acknowledged, next);
      }
      const last = new SealedArchive(config, settings);
      await last.start();
      await last.consumeLogs(divided(numbered(acknowledged, delivered + 5), isAudit));
      await close(last);
      const all = range(0, delivered + 5);
      const zones = await readZones(directory);
      const inAudit = (number: number): boolean => auditBelow < 7 && isAudit(number);
      assert.deepEqual(zones.get("audit") ?? [], all.filter(inAudit));
      const rest = all.filter((number) => !inAudit(number));
      assert.deepEqual(zones.get("default") ?? [], rest);
      assert.deepEqual((await verify(directory)).findings, []);
    },
  );
  // Once failed: an empty batch behind one that an abort lost.
  const shapeOfOne = { auditBelow: 0, records: 1, delayMs: 1, groupCommitMs: 0 };
  const deliveries = [
    { again: 0, fresh: 1, isAwaited: false },
    { again: 0, fresh: 0, isAwaited: false },
  ];
  const aborted = [
    { deliveries, isAborted: true },
    { deliveries: [], isAborted: false },
  ];
  await fc.assert(sample, { numRuns: 40, examples: [[shapeOfOne, aborted]] });
});
