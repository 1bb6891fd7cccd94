/** Applications with the OpenTelemetry SDK: what is acknowledged is archived once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeverityNumber } from "@opentelemetry/api-logs";
import type { ExportResult } from "@opentelemetry/core";
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPLogExporter as GrpcExporter } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { LogRecordExporter, ReadableLogRecord } from "@opentelemetry/sdk-logs";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startAgent } from "../support/agent.ts";
import { makeSite, readArchive, verifyArchive } from "../support/site.ts";

const RECORDS = 3000;
const KILLS = 4;

for (const protocol of ["http/json", "http/protobuf", "grpc"] as const) {
  test(`what is acknowledged over ${protocol} is archived once, kill -9 included`, async (t) => {
    const [http, grpc] = (await freePorts(2)) as [number, number];
    const site = await makeSite(t, () => ({
      receivers: {
        otlp: {
          protocols: {
            http: { endpoint: `127.0.0.1:${http}` },
            grpc: { endpoint: `127.0.0.1:${grpc}` },
          },
        },
      },
    }));
    let agent = await startAgent(t, site.configPath);
    const client = new AcknowledgingClient(protocol, http, grpc);
    const sending = client.send();
    for (let kill = 1; kill <= KILLS; kill++) {
      const dueAt = Math.floor((RECORDS * kill) / (KILLS + 1));
      await waitUntil("part of the records is out", () => client.emitted >= dueAt, 60_000);
      await agent.stop("SIGKILL");
      agent = await startAgent(t, site.configPath);
    }
    await sending;
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    await verifyArchive(t, site);

    const archived = (await readArchive(t, site)).map(({ attributes }) =>
      Number(attributes.number),
    );
    const unique = new Set(archived);
    const lost = [...client.acknowledged].filter((number) => !unique.has(number));
    t.diagnostic(`${client.acknowledged.size} of ${RECORDS} acknowledged`);
    // The gRPC exporter of the SDK does not try again, so what it sends meanwhile is never accepted.
    const least = protocol === "grpc" ? RECORDS / 10 : RECORDS / 2;
    assert.ok(client.acknowledged.size > least, "the SDK got through despite the kills");
    assert.deepEqual(lost, []);
    const doubled = archived.filter((number, index) => archived.indexOf(number) !== index);
    assert.deepEqual(doubled, []);
  });
}

test("a record keeps its meaning from the SDK to the archive", async (t) => {
  const [http] = (await freePorts(1)) as [number];
  const site = await makeSite(t, () => ({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${http}` } } } },
  }));
  const agent = await startAgent(t, site.configPath);
  const client = new AcknowledgingClient("http/protobuf", http, 0);
  await client.emitOne({
    severityNumber: SeverityNumber.ERROR,
    severityText: "ERROR",
    body: { step: "payment", parts: [1, 2.5, true, null] },
    attributes: { "order.id": "A-1", ratio: 0.25, nested: { deep: ["x"] } },
  });
  await agent.stop();
  const [record] = await readArchive(t, site);
  assert.deepEqual(record?.body, { step: "payment", parts: [1, 2.5, true, null] });
  assert.equal(record?.attributes["order.id"], "A-1");
  assert.deepEqual(record?.attributes.nested, { deep: ["x"] });
});

/** A real SDK pipeline that notes which records its exporter was told are accepted. */
class AcknowledgingClient {
  readonly acknowledged = new Set<number>();
  emitted = 0;
  readonly #provider: LoggerProvider;

  constructor(protocol: "http/json" | "http/protobuf" | "grpc", http: number, grpc: number) {
    const url = `http://127.0.0.1:${http}/v1/logs`;
    const options = { url, timeoutMillis: 15_000 };
    const exporter =
      protocol === "http/json"
        ? new JsonExporter(options)
        : protocol === "http/protobuf"
          ? new ProtoExporter(options)
          : new GrpcExporter({ url: `http://127.0.0.1:${grpc}`, timeoutMillis: 15_000 });
    const noting: LogRecordExporter = {
      export: (records: ReadableLogRecord[], done: (result: ExportResult) => void) =>
        exporter.export(records, (result) => {
          if (result.code === ExportResultCode.SUCCESS) {
            for (const record of records) this.acknowledged.add(Number(record.attributes.number));
          }
          done(result);
        }),
      forceFlush: () => exporter.forceFlush(),
      shutdown: () => exporter.shutdown(),
    };
    this.#provider = new LoggerProvider({
      resource: resourceFromAttributes({ "service.name": "client" }),
      processors: [
        new BatchLogRecordProcessor({
          exporter: noting,
          maxQueueSize: RECORDS * 2,
          maxExportBatchSize: 50,
          scheduledDelayMillis: 50,
          exportTimeoutMillis: 20_000,
        }),
      ],
    });
  }

  async send(): Promise<void> {
    const logger = this.#provider.getLogger("test");
    for (let number = 0; number < RECORDS; number++) {
      const body = `request ${number} of person${number}@example.com`;
      logger.emit({ severityNumber: SeverityNumber.INFO, body, attributes: { number } });
      this.emitted = number + 1;
      if (number % 10 === 9) {
        const dueMs = Date.now() + 25;
        await waitUntil("the pace", () => Date.now() >= dueMs);
      }
    }
    await this.#provider.shutdown();
  }

  async emitOne(
    record: Parameters<ReturnType<LoggerProvider["getLogger"]>["emit"]>[0],
  ): Promise<void> {
    this.#provider.getLogger("test").emit(record);
    await this.#provider.shutdown();
  }
}
