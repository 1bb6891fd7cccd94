/** Damage of any byte of the queue's files costs the damaged batch alone, and is told. */
import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemRandom } from "../../lib/system_clock.ts";
import { temporaryDirectory } from "../../testing/test_settings.ts";
import { QueueStore } from "./queue_store.ts";

const BATCHES = 5;
const random = systemRandom;
const plainOf = (index: number): Buffer => Buffer.from(`batch ${index} `.repeat(3));

/** A folder with a queue of five batches of which the first one is done. */
async function makeQueue(t: TestContext): Promise<string> {
  const directory = await temporaryDirectory(t);
  const { store } = await QueueStore.open({ directory, keyFile: undefined, random });
  const parts = Array.from({ length: BATCHES }, (_, index) => ({
    plain: plainOf(index),
    records: 1,
    enqueuedMs: 1000,
  }));
  const frames = [
    ...(await store.append(parts.slice(0, 3))),
    ...(await store.append(parts.slice(3))),
  ];
  store.finish(frames[0]!);
  await store.close();
  return directory;
}

interface Outcome {
  readonly whole: number[];
  readonly lost: number;
  readonly toldBytes: number;
}

/** What the next run gets out of the folder. */
async function recover(directory: string): Promise<Outcome> {
  const { store, recovered } = await QueueStore.open({ directory, keyFile: undefined, random });
  const whole: number[] = [];
  let lost = recovered.lostFrames;
  for (const frame of recovered.frames) {
    const plain = await store.read(frame);
    if (plain === undefined) lost += 1;
    else {
      assert.deepEqual(plain, plainOf(frame.index));
      whole.push(frame.index);
    }
  }
  await store.close();
  return { whole, lost, toldBytes: recovered.strayBytes };
}

async function withCopy<T>(directory: string, work: (copy: string) => Promise<T>): Promise<T> {
  const copy = await mkdtemp(`${directory}-copy-`);
  try {
    await cp(directory, copy, { recursive: true });
    return await work(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function segmentOf(directory: string): Promise<string> {
  const names = await readdir(directory);
  return join(directory, names.find((name) => name.endsWith(".queue"))!);
}

test("a whole queue gives what is not done", async (t) => {
  assert.deepEqual(await recover(await makeQueue(t)), {
    whole: [1, 2, 3, 4],
    lost: 0,
    toldBytes: 0,
  });
});

test("a changed byte anywhere costs at most its batch, and the loss is counted", async (t) => {
  const directory = await makeQueue(t);
  const content = await readFile(await segmentOf(directory));
  for (let at = 0; at < content.length; at++) {
    await withCopy(directory, async (copy) => {
      const changed = Buffer.from(content);
      changed[at] = changed[at]! ^ 0x01;
      await writeFile(await segmentOf(copy), changed);
      const { whole, lost } = await recover(copy);
      const hit = Math.floor((at * BATCHES) / content.length);
      const expected = [1, 2, 3, 4].filter((index) => index !== hit);
      assert.deepEqual({ whole, lost }, { whole: expected, lost: hit === 0 ? 0 : 1 }, `byte ${at}`);
    });
  }
});

test("a file cut anywhere costs what was cut off, and the loss is counted", async (t) => {
  const directory = await makeQueue(t);
  const { length } = await readFile(await segmentOf(directory));
  for (let size = 0; size < length; size += 7) {
    await withCopy(directory, async (copy) => {
      await truncate(await segmentOf(copy), size);
      const { whole, lost } = await recover(copy);
      const left = Math.floor((size * BATCHES) / length);
      assert.deepEqual(
        { whole, lost },
        {
          whole: [1, 2, 3, 4].filter((index) => index < left),
          lost: BATCHES - Math.max(1, left),
        },
        `${size} bytes left`,
      );
    });
  }
});

test("a changed or missing cursor costs duplicates, never a batch", async (t) => {
  const directory = await makeQueue(t);
  const cursor = await readFile(join(directory, "cursor.json"));
  for (let at = 0; at < cursor.length; at++) {
    await withCopy(directory, async (copy) => {
      const changed = Buffer.from(cursor);
      changed[at] = changed[at]! ^ 0x01;
      await writeFile(join(copy, "cursor.json"), changed);
      const { whole, lost } = await recover(copy);
      assert.deepEqual([whole.slice(-4), lost], [[1, 2, 3, 4], 0], `byte ${at}`);
    });
  }
  await rm(join(directory, "cursor.json"));
  assert.deepEqual((await recover(directory)).whole, [0, 1, 2, 3, 4]);
});

test("a write that a crash cut is no batch, and its index is used again", async (t) => {
  const directory = await makeQueue(t);
  const path = await segmentOf(directory);
  const content = await readFile(path);
  await writeFile(path, Buffer.concat([content, content.subarray(0, 30)]));
  assert.deepEqual(await recover(directory), { whole: [1, 2, 3, 4], lost: 0, toldBytes: 30 });
  const { store } = await QueueStore.open({ directory, keyFile: undefined, random });
  const [frame] = await store.append([{ plain: plainOf(5), records: 1, enqueuedMs: 0 }]);
  assert.equal(frame!.index, 5);
  await store.close();
  assert.deepEqual((await recover(directory)).whole, [1, 2, 3, 4, 5]);
});

test("a file of the queue that was removed is counted as lost", async (t) => {
  const directory = await makeQueue(t);
  await rm(await segmentOf(directory));
  assert.deepEqual(await recover(directory), { whole: [], lost: 4, toldBytes: 0 });
});

test("with another key nothing is given out, and all is counted", async (t) => {
  const directory = await makeQueue(t);
  const key = new Uint8Array(32);
  random(key);
  await writeFile(join(directory, "queue.key"), key);
  assert.deepEqual(await recover(directory), { whole: [], lost: 5, toldBytes: 0 });
});
