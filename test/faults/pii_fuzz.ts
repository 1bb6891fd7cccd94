/**
 * Hostile texts for the detector, made from a seed: the samples of every entity with characters
 * changed, cut, repeated and joined, one in 500 of them 64 KiB long. `npm run fuzz:pii` treats a
 * million.
 *
 * Of each text: it is treated without an error, places lie in it, and it takes no longer than a
 * bound for its length. A second treatment may find more, because a mark can be shorter than what
 * stood there and bring a word within reach of a number; how often is counted.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configSchema } from "../../processors/pii_detect/config.ts";
import { Detector } from "../../processors/pii_detect/detector.ts";
import { RecordTreatment } from "../../processors/pii_detect/record_treatment.ts";
import type { Treatment } from "../../processors/pii_detect/treatments.ts";
import { compileTreatment } from "../../processors/pii_detect/treatments.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";

export interface FuzzResult {
  readonly texts: number;
  readonly characters: number;
  readonly findings: number;
  /** Texts in which a second treatment found more. */
  readonly foundAgain: number;
  /** Of the slowest text, shorter ones counted as 64 KiB. */
  readonly slowestMsPer64Kib: number;
}

const LONG = 65_536;
const LONG_EVERY = 500;
/** What was slow is timed again: a pause of the machine is not the text's. */
const TIMINGS = 5;
const ALPHABET = [
  ..."0123456789 \t\n.:-_/@=%+\"'\\<>[]{}()&;,|*#?!~^$`",
  ..."äßéñøЖ中あ\u0000\u0301\u200b\ufffd\ud83d\ude00",
];

const samples = readSamples(join(import.meta.dirname, "../../processors/pii_detect/testdata"));

function readSamples(testdata: string): string[] {
  return readdirSync(testdata).flatMap((entity) =>
    ["found.txt", "not_found.txt"].flatMap((file) => {
      const text = readFileSync(join(testdata, entity, file), "utf8");
      const lines = text.split("\n").filter((line) => line !== "");
      return lines.map((line) => line.replaceAll(/[«»¦]/g, "").replaceAll("␤", "\n"));
    }),
  );
}

/** Endless; the same seed gives the same texts. */
export function* hostileTexts(seed: string): Generator<string> {
  const below = numbers(seed);
  const pick = <Item>(list: readonly Item[]): Item => list[below(list.length)]!;
  for (let index = 1; ; index++) {
    let text = pick(samples);
    for (let change = below(5); change > 0; change--) {
      const from = below(text.length + 1);
      const to = Math.min(text.length, from + below(12));
      const [before, middle, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
      const inserts = [
        () => before + after,
        () => before + middle + middle + after,
        () => before + pick(ALPHABET) + after,
        () => before + pick(samples) + after,
        () => before + encodeURIComponent(middle.toWellFormed()) + after,
        () => before + Buffer.from(text).toString("base64") + after,
      ];
      text = pick(inserts)();
    }
    if (index % LONG_EVERY === 0) text = text.repeat(Math.ceil(LONG / (text.length || 1)));
    yield text.slice(0, LONG);
  }
}

/** Throws at the first text of which something is not as it must be; names it by its number. */
export function fuzzDetector(seed: string, texts: number, boundMs: number): FuzzResult {
  let findings = 0;
  let foundAgain = 0;
  const plain = treatmentFor([], () => {
    findings += 1;
  });
  const decoding = treatmentFor(["percent", "base64"], () => {});
  const tokenizing = treatmentFor([], () => {}, true);
  let characters = 0;
  let slowestMsPer64Kib = 0;
  let index = 0;
  for (const text of hostileTexts(seed)) {
    if (index++ === texts) break;
    characters += text.length;
    try {
      const { result, cpuMs } = timed(() => plain.treat(new LogRecord({ body: text })), boundMs);
      slowestMsPer64Kib = Math.max(slowestMsPer64Kib, cpuMs);
      const again = plain.treat(new LogRecord({ body: result.body }));
      if (again.body !== result.body) foundAgain += 1;
      decoding.treat(new LogRecord({ body: text }));
      checkPlaces(tokenizing.treat(new LogRecord({ body: text })));
    } catch (cause) {
      throw new Error(`text ${index - 1} of seed ${seed}`, { cause });
    }
  }
  return { texts, characters, findings, foundAgain, slowestMsPer64Kib };
}

function treatmentFor(
  decode: readonly string[],
  count: () => void,
  canTokenize = false,
): RecordTreatment {
  const config = configSchema.parse({ decode });
  const detector = new Detector(config);
  const natures = new Map(detector.entities.map(({ name, nature }) => [name, nature]));
  const options = { canTokenize, hashKey: undefined, random: systemRandom };
  const treatments: Treatment[] = detector.scanner.names.map((name) =>
    compileTreatment(name, natures.get(name) ?? "identifying", undefined, options),
  );
  return new RecordTreatment(config, detector, treatments, count);
}

function timed<Result>(work: () => Result, boundMs: number): { result: Result; cpuMs: number } {
  let cpuMs = Number.POSITIVE_INFINITY;
  for (let timing = 0; timing < TIMINGS; timing++) {
    const before = process.threadCpuUsage();
    const result = work();
    const { user, system } = process.threadCpuUsage(before);
    cpuMs = Math.min(cpuMs, (user + system) / 1000);
    if (cpuMs <= boundMs) return { result, cpuMs };
  }
  throw new Error(`it takes ${Math.round(cpuMs)} ms of CPU time`);
}

function checkPlaces({ body, findings = [] }: LogRecord): void {
  let readTo = 0;
  for (const { start, end } of findings) {
    const isInside = start >= readTo && end > start && end <= String(body).length;
    if (!isInside) throw new Error("a place lies outside the text, or over another");
    readTo = end;
  }
}

function numbers(seed: string): (limit: number) => number {
  const random = seededRandom(seed);
  const pool = Buffer.alloc(4096);
  let at = pool.length;
  return (limit) => {
    if (at + 4 > pool.length) {
      random(pool);
      at = 0;
    }
    at += 4;
    return pool.readUInt32LE(at - 4) % limit;
  };
}

if (import.meta.main) {
  const [texts = "1000000", seed = "pii"] = process.argv.slice(2);
  const result = fuzzDetector(seed, Number(texts), 50);
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({ ...result, megabytes })}\n`);
}
