/** Applications with the official OpenTelemetry SDK, over each of its three OTLP exporters. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as GrpcExporter } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { AgentError } from "../../src/component/errors.ts";
import { hrTimeToUnixMs } from "../../src/data/time.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { OtlpReceiver } from "./otlp.ts";

async function start(test: TestContext) {
  const next = new CollectingConsumer();
  const settings = await testSettings(test, { kind: "receiver", type: "otlp" });
  const endpoint = "127.0.0.1:0";
  const config = configSchema.parse({ protocols: { http: { endpoint }, grpc: { endpoint } } });
  const receiver = new OtlpReceiver(config, settings, next);
  await receiver.start();
  test.after(() => receiver.shutdown(AbortSignal.abort()));
  return { next, http: receiver.ports.http!, grpc: receiver.ports.grpc! };
}

const EXPORTERS: Readonly<Record<string, (ports: Ports) => LogRecordExporter>> = {
  "HTTP with JSON": ({ http }) => new JsonExporter({ url: logsUrl(http) }),
  "HTTP with JSON and gzip": ({ http }) =>
    new JsonExporter({ url: logsUrl(http), compression: CompressionAlgorithm.GZIP }),
  "HTTP with protobuf": ({ http }) => new ProtobufExporter({ url: logsUrl(http) }),
  "HTTP with protobuf and gzip": ({ http }) =>
    new ProtobufExporter({ url: logsUrl(http), compression: CompressionAlgorithm.GZIP }),
  gRPC: ({ grpc }) => new GrpcExporter({ url: `http://127.0.0.1:${grpc}` }),
  "gRPC with gzip": ({ grpc }) =>
    new GrpcExporter({
      url: `http://127.0.0.1:${grpc}`,
      compression: CompressionAlgorithm.GZIP,
    }),
};

interface Ports {
  readonly http: number;
  readonly grpc: number;
}

function logsUrl(port: number): string {
  return `http://127.0.0.1:${port}/v1/logs`;
}

for (const [name, makeExporter] of Object.entries(EXPORTERS)) {
  test(`an application over ${name}: every record arrives once and whole`, async (t) => {
    const { next, ...ports } = await start(t);
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ "service.name": "shop" }),
      processors: [
        new BatchLogRecordProcessor({ exporter: makeExporter(ports), maxExportBatchSize: 100 }),
      ],
    });
    const logger = provider.getLogger("shop.orders", "1.2.3");
    const timestamp = 1_760_000_000_123;
    for (let number = 0; number < 250; number++) {
      logger.emit({
        timestamp,
        severityNumber: SeverityNumber.WARN,
        severityText: "WARN",
        eventName: "order.late",
        body: { text: "späte Bestellung", number },
        attributes: { price: 9.5, tags: ["a", "b"], paid: true, raw: Uint8Array.of(0, 255) },
      });
    }
    await provider.shutdown();
    const { records } = next;
    assert.equal(records.length, 250);
    assert.deepEqual(
      records.map(({ body }) => body),
      Array.from({ length: 250 }, (_, number) => ({ text: "späte Bestellung", number })),
    );
    const [record] = records;
    assert.equal(hrTimeToUnixMs(record!.hrTime), timestamp);
    assert.deepEqual(record!.attributes, {
      price: 9.5,
      tags: ["a", "b"],
      paid: true,
      raw: Uint8Array.of(0, 255),
    });
    assert.equal(record!.severityNumber, SeverityNumber.WARN);
    assert.equal(record!.severityText, "WARN");
    assert.equal(record!.eventName, "order.late");
    assert.equal(record!.resource.attributes["service.name"], "shop");
    assert.equal(record!.instrumentationScope.name, "shop.orders");
    assert.equal(record!.instrumentationScope.version, "1.2.3");
    const ids = next.batches.map((batch) => batch.source!.id);
    assert.equal(new Set(ids).size, ids.length);
  });
}

// The gRPC exporter of the JavaScript SDK gives up at the first refusal, whatever the status says.
for (const name of Object.keys(EXPORTERS).filter((exporter) => exporter.startsWith("HTTP"))) {
  test(`an application over ${name} tries again when it is asked to`, async (t) => {
    const { next, ...ports } = await start(t);
    let refusals = 1;
    next.gate = async () => {
      const full = new AgentError("storage.unwritable", "full", { retryAfterMs: 10 });
      if (refusals-- > 0) throw full;
    };
    const processors = [new BatchLogRecordProcessor({ exporter: EXPORTERS[name]!(ports) })];
    const provider = new LoggerProvider({ processors });
    provider.getLogger("a").emit({ body: "important" });
    await provider.shutdown();
    assert.equal(next.batches.length, 2);
    assert.equal(next.batches[0]!.source!.id, next.batches[1]!.source!.id);
  });
}
