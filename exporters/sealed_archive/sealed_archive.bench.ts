/**
 * Rates of sealing, verifying and reading: `node exporters/sealed_archive/sealed_archive.bench.ts`.
 * Records are 148 bytes as OTLP; sealing includes their encoding and every fsync.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metrics } from "@opentelemetry/api";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { makePrivateDirectory } from "../../src/lib/durable_file.ts";
import { systemClock, systemRandom } from "../../src/lib/system_clock.ts";
import { encodeSingleRecord } from "../../src/otlp/single_record.ts";
import { readArchive } from "./reader/read_archive.ts";
import { verifyArchive } from "./reader/verify_archive.ts";
import { SealedArchive } from "./sealed_archive.ts";
import { close, identities, testConfig } from "./testing.ts";

const RECORDS = 400_000;
const BATCH = 1000;
/** Batches under way at a time: more than one group commit takes, so that callers do not limit. */
const IN_FLIGHT = 200;
const ROUNDS = 3;

const resource = new Resource({ "service.name": "shop" });
const batches: LogBatch[] = Array.from({ length: RECORDS / BATCH }, (_, batch) => ({
  records: Array.from({ length: BATCH }, (_, index) => lineRecord(batch * BATCH + index)),
  source: {
    id: "file",
    positions: Array.from({ length: BATCH }, (_, at) => batch * BATCH + at + 1),
  },
}));

function lineRecord(number: number): LogRecord {
  const address = `203.0.113.${number % 250}`;
  const body = `${address} - - "GET /products/${number % 977} HTTP/1.1" 200 ${number % 5000}`;
  return new LogRecord({ hrTime: [1_700_000_000, number], body: body.padEnd(102, "."), resource });
}

function settingsFor(root: string): Settings {
  const silent = (): void => {};
  const stateDirectory = async (): Promise<string> => {
    const path = join(root, "state");
    await makePrivateDirectory(path);
    return path;
  };
  return {
    id: { kind: "exporter", type: "sealed_archive", name: "" },
    pipeline: undefined,
    downstream: [],
    logger: { debug: silent, info: silent, warn: console.error, error: console.error },
    meter: metrics.getMeter("bench"),
    clock: systemClock,
    random: systemRandom,
    stateDirectory,
    sharedStateDirectory: stateDirectory,
    reportStatus: silent,
  };
}

async function measure(name: string, run: () => Promise<unknown>): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await run();
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const rate = Math.round(RECORDS / seconds);
  const cpu = ((user + system) / RECORDS).toFixed(2);
  console.log(`${name.padEnd(28)} ${String(rate).padStart(9)} records/s  ${cpu} us CPU a record`);
}

async function sealAll(archive: SealedArchive): Promise<void> {
  const waiting: Promise<void>[] = [];
  for (const batch of batches) {
    waiting.push(archive.consumeLogs(batch));
    if (waiting.length > IN_FLIGHT) await waiting.shift();
  }
  await Promise.all(waiting);
}

const keepAlive = setInterval(() => {}, 1000);
const bytes = encodeSingleRecord(batches[0]!.records[1]!).length;
console.log(`${RECORDS} records of ${bytes} bytes, ${ROUNDS} rounds each`);
for (const max_records of [1024, 2048, 4096, 8192]) {
  for (let round = 0; round < ROUNDS; round++) {
    const root = await mkdtemp(join(tmpdir(), "vouchsafe-bench-"));
    const directory = join(root, "archive");
    const config = testConfig(directory, {
      group_commit: "100ms",
      publish_interval: "1s",
      block: { max_records, max_bytes: "4MiB", max_delay: "200ms" },
    });
    const archive = new SealedArchive(config, settingsFor(root));
    await archive.start();
    await measure(`seal, blocks of ${max_records}`, () => sealAll(archive));
    await close(archive);
    if (max_records === 2048) {
      const options = { archive: directory, identities: identities(), clock: systemClock };
      await measure("verify hashes", () => verifyArchive({ ...options, identities: undefined }));
      await measure("verify with an identity", () => verifyArchive(options));
      await measure("read", async () => {
        for await (const records of readArchive(options)) records.length;
      });
    }
    await rm(root, { recursive: true });
  }
}
clearInterval(keepAlive);
