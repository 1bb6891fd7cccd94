/** `budget` and `budget explain` as a user calls them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { configSchema } from "../../processors/dp_window/config.ts";
import { openDataset } from "../../processors/dp_window/dataset.ts";
import { planOf, releaseIdOf } from "../../processors/dp_window/ledger.ts";
import { hashOfSpec, specOf } from "../../processors/dp_window/spec.ts";
import { makePrivateDirectory } from "../lib/durable_file.ts";
import { temporaryDirectory } from "../testing/test_settings.ts";

const MAIN = resolve(import.meta.dirname, "../main.ts");
const DAY = Date.parse("2026-11-27T00:00:00Z") / 86_400_000;

function budget(...words: string[]) {
  return spawnSync(process.execPath, [MAIN, "budget", ...words], { encoding: "utf8" });
}

async function configFile(t: TestContext): Promise<{ root: string; path: string }> {
  const root = await temporaryDirectory(t);
  const path = join(root, "vouchsafe.yaml");
  await writeFile(
    path,
    `receivers: { file_log: { include: [/tmp/none.log] } }
processors:
  dp_window:
    dataset: visits
    unit: { attribute: user.id }
    budget: { epsilon: "2", delta: "1e-9", share: "0.25", horizon: { period: 30d, epsilon: "4" } }
    metrics:
      - { name: requests, kind: count }
      - { name: bytes, kind: sum, field: size, clamp: [0, 1000], resolution: 10 }
exporters: { debug: {} }
service:
  state_directory: ${join(root, "state")}
  pipelines:
    logs/numbers: { receivers: [file_log], processors: [dp_window], exporters: [debug] }
`,
  );
  return { root, path };
}

test("explain says how wide the noise is before anything runs", async (t) => {
  const { path } = await configFile(t);
  const { status, stdout } = budget("explain", "-c", path);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /dp_window in logs\/numbers\n {2}dataset visits: ε 0\.5, δ 2\.5e-10 for each/,
  );
  assert.match(stdout, /together keep to \(2, 1e-9\)/);
  assert.match(stdout, /horizon of 30 days: ε 4, δ 1e-9 pay for all of them/);
  const json = JSON.parse(budget("explain", "-c", path, "--format", "json").stdout);
  const [requests, bytes] = json[0].metrics;
  const spec = specOf(configSchema.parse(await dpConfigOf(path)));
  const [measure] = spec.metrics[1]!.measures;
  assert.equal(bytes.half_width, measure!.halfWidth * 10);
  assert.equal(requests.readable_from, requests.half_width * 10);
  assert.equal(json[0].claim, spec.claim);
});

test("shows what was spent and left, by day and processor, beside a running agent", async (t) => {
  const { root, path } = await configFile(t);
  assert.match(budget("-c", path).stdout, /nothing was spent yet/);
  const state = join(root, "state", "dp_window");
  await makePrivateDirectory(state);
  const { ledger, leave, directory } = await openDataset(state, "visits");
  t.after(leave);
  const spec = specOf(configSchema.parse(await dpConfigOf(path)));
  const hash = hashOfSpec(spec);
  for (const processor of ["dp_window in a", "dp_window in b"]) {
    const plan = planOf(ledger.state.instance, processor, hash);
    const window = DAY * 24;
    const place = { plan, spec: hash, window, revision: 0 } as const;
    const release = { id: releaseIdOf(place, "visits"), processor, ...place, values: ["1", "2"] };
    await ledger.commit({ ...release, status: "ok" }, spec, "mark");
  }
  const { status, stdout } = budget("-c", path);
  assert.equal(status, 0);
  assert.match(stdout, /2026-11-27 {2}spent ε 1 {2}δ 5e-10 +left ε 1 {2}δ 5e-10/);
  assert.match(stdout, /ε 0\.5 {2}δ 2\.5e-10 {2}dp_window in a/);
  assert.match(stdout, /the last 7 days together: ε 0\.6878 at δ 1e-9/);
  assert.match(stdout, /2 releases wait for an exporter/);
  const [account] = JSON.parse(budget("-c", path, "--format", "json").stdout);
  assert.deepEqual(account.days[0].left, { epsilon: "1", delta: "5e-10" });

  const file = join(directory, "ledger");
  const bytes = await readFile(file);
  bytes[20]! ^= 1;
  await writeFile(file, bytes);
  const damaged = budget("-c", path);
  assert.equal(damaged.status, 1);
  assert.match(damaged.stderr, /dataset visits: dp_window\.ledger_damaged/);
});

test("a wrong word, number or file is told", async (t) => {
  const { path } = await configFile(t);
  assert.equal(budget("explode", "-c", path).status, 64);
  assert.equal(budget("-c", path, "--days", "0").status, 64);
  assert.equal(budget("-c", join(path, "none")).status, 78);
});

async function dpConfigOf(path: string): Promise<object> {
  const { parse } = await import("yaml");
  return parse(await readFile(path, "utf8")).processors.dp_window;
}
