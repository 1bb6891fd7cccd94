/**
 * One stage of the pipeline in a process of its own: `node test/bench/stage.ts NAME LOG LINES DIR`.
 * Prints one line of JSON, a {@link StageResult}. Every stage runs the component itself, made by its
 * factory with its default settings.
 */
import { join } from "node:path";
import { exporterFactories } from "../../exporters/index.ts";
import { processorFactories } from "../../processors/index.ts";
import { receiverFactories } from "../../receivers/index.ts";
import type { LogsConsumer } from "../../src/component/component.ts";
import type { AnyFactory } from "../../src/component/factory.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { stageSettings } from "./stage_settings.ts";

export interface StageResult {
  readonly records: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly residentPeakBytes: number;
}

const [stageName = "", log = "", linesText = "0", directory = ""] = process.argv.slice(2);
const lines = Number(linesText);
const nowhere: LogsConsumer = { consumeLogs: async () => {} };

const stages: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
  read_and_split: async () => () => tail([], nowhere),
  read_and_parse: async () => () => tail([{ type: "access_log_parser" }], nowhere),
  pii_detect_and_tokenize: async () => {
    const keys = join(directory, "keys");
    const tokenize = processor("tokenize", { domain: "bench", keys: keysIn(keys) }, nowhere);
    const detect = processor("pii_detect", { entities: ["default"] }, tokenize, ["tokenize"]);
    await tokenize.start();
    await detect.start();
    return feed(detect, await parsedBatches());
  },
  hmac_chain: async () => {
    const chain = processor("hmac_chain", {}, nowhere);
    await chain.start();
    return feed(chain, await parsedBatches());
  },
  dp_window: async () => {
    const window = processor(
      "dp_window",
      {
        dataset: "access-logs",
        unit: { attribute: "user.id", fallback: ["client.address"] },
        budget: { epsilon: "2", delta: "1e-9" },
        window: { size: "1m" },
      },
      nowhere,
    );
    await window.start();
    return feed(window, await parsedBatches());
  },
  sealed_archive: async () => {
    const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
    const recipient = await identityToRecipient(await generateX25519Identity());
    const config = {
      directory: join(directory, "archive"),
      origin: "example.com/bench",
      recipients: [recipient],
    };
    const archive = find(exporterFactories, "sealed_archive");
    const exporter = archive.create(
      archive.configSchema.parse(config) as never,
      stageSettings(directory, "exporter", "sealed_archive"),
    );
    await exporter.start();
    return feed(exporter, await parsedBatches());
  },
  otlp_encode: async () => {
    const batches = await parsedBatches();
    return async () => {
      for (const { records } of batches) encodeLogsData(records);
    };
  },
  otlp_decode: async () => {
    const requests = (await parsedBatches()).map(({ records }) => encodeLogsData(records));
    return async () => {
      for (const request of requests) decodeLogs(request);
    };
  },
};

const prepare = stages[stageName];
if (prepare === undefined) throw new Error(`no stage ${stageName}: ${Object.keys(stages)}`);
// The timers of components do not hold the process.
setInterval(() => {}, 2 ** 30);
const runStage = await prepare();
const cpuBefore = process.cpuUsage();
const startMs = performance.now();
await runStage();
const wallSeconds = (performance.now() - startMs) / 1000;
const cpu = process.cpuUsage(cpuBefore);
const result: StageResult = {
  records: lines,
  wallSeconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  residentPeakBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);

/** Reads the whole file with the receiver, from its first to its last line. */
async function tail(operators: readonly object[], next: LogsConsumer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  const counting: LogsConsumer = {
    consumeLogs: async (batch) => {
      await next.consumeLogs(batch);
      seen += batch.records.length;
      if (seen >= lines) resolve();
    },
  };
  const factory = find(receiverFactories, "file_log");
  const config = factory.configSchema.parse({ include: [log], start_at: "beginning", operators });
  const receiver = factory.create(
    config as never,
    stageSettings(directory, "receiver", "file_log"),
    counting,
  );
  await receiver.start();
  await promise;
  await receiver.shutdown(AbortSignal.timeout(10_000));
}

/** The lines of the file as the receiver hands them on, kept in memory. */
async function parsedBatches(): Promise<LogBatch[]> {
  const batches: LogBatch[] = [];
  const keep: LogsConsumer = {
    consumeLogs: async (batch) => {
      batches.push(batch);
    },
  };
  await tail([{ type: "access_log_parser" }], keep);
  return batches;
}

/** Hands the batches on as a receiver does: several under way, in order. */
function feed(consumer: LogsConsumer, batches: readonly LogBatch[]): () => Promise<void> {
  const UNDER_WAY_MAX = 16;
  return async () => {
    const underWay: Promise<void>[] = [];
    for (const batch of batches) {
      underWay.push(consumer.consumeLogs(batch));
      if (underWay.length >= UNDER_WAY_MAX) await underWay.shift();
    }
    await Promise.all(underWay);
  };
}

function processor(
  type: string,
  config: unknown,
  next: LogsConsumer,
  downstream: readonly string[] = [],
) {
  const factory = find(processorFactories, type);
  const parsed = factory.configSchema.parse(config);
  return factory.create(
    parsed as never,
    stageSettings(directory, "processor", type, downstream),
    next,
  );
}

function find<Factory extends AnyFactory>(factories: readonly Factory[], type: string): Factory {
  const factory = factories.find((candidate) => candidate.type === type);
  if (factory === undefined) throw new Error(`no component ${type}`);
  return factory;
}

function keysIn(path: string): object {
  return { provider: "file", directory: path };
}
