import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { builtinFactories } from "../../config/builtin.ts";
import { loadConfig } from "../../config/load.ts";
import { recordEntry } from "../../exporters/sealed_archive/record_entry.ts";
import {
  close,
  IDENTITY,
  ORIGIN,
  openTestArchive,
  RECIPIENT,
  testConfig,
} from "../../exporters/sealed_archive/testing.ts";
import { LogRecord } from "../data/log_record.ts";
import { temporaryDirectory, testSettings } from "../testing/test_settings.ts";
import { FRAMEWORKS } from "./report/clauses.ts";
import type { ReportData } from "./report/data.ts";
import { html, table } from "./report/markup.ts";
import { Timeline } from "./report/timeline.ts";
import { reportCommand } from "./report.ts";

const TOKEN = "<email:k20261121a:3f6zk2q5c7n4yw2mhd5a>";
const REASON = "ticket <script>alert(1)</script>";

/** An agent's archive of two runs, with a reading on record, and the agent's configuration. */
async function makeArchive(t: TestContext) {
  const root = await temporaryDirectory(t);
  const archive = join(root, "archive");
  const configPath = join(root, "agent.yaml");
  await writeFile(
    configPath,
    `receivers: { otlp: { protocols: { http: {} } } }
processors: { pii_detect: { treatments: { ipv4: { action: generalize, to: network } } } }
exporters:
  sealed_archive: { directory: ${archive}, origin: ${ORIGIN}, recipients: [${RECIPIENT}] }
service:
  state_directory: ${join(root, "state")}
  pipelines:
    logs: { receivers: [otlp], processors: [pii_detect], exporters: [sealed_archive] }
`,
  );
  const { config } = await loadConfig([configPath], { env: {}, factories: builtinFactories });
  const settings = await testSettings(t, { type: "sealed_archive", root: join(root, "state") });
  for (const configFingerprint of ["a".repeat(64), config!.fingerprint]) {
    const own = { ...settings, configFingerprint };
    const exporter = await openTestArchive(t, testConfig(archive), own);
    const bodies = [`${TOKEN} paid, said ${TOKEN}`, "[REDACTED:payment_card]", "nothing"];
    await exporter.consumeLogs({ records: bodies.map((body) => new LogRecord({ body })) });
    await close(exporter);
  }
  const identity = join(root, "identity.txt");
  await writeFile(identity, `${IDENTITY}\n`, { mode: 0o600 });
  await recordEntry({
    config: testConfig(archive),
    stateDirectory: await settings.stateDirectory(),
    entry: { type: "access", action: "read", who: "marie", reason: REASON, what: {} },
  });
  return { root, archive, identity, configPath, output: join(root, "evidence") };
}

async function report(positional: string, values: Record<string, string | string[]>) {
  let stdout = "";
  const write = (chunk: unknown, _: string, done: () => void): void => {
    stdout += String(chunk);
    done();
  };
  const io = {
    stdout: new Writable({ write }),
    stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
    signal: new AbortController().signal,
  };
  const code = await reportCommand.run({ positionals: [positional], values }, io);
  return { code, stdout };
}

async function readReport(output: string): Promise<{ data: ReportData; page: string }> {
  const json = await readFile(join(output, "report.json"));
  const page = await readFile(join(output, "report.html"), "utf8");
  assert.ok(page.includes(createHash("sha256").update(json).digest("hex")));
  return { data: JSON.parse(json.toString()) as ReportData, page };
}

test("says what was sealed, found, recorded and configured", async (t) => {
  const { archive, identity, configPath, output } = await makeArchive(t);
  const { code, stdout } = await report(archive, { output, identity, config: [configPath] });
  assert.equal(code, 0);
  assert.match(stdout, /^example\.com\/test: whole; written: /);
  assert.equal((await stat(join(output, "report.html"))).mode & 0o777, 0o600);
  const { data, page } = await readReport(output);
  assert.equal(data.integrity.status, "whole");
  assert.deepEqual(data.activity.zones[0]?.records, 6);
  assert.deepEqual(data.treated?.marks, [
    { entity: "email", treatment: "token", values: 4, records: 2 },
    { entity: "payment_card", treatment: "redacted", values: 2, records: 2 },
  ]);
  const [access] = data.statements;
  assert.deepEqual([access?.kind, access?.count], ["access", 1]);
  assert.deepEqual(
    data.agent.runs.map(({ kind, config }) => [kind, config === data.configured?.fingerprint]),
    [
      ["genesis", false],
      ["restart", true],
      ["restart", false],
    ],
  );
  assert.deepEqual(
    data.agent.configurations.map(({ config, starts }) => [config.slice(0, 4), starts]),
    [
      ["aaaa", 1],
      [data.configured?.fingerprint.slice(0, 4), 1],
    ],
  );
  assert.equal(data.configured?.is_in_force, true);
  assert.deepEqual(data.configured?.treatments[0]?.actions.generalize, ["ipv4"]);
  assert.equal(data.evidence.pipelines.status, "shown");
  assert.equal(data.evidence.erasure.status, "none");
  assert.equal(data.evidence.treatment.status, "shown");
  assert.ok(page.includes("ticket &lt;script&gt;alert(1)&lt;/script&gt;"));
  assert.ok(!/<script|<img|<link|src=|@import|url\(/.test(page), "the page needs nothing else");
});

test("without an identity or a configuration it says what it did not look at", async (t) => {
  const { archive, output } = await makeArchive(t);
  assert.equal((await report(archive, { output })).code, 0);
  const { data } = await readReport(output);
  const unseen = Object.entries(data.evidence).filter(([, { status }]) => status === "unseen");
  assert.deepEqual(
    unseen.map(([topic]) => topic),
    ["encryption", "treatment", "pipelines", "budgets"],
  );
  assert.equal(data.treated, undefined);
});

test("lists what lies in the period, and checks everything", async (t) => {
  const { archive, identity, output } = await makeArchive(t);
  const period = { since: "2001-01-01", until: "2002-01-01" };
  assert.equal((await report(archive, { output, identity, ...period })).code, 0);
  const { data } = await readReport(output);
  assert.deepEqual([data.integrity.records, data.activity.zones], [6, []]);
  assert.deepEqual([data.statements, data.treated?.records, data.agent.runs], [[], 0, []]);
  assert.equal(data.evidence.access.status, "none");
});

test("reports a tampered archive as such, and writes nothing when it cannot check", async (t) => {
  const { archive, output, root } = await makeArchive(t);
  await truncate(join(archive, "blocks/default/00000001.blk"), 100);
  const { code, stdout } = await report(archive, { output });
  assert.equal(code, 1);
  assert.match(stdout, /NOT whole/);
  const { data, page } = await readReport(output);
  assert.equal(data.evidence.integrity.status, "failed");
  assert.ok(page.includes("The archive was changed."));
  const empty = join(root, "empty");
  await mkdir(empty);
  const other = await report(empty, { output: join(root, "none") });
  assert.equal(other.code, 2);
  await assert.rejects(stat(join(root, "none")));
});

test("tells stops, silence, a clock that went back, and an end apart", () => {
  const intervals = { heartbeat_ms: 60_000, publish_ms: 1000 };
  const zones = { default: { recipients: ["age1"] } };
  const start = { v: 1 as const, intervals };
  const timeline = new Timeline({ sinceMs: 500_000, untilMs: 2_000_000 });
  timeline.entry(
    { type: "genesis", at: 0, origin: "o", vkey: "k", epoch_vkey: "e", zones, ...start },
    0,
  );
  timeline.entry({ type: "heartbeat", v: 1, at: 400_000 }, 1);
  timeline.entry({ type: "heartbeat", v: 1, at: 520_000 }, 2);
  const run = { run: "r", replayed: 3, cut: 0 };
  timeline.entry({ type: "restart", at: 900_000, ...run, ...start, config: "c" }, 3);
  timeline.entry({ type: "heartbeat", v: 1, at: 890_000 }, 4);
  timeline.entry({ type: "heartbeat", v: 1, at: 1_100_000 }, 5);
  const { silences, runs, readers } = timeline.result(1_500_000);
  assert.deepEqual(
    silences.map(({ kind, fromMs, toMs, entry }) => [kind, fromMs, toMs, entry]),
    [
      ["stopped", 520_000, 900_000, 3],
      ["clock_back", 890_000, 900_000, 4],
      ["silent", 890_000, 1_100_000, 5],
      ["end", 1_100_000, 1_500_000, undefined],
    ],
  );
  assert.deepEqual(
    runs.map(({ entry, sinceLastMs, replayed }) => [entry, sinceLastMs, replayed]),
    [
      [0, undefined, 0],
      [3, 380_000, 3],
    ],
  );
  assert.equal(readers.length, 1);
});

test("whatever text comes in, it is no markup and moves no cursor", () => {
  const text = `"'<b>&\u202e\u0000`;
  assert.equal(html`<i>${text}</i>`.text, "<i>&quot;&#39;&lt;b&gt;&amp;\\u202e\\u0000</i>");
  const cells = table([text], [{ title: text, cell: (row) => row }], "");
  assert.ok(!cells.text.includes("<b>"));
});

test("every clause of the seven frameworks says what it does not cover", () => {
  const names = FRAMEWORKS.map(({ name }) => name);
  assert.deepEqual(names, ["GDPR", "CCPA", "HIPAA", "PCI DSS", "SOC 2", "SOX", "ISO 27001"]);
  for (const { clause, topics, notCovered } of FRAMEWORKS.flatMap(({ clauses }) => clauses)) {
    assert.ok(topics.length > 0 && notCovered.length > 10, clause);
  }
});
