import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { AgentError } from "../../src/component/errors.ts";
import type { Attributes } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { DpMetricsExporter } from "./dp_metrics.ts";

interface Received {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real server on the loopback interface that keeps what it gets. */
async function startBackend(t: TestContext, statuses: number[] = []) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    received.push({ url: request.url, headers: request.headers, body });
    response.writeHead(statuses.shift() ?? 200, { "content-type": "application/json" });
    response.end("{}");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

async function startExporter(t: TestContext, endpoint: string, options: object = {}) {
  const settings = await testSettings(t, { type: "dp_metrics" });
  const config = configSchema.parse({ endpoint, ...options });
  const exporter = new DpMetricsExporter(config, settings);
  await exporter.start();
  t.after(() => exporter.shutdown(AbortSignal.abort()));
  return { exporter, settings };
}

function row(attributes: Attributes): LogRecord {
  return new LogRecord({
    body: "dp.window",
    attributes: {
      "dp.schema": 1,
      "dp.dataset": "visits",
      "dp.revision": 0,
      "dp.claim": "a long sentence",
      "dp.window.start": "2026-01-01T12:00:00.000Z",
      "dp.window.end": "2026-01-01T13:00:00.000Z",
      ...attributes,
    },
    resource: new Resource({ "service.name": "vouchsafe" }),
    instrumentationScope: { name: "vouchsafe/dp_window" },
  });
}

const COUNT = {
  "dp.metric": "requests",
  "dp.metric.kind": "count",
  "dp.value": -12,
  "dp.ci.low": -127,
  "dp.ci.high": 103,
};

function metricsIn({ body }: Received) {
  const [resource] = JSON.parse(body).resourceMetrics;
  const [scope] = resource.scopeMetrics;
  const metrics = new Map<string, { sum?: never; gauge?: never; name: string }>();
  for (const metric of scope.metrics) metrics.set(metric.name, metric);
  return { resource, scope, metrics: Object.fromEntries(metrics) as Record<string, Metric> };
}

interface Metric {
  readonly sum?: { dataPoints: Point[]; aggregationTemporality: number; isMonotonic: boolean };
  readonly gauge?: { dataPoints: Point[] };
}
interface Point {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asInt?: number | string;
  readonly asDouble?: number;
  readonly attributes: { key: string; value: Record<string, unknown> }[];
}

function attributesOf({ attributes }: Point): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

test("a count is a delta sum with the ends of its interval beside it", async (t) => {
  const { received, endpoint } = await startBackend(t);
  const { exporter } = await startExporter(t, endpoint, { headers: { "x-token": "abc" } });
  await exporter.consumeLogs({ records: [row({ ...COUNT, status: 200 })] });
  const [request] = received;
  assert.equal(request!.url, "/v1/metrics");
  assert.equal(request!.headers["x-token"], "abc");
  const { resource, scope, metrics } = metricsIn(request!);
  assert.equal(resource.resource.attributes[0].value.stringValue, "vouchsafe");
  assert.equal(scope.scope.name, "vouchsafe/dp_window");
  assert.deepEqual(Object.keys(metrics), [
    ...["dp.requests", "dp.requests.ci.low", "dp.requests.ci.high"],
  ]);
  const { sum } = metrics["dp.requests"]!;
  assert.deepEqual([sum!.aggregationTemporality, sum!.isMonotonic], [1, false]);
  const [point] = sum!.dataPoints;
  assert.equal(Number(point!.asInt), -12);
  assert.equal(point!.startTimeUnixNano, `${Date.UTC(2026, 0, 1, 12)}000000`);
  assert.equal(point!.timeUnixNano, `${Date.UTC(2026, 0, 1, 13)}000000`);
  const series = { "dp.dataset": "visits", "dp.revision": 0, status: 200 };
  assert.deepEqual(attributesOf(point!), series);
  const low = metrics["dp.requests.ci.low"]!.gauge!.dataPoints[0]!;
  assert.equal(Number(low.asInt), -127);
  assert.deepEqual(attributesOf(low), series);
});

test("states of a window are gauges, buckets and quantiles are series of their own", async (t) => {
  const { received, endpoint } = await startBackend(t);
  const { exporter } = await startExporter(t, endpoint, { prefix: "private." });
  const latency = { "dp.metric": "latency", "dp.metric.kind": "histogram", "dp.value": 7 };
  await exporter.consumeLogs({
    records: [
      row({ "dp.metric.kind": "groups", "dp.value": 3 }),
      row({ "dp.metric": "users", "dp.metric.kind": "distinct_units", "dp.value": 40 }),
      row({ "dp.metric": "size", "dp.metric.kind": "mean", "dp.value": 1.5 }),
      row({ "dp.metric": "bytes", "dp.metric.kind": "sum", "dp.value": 2n ** 60n }),
      row({ ...latency, "dp.bucket.to": 10 }),
      row({ ...latency, "dp.bucket.above": 10 }),
      row({ ...latency, "dp.metric.kind": "quantile", "dp.quantile": 0.5, "dp.value": 4.2 }),
      row({ ...latency, "dp.metric.kind": "quantile", "dp.quantile": 0.9, "dp.value": undefined }),
    ],
  });
  const { metrics } = metricsIn(received[0]!);
  const shapes = Object.entries(metrics).map(([name, { sum, gauge }]) => {
    const points = (sum ?? gauge)!.dataPoints;
    return [name, sum === undefined ? "gauge" : "sum", points.length];
  });
  assert.deepEqual(shapes, [
    ["private.groups", "gauge", 1],
    ["private.users", "gauge", 1],
    ["private.size", "gauge", 1],
    ["private.bytes", "sum", 1],
    ["private.latency", "sum", 2],
    ["private.latency.quantile", "gauge", 1],
  ]);
  assert.equal(metrics["private.size"]!.gauge!.dataPoints[0]!.asDouble, 1.5);
  assert.equal(metrics["private.bytes"]!.sum!.dataPoints[0]!.asDouble, 2 ** 60);
  const [, above] = metrics["private.latency"]!.sum!.dataPoints;
  assert.equal(attributesOf(above!)["dp.bucket.above"], 10);
});

test("a record that is no released row is never sent", async (t) => {
  const { received, endpoint } = await startBackend(t);
  const { exporter } = await startExporter(t, endpoint);
  const raw = new LogRecord({ body: "GET /secret", attributes: { "user.id": "ann" } });
  const status = new LogRecord({ body: "dp.status", attributes: { "dp.schema": 1 } });
  const later = row({ ...COUNT, "dp.schema": 2 });
  await exporter.consumeLogs({ records: [raw, status, later] });
  assert.equal(received.length, 0);
  await exporter.consumeLogs({ records: [raw, row(COUNT)] });
  assert.equal(received.length, 1);
  assert.doesNotMatch(received[0]!.body, /secret|ann"|long sentence/);
});

test("a status that asks for it is tried again with the same body, a final one told", async (t) => {
  const { received, endpoint } = await startBackend(t, [503, 200, 400]);
  const retry = { initial_interval: "1ms", randomization_factor: 0 };
  const { exporter } = await startExporter(t, endpoint, { retry_on_failure: retry });
  await exporter.consumeLogs({ records: [row(COUNT)] });
  assert.equal(received.length, 2);
  assert.equal(received[0]!.body, received[1]!.body);
  await assert.rejects(
    exporter.consumeLogs({ records: [row(COUNT)] }),
    (error) => error instanceof AgentError && error.code === "otlp_http.rejected",
  );
});
