import assert from "node:assert/strict";
import { mkdir, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { AgentError } from "../../src/component/errors.ts";
import { FrameLog } from "../../src/lib/frame_log.ts";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { openDataset } from "./dataset.ts";
import { Ledger, planOf, releaseIdOf } from "./ledger.ts";
import type { Release, StoredRelease } from "./ledger_state.ts";
import type { Spec } from "./spec.ts";
import { hashOfSpec, specOf } from "./spec.ts";

const DAY_WINDOWS = 24;
const FIRST_WINDOW = 24 * 20_000;

function specFor(epsilon: string, share = "1", metric = "users"): Spec {
  return specOf(
    configSchema.parse({
      dataset: "logs",
      unit: { attribute: "user.id" },
      budget: { epsilon, share },
      metrics: [{ name: metric, kind: "distinct_units" }],
    }),
  );
}

const SPEC = specFor("2");

function releaseOf(
  ledger: Ledger,
  spec: Spec,
  window: number,
  processor = "dp_window in logs",
): Release {
  const hash = hashOfSpec(spec);
  const plan = planOf(ledger.state.instance, processor, hash);
  const place = { plan, spec: hash, window, revision: 0 } as const;
  const id = releaseIdOf(place, spec.dataset);
  return { id, processor, ...place, status: "ok", values: [`${window % 100}`] };
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof AgentError && error.code === code;
}

async function commit(ledger: Ledger, spec: Spec, window: number, processor?: string) {
  return ledger.commit(releaseOf(ledger, spec, window, processor), spec, `head ${window}`);
}

async function emptyFolder(t: TestContext, name: string): Promise<string> {
  const path = join(await temporaryDirectory(t), name);
  await mkdir(path);
  return path;
}

test("a release is pending until it was delivered, also after a restart", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  const first = (await commit(ledger, SPEC, FIRST_WINDOW)) as StoredRelease;
  const second = (await commit(ledger, SPEC, FIRST_WINDOW + 1)) as StoredRelease;
  await ledger.delivered(first.id);
  await ledger.close();
  const again = await Ledger.open(directory, "logs");
  assert.deepEqual([...again.state.pending.values()], [second]);
  assert.deepEqual(again.state.specs.get(second.spec), SPEC);
  assert.equal(
    again.state.progress.get(`${second.plan} 20000`)?.contributions,
    second && `head ${FIRST_WINDOW + 1}`,
  );
  await again.close();
});

test("one day is paid for once, and by nobody else", async (t) => {
  const ledger = await Ledger.open(await temporaryDirectory(t), "logs");
  for (let hour = 0; hour < 3; hour++) {
    assert.notEqual(await commit(ledger, SPEC, FIRST_WINDOW + hour), "exhausted");
  }
  assert.equal(ledger.state.debits.length, 1);
  assert.equal(await commit(ledger, SPEC, FIRST_WINDOW, "dp_window/b in logs"), "exhausted");
  assert.equal(await commit(ledger, specFor("2", "1", "other"), FIRST_WINDOW), "exhausted");
  assert.notEqual(await commit(ledger, SPEC, FIRST_WINDOW + DAY_WINDOWS), "exhausted");
  await ledger.close();
});

test("processors with shares pay for one day together, exactly up to the budget", async (t) => {
  const ledger = await Ledger.open(await temporaryDirectory(t), "logs");
  const tenth = specFor("2", "0.1");
  for (let processor = 0; processor < 10; processor++) {
    assert.notEqual(await commit(ledger, tenth, FIRST_WINDOW, `${processor}`), "exhausted");
  }
  assert.equal(await commit(ledger, specFor("2", "0.001"), FIRST_WINDOW, "more"), "exhausted");
  await ledger.close();
});

test("a changed budget takes effect the next day", async (t) => {
  const ledger = await Ledger.open(await temporaryDirectory(t), "logs");
  assert.notEqual(await commit(ledger, specFor("2", "0.1"), FIRST_WINDOW), "exhausted");
  const larger = specFor("40", "0.1");
  assert.equal(await commit(ledger, larger, FIRST_WINDOW + 1), "exhausted");
  assert.notEqual(await commit(ledger, larger, FIRST_WINDOW + DAY_WINDOWS), "exhausted");
  await ledger.close();
});

test("a horizon silences the days beyond it, until old days have left it", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  const horizon = { period: "4d", epsilon: "4" };
  const spec = specOf(
    configSchema.parse({
      dataset: "logs",
      unit: { attribute: "user.id" },
      budget: { epsilon: "2", horizon },
      metrics: [{ name: "users", kind: "distinct_units" }],
    }),
  );
  const results: string[] = [];
  for (let day = 0; day < 8; day++) {
    const result = await commit(ledger, spec, FIRST_WINDOW + day * DAY_WINDOWS);
    results.push(result === "exhausted" ? "silent" : "paid");
  }
  const four = ["paid", "paid", "silent", "silent"];
  assert.deepEqual(results, [...four, ...four]);
  await ledger.close();
  const again = await Ledger.open(directory, "logs");
  assert.equal(again.state.debits.length, 4);
  await again.close();

  // A day before days that are paid for: the span that begins there counts too.
  const other = await Ledger.open(await emptyFolder(t, "other"), "logs");
  for (const day of [4, 5]) await commit(other, spec, FIRST_WINDOW + day * DAY_WINDOWS);
  const dayOf = (day: number) =>
    other.commit(releaseOf(other, spec, FIRST_WINDOW + day * DAY_WINDOWS, `on ${day}`), spec, "m");
  assert.equal(await dayOf(3), "exhausted");
  assert.notEqual(await dayOf(1), "exhausted");
  await other.close();
});

test("a window of a plan is committed once", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  await commit(ledger, SPEC, FIRST_WINDOW + 5);
  for (const window of [FIRST_WINDOW + 5, FIRST_WINDOW + 4]) {
    await assert.rejects(commit(ledger, SPEC, window), /twice or out of order/);
  }
  // The refusal left nothing in the file.
  await ledger.close();
  const again = await Ledger.open(directory, "logs");
  assert.equal(again.state.pending.size, 1);
  await again.close();
});

test("cut at any byte, the ledger holds a prefix of what was committed, unchanged", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  const file = join(directory, "ledger");
  const ends: { size: number; release: StoredRelease }[] = [];
  const genesisSize = (await stat(file)).size;
  for (let hour = 0; hour < 3; hour++) {
    const release = (await commit(ledger, SPEC, FIRST_WINDOW + hour)) as StoredRelease;
    // It was on disk before it could be handed on.
    ends.push({ size: (await stat(file)).size, release });
  }
  await ledger.close();
  const bytes = await readFile(file);
  for (let length = genesisSize; length <= bytes.length; length++) {
    await writeFile(file, bytes.subarray(0, length));
    const cut = await Ledger.open(directory, "logs");
    const kept = ends.filter(({ size }) => size <= length).map(({ release }) => release);
    assert.deepEqual([...cut.state.pending.values()], kept);
    assert.equal(cut.state.debits.length, Math.min(1, kept.length));
    assert.equal(cut.state.instance, ledger.state.instance);
    await cut.close();
  }
});

test("refuses entries that were changed, left out, repeated or put elsewhere", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  for (let hour = 0; hour < 3; hour++) await commit(ledger, SPEC, FIRST_WINDOW + hour);
  await ledger.close();
  const { log, frames } = await FrameLog.open(join(directory, "ledger"));
  await log.close();
  assert.match(String(frames[3]), /"values":\["1"\]/);
  const raised = Buffer.from(String(frames[3]).replace('"window":480001', '"window":480009'));
  const forgeries: Record<string, readonly Uint8Array[]> = {
    changed: frames.with(3, raised),
    "given another value": frames.with(3, Buffer.from(String(frames[3]).replace('["1"]', '["7"]'))),
    "left out": [...frames.slice(0, 3), ...frames.slice(4)],
    repeated: [...frames.slice(0, 4), ...frames.slice(3)],
    "put elsewhere": [...frames.slice(0, 3), frames[4]!, frames[3]!],
    "without its beginning": frames.slice(1),
    "no JSON": frames.with(4, Buffer.from("{")),
  };
  for (const [what, forged] of Object.entries(forgeries)) {
    const folder = await emptyFolder(t, "forged");
    const written = await FrameLog.open(join(folder, "ledger"));
    await written.log.append(forged);
    await written.log.close();
    await assert.rejects(Ledger.open(folder, "logs"), hasCode("dp_window.ledger_damaged"), what);
  }
  await assert.rejects(Ledger.open(directory, "others"), hasCode("dp_window.ledger_damaged"));
  const bytes = await readFile(join(directory, "ledger"));
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(join(directory, "ledger"), bytes);
  await assert.rejects(Ledger.open(directory, "logs"), hasCode("dp_window.ledger_damaged"));
});

test("refuses to begin anew where contributions show that there was a ledger", async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, "contributions~2026-01-01~0123456789abcdef"), "");
  await assert.rejects(Ledger.open(directory, "logs"), hasCode("dp_window.ledger_lost"));
});

test("after a failed sync nothing is written or given out until it is reopened", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  const handle = await open(join(directory, "ledger"));
  const fault = t.mock.method(Object.getPrototypeOf(handle), "datasync", async () => {
    throw new Error("EIO");
  });
  await handle.close();
  await assert.rejects(commit(ledger, SPEC, FIRST_WINDOW), hasCode("dp_window.ledger_unwritable"));
  fault.mock.restore();
  await assert.rejects(
    commit(ledger, SPEC, FIRST_WINDOW + 1),
    hasCode("dp_window.ledger_unwritable"),
  );
  assert.equal(ledger.state.pending.size, 0);
  await ledger.close();
  // The write had reached the file after all: this release and no other is the one of its window.
  const again = await Ledger.open(directory, "logs");
  assert.deepEqual(
    [...again.state.pending.values()].map(({ window }) => window),
    [FIRST_WINDOW],
  );
  await again.close();
});

test("a long ledger is written anew with what is still needed", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  const releases: StoredRelease[] = [];
  const long = { values: Array.from({ length: 60_000 }, (_, index) => `${index}`) };
  for (let hour = 0; hour < 3; hour++) {
    const release = { ...releaseOf(ledger, SPEC, FIRST_WINDOW + hour), ...long };
    releases.push((await ledger.commit(release, SPEC, `head ${hour}`)) as StoredRelease);
  }
  await ledger.delivered(releases[0]!.id);
  await ledger.delivered(releases[1]!.id);
  const before = (await stat(join(directory, "ledger"))).size;
  const next = (await commit(ledger, SPEC, FIRST_WINDOW + DAY_WINDOWS)) as StoredRelease;
  const after = (await stat(join(directory, "ledger"))).size;
  assert.ok(after < before / 2, `${after} of ${before} bytes`);
  assert.ok(next.sequence > releases[2]!.sequence + 2);
  await assert.rejects(commit(ledger, SPEC, FIRST_WINDOW + 2));
  await ledger.close();
  const again = await Ledger.open(directory, "logs");
  assert.deepEqual([...again.state.pending.values()], [releases[2], next]);
  assert.equal(again.state.debits.length, 2);
  assert.deepEqual(await readdir(directory), ["ledger"]);
  await again.close();
});

test("a group that was shown stays public for a while, also in a new file", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  const spec = specOf(
    configSchema.parse({
      dataset: "logs",
      unit: { attribute: "user.id" },
      budget: { epsilon: "2", delta: "1e-9" },
      partitions: { keys: ["route"], route: { mode: "threshold", sticky: "30h" } },
      metrics: [{ name: "users", kind: "distinct_units" }],
      output: { max_groups: 2 },
    }),
  );
  const { threshold } = spec.selection!;
  const show = (hour: number, groups: Record<string, number>) => {
    const rows = { groups: Object.keys(groups), values: Object.values(groups).map(String) };
    return ledger.commit({ ...releaseOf(ledger, spec, FIRST_WINDOW + hour), ...rows }, spec, "m");
  };
  const { plan } = releaseOf(ledger, spec, FIRST_WINDOW);
  const shown = (from: Ledger, hour: number) => from.state.shownGroups(plan, FIRST_WINDOW + hour);
  await show(0, { a: threshold, b: threshold - 1 });
  assert.deepEqual(shown(ledger, 30), ["a"]);
  assert.deepEqual(shown(ledger, 31), []);
  await show(1, { c: threshold + 9, a: threshold });
  await show(2, { d: threshold });
  // Of three groups the two that were shown last.
  assert.deepEqual(shown(ledger, 31), ["a", "d"]);
  const long = { values: Array.from({ length: 300_000 }, () => "0"), groups: [] };
  await ledger.commit({ ...releaseOf(ledger, spec, FIRST_WINDOW + 3), ...long }, spec, "m");
  await ledger.delivered([...ledger.state.pending.keys()].at(-1)!);
  await show(DAY_WINDOWS, {});
  await ledger.close();
  assert.ok((await stat(join(directory, "ledger"))).size < 200_000);
  const again = await Ledger.open(directory, "logs");
  assert.deepEqual(shown(again, 31), ["a", "d"]);
  await again.close();
});

test("a window and its late cells are committed once each", async (t) => {
  const directory = await temporaryDirectory(t);
  const ledger = await Ledger.open(directory, "logs");
  const late = { ...releaseOf(ledger, SPEC, FIRST_WINDOW), revision: 1 } as const;
  const commitLate = () => ledger.commit({ ...late, id: releaseIdOf(late, "logs") }, SPEC, "mark");
  await commit(ledger, SPEC, FIRST_WINDOW);
  await commit(ledger, SPEC, FIRST_WINDOW + 1);
  await commitLate();
  await assert.rejects(commitLate(), /twice or out of order/);
  assert.equal(ledger.state.pending.size, 3);
  assert.equal(ledger.state.debits.length, 1, "the day's one debit pays for both");
  await ledger.close();
});

test("processors of a dataset share one ledger, and the last one closes it", async (t) => {
  const root = await temporaryDirectory(t);
  const [one, other] = await Promise.all([openDataset(root, "logs"), openDataset(root, "logs")]);
  assert.equal(one.ledger, other.ledger);
  await one.leave();
  await one.leave();
  await commit(other.ledger, SPEC, FIRST_WINDOW);
  const left = other.leave();
  const again = await openDataset(root, "logs");
  await left;
  assert.notEqual(again.ledger, other.ledger);
  assert.equal(again.ledger.state.pending.size, 1);
  await again.leave();
});
