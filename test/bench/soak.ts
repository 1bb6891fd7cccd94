/**
 * Memory over time: `node test/bench/soak.ts [MINUTES]` feeds the whole agent as fast as it reads,
 * with a rename rotation now and then, and prints the resident memory as it goes.
 */
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { accessLogLines } from "./input.ts";
import { processUsage } from "./process_usage.ts";
import { startWhole } from "./whole.ts";

const minutes = Number(process.argv[2] ?? 10);
const CHUNK_LINES = 20_000;
/** Written ahead of what is delivered, so that the agent never waits for lines. */
const AHEAD_LINES = 60_000;
const ROTATE_LINES = 2_000_000;
const SAMPLE_MS = 15_000;

const directory = await mkdtemp(join(tmpdir(), "vouchsafe-soak-"));
const log = join(directory, "access.log");
await writeFile(log, "");
const agent = await startWhole({ directory, log, compression: "none" });
const samples: number[] = [];
const startMs = Date.now();
let written = 0;
let sampleDueMs = startMs + SAMPLE_MS;
try {
  while (Date.now() < startMs + minutes * 60_000) {
    await waitUntil(
      "the agent keeps up",
      async () => written - (await agent.delivered()) < AHEAD_LINES,
      120_000,
    );
    if (written > 0 && written % ROTATE_LINES === 0) {
      await rm(`${log}.1`, { force: true });
      await rename(log, `${log}.1`);
    }
    await appendFile(log, [...accessLogLines(CHUNK_LINES)].join(""));
    written += CHUNK_LINES;
    if (Date.now() < sampleDueMs) continue;
    sampleDueMs += SAMPLE_MS;
    const { residentBytes, residentPeakBytes, cpuSeconds } = processUsage(agent.pid);
    samples.push(residentBytes / 1e6);
    const seconds = (Date.now() - startMs) / 1000;
    const rate = Math.round(written / seconds);
    process.stdout.write(
      `${seconds.toFixed(0).padStart(5)} s  ${samples.at(-1)!.toFixed(0)} MB resident  ` +
        `${(residentPeakBytes / 1e6).toFixed(0)} MB peak  ${rate} lines/s  ` +
        `${Math.round(written / cpuSeconds)} lines/CPU s\n`,
    );
  }
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (part: number[]): string =>
    (part.reduce((sum, sample) => sum + sample, 0) / part.length).toFixed(0);
  process.stdout.write(
    `mean of the first third ${mean(samples.slice(0, third))} MB, ` +
      `of the last third ${mean(samples.slice(-third))} MB\n`,
  );
} finally {
  await agent.end();
  await rm(directory, { recursive: true, force: true });
}
