import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import {
  close,
  divided,
  numbered,
  openTestArchive,
  range,
  readNumbers,
  TWO_ZONES,
  testConfig,
  verify,
} from "./testing.ts";

/** Runs `use` on a file system of one megabyte of its own, where that is allowed. */
async function onSmallDisk(t: TestContext, use: (disk: string) => Promise<void>): Promise<void> {
  const path = join(await temporaryDirectory(t), "disk");
  await mkdir(path);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path]);
  if (mounted.error !== undefined || mounted.status !== 0) {
    return t.skip("mounting a small tmpfs is not allowed here");
  }
  try {
    await use(path);
  } finally {
    spawnSync("umount", ["--lazy", path]);
  }
}

async function fill(path: string): Promise<void> {
  const filler = await open(path, "w");
  await filler.writeFile(Buffer.alloc(2 << 20)).catch(() => {});
  await filler.close();
}

/** A record, and a source id, that do not fit into what is left of a page. */
const big = (number: number): LogBatch => ({
  records: [new LogRecord({ body: `line ${number} ${randomBytes(30_000).toString("hex")}` })],
  source: { id: `${number}`.padEnd(9000, "x"), positions: [1] },
});

for (const where of ["archive", "state"] as const) {
  test(`waits while the disk of the ${where} is full, and goes on when there is room`, (t) =>
    onSmallDisk(t, async (disk) => {
      const elsewhere = await temporaryDirectory(t);
      const directory = join(where === "archive" ? disk : elsewhere, "archive");
      const root = where === "archive" ? elsewhere : disk;
      const settings = await testSettings(t, { type: "sealed_archive", root });
      const archive = await openTestArchive(t, testConfig(directory), settings);
      await archive.consumeLogs(big(0));
      const ballast = join(disk, "ballast");
      await fill(ballast);

      let settled = 0;
      const calls = range(1, 6).map((number) =>
        archive.consumeLogs(big(number)).then(() => settled++),
      );
      await waitUntil("the commit is said to fail, whatever else fails beside it", () =>
        settings.statuses.some(({ reason }) => /commit failed: .*ENOSPC/.test(reason ?? "")),
      );
      assert.equal(settled, 0);
      await rm(ballast);
      await Promise.all(calls);
      await waitUntil("it works", () => settings.statuses.at(-1)?.status === "ok");
      await close(archive);
      assert.deepEqual(await readNumbers(directory), range(0, 6));
      assert.deepEqual((await verify(directory)).findings, []);
      const errors = settings.logged.filter(({ level }) => level === "error");
      assert.ok(errors.length <= 2, "one line for the commit and one for the checkpoint");
    }));
}

test("writes everything again after a failed sync, and acknowledges only then", async (t) => {
  const batch = (from: number, to: number): LogBatch =>
    divided(numbered(from, to), (number) => number % 2 === 0);
  const directory = join(await temporaryDirectory(t), "archive");
  const settings = await testSettings(t, { type: "sealed_archive" });
  const archive = await openTestArchive(t, testConfig(directory, TWO_ZONES), settings);
  await archive.consumeLogs(batch(0, 10));
  const probe = await open(directory);
  const prototype = Object.getPrototypeOf(probe) as { datasync: () => Promise<void> };
  await probe.close();
  const { datasync } = prototype;
  t.after(() => {
    prototype.datasync = datasync;
  });
  for (const failures of [1, 2, 3]) {
    let left = failures;
    prototype.datasync = async function failing(this: unknown) {
      if (left-- > 0) throw Object.assign(new Error("injected"), { code: "EIO" });
      return datasync.call(this);
    };
    let isSettled = false;
    const call = archive
      .consumeLogs(batch(failures * 10, failures * 10 + 10))
      .then(() => (isSettled = true));
    await waitUntil("a sync failed", () => left < failures);
    assert.equal(isSettled, false);
    await call;
    assert.ok(left < 0);
  }
  prototype.datasync = datasync;
  await close(archive);
  const numbers = await readNumbers(directory);
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    range(0, 40),
  );
  assert.deepEqual((await verify(directory)).findings, []);
});

test("gives up at the deadline while the disk is full, and the next start loses nothing", (t) =>
  onSmallDisk(t, async (disk) => {
    const directory = join(disk, "archive");
    const settings = await testSettings(t, { type: "sealed_archive" });
    const archive = await openTestArchive(t, testConfig(directory), settings);
    await archive.consumeLogs(big(0));
    const ballast = join(disk, "ballast");
    await fill(ballast);
    const call = archive.consumeLogs(big(1));
    await waitUntil("it says so", () => settings.statuses.at(-1)?.status === "degraded");
    const deadline = new AbortController();
    const stopped = archive.shutdown(deadline.signal);
    deadline.abort();
    await assert.rejects(call, /closed/);
    await stopped;
    await rm(ballast);
    const again = await openTestArchive(t, testConfig(directory), settings);
    await again.consumeLogs(big(0));
    await again.consumeLogs(big(1));
    await close(again);
    assert.deepEqual(await readNumbers(directory), range(0, 2));
    assert.deepEqual((await verify(directory)).findings, []);
  }));
