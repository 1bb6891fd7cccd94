/** `kill -9` at any moment loses no line, and the archive holds each line once. */
import assert from "node:assert/strict";
import { appendFile, open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { startVouchsafe } from "../support/agent.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";

const LINES = Number(process.env.KILL_TEST_LINES ?? 600_000);
const KILLS = 10;
const LINES_PER_WRITE = 4000;
const SEED = Number(process.env.KILL_TEST_SEED ?? 20_261_121);

test(`${KILLS} kills during ${LINES} lines`, async (t) => {
  const site = await makeSite(t, (directory) => ({
    receivers: { file_log: { include: [join(directory, "app.log")], start_at: "beginning" } },
  }));
  const log = join(site.directory, "app.log");
  await (await open(log, "w")).close();
  const random = seededRandom(SEED);
  t.diagnostic(`seed ${SEED}`);

  const writing = writeNumberedLines(log);
  for (let kill = 0; kill < KILLS; kill++) {
    const agent = startVouchsafe(t, ["run", "-c", site.configPath]);
    // From the first instructions of the process to well into its work.
    const endMs = Date.now() + 150 + random() * 3500;
    await waitUntil("the moment to kill has come", () => Date.now() >= endMs);
    const { signal, stderr } = await agent.stop("SIGKILL");
    assert.equal(signal, "SIGKILL", `the agent ended by itself:\n${stderr}`);
  }
  await writing;

  const agent = startVouchsafe(t, ["run", "-c", site.configPath]);
  const sealedAll = async (): Promise<boolean> => (await countSealed(t, site)) >= LINES;
  await waitUntil("every line is sealed", sealedAll, 300_000);
  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);

  await verifyArchive(t, site);
  const numbers = (await readArchive(t, site)).map(({ body }) => Number(String(body).slice(5, 12)));
  assert.equal(numbers.length, LINES);
  const wrong = numbers.findIndex((number, index) => number !== index);
  assert.equal(wrong, -1, `line ${wrong} of the archive is number ${numbers[wrong]}`);
});

async function writeNumberedLines(path: string): Promise<void> {
  for (let next = 0; next < LINES; ) {
    let text = "";
    for (let index = 0; index < LINES_PER_WRITE && next < LINES; index++) {
      text += `line ${String(next++).padStart(7, "0")} GET /products/teapot 200 from 203.0.113.7\n`;
    }
    // A write may end anywhere in a line, as a logger's buffer does.
    const cut = Math.floor(text.length / 3);
    await appendFile(path, text.slice(0, cut));
    await appendFile(path, text.slice(cut));
    const pauseEndMs = Date.now() + 120;
    await waitUntil("the next write is due", () => Date.now() >= pauseEndMs);
  }
}

/** mulberry32: a small generator whose sequence a seed repeats. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
