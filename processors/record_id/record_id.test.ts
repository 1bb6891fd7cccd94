import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { positionError } from "./position.ts";
import { RecordId } from "./record_id.ts";

const ATTRIBUTE = "log.record.uid";

async function idsOf(t: TestContext, batch: LogBatch): Promise<unknown[]> {
  const next = new CollectingConsumer();
  await new RecordId(configSchema.parse({}), await testSettings(t), next).consumeLogs(batch);
  return next.records.map(({ attributes }) => attributes[ATTRIBUTE]);
}

function batchAt(id: string, ...positions: number[]): LogBatch {
  return { records: positions.map(() => new LogRecord({ body: "x" })), source: { id, positions } };
}

test("the same place gives the same id, in whatever batch it comes", async (t) => {
  const [first, second] = await idsOf(t, batchAt("file", 10, 25));
  assert.deepEqual(await idsOf(t, batchAt("file", 25)), [second]);
  assert.deepEqual(await idsOf(t, batchAt("file", 10)), [first]);
  assert.match(
    String(first),
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test("other places, sources and records without a source have other ids", async (t) => {
  const nowhere = { records: [new LogRecord({}), new LogRecord({})] };
  const ids = [
    ...(await idsOf(t, batchAt("a", 1, 2, 12))),
    ...(await idsOf(t, batchAt("b", 1))),
    ...(await idsOf(t, batchAt("a1", 2))),
    ...(await idsOf(t, nowhere)),
  ];
  assert.equal(new Set(ids).size, 7);
});

test("an id that is there is kept", async (t) => {
  const record = new LogRecord({ attributes: { [ATTRIBUTE]: "01J" } });
  assert.deepEqual(await idsOf(t, { records: [record] }), ["01J"]);
});

test("stands before hmac_chain and batch", () => {
  const at = (...before: string[]) =>
    positionError({ pipeline: "logs", before, after: [], exporters: [] });
  assert.equal(at("filter"), undefined);
  assert.match(at("hmac_chain")!, /vouched for/);
  assert.match(at("batch")!, /without their source/);
});
