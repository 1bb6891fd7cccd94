/**
 * Sealing and verifying alone: `node test/bench/archive.ts [RECORDS]`, and a part of
 * `npm run bench`. Records are of 148 bytes in OTLP. Rates are records a CPU second of the whole
 * process, so of one core.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { factory } from "../../exporters/sealed_archive/factory.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixMs } from "../../src/data/time.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { stageSettings } from "./stage_settings.ts";

export interface ArchiveRates {
  readonly records: number;
  readonly recordBytes: number;
  readonly sealed: number;
  readonly verified: VerifyRate;
  readonly verifiedWithKey: VerifyRate;
}

export interface VerifyRate {
  /** Records a CPU second. */
  readonly rate: number;
  readonly residentPeakMegabytes: number;
}

const MAIN = resolve(import.meta.dirname, "../../src/main.ts");
const BATCH = 512;
const UNDER_WAY_MAX = 64;
const START_MS = Date.UTC(2026, 10, 28);
const execute = promisify(execFile);

export async function measureArchive(records: number): Promise<ArchiveRates> {
  const directory = await mkdtemp(join(tmpdir(), "vouchsafe-bench-"));
  try {
    const identity = await generateX25519Identity();
    const identityFile = join(directory, "identity.txt");
    await writeFile(identityFile, `${identity}\n`, { mode: 0o600 });
    const archive = join(directory, "archive");
    const recipient = await identityToRecipient(identity);
    const { sealed, recordBytes } = await seal(directory, archive, recipient, records);
    const verified = await verify([archive], records);
    const verifiedWithKey = await verify([archive, "-i", identityFile], records);
    return { records, recordBytes, sealed, verified, verifiedWithKey };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function seal(
  directory: string,
  archive: string,
  recipient: string,
  records: number,
): Promise<{ sealed: number; recordBytes: number }> {
  const config = factory.configSchema.parse({
    directory: archive,
    origin: "example.com/bench",
    recipients: [recipient],
  });
  await mkdir(directory, { recursive: true });
  const exporter = factory.create(config, stageSettings(directory, "exporter", "sealed_archive"));
  await exporter.start();
  const sample = batchFrom(0).records;
  const recordBytes = encodeLogsData(sample).length / sample.length;
  const before = process.cpuUsage();
  const underWay: Promise<void>[] = [];
  for (let from = 0; from < records; from += BATCH) {
    underWay.push(exporter.consumeLogs(batchFrom(from)));
    if (underWay.length >= UNDER_WAY_MAX) await underWay.shift();
  }
  await Promise.all(underWay);
  const { user, system } = process.cpuUsage(before);
  await exporter.shutdown(AbortSignal.timeout(60_000));
  return { sealed: records / ((user + system) / 1e6), recordBytes };
}

function batchFrom(from: number): LogBatch {
  const records = Array.from({ length: BATCH }, (_, index) => {
    const number = from + index;
    return new LogRecord({
      hrTime: hrTimeFromUnixMs(START_MS + number),
      hrTimeObserved: hrTimeFromUnixMs(START_MS + number),
      severityNumber: 9,
      body: `request ${number} GET /products/teapot/reviews took ${number % 997} ms, answered 200`,
      attributes: { "http.route": "/products/{name}", status: 200 },
    });
  });
  return { records };
}

/** Runs the command itself, which tells at its end what it has used. */
async function verify(words: readonly string[], records: number): Promise<VerifyRate> {
  const tell =
    "process.on('exit',()=>process.stderr.write('\\n'+JSON.stringify(process.resourceUsage())))";
  const hook = ["--import", `data:text/javascript,${tell}`];
  const { stderr } = await execute(process.execPath, [...hook, MAIN, "verify", ...words]);
  const usage = JSON.parse(stderr.slice(stderr.lastIndexOf("\n"))) as NodeJS.ResourceUsage;
  const seconds = (usage.userCPUTime + usage.systemCPUTime) / 1e6;
  return { rate: records / seconds, residentPeakMegabytes: usage.maxRSS / 1024 };
}

if (import.meta.main) {
  // The timers of components do not hold the process.
  setInterval(() => {}, 2 ** 30);
  const rates = await measureArchive(Number(process.argv[2] ?? "1000000"));
  process.stdout.write(`${JSON.stringify(rates)}\n`);
  process.exit(0);
}
