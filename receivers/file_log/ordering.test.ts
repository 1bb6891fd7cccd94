import assert from "node:assert/strict";
import { utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { configSchema } from "./config.ts";
import { Ordering } from "./ordering.ts";
import { run, waitForBodies } from "./testing/run.ts";

const NOW_MS = Date.UTC(2026, 10, 28);

async function select(criteria: object, paths: readonly string[]): Promise<string[]> {
  const config = configSchema.parse({ include: ["/a"], ordering_criteria: criteria });
  const ordering = new Ordering(config.ordering_criteria!, () => NOW_MS);
  return [...(await ordering.select(new Set(paths)))];
}

test("files are chosen by a number, a text or a time in their names", async () => {
  const regex = "(?P<name>[a-z]+)\\.(?P<value>[^.]+)\\.log$";
  const by = (sort_type: string, more: object = {}) => ({
    regex,
    sort_by: [{ sort_type, regex_key: "value", ...more }],
  });
  const numbers = ["/a.9.log", "/a.10.log", "/a.x.log", "/other.log"];
  assert.deepEqual(await select(by("numeric"), numbers), ["/a.10.log"]);
  assert.deepEqual(await select(by("numeric", { ascending: true }), numbers), ["/a.9.log"]);
  assert.deepEqual(await select(by("alphabetical"), numbers), ["/a.x.log"]);
  const times = ["/a.28-11-2026.log", "/a.01-12-2026.log", "/a.31-01-2026.log"];
  const layout = { layout: "%d-%m-%Y" };
  assert.deepEqual(await select(by("timestamp", layout), times), ["/a.01-12-2026.log"]);
  assert.deepEqual(await select({ ...by("numeric"), top_n: 5 }, numbers), [
    ...["/a.10.log", "/a.9.log"],
  ]);
  const grouped = { ...by("numeric"), group_by: "([a-z]+)\\.[0-9]+\\.log$" };
  assert.deepEqual(await select(grouped, ["/a.1.log", "/b.7.log", "/a.3.log", "/b.2.log"]), [
    ...["/a.3.log", "/b.7.log"],
  ]);
});

test("files are chosen by when they were written to, but not too old ones", async (t) => {
  const directory = await temporaryDirectory(t);
  const paths = ["a", "b", "c"].map((name) => join(directory, name));
  for (const [index, path] of paths.entries()) {
    await writeFile(path, "");
    await utimes(path, NOW_MS / 1000 - index * 3600, NOW_MS / 1000 - index * 3600);
  }
  const chosen = async (sort: object, top_n: number): Promise<string[]> => {
    const criteria = { top_n, sort_by: [{ sort_type: "mtime", ...sort }] };
    return (await select(criteria, [...paths, join(directory, "gone")])).map((path) =>
      basename(path),
    );
  };
  assert.deepEqual(await chosen({}, 2), ["a", "b"]);
  assert.deepEqual(await chosen({ max_time: "90m" }, 3), ["a", "b"]);
  assert.deepEqual(await chosen({ ascending: true }, 1), ["c"]);
});

test("only the chosen file is read, and the next one when it takes its place", async (t) => {
  const directory = await temporaryDirectory(t);
  const write = (number: number, text: string) =>
    writeFile(join(directory, `app.${number}.log`), text);
  await write(1, "one\n");
  await write(2, "two\n");
  const running = await run(t, {
    include: [join(directory, "*.log")],
    ordering_criteria: {
      regex: "app\\.(?P<number>[0-9]+)\\.log$",
      sort_by: [{ sort_type: "numeric", regex_key: "number" }],
    },
  });
  await waitForBodies(running, ["two"]);
  await write(3, "three\n");
  await waitUntil("the next file", () => running.bodies().length === 2);
  assert.deepEqual(running.bodies(), ["two", "three"]);
});

test("criteria that cannot sort are refused", () => {
  const parse = (ordering_criteria: object): boolean =>
    configSchema.safeParse({ include: ["/a"], ordering_criteria }).success;
  const numeric = { sort_type: "numeric", regex_key: "n" };
  assert.equal(parse({ regex: "(?P<n>x)", sort_by: [numeric] }), true);
  assert.equal(parse({ sort_by: [numeric] }), false);
  assert.equal(parse({ regex: "x", sort_by: [{ sort_type: "numeric" }] }), false);
  assert.equal(parse({ regex: "x", sort_by: [{ ...numeric, sort_type: "timestamp" }] }), false);
  assert.equal(parse({ regex: "x", sort_by: [] }), false);
});
