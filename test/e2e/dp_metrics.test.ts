/** What `dp_window` releases, as it arrives at a metrics backend. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { configSchema } from "../../exporters/dp_metrics/config.ts";
import { DpMetricsExporter } from "../../exporters/dp_metrics/dp_metrics.ts";
import { pass, START_MS, startRig, visits } from "../../processors/dp_window/testing/rig.ts";
import { testSettings } from "../../src/testing/test_settings.ts";

interface Metric {
  readonly name: string;
  readonly sum?: { readonly dataPoints: readonly Point[] };
  readonly gauge?: { readonly dataPoints: readonly Point[] };
}
interface Point {
  readonly asInt: number;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

test("each number of a release is a metric with its interval", async (t) => {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    for await (const chunk of request) bodies.push(String(chunk));
    response.end("{}");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const exporter = new DpMetricsExporter(
    configSchema.parse({ endpoint: `http://127.0.0.1:${port}` }),
    await testSettings(t, { type: "dp_metrics" }),
  );
  await exporter.start();
  t.after(() => exporter.shutdown(AbortSignal.abort()));

  const partitions = { keys: ["status"], status: { public: [200, 404] } };
  const { clock, sink, processor } = await startRig(t, { config: { partitions } });
  await processor.consumeLogs(visits(START_MS, 100));
  await pass(clock, "a release", () => sink.batches.length >= 1);
  const [batch] = sink.batches;
  await exporter.consumeLogs(batch!);

  const [{ scopeMetrics }] = JSON.parse(bodies.join("")).resourceMetrics;
  const metrics = new Map<string, Metric>();
  for (const metric of scopeMetrics[0].metrics as Metric[]) metrics.set(metric.name, metric);
  for (const [name, key] of [
    ["dp.requests", "dp.value"],
    ["dp.users", "dp.value"],
    ["dp.users.ci.low", "dp.ci.low"],
    ["dp.users.ci.high", "dp.ci.high"],
  ] as const) {
    const { sum, gauge } = metrics.get(name)!;
    const rows = batch!.records
      .map(({ attributes }) => attributes)
      .filter((attributes) => name.split(".")[1] === attributes["dp.metric"]);
    const points = (sum ?? gauge)!.dataPoints;
    assert.deepEqual(
      points.map(({ asInt }) => Number(asInt)),
      rows.map((attributes) => attributes[key]),
    );
    const statuses = points.map(
      ({ attributes }) => Object.values(attributes.find((each) => each.key === "status")!.value)[0],
    );
    assert.deepEqual(statuses.map(String), ["200", "404", "_other"]);
  }
});
