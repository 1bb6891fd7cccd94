import assert from "node:assert/strict";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import type { FileEntry } from "./offset_store.ts";
import { OffsetStore } from "./offset_store.ts";

const entry = (id: string): FileEntry => ({
  ...{ id: id.padStart(32, "0"), path: "/a.log", device: "1", inode: "2", state: "here" },
  ...{ lost_since_ms: 0, fingerprint: { hash: "00", length: 16 }, offset: 0, logs: 0, cuts: [] },
});

test("a commit holds every change made before it, and comes back after a restart", async (t) => {
  const settings = await testSettings(t);
  const { store, isNew } = await OffsetStore.open(settings);
  assert.ok(isNew);
  const first = entry("1");
  store.add(first);
  const commits = [store.commit()];
  first.offset = 10;
  store.add(entry("2"));
  commits.push(store.commit());
  await Promise.all(commits);
  const again = await OffsetStore.open(settings);
  assert.equal(again.isNew, false);
  assert.deepEqual([...again.store.entries], [{ ...first, offset: 10 }, entry("2")]);
});

test("changes are written within a second, together", async (t) => {
  const clock = new FakeClock();
  const settings = await testSettings(t, { clock });
  const { store } = await OffsetStore.open(settings);
  store.add(entry("1"));
  store.changed();
  store.changed();
  assert.equal(clock.pendingTimers, 1);
  clock.advance(1000);
  const path = join(await settings.stateDirectory(), "offsets.json");
  await waitUntil("the file", () => readFile(path).then(Boolean, () => false));
  await store.close();
});

test("says that it cannot write, waits, and goes on by itself", async (t) => {
  const clock = new FakeClock();
  const settings = await testSettings(t, { clock });
  const { store } = await OffsetStore.open(settings);
  const directory = await settings.stateDirectory();
  await rm(directory, { recursive: true });
  store.add(entry("1"));
  let written = false;
  const commit = store.commit().then(() => {
    written = true;
  });
  await waitUntil("the failure", () => !store.writable && clock.pendingTimers === 1);
  assert.equal(settings.statuses.at(-1)?.status, "degraded");
  assert.equal(written, false);
  await mkdir(directory);
  clock.advance(1000);
  await commit;
  assert.ok(store.writable);
  assert.equal(settings.statuses.at(-1)?.status, "ok");
  assert.equal([...(await OffsetStore.open(settings)).store.entries].length, 1);
});

test("closing does not wait for a disk that cannot be written", async (t) => {
  const settings = await testSettings(t, { clock: new FakeClock() });
  const { store } = await OffsetStore.open(settings);
  await rm(await settings.stateDirectory(), { recursive: true });
  const pending = store.commit();
  await waitUntil("the failure", () => !store.writable);
  await assert.rejects(store.close());
  await pending;
});
