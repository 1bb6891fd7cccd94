/** Keys of the Collector that are not about following files. */
import assert from "node:assert/strict";
import { appendFile, chmod, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { run, waitForBodies } from "./testing/run.ts";

test("lines that an operator joins are one record, also over a restart", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, "Error: one\n  at a\n");
  const first = { combine_field: "body", is_first_entry: "body matches '^[^ ]'" };
  const options = {
    ...{ include: [path], preserve_leading_whitespaces: true },
    operators: [{ type: "recombine", ...first }],
  };
  const before = await run(t, options);
  await appendFile(path, "Error: two\n");
  await waitForBodies(before, ["Error: one\n  at a"]);
  await before.stop();
  await appendFile(path, "  at b\nError: three\n");
  const after = await run(t, options, before.settings.root);
  await waitForBodies(after, ["Error: two\n  at b"]);
  const [position] = after.consumer.batches[0]!.source!.positions;
  assert.ok(position! > before.consumer.batches[0]!.source!.positions[0]!);
});

test("joined lines are handed on when nothing comes for force_flush_period", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, "a\nb\n");
  const clock = new FakeClock();
  const recombine = { type: "recombine", combine_field: "body", is_last_entry: "false" };
  const operators = [{ ...recombine, force_flush_period: "2s" }];
  const options = { include: [path], operators, force_flush_period: "500ms" };
  const running = await run(t, options, undefined, undefined, clock);
  await waitUntil("the record", () => {
    clock.advance(100);
    return running.bodies().length > 0;
  });
  assert.deepEqual(running.bodies(), ["a\nb"]);
});

test("attributes tell whose a file is", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, "line\n");
  await chmod(path, 0o640);
  const running = await run(t, {
    include: [path],
    ...{ include_file_owner_name: true, include_file_owner_group_name: true },
    ...{ include_file_permissions: true, include_file_name: false },
  });
  await waitForBodies(running, ["line"]);
  const { username, gid } = userInfo();
  const groups = await readFile("/etc/group", "utf8");
  const group = groups.split("\n").find((line) => line.split(":")[2] === String(gid));
  assert.deepEqual(running.consumer.records[0]!.attributes, {
    "log.file.owner.name": username,
    "log.file.owner.group.name": group?.split(":")[0] ?? String(gid),
    "log.file.permissions": "640",
  });
});

test("files that were not written to for long are not begun until they are", async (t) => {
  const directory = await temporaryDirectory(t);
  const old = join(directory, "old.log");
  await writeFile(old, "old\n");
  await utimes(old, 1_000_000_000, 1_000_000_000);
  await writeFile(join(directory, "new.log"), "new\n");
  const running = await run(t, { include: [join(directory, "*.log")], exclude_older_than: "1h" });
  await waitForBodies(running, ["new"]);
  await appendFile(old, "written again\n");
  await waitForBodies(running, ["new", "old", "written again"]);
});

test("files in encodings of one byte a character are read, with true offsets", async (t) => {
  const path = join(await temporaryDirectory(t), "a.log");
  await writeFile(path, Buffer.from([0xcf, 0xf0, 0xe8, 0x0a, 0xe2, 0xe5, 0xf2, 0x0a]));
  const running = await run(t, { include: [path], encoding: "windows-1251" });
  await waitForBodies(running, ["При", "вет"]);
  assert.deepEqual(
    running.consumer.batches.flatMap(({ source }) => source!.positions),
    [4, 8],
  );
});

test("keys that can only have one effect are accepted with it, and else refused in words", () => {
  const parse = (more: object) => configSchema.safeParse({ include: ["/a"], ...more });
  const retry = { enabled: true, max_elapsed_time: "0" };
  const accepted = {
    ...{ initial_buffer_size: "16KiB", max_batches: 0, polls_to_archive: 0 },
    ...{ acquire_fs_lock: false, file_cache_advise: false, retry_on_failure: retry },
  };
  assert.equal(parse(accepted).success, true);
  for (const refused of [
    ...[{ max_batches: 1 }, { polls_to_archive: 5 }, { acquire_fs_lock: true }],
    ...[{ retry_on_failure: { enabled: false } }, { retry_on_failure: { max_elapsed_time: "5m" } }],
  ]) {
    const [issue] = parse(refused).error!.issues;
    assert.match(issue!.message, /here|cannot|kept/, JSON.stringify(refused));
  }
});

test("a file is deleted when all of it is acknowledged, and not before", async (t) => {
  const directory = await temporaryDirectory(t);
  const [plain, gzip, open] = ["a.log", "b.log.gz", "c.log"].map((name) => join(directory, name));
  await writeFile(plain!, "one\ntwo\n");
  await writeFile(gzip!, gzipSync("three\n"));
  await writeFile(open!, "four\nunfinished");
  const gate = Promise.withResolvers<void>();
  const consumer = new CollectingConsumer();
  consumer.gate = () => gate.promise;
  const clock = new FakeClock();
  const options = { include: [join(directory, "*")], compression: "auto", delete_after_read: true };
  const running = await run(t, options, undefined, consumer, clock);
  const isThere = async (): Promise<string[]> => (await readdir(directory)).sort();
  const later = (condition: () => Promise<boolean>) => async (): Promise<boolean> => {
    clock.advance(500);
    return condition();
  };
  await waitUntil("all lines", async () => {
    clock.advance(100);
    return running.bodies().length === 4;
  });
  let rounds = 0;
  await waitUntil(
    "some more polls",
    later(async () => ++rounds > 20),
  );
  assert.deepEqual(await isThere(), ["a.log", "b.log.gz", "c.log"]);
  gate.resolve();
  await waitUntil(
    "the deletion",
    later(async () => (await isThere()).length === 1),
  );
  assert.deepEqual(await isThere(), ["c.log"]);
  assert.equal(configSchema.safeParse({ include: ["/a"], delete_after_read: true }).success, false);
});
