import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { OtlpHttpExporter } from "./otlp_http.ts";
import { TestBackend } from "./test_backend.ts";

const batchOf = (body: number): LogBatch => ({ records: [new LogRecord({ body })] });
const bodies = (backend: TestBackend): unknown[] => backend.records.map(({ body }) => body);

async function setUp(t: TestContext, config: object): Promise<OtlpHttpExporter> {
  const settings = await testSettings(t, { kind: "exporter", type: "otlp_http" });
  const retry_on_failure = { initial_interval: "10s", max_interval: "10s" };
  const exporter = new OtlpHttpExporter(
    configSchema.parse({ retry_on_failure, ...config }),
    settings,
  );
  await exporter.start();
  t.after(() => exporter.shutdown(AbortSignal.abort()));
  return exporter;
}

test("backends take turns", async (t) => {
  const [a, b] = [await TestBackend.start(t), await TestBackend.start(t)];
  const exporter = await setUp(t, { endpoints: [a.url, b.url] });
  for (let number = 0; number < 6; number++) await exporter.consumeLogs(batchOf(number));
  assert.deepEqual(
    [bodies(a), bodies(b)],
    [
      [0, 2, 4],
      [1, 3, 5],
    ],
  );
});

test("pick_first uses the second only while the first fails", async (t) => {
  const [a, b] = [await TestBackend.start(t), await TestBackend.start(t)];
  const exporter = await setUp(t, { endpoints: [a.url, b.url], balancer_name: "pick_first" });
  await exporter.consumeLogs(batchOf(0));
  a.script.push({ status: 503, headers: { "retry-after": "0" } });
  await exporter.consumeLogs(batchOf(1));
  await exporter.consumeLogs(batchOf(2));
  assert.deepEqual([bodies(a), bodies(b)], [[0, 1, 2], [1]]);
});

test("a backend that is down is left alone, and nothing waits for a retry", async (t) => {
  const [a, b] = [await TestBackend.start(t), await TestBackend.start(t)];
  const exporter = await setUp(t, { endpoints: ["http://127.0.0.1:1", a.url, b.url] });
  for (let number = 0; number < 30; number++) await exporter.consumeLogs(batchOf(number));
  const all = [...bodies(a), ...bodies(b)].sort((x, y) => Number(x) - Number(y));
  assert.deepEqual(
    all,
    Array.from({ length: 30 }, (_, number) => number),
  );
  assert.ok(bodies(a).length > 5 && bodies(b).length > 5);
});

test("what a backend refuses for good is not offered to the others", async (t) => {
  const [a, b] = [await TestBackend.start(t), await TestBackend.start(t)];
  a.otherwise = { status: 400 };
  const exporter = await setUp(t, { endpoints: [a.url, b.url] });
  await assert.rejects(exporter.consumeLogs(batchOf(0)), { code: "otlp_http.rejected" });
  assert.deepEqual(bodies(b), []);
});

test("one endpoint and several exclude each other, and none is named twice", () => {
  const [one, two] = ["http://localhost:1", "http://localhost:2"];
  const messagesOf = (config: object): string =>
    configSchema
      .safeParse(config)
      .error?.issues.map(({ message }) => message)
      .join() ?? "";
  assert.equal(messagesOf({ endpoints: [one, two] }), "");
  assert.match(messagesOf({ endpoint: one, endpoints: [one, two] }), /either endpoints or one/);
  assert.match(messagesOf({ endpoints: [one, one] }), /twice/);
});
