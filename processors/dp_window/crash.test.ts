/**
 * Every pair of states that a crash can leave in the two files of a day, and time that tells nothing.
 */
import assert from "node:assert/strict";
import { cp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { RandomSource } from "../../src/component/settings.ts";
import { FrameLog } from "../../src/lib/frame_log.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { DpWindow } from "./dp_window.ts";
import type { LedgerEntry } from "./ledger_state.ts";
import { bytesOf, NO_DEADLINE, pass, START_MS, startRig, visits, WINDOW } from "./testing/rig.ts";

/** Of a pool of noise; keys and marks are shorter. */
const POOL_BYTES_LEAST = 1000;
const DATASET = join("dp_window", "datasets", "logs");

interface Past {
  readonly root: string;
  readonly nowMs: number;
  readonly ledger: Uint8Array;
  readonly contributions: { readonly name: string; readonly bytes: Uint8Array };
  /** Released rows by release id. */
  readonly payloads: ReadonlyMap<string, string>;
}

/** A processor that released three windows and stopped. */
async function pastOf(t: TestContext): Promise<Past> {
  const root = await temporaryDirectory(t);
  const { clock, sink, processor } = await startRig(t, { root });
  await processor.consumeLogs(visits(START_MS, 100));
  await pass(clock, "three releases", () => sink.batches.length >= 3);
  const nowMs = clock.nowMs();
  await processor.shutdown(NO_DEADLINE);
  const folder = join(root, DATASET);
  const name = (await readdir(folder)).find((file) => file.startsWith("contributions~"))!;
  const payloads = sink.batches.map((batch) => {
    return [String(batch.records[0]!.attributes["dp.release_id"]), bytesOf(batch)] as const;
  });
  return {
    root,
    nowMs,
    ledger: await readFile(join(folder, "ledger")),
    contributions: { name, bytes: await readFile(join(folder, name)) },
    payloads: new Map(payloads),
  };
}

/** Where each frame ends, and the empty file. */
async function cutsOf(path: string): Promise<number[]> {
  const { log, frames } = await FrameLog.open(path);
  await log.close();
  let end = 0;
  return [0, ...frames.map((frame) => (end += 8 + frame.length))];
}

test("any two prefixes of the files give old bytes or silence, never second noise", async (t) => {
  const past = await pastOf(t);
  const folder = join(past.root, DATASET);
  const ledgerCuts = (await cutsOf(join(folder, "ledger"))).slice(2);
  const { frames, log } = await FrameLog.open(join(folder, "ledger"));
  await log.close();
  const entries = frames.map((frame) => JSON.parse(String(frame)) as LedgerEntry);
  const marksCuts = await cutsOf(join(folder, past.contributions.name));
  let silent = 0;
  for (const [cutIndex, ledgerCut] of ledgerCuts.entries()) {
    const kept = entries.slice(0, cutIndex + 2).filter(({ kind }) => kind === "release");
    for (const [marks, contributionsCut] of marksCuts.entries()) {
      const root = await temporaryDirectory(t);
      await cp(past.root, root, { recursive: true });
      const place = join(root, DATASET);
      await writeFile(join(place, "ledger"), past.ledger.subarray(0, ledgerCut));
      const file = join(place, past.contributions.name);
      if (contributionsCut === 0) await rm(file);
      else await writeFile(file, past.contributions.bytes.subarray(0, contributionsCut));
      const seed = `${ledgerCut} ${contributionsCut}`;
      const { clock, sink, processor } = await startRig(t, { root, nowMs: past.nowMs, seed });
      await pass(clock, "an answer", () =>
        sink.records.some(
          ({ body, attributes }) =>
            body === "dp.status" || String(attributes["dp.window.start"]) > "2026-01-01T12:03",
        ),
      );
      await processor.shutdown(NO_DEADLINE);
      // The file's first frame is its key, and each further one a mark.
      const isLost = kept.length > marks - 1;
      assert.equal(
        sink.records.some(({ body }) => body === "dp.status"),
        isLost && kept.length > 0,
        seed,
      );
      if (isLost && kept.length > 0) silent++;
      for (const batch of sink.batches) {
        const id = String(batch.records[0]!.attributes["dp.release_id"]);
        const isKept = kept.some((entry) => entry.kind === "release" && entry.release.id === id);
        if (isKept) assert.equal(bytesOf(batch), past.payloads.get(id), seed);
      }
    }
  }
  assert.ok(silent > 5, `${silent}`);
});

test("an unsynced end of the ledger that comes back as zeros is cut off or refused", async (t) => {
  const past = await pastOf(t);
  const path = join(past.root, DATASET, "ledger");
  const cuts = await cutsOf(path);
  // The last entry notes a delivery and was not synced.
  const zeros = Uint8Array.from(past.ledger).fill(0, cuts.at(-2));
  await writeFile(path, zeros);
  const { clock, sink, processor } = await startRig(t, { root: past.root, nowMs: past.nowMs });
  await pass(clock, "the release again", () => sink.batches.length >= 1);
  const [batch] = sink.batches;
  const id = String(batch!.records[0]!.attributes["dp.release_id"]);
  assert.equal(bytesOf(batch!), past.payloads.get(id));
  await processor.shutdown(NO_DEADLINE);
});

test("an entry that the disk refuses is written later with the same noise", async (t) => {
  const root = await temporaryDirectory(t);
  let pools = 0;
  const seeded = seededRandom("refused");
  const random: RandomSource = (bytes) => {
    if (bytes.length > POOL_BYTES_LEAST) pools++;
    seeded(bytes);
  };
  const { clock, sink } = await startRig(t, { root, random });
  const handle = await open(join(root, "handle"), "w");
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const { appendFile } = prototype;
  let refused = 0;
  const fault = t.mock.method(prototype, "appendFile", async function (this: object, data: Buffer) {
    if (!data.includes('"kind":"release"')) return appendFile.call(this, data);
    refused++;
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  });
  await waitUntil("three attempts", () => {
    clock.advance(1000);
    return refused >= 3 || clock.nowMs() > START_MS + 110_000;
  });
  assert.ok(refused >= 2);
  assert.equal(pools, 1);
  fault.mock.restore();
  await waitUntil("the release", () => {
    clock.advance(100);
    return sink.batches.length === 1;
  });
  assert.equal(pools, 1);
});

test("noise is drawn at one tick and handed on at a later one, whatever it took", async (t) => {
  const clock = new FakeClock(START_MS);
  const sink = new CollectingConsumer();
  const events: { what: "draw" | "hand on"; atMs: number }[] = [];
  const seeded = seededRandom("ticks");
  const random: RandomSource = (bytes) => {
    if (bytes.length > POOL_BYTES_LEAST) events.push({ what: "draw", atMs: clock.nowMs() });
    seeded(bytes);
  };
  sink.gate = async () => {
    events.push({ what: "hand on", atMs: clock.nowMs() });
  };
  const root = await temporaryDirectory(t);
  const settings = await testSettings(t, { type: "dp_window", clock, random, root });
  const config = configSchema.parse({
    dataset: "logs",
    unit: { attribute: "user.id" },
    budget: { epsilon: "2", delta: "1e-9" },
    window: { ...WINDOW, release_tick: "4s" },
  });
  const processor = new DpWindow(config, settings, sink);
  await processor.start();
  t.after(() => processor.shutdown(AbortSignal.abort()));
  await processor.consumeLogs(visits(START_MS, 100));
  await pass(clock, "three releases", () => sink.batches.length >= 3);
  for (const kind of ["draw", "hand on"]) {
    const times = events.filter(({ what }) => what === kind).map(({ atMs }) => atMs);
    assert.ok(times.length >= 3);
  }
  let drawnAtMs = Number.NaN;
  for (const { what, atMs } of events) {
    if (what === "draw") drawnAtMs = atMs;
    else assert.ok(atMs % 4000 === 0 && atMs > drawnAtMs, `${atMs} after ${drawnAtMs}`);
  }
});
