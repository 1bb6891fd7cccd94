/**
 * How fast texts are looked through: `node test/bench/detection.ts [LINES] [RUNS]`, and a part of
 * `npm run bench`. Megabytes are of text, seconds of CPU time of the one thread that does it; every
 * figure is the median of runs that took turns in one process.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configSchema } from "../../processors/pii_detect/config.ts";
import { Detector } from "../../processors/pii_detect/detector.ts";
import { factory as detectFactory } from "../../processors/pii_detect/factory.ts";
import { factory as tokenizeFactory } from "../../processors/tokenize/factory.ts";
import { generateTokenKey } from "../../processors/tokenize/token_keys.ts";
import type { Processor } from "../../src/component/component.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { systemClock, systemRandom } from "../../src/lib/system_clock.ts";
import { accessLogLines, applicationLogLines } from "./input.ts";
import { stageSettings } from "./stage_settings.ts";

export interface Detection {
  readonly work: string;
  /** Megabytes a CPU second, by kind of line. */
  readonly megabytes: Readonly<Record<string, number>>;
}

const BATCH = 512;

type Work = (texts: readonly string[]) => Promise<void>;

export async function measureDetection(lines: number, runs: number): Promise<Detection[]> {
  const directory = await mkdtemp(join(tmpdir(), "vouchsafe-bench-"));
  try {
    return await measure(await allWork(directory), lines, runs);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(
  works: Readonly<Record<string, Work>>,
  lines: number,
  runs: number,
): Promise<Detection[]> {
  const inputs = {
    "application log": [...applicationLogLines(lines)],
    "access log": [...accessLogLines(lines)],
  };
  const measured = new Map<string, number[]>();
  for (let run = 0; run <= runs; run++) {
    for (const [work, look] of Object.entries(works)) {
      for (const [kind, texts] of Object.entries(inputs)) {
        const before = process.threadCpuUsage();
        await look(texts);
        const { user, system } = process.threadCpuUsage(before);
        const bytes = texts.reduce((sum, text) => sum + text.length, 0);
        // The first run warms up.
        const key = `${work}\n${kind}`;
        if (run > 0) measured.set(key, [...(measured.get(key) ?? []), bytes / (user + system)]);
      }
    }
  }
  return Object.keys(works).map((work) => ({
    work,
    megabytes: Object.fromEntries(
      Object.keys(inputs).map((kind) => [kind, median(measured.get(`${work}\n${kind}`)!)]),
    ),
  }));
}

async function allWork(directory: string): Promise<Record<string, Work>> {
  return {
    "look, `names: off`": looking({ names: "off" }),
    "look, `names: balanced`": looking({}),
    "`pii_detect` and `tokenize`": treating(await pipeline(directory, "off", { names: "off" })),
    "`pii_detect` and `tokenize`, `names: balanced`": treating(
      await pipeline(directory, "balanced", {}),
    ),
  };
}

function looking(config: object): Work {
  const detector = new Detector(configSchema.parse(config));
  const nameless = { context: "", meaning: undefined };
  return async (texts) => {
    for (const text of texts) detector.look(text, nameless);
  };
}

function treating(detect: Processor): Work {
  return async (texts) => {
    for (let from = 0; from < texts.length; from += BATCH) {
      const records = texts.slice(from, from + BATCH).map((body) => new LogRecord({ body }));
      const batch: LogBatch = { records };
      await detect.consumeLogs(batch);
    }
  };
}

async function pipeline(directory: string, name: string, config: object): Promise<Processor> {
  const keys = join(directory, name);
  await mkdir(keys, { mode: 0o700 });
  await generateTokenKey(keys, { random: systemRandom, nowMs: systemClock.nowMs() });
  const nowhere = { consumeLogs: async () => {} };
  const tokenize = tokenizeFactory.create(
    tokenizeFactory.configSchema.parse({ domain: "bench", keys: { directory: keys } }),
    stageSettings(directory, "processor", "tokenize"),
    nowhere,
  );
  await tokenize.start();
  const detect = detectFactory.create(
    detectFactory.configSchema.parse(config),
    stageSettings(directory, "processor", "pii_detect", ["tokenize"]),
    tokenize,
  );
  await detect.start();
  return detect;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

if (import.meta.main) {
  const [lines = "100000", runs = "5"] = process.argv.slice(2);
  for (const { work, megabytes } of await measureDetection(Number(lines), Number(runs))) {
    const figures = Object.entries(megabytes).map(
      ([kind, figure]) => `${kind} ${figure.toFixed(1)} MB/s`,
    );
    process.stdout.write(`${work}: ${figures.join(", ")}\n`);
  }
}
